// Indices as the kernels take them: 64-bit, checked, counted from the front.
#pragma once

#include <string_view>
#include <vector>

#include "graph/op.h"

namespace strata::array {

// Throws IndexError that names the first index outside axis `axis` of shape `x`. With `wrap`, negative indices count
// from the end.
std::vector<std::int64_t> checked_indices(std::string_view op, const Tensor& indices, const Shape& x, std::size_t axis,
                                          bool wrap);

// How many of x's dimensions (after `batch_dims`) a row of `indices` addresses. Throws ShapeError.
std::size_t position_depth(std::string_view op, const Shape& x, const Spec& indices, std::size_t batch_dims);

// Rows of `indices` as numbers of the blocks of x that they address.
struct Positions {
  Positions(std::string_view op, const Tensor& indices, const Shape& x, std::size_t batch_dims);
  std::int64_t batches, count, size, inner;  // x is (batches, size, inner), the index is (batches, count)
  std::vector<std::int64_t> index;
};

}  // namespace strata::array
