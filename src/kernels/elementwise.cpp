#include "kernels/elementwise.h"

namespace strata::kernels {

namespace {
// The stride of each dimension of `shape` as seen from `out`: 0 where it is stretched.
std::array<std::int64_t, Shape::kMaxRank> strides_in(const Shape& out, const Shape& shape) {
  std::array<std::int64_t, Shape::kMaxRank> strides{};
  std::int64_t step = 1;
  const std::size_t shift = out.size() - shape.size();
  for (std::size_t i = shape.size(); i-- > 0;) {
    strides[i + shift] = shape[i] == 1 ? 0 : step;
    step *= shape[i];
  }
  return strides;
}
}  // namespace

BinaryLayout binary_layout(const Shape& out, const Shape& a, const Shape& b) {
  BinaryLayout l;
  if (a == out && b == out) {
    l.size = out.num_elements();
    l.rank = 1;
    l.dims[0] = l.size;
    l.a[0] = l.b[0] = 1;
    return l;
  }
  const auto sa = strides_in(out, a), sb = strides_in(out, b);
  for (std::size_t i = 0; i < out.size(); ++i) {
    l.size *= out[i];
    if (out[i] == 1) continue;
    const auto r = static_cast<std::size_t>(l.rank);
    if (r > 0 && l.a[r - 1] == sa[i] * out[i] && l.b[r - 1] == sb[i] * out[i]) {
      l.dims[r - 1] *= out[i];
      l.a[r - 1] = sa[i];
      l.b[r - 1] = sb[i];
    } else {
      l.dims[r] = out[i];
      l.a[r] = sa[i];
      l.b[r] = sb[i];
      ++l.rank;
    }
  }
  return l;
}

}  // namespace strata::kernels
