/// \file
/// Operations on batches of pictures, as keras.ops.image has them.
#pragma once

#include <string>

#include "strata/tensor.h"

namespace strata::image {

struct AffineTransformOptions {
  std::string interpolation = "bilinear";  ///< or "nearest"
  std::string fill_mode = "constant";      ///< what lies outside: "constant", "reflect", "wrap" or "nearest"
  double fill_value = 0;                   ///< of "constant"
};

/// Pictures (batch, height, width, channels) of float32 seen through transformations (batch, 8): pixel (x, y) of the
/// result comes from ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k) with k = c0 x + c1 y + 1, for the row
/// (a0, a1, a2, b0, b1, b2, c0, c1). It has no gradient. Throws ShapeError, DTypeError, and ValueError for an option.
STRATA_API Tensor affine_transform(const Tensor& images, const Tensor& transforms,
                                   const AffineTransformOptions& options = {});

}  // namespace strata::image
