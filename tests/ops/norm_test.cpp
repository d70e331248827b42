// Normalizations against sums in double.
#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>

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

struct Statistics {
  std::vector<double> mean, variance;
};

Statistics statistics(const std::vector<double>& x, std::size_t channels) {
  const double rows = static_cast<double>(x.size() / channels);
  Statistics s{std::vector<double>(channels), std::vector<double>(channels)};
  for (std::size_t i = 0; i < x.size(); ++i) s.mean[i % channels] += x[i] / rows;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double d = x[i] - s.mean[i % channels];
    s.variance[i % channels] += d * d / rows;
  }
  return s;
}

TEST(BatchNorm, NormalizesByTheStatisticsOfTheBatch) {
  for (const DType dtype : {float64, float32, bfloat16}) {
    SCOPED_TRACE(to_string(dtype));
    const DType wide = dtype == float64 ? float64 : float32;
    const Tensor x = cast(spread({7, 5, 6, 10}, -2, 5), dtype);
    const Tensor scale = cast(spread({10}, 0.5, 2), wide), offset = cast(spread({10}), wide);
    const auto [y, mean, variance] = nn::fused_batch_norm(x, scale, offset, {.epsilon = 0.01});
    EXPECT_EQ(y.dtype(), dtype);
    EXPECT_EQ(mean.dtype(), wide);
    const auto values = cast(x, float64).to_vector<double>(), found = cast(y, float64).to_vector<double>();
    const auto scales = cast(scale, float64).to_vector<double>(), offsets = cast(offset, float64).to_vector<double>();
    const Statistics s = statistics(values, 10);
    const double tolerance = dtype == float64 ? 1e-13 : 1e-6;
    for (std::size_t c = 0; c < 10; ++c) {
      EXPECT_NEAR(cast(mean, float64).to_vector<double>()[c], s.mean[c], tolerance * 5);
      EXPECT_NEAR(cast(variance, float64).to_vector<double>()[c], s.variance[c], tolerance * s.variance[c]);
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::size_t c = i % 10;
      const double wanted = (values[i] - s.mean[c]) / std::sqrt(s.variance[c] + 0.01) * scales[c] + offsets[c];
      ASSERT_NEAR(found[i], wanted, dtype == bfloat16 ? 3e-2 : 4 * tolerance) << i;
    }
  }
}

TEST(BatchNorm, VarianceIsExactFarFromZero) {
  // A mean of 1000 and a deviation of 0.1: the square of the mean would swallow the variance.
  std::vector<float> values(20000);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = 1000.0f + 0.1f * static_cast<float>(std::sin(static_cast<double>(i)));
  std::vector<double> exact(values.begin(), values.end());
  const Statistics s = statistics(exact, 2);
  const auto [y, mean, variance] = nn::fused_batch_norm(Tensor::from<float>(values, {10000, 2}), ones({2}), zeros({2}));
  for (std::size_t c = 0; c < 2; ++c) {
    EXPECT_NEAR(mean.to_vector<float>()[c], s.mean[c], 1e-4);
    EXPECT_NEAR(variance.to_vector<float>()[c], s.variance[c], 2e-4 * s.variance[c]);
  }
}

TEST(BatchNorm, IsEqualForAnyNumberOfThreads) {
  const Tensor x = spread({3000, 37}, -3, 4), scale = spread({37}, 0.5, 2), offset = spread({37});
  const auto run = [&](int threads) {
    const int before = omp_get_max_threads();
    omp_set_num_threads(threads);
    GradientTape tape;
    for (const Tensor& t : {x, scale, offset}) tape.watch(t);
    const auto [y, mean, variance] = nn::fused_batch_norm(x, scale, offset);
    Tensors all = tape.gradient(reduce_sum(y * y * x), {x, scale, offset});
    all.insert(all.end(), {y, mean, variance});
    omp_set_num_threads(before);
    return all;
  };
  const Tensors one = run(1), three = run(3);
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_EQ(one[i].to_vector<float>(), three[i].to_vector<float>()) << i;
}

TEST(BatchNorm, HasGradientsOfBothOrders) {
  const Tensors in = in_float64({spread({6, 2, 3}, -1, 2), spread({3}, 0.5, 2), spread({3})});
  const auto f = [](const Tensors& v) {
    const auto [y, mean, variance] = nn::fused_batch_norm(v[0], v[1], v[2], {.epsilon = 0.01});
    return Tensors{y, mean, variance};
  };
  EXPECT_EQ(compare_gradients(f, in), "");
  const auto first = [&](const Tensors& v) {
    GradientTape tape;
    for (const Tensor& t : v) tape.watch(t);
    const Tensors out = f(v);
    return tape.gradient(reduce_sum(out[0] * out[0] * out[0]) + reduce_sum(out[1] * out[2] * out[2]),
                         {v[0], v[1], v[2]});
  };
  EXPECT_EQ(compare_gradients(first, in, 1e-5), "");
}

