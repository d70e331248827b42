// Products beyond the golden cases: sizes of every kernel, dtypes, unknown sizes, errors.
#include "strata/linalg.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>

#include "strata/array.h"
#include "strata/function.h"
#include "strata/math.h"
#include "strata/reduce.h"
#include "strata/tape.h"
#include "tests/support/errors.h"
#include "tests/support/gradients.h"
#include "tests/support/op_samples.h"

namespace strata {
namespace {

using test::expect_message;
using test::message_of;
using test::Numbers;
using test::numbers;
using test::spread;

// The largest error of a product relative to the size of its terms, by a plain loop in double.
double message_of(const Tensor& a, const Tensor& b, const Tensor& c, bool ta, bool tb) {
  const Numbers x = numbers(a), y = numbers(b), z = numbers(c);
  const auto m = static_cast<std::size_t>(c.shape()[0]), n = static_cast<std::size_t>(c.shape()[1]);
  const std::size_t k = x.size() / m;
  double worst = 0;
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      double sum = 0, size = 1e-30;
      for (std::size_t l = 0; l < k; ++l) {
        const double term = x[ta ? l * m + i : i * k + l] * y[tb ? j * k + l : l * n + j];
        sum += term, size += std::abs(term);
      }
      worst = std::max(worst, std::abs(sum - z[i * n + j]) / size);
    }
  }
  return worst;
}

TEST(Matmul, EverySizeAndDtype) {
  const std::int64_t sizes[][3] = {{1, 1, 1}, {1, 10, 64}, {3, 130, 5}, {64, 10, 3}, {65, 33, 129}, {100, 90, 80}};
  for (const auto& [m, n, k] : sizes) {
    for (bool ta : {false, true}) {
      for (bool tb : {false, true}) {
        const Tensor a = spread(ta ? Shape{k, m} : Shape{m, k}), b = spread(tb ? Shape{n, k} : Shape{k, n});
        for (DType dtype : {float32, float64, float16, bfloat16}) {
          const Tensor x = cast(a, dtype), y = cast(b, dtype);
          const Tensor product = matmul(x, y, {.transpose_a = ta, .transpose_b = tb});
          ASSERT_EQ(product.dtype(), dtype);
          const double allowed = dtype == float64 ? 1e-14 : dtype == float32 ? 1e-6 : dtype == float16 ? 1e-3 : 1e-2;
          EXPECT_LT(message_of(x, y, product, ta, tb), allowed) << m << ' ' << n << ' ' << k << ' ' << to_string(dtype);
        }
      }
    }
  }
}

TEST(Matmul, IntegersStayIntegersAndWrap) {
  const Tensor a = {{1, 2}, {3, 4}};
  EXPECT_EQ(numbers(matmul(a, a)), (Numbers{7, 10, 15, 22}));
  EXPECT_EQ(matmul(cast(a, int64), a).dtype(), int64);
  EXPECT_EQ(matmul(a, cast(a, float32)).dtype(), float32);
  EXPECT_EQ(matmul(cast(a, boolean), cast(a, boolean)).dtype(), int32);
  EXPECT_EQ(matmul(full({1, 2}, 65536), full({2, 1}, 65536)).item<int>(), 0);
  const Tensor large = ones({70, 70}, int32);
  EXPECT_EQ(matmul(large, large)[3][4].item<int>(), 70);
}

TEST(Matmul, VectorsAndBatches) {
  const Tensor v = {1.f, 2.f}, m = {{1.f, 2.f}, {3.f, 4.f}};
  EXPECT_EQ(numbers(matmul(v, m)), (Numbers{7, 10}));
  EXPECT_EQ(numbers(matmul(m, v)), (Numbers{5, 11}));
  EXPECT_EQ(matmul(v, v).item<float>(), 5);
  EXPECT_EQ(matmul(spread({4, 1, 2, 3}), spread({5, 3, 6})).shape(), (Shape{4, 5, 2, 6}));
  EXPECT_EQ(matmul(spread({0, 2, 3}), spread({3, 6})).shape(), (Shape{0, 2, 6}));
  EXPECT_EQ(matmul(spread({7, 5, 3}), spread({3, 6})).shape(), (Shape{7, 5, 6}));
}

TEST(Matmul, ThreadsDoNotChangeTheResult) {
  const std::int64_t sizes[][3] = {{37, 29, 5000}, {1, 10, 20000}, {128, 128, 2048}, {300, 600, 70}, {10, 512, 4096}};
  const int threads = omp_get_max_threads();
  for (const auto& [m, n, k] : sizes) {
    const Tensor a = spread({k, m}), b = spread({k, n}), batch = spread({9, n, 33});
    omp_set_num_threads(1);
    const Tensor one = matmul(a, b, {.transpose_a = true});
    const Numbers one_batch = numbers(matmul(batch, batch, {.transpose_b = true}));
    EXPECT_LT(message_of(a, b, one, true, false), 1e-5);
    for (int count : {2, 3, 8}) {
      omp_set_num_threads(count);
      EXPECT_EQ(numbers(matmul(a, b, {.transpose_a = true})), numbers(one))
          << m << ' ' << n << ' ' << k << ": " << count;
      EXPECT_EQ(numbers(matmul(batch, batch, {.transpose_b = true})), one_batch) << count << " threads";
      EXPECT_EQ(omp_get_max_threads(), count);
    }
  }
  omp_set_num_threads(threads);
}

