// Ops that take the shape of another tensor, so that gradients work where dimensions are not known yet. Where both
// shapes are known and equal they return their argument.
#pragma once

#include "strata/tensor.h"

namespace strata {

// Undoes broadcasting: adds up the dimensions of g that `ref` does not have, or has with size 1.
STRATA_API Tensor sum_to_like(const Tensor& g, const Tensor& ref);
// x stretched to the shape of `ref`.
STRATA_API Tensor broadcast_like(const Tensor& x, const Tensor& ref);
// The elements of x under the shape of `ref`.
STRATA_API Tensor reshape_like(const Tensor& x, const Tensor& ref);
// x (..., n) as a matrix whose rows are its last axis.
STRATA_API Tensor rows_of(const Tensor& x);

}  // namespace strata
