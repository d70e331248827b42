// Arrays of rows of channels that may lie in wider rows: slices of a concatenation. A stride counts elements from one
// row to the next.
#pragma once

#include <cstdint>

#include "strata/dtype.h"

namespace strata::kernels {

struct Rows {
  std::int64_t rows, channels;
};

// dst = src, converted where the types differ; floating types.
STRATA_API void copy_slice(const Rows& size, DType src_dtype, const void* src, std::int64_t src_stride, DType dst_dtype,
                           void* dst, std::int64_t dst_stride);
// dst = a + b, of one floating type; dst may be a or b.
STRATA_API void add_slices(const Rows& size, DType dtype, const void* a, std::int64_t a_stride, const void* b,
                           std::int64_t b_stride, void* dst, std::int64_t dst_stride);

}  // namespace strata::kernels
