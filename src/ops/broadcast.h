// What element-wise ops share: the common dtype of operands and the shape that they broadcast to.
#pragma once

#include <string_view>
#include <utility>

#include "graph/op.h"

namespace strata::detail {

// The dtype of an operation on both: promote(), but a bare number takes the dtype of the other, or float32 where it is
// real and the other an integer tensor.
STRATA_API DType common_dtype(const Tensor& a, const Tensor& b);
// Both cast to it.
STRATA_API std::pair<Tensor, Tensor> promote_operands(const Tensor& a, const Tensor& b);
// The same with integers, bool too, made floating: for functions with real values.
STRATA_API std::pair<Tensor, Tensor> promote_floating(const Tensor& a, const Tensor& b);
STRATA_API Tensor as_floating(const Tensor& x);

// NumPy's broadcasting; a None meets a larger dimension as that, else stays None. Throws ShapeError.
STRATA_API Shape broadcast_shapes(std::string_view op, const Shape& a, const Shape& b);

}  // namespace strata::detail
