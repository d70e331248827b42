/// \file
/// Products of vectors, matrices and tensors.
#pragma once

#include <concepts>
#include <string>
#include <vector>

#include "strata/tensor.h"

namespace strata {

struct MatmulOptions {
  bool transpose_a = false, transpose_b = false;  ///< swap the last two axes of an argument first
};
/// Matrix product of the last two axes; leading axes broadcast. A vector on the left is a row, on the right a column,
/// and its axis is dropped from the result. Throws ShapeError where the inner sizes differ.
STRATA_API Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options = {});

/// NumPy's dot: the last axis of `a` with the last but one of `b` (or its only one); a scalar multiplies.
STRATA_API Tensor dot(const Tensor& a, const Tensor& b);
/// Products of all pairs of elements of two tensors, which are flattened.
STRATA_API Tensor outer(const Tensor& a, const Tensor& b);
/// The sum of products over the last axes.
STRATA_API Tensor inner(const Tensor& a, const Tensor& b);
/// Sums over the last `axes` dimensions of `a` and the first of `b`, or over the pairs of listed axes.
STRATA_API Tensor tensordot(const Tensor& a, const Tensor& b, std::int64_t axes = 2);
STRATA_API Tensor tensordot(const Tensor& a, const Tensor& b, const std::vector<std::int64_t>& axes_a,
                            const std::vector<std::int64_t>& axes_b);

/// Einstein's summation: `einsum("bij,bjk->bik", {a, b})`. Letters that are not in the output are summed; without
/// "->" the output has the letters that occur once, in alphabetical order. "..." stands for broadcast leading axes; a
/// letter that occurs twice in one argument takes the diagonal. Throws ValueError that points at the equation.
STRATA_API Tensor einsum(const std::string& equation, const Tensors& operands);
/// As NumPy and TensorFlow write it: `einsum("bij,bjk->bik", a, b)`.
template <class... More>
  requires(std::convertible_to<const More&, Tensor> && ...)
Tensor einsum(const std::string& equation, const Tensor& first, const More&... more) {
  return einsum(equation, Tensors{first, more...});
}

}  // namespace strata
