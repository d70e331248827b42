// Sums of an array over the dimensions that broadcasting had stretched.
#pragma once

#include "strata/dtype.h"
#include "strata/shape.h"

namespace strata::kernels {

// dst, of shape `dst_shape`, from src, of shape `src_shape`: dst_shape broadcasts to src_shape, and the stretched
// dimensions are added up (in double for the floating types, so the result is exact to its last digit or so).
void sum_to(DType dtype, const void* src, const Shape& src_shape, void* dst, const Shape& dst_shape);

// dst[o, i] = sum over r of src[o, r, i].
void sum_axis(DType dtype, const void* src, std::int64_t outer, std::int64_t reduced, std::int64_t inner, void* dst);

}  // namespace strata::kernels
