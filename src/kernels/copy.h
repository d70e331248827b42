// Copies between strided arrays of any element type: the work of transpose, slice, concat, pad, tile and broadcast.
#pragma once

#include <cstddef>
#include <cstdint>

#include "strata/shape.h"

namespace strata::kernels {

// Steps between neighbours in each dimension, in elements; may be zero or negative for a source.
using Strides = Shape;

// The strides of a row-major array.
Strides dense_strides(const Shape& shape);

// dst[i...] = src[i...] for every index of `dims`. `src` and `dst` point to the element of index 0; elements are
// `width` bytes: 1, 2, 4 or 8.
void strided_copy(const Shape& dims, const void* src, const Strides& src_strides, void* dst, const Strides& dst_strides,
                  std::size_t width);

// Repeats one element `count` times.
void fill(void* dst, std::int64_t count, const void* value, std::size_t width);

// memcpy by several threads where it is large.
void copy_bytes(void* dst, const void* src, std::size_t bytes);

}  // namespace strata::kernels
