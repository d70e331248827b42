// Reductions and the order of elements: precision, threads, empty and equal elements, errors.
#include "strata/reduce.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>
#include <limits>

#include "strata/array.h"
#include "strata/math.h"
#include "strata/tape.h"
#include "tests/support/op_samples.h"

namespace strata::test {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
const float kNan = std::nanf("");

std::vector<float> floats(const Tensor& t) { return t.to_vector<float>(); }
std::vector<int> integers(const Tensor& t) { return t.to_vector<int>(); }
using F = std::vector<float>;
using I = std::vector<int>;

TEST(Reduce, LongSumsKeepTheirDigits) {
  const Tensor x = fill({3, 1000000}, 0.1f);
  const double exact = 1e6 * static_cast<double>(0.1f);
  for (float v : floats(reduce_sum(x, 1))) EXPECT_NEAR(v, exact, 1e-7 * exact);
  EXPECT_NEAR(reduce_sum(x).item<float>(), 3 * exact, 3e-7 * exact);
  EXPECT_NEAR(reduce_mean(transpose(x), 0)[1].item<float>(), 0.1f, 1e-8);
  EXPECT_EQ(reduce_mean(fill({100000}, cast(3, float16))).item<float>(), 3.f);  // the sum has no float16
}

TEST(Reduce, RowsAreAddedInGroupsWithoutLosingAny) {
  for (std::int64_t rows : {1, 3, 4, 7, 9}) {
    const Tensor x = spread({rows, 600}, -3, 5);
    const Tensor across = transpose(x);
    for (const auto& [down, side] :
         {std::pair{reduce_sum(x, 0), reduce_sum(across, 1)}, std::pair{reduce_max(x, 0), reduce_max(across, 1)},
          std::pair{reduce_min(x, 0), reduce_min(across, 1)}}) {
      const F a = floats(down), b = floats(side);
      for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-5) << rows << " rows, column " << i;
    }
  }
}

TEST(Reduce, ResultsDoNotDependOnThreads) {
  const Tensor x = spread({300, 70, 50}, -1, 1);
  const int threads = omp_get_max_threads();
  for (const Axes& axes : {Axes(), Axes(0), Axes({0, 2}), Axes(-1)}) {
    omp_set_num_threads(1);
    const F alone = floats(reduce_sum(x, axes));
    omp_set_num_threads(7);
    EXPECT_EQ(floats(reduce_sum(x, axes)), alone);
    omp_set_num_threads(threads);
  }
}

TEST(Reduce, AxesAreIntegersOrLists) {
  const Tensor x = reshape(range(24, {.dtype = float32}), {2, 3, 4});
  EXPECT_EQ(reduce_sum(x).item<float>(), 276.f);
  EXPECT_EQ(reduce_sum(x, {1, 2}).shape(), Shape({2}));
  EXPECT_EQ(reduce_sum(x, -1, {.keepdims = true}).shape(), Shape({2, 3, 1}));
  EXPECT_EQ(floats(reduce_max(x, {0, -1})), (F{15, 19, 23}));
  EXPECT_EQ(floats(reduce_prod(x, {0, 2}, {.keepdims = true})).size(), 3u);
  EXPECT_EQ(reduce_sum(x, std::vector<int>{}).shape(), x.shape());
  EXPECT_THROW(reduce_sum(x, 3), IndexError);
  EXPECT_THROW(reduce_sum(x, {1, -2}), ValueError);
  EXPECT_THROW(reduce_max(Tensor{true}), DTypeError);
}

TEST(Reduce, EmptyOnesGiveTheNeutralElement) {
  const Tensor x = zeros({0, 2});
  EXPECT_EQ(floats(reduce_sum(x, 0)), (F{0, 0}));
  EXPECT_EQ(floats(reduce_prod(x, 0)), (F{1, 1}));
  EXPECT_EQ(floats(reduce_max(x, 0)), (F{-kInf, -kInf}));
  EXPECT_EQ(floats(reduce_min(x, 0)), (F{kInf, kInf}));
  EXPECT_EQ(floats(reduce_logsumexp(x, 0)), (F{-kInf, -kInf}));
  EXPECT_TRUE(std::isnan(reduce_mean(x).item<float>()));
  EXPECT_EQ(reduce_sum(x, 1).shape(), Shape({0}));
  EXPECT_EQ(reduce_max(zeros({0}, int32)).item<int>(), std::numeric_limits<int>::min());
  EXPECT_TRUE(reduce_all(zeros({0}, boolean)).item<bool>());
  EXPECT_THROW(argmax(x, 0), ShapeError);
}

TEST(Reduce, IntegersAndBools) {
  EXPECT_EQ(reduce_mean(Tensor{1, 2, 4}).item<int>(), 2);
  EXPECT_EQ(reduce_mean(Tensor{-1, -2, -4}).item<int>(), -2);
  EXPECT_EQ(reduce_mean(Tensor{true, false}).item<float>(), 0.5f);
  EXPECT_EQ(reduce_sum(Tensor{true, true}).item<int>(), 2);
  EXPECT_EQ(count_nonzero(Tensor{{1, 0}, {2, 3}}, 0).to_vector<int>(), (I{2, 1}));
}

TEST(Reduce, NanAndInfinity) {
  EXPECT_TRUE(std::isnan(reduce_max(Tensor{1.f, kNan, 2.f}).item<float>()));
  EXPECT_TRUE(std::isnan(reduce_min(Tensor{kNan, 1.f}).item<float>()));
  EXPECT_EQ(reduce_logsumexp(Tensor{-kInf, -kInf}).item<float>(), -kInf);
  EXPECT_EQ(reduce_logsumexp(Tensor{1000.f, 1000.f}).item<float>(), 1000.f + std::log(2.f));
  EXPECT_EQ(norm(Tensor{3.f, -4.f}).item<float>(), 5.f);
  EXPECT_EQ(norm(Tensor{3.f, -4.f}, {}, {.ord = 1}).item<float>(), 7.f);
  EXPECT_EQ(norm(Tensor{3.f, -4.f}, 0, {.ord = kInf}).item<float>(), 4.f);
}

