// Pools against loops over their windows.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "strata/array.h"
#include "strata/error.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"
#include "strata/tape.h"
#include "tests/support/gradients.h"
#include "tests/support/op_samples.h"

namespace strata::test {
namespace {

struct Case {
  Shape x;
  Ints window;
  PoolOptions options;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.x << " window " << Shape(c.window) << " strides " << Shape(c.options.strides) << " "
             << c.options.padding;
}

std::int64_t option(const Ints& values, std::size_t i) { return values.size() == 1 ? values[0] : values[i]; }

// For each output the elements of its window, by TensorFlow's definition of its paddings.
std::vector<std::vector<double>> windows(const Case& c, const std::vector<double>& x, Shape& shape) {
  std::int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1}, before[3] = {0, 0, 0}, size[3] = {1, 1, 1}, step[3] = {1, 1, 1};
  const std::size_t rank = c.x.size() - 2;
  shape = {c.x[0]};
  for (std::size_t i = 0; i < rank; ++i) {
    const std::size_t k = 3 - rank + i;
    in[k] = c.x[i + 1], size[k] = option(c.window, i);
    step[k] = c.options.strides.empty() ? size[k] : option(c.options.strides, i);
    const bool same = c.options.padding == "same";
    out[k] = same ? (in[k] + step[k] - 1) / step[k] : (in[k] - size[k]) / step[k] + 1;
    before[k] = same ? std::max<std::int64_t>((out[k] - 1) * step[k] + size[k] - in[k], 0) / 2 : 0;
    shape.push_back(out[k]);
  }
  shape.push_back(c.x.back());
  std::vector<std::vector<double>> all;
  for (std::int64_t n = 0; n < c.x[0]; ++n)
    for (std::int64_t i = 0; i < out[0] * out[1] * out[2]; ++i)
      for (std::int64_t channel = 0; channel < c.x.back(); ++channel) {
        std::vector<double> found;
        const std::int64_t at[3] = {i / (out[1] * out[2]), i / out[2] % out[1], i % out[2]};
        for (std::int64_t t = 0; t < size[0] * size[1] * size[2]; ++t) {
          const std::int64_t tap[3] = {t / (size[1] * size[2]), t / size[2] % size[1], t % size[2]};
          std::int64_t p[3];
          bool inside = true;
          for (int k = 0; k < 3; ++k) {
            p[k] = at[k] * step[k] - before[k] + tap[k];
            inside = inside && p[k] >= 0 && p[k] < in[k];
          }
          if (inside) found.push_back(x[(((n * in[0] + p[0]) * in[1] + p[1]) * in[2] + p[2]) * c.x.back() + channel]);
        }
        all.push_back(found);
      }
  return all;
}

class Pool : public testing::TestWithParam<Case> {};

TEST_P(Pool, IsTheMaximumOrAverageOfItsWindow) {
  const Case& c = GetParam();
  for (const DType dtype : {float64, float32, bfloat16, float16}) {
    SCOPED_TRACE(to_string(dtype));
    const Tensor x = cast(spread(c.x, -3, 2), dtype);
    Shape shape;
    const auto all = windows(c, cast(x, float64).to_vector<double>(), shape);
    const Tensor max = nn::max_pool(x, c.window, c.options), avg = nn::avg_pool(x, c.window, c.options);
    ASSERT_EQ(max.shape(), shape);
    ASSERT_EQ(avg.shape(), shape);
    const auto maxima = cast(max, float64).to_vector<double>(), averages = cast(avg, float64).to_vector<double>();
    const double tolerance = dtype == float64 ? 1e-14 : dtype == float32 ? 1e-6 : 2e-2;
    for (std::size_t i = 0; i < all.size(); ++i) {
      ASSERT_EQ(maxima[i], *std::max_element(all[i].begin(), all[i].end())) << i;
      double sum = 0;
      for (const double v : all[i]) sum += v;
      ASSERT_NEAR(averages[i], sum / static_cast<double>(all[i].size()), tolerance) << i;
    }
  }
}

TEST_P(Pool, HasGradientsOfBothOrders) {
  const Case& c = GetParam();
  const Tensors x = in_float64({spread(c.x, -3, 2)});
  const auto max = [&](const Tensors& in) { return Tensors{nn::max_pool(in[0], c.window, c.options)}; };
  const auto avg = [&](const Tensors& in) { return Tensors{nn::avg_pool(in[0], c.window, c.options)}; };
  for (const TensorsFunction& f : {TensorsFunction(max), TensorsFunction(avg)}) {
    EXPECT_EQ(compare_gradients(f, x), "");
    const auto first = [&](const Tensors& in) {
      GradientTape tape;
      tape.watch(in[0]);
      const Tensor y = f(in)[0];
      return Tensors{tape.gradient(reduce_sum(y * y * y), in[0])};
    };
    EXPECT_EQ(compare_gradients(first, x, 1e-5), "");
  }
}

INSTANTIATE_TEST_SUITE_P(Geometries, Pool,
                         testing::Values(Case{{2, 6, 5, 3}, {2}, {}},                                      //
                                         Case{{2, 7, 6, 3}, {3, 2}, {.strides = {2}, .padding = "same"}},  //
                                         Case{{2, 7, 7, 3}, {3}, {.strides = {2}}},                        //
                                         Case{{2, 5, 5, 2}, {3}, {.strides = {1}, .padding = "same"}},     //
                                         Case{{2, 4, 4, 2}, {1}, {.strides = {2}, .padding = "same"}},     //
                                         Case{{2, 9, 3}, {3}, {.strides = {2}, .padding = "same"}},        //
                                         Case{{2, 4, 5, 3, 2}, {2}, {}},                                   //
                                         Case{{1, 4, 5, 3, 2}, {3, 2, 2}, {.strides = {2, 1, 2}, .padding = "same"}},
                                         Case{{1, 3, 2, 300}, {2}, {.strides = {1}}}));

TEST(PoolOp, TheFirstOfEqualMaximaTakesTheGradient) {
  const Tensor x = Tensor::from<float>(std::vector<float>{1, 1, 0, 1, 1, 0, 0, 0, 0}, {1, 3, 3, 1});
  GradientTape tape;
  tape.watch(x);
  const Tensor y = nn::max_pool2d(x, {2}, {.strides = {1}});
  EXPECT_EQ(tape.gradient(reduce_sum(y), x).to_vector<float>(), (std::vector<float>{1, 1, 0, 1, 1, 0, 0, 0, 0}));
}

TEST(PoolOp, NothingIsSmallerThanMinusInfinity) {
  const float low = -std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = Tensor::from<float>(std::vector<float>{low, low, nan, 2}, {1, 4, 1});
  const auto y = nn::max_pool1d(x, {2}).to_vector<float>();
  EXPECT_EQ(y[0], low);
  EXPECT_TRUE(std::isnan(y[1]));
}

TEST(PoolOp, TakesIntegersAndAnEmptyBatch) {
  const Tensor x = Tensor::from<std::int32_t>(std::vector<std::int32_t>{-5, -7, 3, 2}, {1, 4, 1});
  EXPECT_EQ(nn::max_pool1d(x, {2}).to_vector<std::int32_t>(), (std::vector<std::int32_t>{-5, 3}));
  EXPECT_EQ(nn::max_pool2d(zeros({0, 4, 4, 2}), {2}).shape(), (Shape{0, 2, 2, 2}));
  EXPECT_EQ(nn::avg_pool2d(zeros({0, 4, 4, 2}), {2}).shape(), (Shape{0, 2, 2, 2}));
}

TEST(PoolOp, ExplainsWhatDoesNotFit) {
  const Tensor x = zeros({2, 4, 4, 3});
  EXPECT_THROW(nn::max_pool1d(x, {2}), ShapeError);
  EXPECT_THROW(nn::avg_pool2d(x, {5}), ShapeError);
  EXPECT_THROW(nn::max_pool2d(x, {2, 2, 2}), ValueError);
  EXPECT_THROW(nn::max_pool2d(x, {0}), ValueError);
  EXPECT_THROW(nn::max_pool2d(x, {2}, {.padding = "causal"}), ValueError);
  EXPECT_THROW(nn::avg_pool2d(cast(x, int32), {2}), DTypeError);
  EXPECT_THROW(nn::max_pool2d(Tensor(), {2}), ValueError);
}

}  // namespace
}  // namespace strata::test
