#include "ops/broadcast.h"

#include <algorithm>

#include "kernels/cast.h"
#include "strata/array.h"

namespace strata::detail {

DType common_dtype(const Tensor& a, const Tensor& b) {
  const bool weak_a = a.impl()->weak, weak_b = b.impl()->weak;
  if (weak_a == weak_b) return promote(a.dtype(), b.dtype());
  const DType strong = weak_a ? b.dtype() : a.dtype(), number = weak_a ? a.dtype() : b.dtype();
  if (is_floating(number) && !is_floating(strong)) return DType::float32;
  if (strong == DType::boolean && number != DType::boolean) return number == DType::int64 ? DType::int64 : DType::int32;
  return strong;
}

namespace {
// A bare number is converted without an op, unless another handle (a tape's, say) shares it: nothing flows back to it.
Tensor converted(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype || !x.impl()->weak || !x.impl()->is_eager() || x.impl().use_count() > 1) return cast(x, dtype);
  Tensor out = allocate(x.shape(), dtype);
  kernels::cast(x.dtype(), data_of(x).raw(), dtype, data_of(out).raw(), x.size());
  return out;
}
}  // namespace

std::pair<Tensor, Tensor> promote_operands(const Tensor& a, const Tensor& b) {
  const Tensor both[] = {a, b};
  check_defined("element-wise operation", both);
  if (a.dtype() == b.dtype()) return {a, b};
  const DType dtype = common_dtype(a, b);
  return {converted(a, dtype), converted(b, dtype)};
}

Tensor as_floating(const Tensor& x) {
  check_defined("element-wise function", {&x, 1});
  return is_floating(x.dtype()) ? x : cast(x, DType::float32);
}

std::pair<Tensor, Tensor> promote_floating(const Tensor& a, const Tensor& b) {
  auto [x, y] = promote_operands(a, b);
  return {as_floating(x), as_floating(y)};
}

Shape broadcast_shapes(std::string_view op, const Shape& a, const Shape& b) {
  Shape out;
  out.resize(std::max(a.size(), b.size()));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1, y = i < b.size() ? b[b.size() - 1 - i] : 1;
    std::int64_t& d = out[out.size() - 1 - i];
    if (x == y || y == 1)
      d = x;
    else if (x == 1)
      d = y;
    else if (x == None || y == None)
      d = x == None ? y : x;
    else
      throw ShapeError(std::string(op) + ": shapes " + to_string(a) + " and " + to_string(b) +
                       " do not broadcast: dimension " + std::to_string(out.size() - 1 - i) + " is " +
                       std::to_string(x) + " in one and " + std::to_string(y) +
                       " in the other. Dimensions must be equal, or 1.");
  }
  return out;
}

}  // namespace strata::detail