TEST(Reduce, EqualExtremesShareTheGradient) {
  const Tensor x = {{1.f, 5.f, 5.f}, {2.f, 2.f, 0.f}};
  GradientTape tape;
  tape.watch(x);
  EXPECT_EQ(floats(tape.gradient(reduce_max(x, 1), x)), (F{0, 0.5, 0.5, 0.5, 0.5, 0}));
}

TEST(Reduce, ProductsWithZerosHaveGradients) {
  const Tensor x = {2.f, 0.f, 3.f};
  GradientTape tape;
  tape.watch(x);
  EXPECT_EQ(floats(tape.gradient(reduce_prod(x), x)), (F{0, 6, 0}));
}

TEST(Order, ExtremesComeFirstAndNanIsPassedOver) {
  EXPECT_EQ(argmax(Tensor{2.f, 5.f, 5.f}).item<int>(), 1);
  EXPECT_EQ(argmax(Tensor{kNan, 1.f, 2.f}).item<int>(), 2);
  EXPECT_EQ(argmin(Tensor{1.f, kNan, 2.f}).item<int>(), 0);
  EXPECT_EQ(argmax(zeros({2, 3}), 1).dtype(), int64);
  const Tensor wide = spread({2, 7, 1100});  // columns in more than one part
  EXPECT_EQ(integers(argmax(wide, 1)), integers(argmax(transpose(wide, {0, 2, 1}), -1)));
  EXPECT_EQ(integers(argmin(wide, 0)), integers(argmin(transpose(wide, {1, 2, 0}), 2)));
}

TEST(Order, TopKAndItsGradient) {
  const Tensor x = {{1.f, 3.f, 3.f, 2.f}, {4.f, kNan, 0.f, 5.f}};
  const auto [values, indices] = top_k(x, 2);
  EXPECT_EQ(integers(indices), (I{1, 2, 1, 3}));
  EXPECT_EQ(indices.dtype(), int32);
  EXPECT_EQ(values[1][1].item<float>(), 5.f);
  EXPECT_THROW(top_k(x, 5), ValueError);
  EXPECT_THROW(top_k(Tensor(1.f), 1), ShapeError);
  GradientTape tape;
  tape.watch(x);
  EXPECT_EQ(floats(tape.gradient(reduce_sum(top_k(x, 2).values[0] * Tensor{10.f, 1.f}), x)),
            (F{0, 10, 1, 0, 0, 0, 0, 0}));
}

TEST(Order, SortingIsStableAndNanIsTheLargest) {
  const Tensor x = {3.f, kNan, 1.f, 3.f, -kInf};
  EXPECT_EQ(integers(argsort(x)), (I{4, 2, 0, 3, 1}));
  EXPECT_EQ(integers(argsort(x, -1, {.direction = "DESCENDING"})), (I{1, 0, 3, 2, 4}));
  EXPECT_THROW(sort(x, -1, {.direction = "up"}), ValueError);
  EXPECT_EQ(integers(sort(Tensor{{3, 1}, {2, 5}}, 0)), (I{2, 1, 3, 5}));
}

TEST(Order, RunningSums) {
  EXPECT_EQ(integers(cumsum(Tensor{1, 2, 3}, 0, {.exclusive = true, .reverse = true})), (I{5, 3, 0}));
  EXPECT_EQ(floats(cumprod(Tensor{{2.f, 3.f}, {4.f, 5.f}}, 1)), (F{2, 6, 4, 20}));
  constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
  const Tensor wrapped = cumsum(Tensor::from(std::vector<std::int64_t>{largest, 1}, {2}));
  EXPECT_EQ(wrapped[1].item<std::int64_t>(), std::numeric_limits<std::int64_t>::min()) << "integers wrap around";
  EXPECT_THROW(cumsum(Tensor{1}, 1), IndexError);
  EXPECT_THROW(cumsum(Tensor{true}), DTypeError);
}

TEST(Order, CountsAndSearches) {
  EXPECT_EQ(integers(bincount(Tensor{1, 1, 5})), (I{0, 2, 0, 0, 0, 1}));
  EXPECT_EQ(integers(bincount(Tensor{1}, {.minlength = 3})), (I{0, 1, 0}));
  EXPECT_EQ(floats(bincount(Tensor{1, 1, 5}, {.maxlength = 3, .weights = Tensor{1.f, 2.f, 4.f}})), (F{0, 3, 0}));
  EXPECT_EQ(bincount(zeros({0}, int32)).size(), 0);
  EXPECT_THROW(bincount(Tensor{-1}), ValueError);
  EXPECT_THROW(bincount(Tensor{1.f}), DTypeError);
  const auto [values, indices] = unique(Tensor{7, 3, 7, 1, 3});
  EXPECT_EQ(integers(values), (I{7, 3, 1}));
  EXPECT_EQ(integers(indices), (I{0, 1, 0, 2, 1}));
  EXPECT_EQ(integers(searchsorted(Tensor{1.f, 3.f, 5.f}, Tensor{{0.f, 3.f}, {6.f, 5.f}})), (I{0, 1, 3, 2}));
  EXPECT_EQ(integers(searchsorted(Tensor{1.f, 3.f, 5.f}, Tensor{3.f}, {.right = true})), (I{2}));
  EXPECT_THROW(searchsorted(zeros({2, 3}), zeros({3, 1})), ShapeError);
}

}  // namespace
}  // namespace strata::test
