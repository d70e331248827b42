// Pictures seen through a projective transformation, as TensorFlow's ImageProjectiveTransformV3 computes them.
#pragma once

#include <cstdint>

#include "strata/export.h"

namespace strata::kernels {

enum class FillMode { constant, reflect, wrap, nearest };

struct Projective {
  std::int64_t batch, height, width, channels;
  bool bilinear;  // else the nearest pixel
  FillMode fill_mode;
  float fill_value;
};

// `transforms` has eight numbers a, b, c for each picture: pixel (x, y) of the result comes from
// ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k), k = c0 x + c1 y + 1. Arrays are (batch, height, width, channels).
STRATA_API void projective_transform(const Projective& p, const float* src, const float* transforms, float* dst);

}  // namespace strata::kernels
