// What normalizations share, written with public ops so that it works on symbolic shapes.
#pragma once

#include "strata/reduce.h"
#include "strata/tensor.h"

namespace strata::norms {

// All axes but the last.
Axes leading_axes(const Tensor& x);
// The number of rows before the last axis, as a scalar of the type in which statistics of x are kept.
Tensor row_count(const Tensor& x);
// The vector v over the last axis, repeated to the shape of x.
Tensor spread_over(const Tensor& v, const Tensor& x);

}  // namespace strata::norms
