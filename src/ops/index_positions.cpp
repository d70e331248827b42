#include "ops/index_positions.h"

#include "ops/array_util.h"

namespace strata::array {
namespace {

[[noreturn]] void out_of_range(std::string_view op, std::size_t position, std::int64_t index, std::size_t axis,
                               const Shape& x, bool wrap) {
  const std::int64_t size = x[axis];
  const std::string valid = size == 0
                                ? "the axis is empty"
                                : "valid are " + std::to_string(wrap ? -size : 0) + " to " + std::to_string(size - 1);
  throw IndexError(std::string(op) + ": index " + std::to_string(index) + " (element " + std::to_string(position) +
                   " of the indices) is out of range for axis " + std::to_string(axis) + " of shape " + to_string(x) +
                   "; " + valid + ".");
}

}  // namespace

std::vector<std::int64_t> checked_indices(std::string_view op, const Tensor& indices, const Shape& x, std::size_t axis,
                                          bool wrap) {
  std::vector<std::int64_t> out = integers(indices);
  const std::int64_t size = x[axis];
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t v = wrap && out[i] < 0 ? out[i] + size : out[i];
    if (v < 0 || v >= size) out_of_range(op, i, out[i], axis, x, wrap);
    out[i] = v;
  }
  return out;
}

std::size_t position_depth(std::string_view op, const Shape& x, const Spec& indices, std::size_t batch_dims) {
  check_index_dtype(op, indices.dtype);
  const std::int64_t depth = indices.shape.empty() ? None : indices.shape.back();
  if (depth == None || indices.shape.size() < batch_dims + 1)
    throw ShapeError(std::string(op) + ": indices have shape " + to_string(indices.shape) +
                     ", expected a last dimension of known size, which holds positions.");
  if (static_cast<std::int64_t>(batch_dims) + depth > x.rank())
    throw ShapeError(std::string(op) + ": positions of " + std::to_string(depth) + " numbers (indices of shape " +
                     to_string(indices.shape) + ") are too long for shape " + to_string(x) + ".");
  return static_cast<std::size_t>(depth);
}

Positions::Positions(std::string_view op, const Tensor& indices, const Shape& x, std::size_t batch_dims) {
  const std::size_t depth = position_depth(op, x, {indices.shape(), indices.dtype()}, batch_dims);
  batches = product(x, 0, batch_dims);
  size = product(x, batch_dims, batch_dims + depth);
  inner = product(x, batch_dims + depth, x.size());
  count = product(indices.shape(), batch_dims, indices.shape().size() - 1);
  const IndexReader read(indices);
  index.resize(static_cast<std::size_t>(batches * count));
  for (std::size_t i = 0; i < index.size(); ++i) {
    std::int64_t at = 0;
    for (std::size_t d = 0; d < depth; ++d) {
      const std::int64_t v = read[static_cast<std::int64_t>(i * depth + d)];
      if (v < 0 || v >= x[batch_dims + d]) out_of_range(op, i * depth + d, v, batch_dims + d, x, false);
      at = at * x[batch_dims + d] + v;
    }
    index[i] = at;
  }
}

}  // namespace strata::array
