// Reading and writing rows at indices.
#pragma once

#include <cstddef>
#include <cstdint>

#include "strata/dtype.h"

namespace strata::kernels {

// src (outer, size, inner) to dst (outer, count, inner): dst[o, i] = src[o, index[i]]. With `index_step`, outer row o
// has its own indices at index + o * index_step. Indices are valid. `width` bytes an element.
void gather(const void* src, void* dst, std::int64_t outer, std::int64_t size, std::int64_t inner,
            const std::int64_t* index, std::int64_t count, std::int64_t index_step, std::size_t width);

enum class Combine { set, add, subtract, maximum, minimum };

// The other way: dst[o, index[i]] = combined with src[o, i], in the order of i. Negative indices are left out.
void scatter(DType dtype, Combine how, const void* src, void* dst, std::int64_t outer, std::int64_t size,
             std::int64_t inner, const std::int64_t* index, std::int64_t count, std::int64_t index_step);

// dst[o, i, n] = src[o, index[o, i, n], n], and the adjoint dst[o, index[o, i, n], n] += src[o, i, n].
void gather_along(const void* src, void* dst, std::int64_t outer, std::int64_t size, std::int64_t inner,
                  const std::int64_t* index, std::int64_t count, std::size_t width);
void scatter_add_along(DType dtype, const void* src, void* dst, std::int64_t outer, std::int64_t size,
                       std::int64_t inner, const std::int64_t* index, std::int64_t count);

}  // namespace strata::kernels
