#include "kernels/bytes.h"

#include <algorithm>
#include <cmath>

#include "kernels/parallel.h"

namespace strata::kernels {

namespace {

float inverse_of(float step) { return step != 0 ? 1 / step : 0; }

// A row of numbers on one grid.
void fake_quant_row(const GridBits& bits, bool keep_unseen, std::int64_t size, const float* src, float min, float max,
                    std::int64_t distance, float* dst) {
  if (min == max) {
    for (std::int64_t i = 0; i < size; ++i) dst[i * distance] = keep_unseen ? src[i * distance] : 0.f;
    return;
  }
  const Grid g = bits.between(min, max);
  const float inverse = inverse_of(g.step), zero = static_cast<float>(g.zero), low = (bits.lowest() - zero) * g.step,
              high = (bits.highest() - zero) * g.step;
  for (std::int64_t i = 0; i < size; ++i) {
    const float x = src[i * distance], clipped = x < low ? low : x > high ? high : x;
    dst[i * distance] = std::floor((clipped - low) * inverse + 0.5f) * g.step + low;
  }
}

}  // namespace

Grid GridBits::between(float min, float max) const {
  Grid g;
  g.step = (max - min) / (highest() - lowest());
  g.zero = static_cast<std::int32_t>(
      std::clamp(std::floor(lowest() - min * inverse_of(g.step) + 0.5f), lowest(), highest()));
  return g;
}

void fake_quant(const GridBits& bits, bool keep_unseen, std::int64_t rows, std::int64_t channels, const float* src,
                const float* min, const float* max, float* dst) {
  if (channels == 1)
    return parallel_for(rows, 4, [&](std::int64_t begin, std::int64_t end) {
      fake_quant_row(bits, keep_unseen, end - begin, src + begin, *min, *max, 1, dst + begin);
    });
  parallel_for(channels, 4 * rows, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t c = begin; c < end; ++c)
      fake_quant_row(bits, keep_unseen, rows, src + c, min[c], max[c], channels, dst + c);
  });
}

void to_bytes(const Grid& grid, std::int64_t size, const float* src, std::uint8_t* dst) {
  const float inverse = inverse_of(grid.step), zero = static_cast<float>(grid.zero);
  parallel_for(size, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const float q = src[i] * inverse + zero + 0.5f;
      // Comparisons are false for what is no number.
      dst[i] = static_cast<std::uint8_t>(q >= 0 ? (q < 255 ? q : 255.f) : q < 0 ? 0.f : zero);
    }
  });
}

void from_bytes(const Grid& grid, std::int64_t size, const std::uint8_t* src, float* dst) {
  parallel_for(size, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      dst[i] = static_cast<float>(std::int32_t{src[i]} - grid.zero) * grid.step;
  });
}

}  // namespace strata::kernels
