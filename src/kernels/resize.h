// Resizing of images (batch, height, width, channels).
#pragma once

#include <cstdint>

#include "strata/dtype.h"

namespace strata::kernels {

struct Resize {
  std::int64_t batch, in_height, in_width, out_height, out_width, channels;
  bool bilinear;  // else the nearest pixel; centres of pixels lie at one half in both
};

void resize(DType dtype, const Resize& r, const void* src, void* dst);
// Its transpose.
void resize_backward(DType dtype, const Resize& r, const void* diff_dst, void* diff_src);

}  // namespace strata::kernels
