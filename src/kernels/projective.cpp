#include "kernels/projective.h"

#include <algorithm>
#include <cmath>

#include "kernels/parallel.h"

namespace strata::kernels {

namespace {

float clamped(float at, float size) { return std::clamp(at, 0.f, size - 1); }

// Where a coordinate outside of the picture looks.
float reflected(float at, float size) {
  const float period = 2 * size;
  if (at < 0) {
    if (size <= 1) return 0;
    if (at < period) at = period * static_cast<float>(static_cast<std::int64_t>(-at / period)) + at;
    at = at < -size ? at + period : -at - 1;
  } else if (at > size - 1) {
    if (size <= 1) return 0;
    at -= period * static_cast<float>(static_cast<std::int64_t>(at / period));
    if (at >= size) at = period - at - 1;
  }
  return clamped(at, size);
}

float wrapped(float at, float size) {
  if (at < 0) {
    if (size <= 1) return 0;
    at += size * static_cast<float>(static_cast<std::int64_t>(-at / (size - 1)) + 1);
  } else if (at > size - 1) {
    if (size <= 1) return 0;
    at -= size * static_cast<float>(static_cast<std::int64_t>(at / (size - 1)));
  }
  return clamped(at, size);
}

template <FillMode kMode>
float mapped(float at, float size) {
  if constexpr (kMode == FillMode::reflect) return reflected(at, size);
  if constexpr (kMode == FillMode::wrap) return wrapped(at, size);
  if constexpr (kMode == FillMode::nearest) return clamped(at, size);
  return at;
}

struct Picture {
  const Projective& p;
  const float* data;
  float value(std::int64_t y, std::int64_t x, std::int64_t c) const {
    return y >= 0 && y < p.height && x >= 0 && x < p.width ? data[(y * p.width + x) * p.channels + c] : p.fill_value;
  }
  void nearest(float y, float x, float* out) const {
    const auto row = static_cast<std::int64_t>(std::round(y)), column = static_cast<std::int64_t>(std::round(x));
    for (std::int64_t c = 0; c < p.channels; ++c) out[c] = value(row, column, c);
  }
  void bilinear(float y, float x, float* out) const {
    const float y0 = std::floor(y), x0 = std::floor(x);
    const float down = y - y0, up = y0 + 1 - y, right = x - x0, left = x0 + 1 - x;
    const auto row = static_cast<std::int64_t>(y0), column = static_cast<std::int64_t>(x0);
    if (row >= 0 && column >= 0 && row + 1 < p.height && column + 1 < p.width) {
      const float* a = data + (row * p.width + column) * p.channels;
      const float* b = a + p.width * p.channels;
      for (std::int64_t c = 0; c < p.channels; ++c)
        out[c] = up * (left * a[c] + right * a[p.channels + c]) + down * (left * b[c] + right * b[p.channels + c]);
      return;
    }
    for (std::int64_t c = 0; c < p.channels; ++c)
      out[c] = up * (left * value(row, column, c) + right * value(row, column + 1, c)) +
               down * (left * value(row + 1, column, c) + right * value(row + 1, column + 1, c));
  }
};

template <FillMode kMode>
void one_picture(const Projective& p, const float* src, const float* t, float* dst) {
  const Picture picture{p, src};
  const auto height = static_cast<float>(p.height), width = static_cast<float>(p.width);
  for (std::int64_t i = 0; i < p.height; ++i)
    for (std::int64_t j = 0; j < p.width; ++j, dst += p.channels) {
      const auto y = static_cast<float>(i), x = static_cast<float>(j);
      const float k = t[6] * x + t[7] * y + 1;
      if (k == 0) {
        std::fill_n(dst, p.channels, p.fill_value);
        continue;
      }
      const float in_x = mapped<kMode>((t[0] * x + t[1] * y + t[2]) / k, width);
      const float in_y = mapped<kMode>((t[3] * x + t[4] * y + t[5]) / k, height);
      // Beyond all pixels, where integers end, too.
      if (!(std::abs(in_x) < 1e9f && std::abs(in_y) < 1e9f))
        std::fill_n(dst, p.channels, p.fill_value);
      else if (p.bilinear)
        picture.bilinear(in_y, in_x, dst);
      else
        picture.nearest(in_y, in_x, dst);
    }
}

}  // namespace

void projective_transform(const Projective& p, const float* src, const float* transforms, float* dst) {
  const std::int64_t size = p.height * p.width * p.channels;
  parallel_for(p.batch, size * 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const float *from = src + n * size, *t = transforms + n * 8;
      float* to = dst + n * size;
      switch (p.fill_mode) {
        case FillMode::reflect:
          one_picture<FillMode::reflect>(p, from, t, to);
          break;
        case FillMode::wrap:
          one_picture<FillMode::wrap>(p, from, t, to);
          break;
        case FillMode::nearest:
          one_picture<FillMode::nearest>(p, from, t, to);
          break;
        default:
          one_picture<FillMode::constant>(p, from, t, to);
      }
    }
  });
}

}  // namespace strata::kernels
