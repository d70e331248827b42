// The kernel, which works on whole vectors, against the formulas for single pixels.
#include "kernels/projective.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace strata::kernels {
namespace {

// Where a coordinate outside of the picture looks, as TensorFlow computes it.
float mapped(FillMode mode, float at, float size) {
  const auto clamped = [&](float v) { return std::clamp(v, 0.f, size - 1); };
  if (mode == FillMode::constant) return at;
  if (mode == FillMode::nearest) return clamped(at);
  if (at >= 0 && at <= size - 1) return at;
  if (size <= 1) return 0;
  if (mode == FillMode::wrap)
    return clamped(at < 0 ? at + size * (std::trunc(-at / (size - 1)) + 1) : at - size * std::trunc(at / (size - 1)));
  const float period = 2 * size;
  if (at < 0) {
    at = period * std::trunc(-at / period) + at;
    return clamped(at < -size ? at + period : -at - 1);
  }
  at -= period * std::trunc(at / period);
  return clamped(at >= size ? period - at - 1 : at);
}

float expected(const Projective& p, const float* src, const float* t, std::int64_t i, std::int64_t j, std::int64_t c) {
  const auto value = [&](float y, float x) {
    const bool inside = y >= 0 && y < static_cast<float>(p.height) && x >= 0 && x < static_cast<float>(p.width);
    return inside ? src[(static_cast<std::int64_t>(y) * p.width + static_cast<std::int64_t>(x)) * p.channels + c]
                  : p.fill_value;
  };
  const auto y = static_cast<float>(i), x = static_cast<float>(j);
  const float k = t[6] * x + t[7] * y + 1;
  const float raw_x = (t[0] * x + t[1] * y + t[2]) / k, raw_y = (t[3] * x + t[4] * y + t[5]) / k;
  if (k == 0 || std::isnan(raw_x) || std::isnan(raw_y)) return p.fill_value;
  const float in_x = mapped(p.fill_mode, raw_x, static_cast<float>(p.width));
  const float in_y = mapped(p.fill_mode, raw_y, static_cast<float>(p.height));
  if (std::abs(in_x) > 1e9f || std::abs(in_y) > 1e9f) return p.fill_value;  // all is far away
  if (!p.bilinear) return value(std::round(in_y), std::round(in_x));
  const float y0 = std::floor(in_y), x0 = std::floor(in_x);
  return (y0 + 1 - in_y) * ((x0 + 1 - in_x) * value(y0, x0) + (in_x - x0) * value(y0, x0 + 1)) +
         (in_y - y0) * ((x0 + 1 - in_x) * value(y0 + 1, x0) + (in_x - x0) * value(y0 + 1, x0 + 1));
}

std::vector<float> transforms(std::int64_t batch) {
  const float none = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> all = {1, 0, 0,    0, 1, 0, 0, 0, 1, 0, 3,     0, 1, -2, 0, 0, -1, 0, 4, 0, 1, 0, 0,     0,
                            1, 0, none, 0, 1, 0, 0, 0, 1, 0, 1e20f, 0, 1, 0,  0, 0, 1,  0, 0, 0, 1, 0, -0.5f, 0};
  std::mt19937 generator(3);
  std::normal_distribution<float> normal;
  while (all.size() < static_cast<std::size_t>(8 * batch)) {
    const float s = normal(generator), c = normal(generator);
    const float far = all.size() % 3 == 0 ? 200.f : 5.f;
    all.insert(all.end(),
               {c, -s, far * normal(generator), s, c, far * normal(generator), 0, all.size() % 5 ? 0 : 0.02f});
  }
  return all;
}

void check(Projective p) {
  const std::int64_t size = p.height * p.width * p.channels;
  std::vector<float> src(static_cast<std::size_t>(p.batch * size)), dst(src.size());
  std::mt19937 generator(1);
  for (float& x : src) x = std::uniform_real_distribution<float>(0, 255)(generator);
  const std::vector<float> t = transforms(p.batch);
  projective_transform(p, src.data(), t.data(), dst.data());
  for (std::int64_t n = 0, at = 0; n < p.batch; ++n)
    for (std::int64_t i = 0; i < p.height; ++i)
      for (std::int64_t j = 0; j < p.width; ++j)
        for (std::int64_t c = 0; c < p.channels; ++c, ++at)
          ASSERT_NEAR(dst[static_cast<std::size_t>(at)], expected(p, src.data() + n * size, t.data() + 8 * n, i, j, c),
                      2e-3)
              << "picture " << n << " (" << i << ", " << j << ", " << c << ") of " << p.height << " x " << p.width;
}

TEST(ProjectiveKernel, EachPixelIsThatOfTheFormulas) {
  for (const FillMode mode : {FillMode::constant, FillMode::reflect, FillMode::wrap, FillMode::nearest})
    for (const bool bilinear : {true, false})
      for (const std::int64_t channels : {1, 3, 4}) {
        check({24, 9, 21, channels, bilinear, mode, 7});
        check({24, 2, 2, channels, bilinear, mode, 7});
        check({24, 1, 5, channels, bilinear, mode, 7});
        check({24, 6, 1, channels, bilinear, mode, 7});
      }
}

TEST(ProjectiveKernel, NoPicturesAreFine) { check({0, 4, 4, 3, true, FillMode::reflect, 0}); }

}  // namespace
}  // namespace strata::kernels
