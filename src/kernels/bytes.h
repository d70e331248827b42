// Real numbers on grids of at most 16 bits: fake quantization, and arrays of bytes.
#pragma once

#include <cstdint>

#include "strata/dtype.h"

namespace strata::kernels {

// The numbers step * (q - zero), q an integer: of a byte from 0 to 255.
struct Grid {
  float step = 1;
  std::int32_t zero = 0;
};

// The integers of a grid, and the grid that covers [min, max] and holds zero exactly: Jacob et al. 2017.
struct GridBits {
  int bits = 8;
  bool narrow = false;  // without the lowest integer

  float lowest() const { return narrow ? 1.f : 0.f; }
  float highest() const { return static_cast<float>((1 << bits) - 1); }
  STRATA_API Grid between(float min, float max) const;
};

// dst = the nearest number of the grid between min and max; for each of `channels`, or with one grid for all (then
// channels is 1). Bounds that are equal give zeros, or src where `keep_unseen`.
void fake_quant(const GridBits& bits, bool keep_unseen, std::int64_t rows, std::int64_t channels, const float* src,
                const float* min, const float* max, float* dst);

// dst = the nearest byte; what lies outside of the grid gets its first or last one, and what is no number the zero.
STRATA_API void to_bytes(const Grid& grid, std::int64_t size, const float* src, std::uint8_t* dst);
STRATA_API void from_bytes(const Grid& grid, std::int64_t size, const std::uint8_t* src, float* dst);

}  // namespace strata::kernels
