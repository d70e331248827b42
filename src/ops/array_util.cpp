#include "ops/array_util.h"

#include <algorithm>

#include "strata/error.h"

namespace strata::array {

std::int64_t normalize_axis(std::string_view op, std::int64_t axis, const Shape& shape, std::int64_t extra) {
  const std::int64_t rank = shape.rank() + extra;
  if (axis < -rank || axis >= rank) {
    const std::string range =
        rank == 0 ? "a scalar has no axes" : "use " + std::to_string(-rank) + " to " + std::to_string(rank - 1);
    throw IndexError(std::string(op) + ": axis " + std::to_string(axis) + " is out of bounds for a tensor of shape " +
                     to_string(shape) + "; " + range + ".");
  }
  return axis < 0 ? axis + rank : axis;
}

std::vector<std::int64_t> normalize_axes(std::string_view op, const std::vector<std::int64_t>& axes,
                                         const Shape& shape) {
  std::vector<std::int64_t> out;
  for (std::int64_t axis : axes) {
    const std::int64_t a = normalize_axis(op, axis, shape);
    if (std::find(out.begin(), out.end(), a) != out.end())
      throw ValueError(std::string(op) + ": axis " + std::to_string(axis) + " is named twice (shape " +
                       to_string(shape) + "). Name each axis once.");
    out.push_back(a);
  }
  return out;
}

void check_rank(std::string_view op, const Shape& shape, std::int64_t rank) {
  if (shape.rank() < rank)
    throw ShapeError(std::string(op) + ": received shape " + to_string(shape) + ", expected at least " +
                     std::to_string(rank) + (rank == 1 ? " dimension." : " dimensions."));
}

void check_index_dtype(std::string_view op, DType dtype) {
  if (dtype != DType::int32 && dtype != DType::int64)
    throw DTypeError(std::string(op) + ": indices have dtype " + to_string(dtype) +
                     ", expected int32 or int64. Use cast(indices, int32).");
}

std::int64_t product(const Shape& shape, std::size_t from, std::size_t to) {
  std::int64_t n = 1;
  bool unknown = false;
  for (std::size_t i = from; i < to; ++i) {
    if (shape[i] == None)
      unknown = true;
    else
      n *= shape[i];
  }
  return unknown && n != 0 ? None : n;
}

std::vector<std::int64_t> integers(const Tensor& t) {
  const auto n = static_cast<std::size_t>(t.size());
  if (t.dtype() == DType::int32) {
    const auto* p = detail::elements<std::int32_t>(t);
    return {p, p + n};
  }
  const auto* p = detail::elements<std::int64_t>(t);
  return {p, p + n};
}

IndexReader::IndexReader(const Tensor& t) {
  if (t.dtype() == DType::int64) {
    data_ = detail::elements<std::int64_t>(t);
  } else {
    owned_ = integers(t);
    data_ = owned_.data();
  }
}

}  // namespace strata::array
