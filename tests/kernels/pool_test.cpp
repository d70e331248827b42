// Pools of slices of wider rows give what pools of dense rows give, and leave the rest alone. What dense pools compute
// is tested with the ops.
#include "kernels/pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "core/half.h"
#include "tests/support/random_floats.h"

namespace strata::kernels {
namespace {

using Floats = std::vector<float>;
using test::random_floats;

Floats widen(const Floats& dense, std::int64_t channels, std::int64_t stride) {
  Floats wide(dense.size() / channels * stride, 77.f);
  for (std::size_t i = 0; i < dense.size(); ++i) wide[i / channels * stride + i % channels] = dense[i];
  return wide;
}

// Whether `wide` is what widen() makes of `dense`.
void expect_slice(const Floats& wide, const Floats& dense, std::int64_t channels, std::int64_t stride) {
  EXPECT_EQ(wide, widen(dense, channels, stride));
}

TEST(PoolKernel, SlicesOfWiderRows) {
  for (const std::int64_t channels : {5, 16, 130}) {
    Pooling p;
    p.batch = 2, p.channels = channels;
    p.in = {1, 7, 9}, p.out = {1, 3, 4}, p.window = {1, 3, 3}, p.stride = {1, 2, 2};
    Pooling wide = p;
    wide.src_stride = channels + 3, wide.dst_stride = channels + 8;
    const std::int64_t in = 2 * 63 * channels, out = 2 * 12 * channels;
    const Floats x = random_floats(in, 1), dy = random_floats(out, 2);
    const Floats wide_x = widen(x, channels, wide.src_stride), wide_dy = widen(dy, channels, wide.dst_stride);
    Floats y(out), dx(in), select(out);
    Floats wide_y(wide_dy.size(), 77.f), wide_dx(wide_x.size(), 77.f), wide_select = wide_y;
    max_pool(DType::float32, p, x.data(), y.data());
    max_pool(DType::float32, wide, wide_x.data(), wide_y.data());
    expect_slice(wide_y, y, channels, wide.dst_stride);
    max_pool_backward(DType::float32, p, x.data(), y.data(), dy.data(), dx.data());
    max_pool_backward(DType::float32, wide, wide_x.data(), wide_y.data(), wide_dy.data(), wide_dx.data());
    expect_slice(wide_dx, dx, channels, wide.src_stride);
    max_pool_select(DType::float32, p, x.data(), y.data(), x.data(), select.data());
    max_pool_select(DType::float32, wide, wide_x.data(), wide_y.data(), wide_x.data(), wide_select.data());
    expect_slice(wide_select, select, channels, wide.dst_stride);
    EXPECT_EQ(select, y);
    avg_pool(DType::float32, p, x.data(), y.data());
    avg_pool(DType::float32, wide, wide_x.data(), wide_y.data());
    expect_slice(wide_y, y, channels, wide.dst_stride);
    avg_pool_backward(DType::float32, p, dy.data(), dx.data());
    avg_pool_backward(DType::float32, wide, wide_dy.data(), wide_dx.data());
    expect_slice(wide_dx, dx, channels, wide.src_stride);
  }
}

TEST(PoolKernel, BytesArePooledAsIntegers) {
  for (const std::int64_t channels : {5, 16, 41, 144}) {
    Pooling p;
    p.batch = 2, p.channels = channels;
    p.in = {1, 7, 9}, p.out = {1, 4, 5}, p.window = {1, 3, 3}, p.stride = {1, 2, 2}, p.pad = {0, 1, 1};
    std::mt19937 generator(3);
    std::vector<std::uint8_t> x(2 * 63 * channels), y(2 * 20 * channels);
    for (std::uint8_t& v : x) v = static_cast<std::uint8_t>(generator() % 256);
    const std::vector<std::int32_t> wide_x(x.begin(), x.end());
    std::vector<std::int32_t> wide_y(y.size());
    max_pool(DType::uint8, p, x.data(), y.data());
    max_pool(DType::int32, p, wide_x.data(), wide_y.data());
    EXPECT_EQ(std::vector<std::int32_t>(y.begin(), y.end()), wide_y);
  }
}

// double takes plain loops, float32 and bfloat16 vectors of channels, of which the last may overlap.
TEST(PoolKernel, VectorsOfChannelsPoolAsSingleOnesDo) {
  for (const std::int64_t channels : {3, 8, 20, 33, 80, 135}) {
    Pooling p;
    p.batch = 2, p.channels = channels;
    p.in = {2, 7, 9}, p.out = {2, 4, 5}, p.window = {1, 3, 3}, p.stride = {1, 2, 2}, p.pad = {0, 1, 1};
    std::vector<BFloat16> half(2 * 2 * 63 * channels), half_y(2 * 2 * 20 * channels);
    const Floats drawn = random_floats(static_cast<std::int64_t>(half.size()), 4);
    std::transform(drawn.begin(), drawn.end(), half.begin(), [](float v) { return BFloat16(v); });
    half[half.size() / 2] = BFloat16(std::numeric_limits<float>::quiet_NaN());
    const Floats x(half.begin(), half.end());
    const std::vector<double> wide(half.begin(), half.end());
    Floats y(half_y.size());
    std::vector<double> expected(half_y.size());
    max_pool(DType::float64, p, wide.data(), expected.data());
    max_pool(DType::float32, p, x.data(), y.data());
    max_pool(DType::bfloat16, p, half.data(), half_y.data());
    EXPECT_GT(std::count_if(y.begin(), y.end(), [](float v) { return std::isnan(v); }), 0);
    for (std::size_t i = 0; i < y.size(); ++i) {
      if (std::isnan(expected[i])) {
        EXPECT_TRUE(std::isnan(y[i]) && std::isnan(static_cast<float>(half_y[i]))) << channels << " at " << i;
      } else {
        EXPECT_EQ(y[i], expected[i]) << channels << " at " << i;
        EXPECT_EQ(static_cast<float>(half_y[i]), expected[i]) << channels << " at " << i;
      }
    }
  }
}

}  // namespace
}  // namespace strata::kernels
