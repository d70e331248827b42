// Batch norm with its ReLU against sums in double precision.
#include "kernels/batch_norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/half.h"
#include "core/tensor_data.h"
#include "kernels/rows.h"

namespace strata::kernels {
namespace {

using Doubles = std::vector<double>;
using Floats = std::vector<float>;

Doubles random(std::int64_t size, unsigned seed, double middle = 0) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal(middle);
  Doubles v(size);
  for (double& x : v) x = static_cast<double>(static_cast<float>(BFloat16(static_cast<float>(normal(generator)))));
  return v;
}

struct Rounded {
  Rounded(const BatchNormTask& t, std::int64_t stride, const Doubles* values = nullptr)
      : t(t), stride(stride > 0 ? stride : t.channels), buffer((t.rows + 1) * this->stride * size_of(t.dtype) + 64) {
    if (values != nullptr)
      copy_slice({t.rows, t.channels}, DType::float64, values->data(), t.channels, t.dtype, buffer.data(),
                 this->stride);
  }
  Doubles values() const {
    Doubles v(t.rows * t.channels);
    copy_slice({t.rows, t.channels}, t.dtype, buffer.data(), stride, DType::float64, v.data(), t.channels);
    return v;
  }
  BatchNormTask t;
  std::int64_t stride;
  detail::Buffer buffer;
};

template <class A, class B>
double distance(const A& a, const B& b) {
  double error = 0, norm = 1e-20;
  for (std::size_t i = 0; i < a.size(); ++i)
    error += (double(a[i]) - double(b[i])) * (double(a[i]) - double(b[i])), norm += double(b[i]) * double(b[i]);
  return std::sqrt(error / norm);
}

struct Reference {
  Doubles mean, variance, y, dx, dscale, doffset;
  Reference(const BatchNormTask& t, const Doubles& x, const Floats& scale, const Floats& offset, const Doubles& dy) {
    const std::int64_t n = t.rows, k = t.channels;
    mean.assign(k, 0), variance.assign(k, 0), y.assign(n * k, 0), dx = y, dscale.assign(k, 0), doffset = dscale;
    for (std::int64_t c = 0; c < k; ++c) {
      for (std::int64_t r = 0; r < n; ++r) mean[c] += x[r * k + c] / double(n);
      for (std::int64_t r = 0; r < n; ++r) variance[c] += std::pow(x[r * k + c] - mean[c], 2) / double(n);
      const double inverse = 1 / std::sqrt(variance[c] + t.epsilon);
      Doubles g(n);
      for (std::int64_t r = 0; r < n; ++r) {
        const double normal = (x[r * k + c] - mean[c]) * inverse, value = normal * scale[c] + offset[c];
        y[r * k + c] = t.relu ? std::max(value, 0.0) : value;
        g[r] = t.relu && value <= 0 ? 0 : dy[r * k + c];
        dscale[c] += g[r] * normal, doffset[c] += g[r];
      }
      for (std::int64_t r = 0; r < n; ++r) {
        const double normal = (x[r * k + c] - mean[c]) * inverse;
        dx[r * k + c] = scale[c] * inverse * (g[r] - doffset[c] / double(n) - normal * dscale[c] / double(n));
      }
    }
  }
};

void check(const BatchNormTask& t, bool two_gradients) {
  const std::int64_t k = t.channels;
  const Doubles x = random(t.rows * k, 1, 3), dy_1 = random(t.rows * k, 2), dy_2 = random(t.rows * k, 3);
  Doubles dy = dy_1;
  if (two_gradients)
    for (std::size_t i = 0; i < dy.size(); ++i) dy[i] += dy_2[i];
  Floats scale(k), offset(k), mean(k), variance(k), dscale(k), doffset(k);
  for (std::int64_t c = 0; c < k; ++c) scale[c] = 0.5f + 0.1f * float(c % 7), offset[c] = 0.2f * float(c % 5) - 0.3f;
  const Reference want(t, x, scale, offset, dy);
  const Rounded src(t, t.src_stride, &x), first(t, t.dst_stride, &dy_1), second(t, t.second_stride, &dy_2);
  const Rounded dst(t, t.dst_stride), diff_src(t, t.diff_src_stride);
  const detail::Buffer scratch(batch_norm_scratch(t));
  batch_norm_train(t, src.buffer.data(), scale.data(), offset.data(), dst.buffer.data(), mean.data(), variance.data(),
                   scratch.data());
  const double limit = t.dtype == DType::float32 ? 2e-6 : 4e-3;
  EXPECT_LE(distance(mean, want.mean), 1e-6);
  EXPECT_LE(distance(variance, want.variance), 1e-6);
  EXPECT_LE(distance(dst.values(), want.y), limit);
  batch_norm_train_backward(
      t,
      {first.buffer.data(), two_gradients ? second.buffer.data() : nullptr, src.buffer.data(), scale.data(),
       offset.data(), mean.data(), variance.data(), diff_src.buffer.data(), dscale.data(), doffset.data()},
      scratch.data());
  EXPECT_LE(distance(diff_src.values(), want.dx), limit) << t.rows << " x " << k;
  EXPECT_LE(distance(dscale, want.dscale), 1e-5);
  EXPECT_LE(distance(doffset, want.doffset), 1e-5);
}

TEST(BatchNormKernel, TrainsLikeTheFormula) {
  for (const DType dtype : {DType::float32, DType::bfloat16})
    for (const bool relu : {false, true})
      for (const auto& [rows, channels] : {std::pair{37, 3}, {1000, 16}, {301, 80}, {64, 129}, {2, 5}, {2500, 1}})
        check({dtype, rows, channels, 1e-3, relu}, false);
}

TEST(BatchNormKernel, WorksOnSlicesAndAddsASecondGradient) {
  for (const DType dtype : {DType::float32, DType::bfloat16})
    for (const int channels : {16, 70, 7})
      check({dtype, 333, channels, 1e-3, true, 0, channels + 16, channels + 5}, true);
  check({DType::float32, 50, 20, 1e-3, false, 31, 0, 0, 24}, true);
}

TEST(BatchNormKernel, AVarianceIsExactFarFromZero) {
  const BatchNormTask t{DType::float32, 5000, 17};
  Floats x(t.rows * t.channels), mean(17), variance(17), ones(17, 1.f), zeros(17, 0.f), y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 10000.f + float((i / 17) % 2);
  const detail::Buffer scratch(batch_norm_scratch(t));
  batch_norm_train(t, x.data(), ones.data(), zeros.data(), y.data(), mean.data(), variance.data(), scratch.data());
  EXPECT_FLOAT_EQ(mean[3], 10000.5f);
  EXPECT_NEAR(variance[3], 0.25f, 1e-6);
}

TEST(BatchNormKernel, FoldsIntoAConvolutionsWeights) {
  const Floats weights = {1, 2, 3, 4}, bias = {0.5f, -1}, scale = {2, 3}, offset = {1, 0}, mean = {1, 2},
               variance = {3, 8};
  Floats w(4), b(2);
  fold_batch_norm({2, 2, 1.0, scale.data(), offset.data(), mean.data(), variance.data()}, weights.data(), bias.data(),
                  w.data(), b.data());
  EXPECT_EQ(w, (Floats{1, 2, 3, 4}));
  EXPECT_EQ(b, (Floats{0.5f, -3}));
  fold_batch_norm({2, 2, 1.0, nullptr, nullptr, mean.data(), variance.data()}, weights.data(), nullptr, w.data(),
                  b.data());
  EXPECT_EQ(w, (Floats{0.5f, 2.f / 3, 1.5f, 4.f / 3}));
}

TEST(BatchNormKernel, ScalesAndShiftsSlices) {
  for (const std::int64_t channels : {5, 16, 19, 64}) {
    const BatchNormTask t{DType::float32, 21, channels, 0, true, 0, 72};
    const Doubles x = random(t.rows * t.channels, 5);
    Floats factor(channels), shift(channels);
    for (int c = 0; c < channels; ++c) factor[c] = 0.5f * float(c), shift[c] = 1 - 0.1f * float(c);
    const Rounded src(t, 0, &x), dst(t, 72);
    scale_shift(t, src.buffer.data(), factor.data(), shift.data(), dst.buffer.data());
    const Doubles y = dst.values();
    for (std::size_t i = 0; i < y.size(); ++i)
      EXPECT_NEAR(y[i], std::max(x[i] * double(factor[i % channels]) + double(shift[i % channels]), 0.0), 1e-5);
  }
}

}  // namespace
}  // namespace strata::kernels
