/// \file
/// Element-wise mathematics, comparisons, logic, and the operators on tensors.
///
/// Two operands are broadcast as NumPy does and take one dtype as Keras 3 does: float wins over integer, the wider over
/// the narrower, and a bare number takes the dtype of the tensor (float32 where a real number meets an integer tensor).
/// Functions that have real values take integers as float32. Shapes that do not broadcast throw ShapeError.
#pragma once

#include <utility>

#include "strata/tensor.h"

namespace strata {

STRATA_API Tensor add(const Tensor& a, const Tensor& b);
STRATA_API Tensor subtract(const Tensor& a, const Tensor& b);
STRATA_API Tensor multiply(const Tensor& a, const Tensor& b);
/// True division: integers give float32.
STRATA_API Tensor divide(const Tensor& a, const Tensor& b);
/// 0 where b is 0.
STRATA_API Tensor divide_no_nan(const Tensor& a, const Tensor& b);
/// Rounded towards minus infinity; the dtype stays. An integer division by 0 throws ValueError.
STRATA_API Tensor floor_divide(const Tensor& a, const Tensor& b);
/// The remainder of floor_divide: it has the sign of b.
STRATA_API Tensor mod(const Tensor& a, const Tensor& b);
STRATA_API Tensor remainder(const Tensor& a, const Tensor& b);
STRATA_API Tensor pow(const Tensor& a, const Tensor& b);
STRATA_API Tensor maximum(const Tensor& a, const Tensor& b);
STRATA_API Tensor minimum(const Tensor& a, const Tensor& b);
STRATA_API Tensor squared_difference(const Tensor& a, const Tensor& b);
STRATA_API Tensor atan2(const Tensor& y, const Tensor& x);
/// log(exp(a) + exp(b)), without overflow.
STRATA_API Tensor logaddexp(const Tensor& a, const Tensor& b);
/// The sum of tensors of one shape.
STRATA_API Tensor add_n(const Tensors& tensors);

STRATA_API Tensor abs(const Tensor& x);
STRATA_API Tensor negative(const Tensor& x);
STRATA_API Tensor sign(const Tensor& x);
STRATA_API Tensor square(const Tensor& x);
STRATA_API Tensor sqrt(const Tensor& x);
STRATA_API Tensor rsqrt(const Tensor& x);
STRATA_API Tensor reciprocal(const Tensor& x);
STRATA_API Tensor exp(const Tensor& x);
STRATA_API Tensor expm1(const Tensor& x);
STRATA_API Tensor log(const Tensor& x);
STRATA_API Tensor log1p(const Tensor& x);
STRATA_API Tensor log2(const Tensor& x);
STRATA_API Tensor log10(const Tensor& x);
STRATA_API Tensor sin(const Tensor& x);
STRATA_API Tensor cos(const Tensor& x);
STRATA_API Tensor tan(const Tensor& x);
STRATA_API Tensor asin(const Tensor& x);
STRATA_API Tensor acos(const Tensor& x);
STRATA_API Tensor atan(const Tensor& x);
STRATA_API Tensor sinh(const Tensor& x);
STRATA_API Tensor cosh(const Tensor& x);
STRATA_API Tensor tanh(const Tensor& x);
STRATA_API Tensor asinh(const Tensor& x);
STRATA_API Tensor acosh(const Tensor& x);
STRATA_API Tensor atanh(const Tensor& x);
STRATA_API Tensor erf(const Tensor& x);
STRATA_API Tensor erfc(const Tensor& x);
STRATA_API Tensor lgamma(const Tensor& x);
/// The derivative of lgamma, and that of digamma.
STRATA_API Tensor digamma(const Tensor& x);
STRATA_API Tensor trigamma(const Tensor& x);
STRATA_API Tensor sigmoid(const Tensor& x);
STRATA_API Tensor floor(const Tensor& x);
STRATA_API Tensor ceil(const Tensor& x);
/// To the nearest integer, halves to the even one.
STRATA_API Tensor round(const Tensor& x);
STRATA_API Tensor trunc(const Tensor& x);

/// x within [low, high]; the gradient is 0 outside.
STRATA_API Tensor clip(const Tensor& x, const Tensor& low, const Tensor& high);
STRATA_API Tensor clip_by_value(const Tensor& x, const Tensor& low, const Tensor& high);
/// x scaled so that its L2 norm is at most `norm`.
STRATA_API Tensor clip_by_norm(const Tensor& x, const Tensor& norm);
/// The L2 norm of all elements of all tensors; undefined ones are passed over, as None is in TensorFlow.
STRATA_API Tensor global_norm(const Tensors& tensors);
/// All scaled by one factor so that their global norm is at most `norm`; and the norm that they had. Where that norm is
/// not finite, all become NaN.
STRATA_API std::pair<Tensors, Tensor> clip_by_global_norm(const Tensors& tensors, const Tensor& norm);
/// NaN replaced by 0, infinities by the largest finite values.
STRATA_API Tensor nan_to_num(const Tensor& x);

STRATA_API Tensor isnan(const Tensor& x);
STRATA_API Tensor isinf(const Tensor& x);
STRATA_API Tensor isfinite(const Tensor& x);

STRATA_API Tensor equal(const Tensor& a, const Tensor& b);
STRATA_API Tensor not_equal(const Tensor& a, const Tensor& b);
STRATA_API Tensor less(const Tensor& a, const Tensor& b);
STRATA_API Tensor less_equal(const Tensor& a, const Tensor& b);
STRATA_API Tensor greater(const Tensor& a, const Tensor& b);
STRATA_API Tensor greater_equal(const Tensor& a, const Tensor& b);

/// Of bool tensors; others are compared with 0 first.
STRATA_API Tensor logical_and(const Tensor& a, const Tensor& b);
STRATA_API Tensor logical_or(const Tensor& a, const Tensor& b);
STRATA_API Tensor logical_xor(const Tensor& a, const Tensor& b);
STRATA_API Tensor logical_not(const Tensor& a);
inline Tensor operator!(const Tensor& a) { return logical_not(a); }
/// Of integer tensors.
STRATA_API Tensor bitwise_and(const Tensor& a, const Tensor& b);
STRATA_API Tensor bitwise_or(const Tensor& a, const Tensor& b);
STRATA_API Tensor bitwise_xor(const Tensor& a, const Tensor& b);
STRATA_API Tensor bitwise_not(const Tensor& a);

/// a where the condition holds, b elsewhere; all three are broadcast.
STRATA_API Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return subtract(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return multiply(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return divide(a, b); }
inline Tensor operator%(const Tensor& a, const Tensor& b) { return mod(a, b); }
inline Tensor operator-(const Tensor& x) { return negative(x); }
/// Element-wise, as in NumPy: a tensor of bool.
inline Tensor operator==(const Tensor& a, const Tensor& b) { return equal(a, b); }
inline Tensor operator!=(const Tensor& a, const Tensor& b) { return not_equal(a, b); }
inline Tensor operator<(const Tensor& a, const Tensor& b) { return less(a, b); }
inline Tensor operator<=(const Tensor& a, const Tensor& b) { return less_equal(a, b); }
inline Tensor operator>(const Tensor& a, const Tensor& b) { return greater(a, b); }
inline Tensor operator>=(const Tensor& a, const Tensor& b) { return greater_equal(a, b); }

}  // namespace strata