TEST(Matmul, SecondDerivatives) {
  auto penalty = [](const Tensors& in) {
    GradientTape tape;
    tape.watch(in[0]);
    const Tensor y = matmul(in[0], in[1]);
    return Tensors{tape.gradient(y * y * y, in[0])};
  };
  EXPECT_EQ(test::compare_gradients(penalty, test::in_float64({spread({2, 2, 3}), spread({3, 4})})), "");
}

TEST(Matmul, ErrorsNameTheShapes) {
  expect_message(message_of<ShapeError>([] {
                   matmul(zeros({2, 3}), zeros({4, 5}));
                 }),
                 {"matmul", "(2, 3)", "(4, 5)", "3 and 4"});
  expect_message(message_of<ShapeError>([] {
                   matmul(zeros({2, 3}), zeros({3, 5}), {.transpose_b = true});
                 }),
                 {"transpose_b", "3 and 5"});
  expect_message(message_of<ShapeError>([] { matmul(zeros({2, 2, 3}), zeros({3, 3, 5})); }), {"leading dimensions"});
  expect_message(message_of<ShapeError>([] { matmul(zeros({2, 2}), constant(2.f)); }), {"scalar", "a * b"});
}

TEST(Einsum, TakesOperandsOneByOne) {
  const Tensor a = {{1.f, 2.f}, {3.f, 4.f}}, b = {{1.f, 0.f}, {1.f, 1.f}};
  EXPECT_EQ(einsum("ij,jk->ik", a, b).to_vector<float>(), einsum("ij,jk->ik", {a, b}).to_vector<float>());
  EXPECT_EQ(einsum("ii", a).item<float>(), 5);
}

TEST(Einsum, ErrorsPointAtTheEquation) {
  const Tensor x = zeros({2, 3});
  expect_message(message_of<ValueError>([&] { einsum("ij,jk->ik", {x}); }),
                 {"'ij,jk->ik'", "2 operands", "received 1"});
  expect_message(message_of<ValueError>([&] { einsum("ijk->i", {x}); }), {"'ijk'", "3 axes", "with 2"});
  expect_message(message_of<ValueError>([&] { einsum("ij,jk->ik", {x, zeros({4, 2})}); }), {"'j'", "3 and 4"});
  expect_message(message_of<ValueError>([&] { einsum("ij->iz", {x}); }), {"'z'", "no operand"});
  expect_message(message_of<ValueError>([&] { einsum("ij->ii", {x}); }), {"'i' twice"});
  expect_message(message_of<ValueError>([&] { einsum("i1->i", {x}); }), {"'1'", "no letter"});
  expect_message(message_of<ValueError>([&] { einsum("ii->i", {x}); }), {"'i'", "2 and 3"});
}

TEST(Einsum, SizesThatAreNotKnownYet) {
  auto attention = function([](const Tensor& q, const Tensor& k) { return einsum("bqhd,bkhd->bhqk", {q, k}); });
  auto merge = function([](const Tensor& x, const Tensor& w) { return einsum("bthd,hdo->bto", {x, w}); });
  for (std::int64_t batch : {3, 1, 0}) {
    const Tensor q = spread({batch, 4, 2, 5}), k = spread({batch, 6, 2, 5}), w = spread({2, 5, 7});
    EXPECT_EQ(numbers(attention(q, k)), numbers(einsum("bqhd,bkhd->bhqk", {q, k})));
    EXPECT_EQ(numbers(merge(q, w)), numbers(einsum("bthd,hdo->bto", {q, w})));
  }
}

TEST(Einsum, AgreesWithItsParts) {
  const Tensor a = spread({3, 4}), b = spread({4, 5});
  EXPECT_EQ(numbers(einsum("ij, jk -> ki", {a, b})), numbers(transpose(matmul(a, b))));
  EXPECT_EQ(einsum("ij,ij->", {a, a}).rank(), 0);
  EXPECT_NEAR(einsum("ij,ij->", {a, a}).item<double>(), reduce_sum(a * a).item<double>(), 1e-5);
  EXPECT_EQ(numbers(einsum("...j->...", {a})), numbers(reduce_sum(a, 1)));
  EXPECT_EQ(einsum("...i,i...->...", {spread({2, 1, 3}), spread({3, 4})}).shape(), (Shape{2, 4}));
  const auto product = [](const Tensors& in) { return Tensors{einsum("aab,bc->ca", in)}; };
  EXPECT_EQ(test::compare_gradients(product, test::in_float64({spread({3, 3, 2}), spread({2, 4})})), "");
}

TEST(Tensordot, AxesAreChecked) {
  const Tensor a = spread({2, 3}), b = spread({3, 4});
  EXPECT_EQ(tensordot(a, b, 0).shape(), (Shape{2, 3, 3, 4}));
  EXPECT_EQ(tensordot(a, b, {-1}, {0}).shape(), (Shape{2, 4}));
  expect_message(message_of<ValueError>([&] { tensordot(a, b, 3); }), {"tensordot", "3 axes"});
  expect_message(message_of<ValueError>([&] { tensordot(a, b, {0, 1}, {0}); }), {"tensordot", "pairs"});
}

}  // namespace
}  // namespace strata