TEST(BatchNorm, InferenceUsesWhatItIsGiven) {
  const Tensor x = {{1.f, 2.f}, {3.f, 4.f}}, mean = {1.f, 3.f}, variance = {4.f, 1.f};
  const Tensor plain = nn::batch_normalization(x, mean, variance, {}, {}, {.epsilon = 0});
  EXPECT_EQ(plain.to_vector<float>(), (std::vector<float>{0, -1, 1, 1}));
  const Tensor full = nn::batch_normalization(x, mean, variance, {10.f, 20.f}, {2.f, 3.f}, {.epsilon = 0});
  EXPECT_EQ(full.to_vector<float>(), (std::vector<float>{10, 17, 12, 23}));
}

TEST(BatchNorm, TakesAnEmptyBatchAndExplainsWhatDoesNotFit) {
  const auto [y, mean, variance] = nn::fused_batch_norm(zeros({0, 4, 3}), ones({3}), zeros({3}));
  EXPECT_EQ(y.shape(), (Shape{0, 4, 3}));
  EXPECT_TRUE(std::isnan(mean.to_vector<float>()[0]));
  EXPECT_THROW(nn::fused_batch_norm(zeros({2, 3}), ones({4}), zeros({3})), ShapeError);
  EXPECT_THROW(nn::fused_batch_norm(zeros({2, 3}), ones({3}, float64), zeros({3})), DTypeError);
  EXPECT_THROW(nn::fused_batch_norm(zeros({2, 3}, int32), ones({3}), zeros({3})), DTypeError);
}

TEST(Moments, AreMeanAndBiasedVariance) {
  const Tensor x = {{1.f, 2.f, 6.f}, {3.f, 2.f, 4.f}};
  const auto [mean, variance] = nn::moments(x, {0});
  EXPECT_EQ(mean.to_vector<float>(), (std::vector<float>{2, 2, 5}));
  EXPECT_EQ(variance.to_vector<float>(), (std::vector<float>{1, 0, 1}));
  const auto kept = nn::moments(x, {1}, {.keepdims = true});
  EXPECT_EQ(kept.mean.shape(), (Shape{2, 1}));
  EXPECT_EQ(kept.mean.to_vector<float>(), (std::vector<float>{3, 3}));
}

TEST(LayerNorm, NormalizesTheLastAxes) {
  const Tensors in = in_float64({spread({4, 2, 3}, -2, 3), spread({2, 3}, 0.5, 2), spread({2, 3})});
  const Tensor y = nn::layer_norm(in[0], in[1], in[2], {.epsilon = 0.01});
  const auto x = in[0].to_vector<double>(), s = in[1].to_vector<double>(), o = in[2].to_vector<double>();
  const auto found = y.to_vector<double>();
  for (std::size_t row = 0; row < 4; ++row) {
    double mean = 0, variance = 0;
    for (std::size_t i = 0; i < 6; ++i) mean += x[row * 6 + i] / 6;
    for (std::size_t i = 0; i < 6; ++i) variance += (x[row * 6 + i] - mean) * (x[row * 6 + i] - mean) / 6;
    for (std::size_t i = 0; i < 6; ++i)
      EXPECT_NEAR(found[row * 6 + i], (x[row * 6 + i] - mean) / std::sqrt(variance + 0.01) * s[i] + o[i], 1e-12);
  }
  EXPECT_EQ(compare_gradients([](const Tensors& v) { return Tensors{nn::layer_norm(v[0], v[1], v[2])}; }, in), "");
  EXPECT_EQ(nn::layer_norm(in[0], {}, {}).shape(), in[0].shape());
}

TEST(BiasAdd, AddsOverTheLastAxis) {
  const Tensor x = {{1.f, 2.f}, {3.f, 4.f}};
  EXPECT_EQ(nn::bias_add(x, {10.f, 20.f}).to_vector<float>(), (std::vector<float>{11, 22, 13, 24}));
  EXPECT_THROW(nn::bias_add(x, {1.f, 2.f, 3.f}), ShapeError);
  EXPECT_THROW(nn::bias_add(x, cast(Tensor{1.f, 2.f}, float64)), DTypeError);
}

TEST(L2Normalize, GivesUnitVectors) {
  const Tensor y = nn::l2_normalize({{3.f, 4.f}, {0.f, 0.f}});
  EXPECT_NEAR(y.to_vector<float>()[0], 0.6, 1e-6);
  EXPECT_NEAR(y.to_vector<float>()[1], 0.8, 1e-6);
  EXPECT_EQ(y.to_vector<float>()[2], 0);
}

}  // namespace
}  // namespace strata::test
