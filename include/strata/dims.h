/// \file
/// Dimensions of a shape that may be known only when a program runs: `zeros({shape(x)[0], 16})`.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>

#include "strata/tensor.h"

namespace strata {

/// One dimension: a number, or a scalar tensor. While a program is traced, or a functional model built, the scalar is a
/// dimension of another tensor, `shape(x)[i]`; throws ValueError where it was computed otherwise.
class STRATA_API Dim {
 public:
  template <std::integral T>
  Dim(T size) : size_(static_cast<std::int64_t>(size)) {}
  Dim(const Tensor& size);

  /// None where it is that of another tensor.
  std::int64_t size() const { return size_; }
  /// The other tensor, undefined where the size is known, and which of its dimensions this is.
  const Tensor& source() const { return source_; }
  std::int64_t axis() const { return axis_; }

 private:
  std::int64_t size_ = None;
  std::int64_t axis_ = 0;
  Tensor source_;
};

using Dims = std::initializer_list<Dim>;

namespace detail {
STRATA_API bool is_known(Dims dims);
STRATA_API Shape known_shape(Dims dims);
/// Zeros of this shape, which follows the shapes of other tensors.
STRATA_API Tensor zeros_of(Dims dims, DType dtype);
/// The same for a vector of integers such as `shape(x)`.
STRATA_API Tensor zeros_of(const Tensor& shape, DType dtype);
}  // namespace detail
}  // namespace strata
