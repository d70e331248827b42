// Masks and one-hot vectors.
#include <memory>

#include "core/dispatch.h"
#include "core/fields.h"
#include "kernels/cast.h"
#include "kernels/copy.h"
#include "ops/array_util.h"
#include "strata/array.h"
#include "strata/math.h"
#include "strata/reduce.h"

namespace strata {
namespace {

struct Where final : OpBase<Where> {
  std::string_view name() const override { return "where_nonzero"; }
  Specs infer(const Specs& in) const override { return {{Shape{None, in[0].shape.rank()}, DType::int64}}; }
  void run(RunContext& c) const override {
    const Shape& shape = c.in_shape(0);
    const std::int64_t n = c.in[0].size(), rank = shape.rank();
    const auto flags = std::make_unique<bool[]>(static_cast<std::size_t>(n));
    kernels::cast(c.in[0].dtype(), array::raw_in(c), DType::boolean, flags.get(), n);
    std::int64_t count = 0;
    for (std::int64_t i = 0; i < n; ++i) count += flags[static_cast<std::size_t>(i)];
    c.out[0] = detail::allocate({count, rank}, DType::int64);
    std::int64_t* out = detail::mutable_elements<std::int64_t>(c.out[0]);
    for (std::int64_t i = 0; i < n; ++i) {
      if (!flags[static_cast<std::size_t>(i)]) continue;
      std::int64_t rest = i;
      for (std::size_t d = shape.size(); d-- > 0;) {
        out[d] = rest % shape[d];
        rest /= shape[d];
      }
      out += rank;
    }
  }
  bool is_dynamic() const override { return true; }
};

struct OneHot final : OpBase<OneHot> {
  OneHot() = default;
  OneHot(std::int64_t depth, const OneHotOptions& o)
      : depth(depth), on_value(o.on_value), off_value(o.off_value), axis(o.axis), dtype(o.dtype) {}
  std::int64_t depth = 0;
  double on_value = 1, off_value = 0;
  std::int64_t axis = -1;
  DType dtype = DType::float32;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("depth", s.depth), v("on_value", s.on_value), v("off_value", s.off_value), v("axis", s.axis);
    v("dtype", s.dtype);
  }
  std::string_view name() const override { return "one_hot"; }
  Specs infer(const Specs& in) const override {
    if (!is_integer(in[0].dtype))
      throw DTypeError("one_hot: indices have dtype " + to_string(in[0].dtype) +
                       ", expected uint8, int32 or int64. Use cast(indices, int32).");
    Shape out = in[0].shape;
    out.insert(static_cast<std::size_t>(array::normalize_axis(name(), axis, out, 1)), depth);
    return {{out, dtype}};
  }
  void run(RunContext& c) const override {
    const Shape& shape = c.in_shape(0);
    const auto at = static_cast<std::size_t>(array::normalize_axis(name(), axis, shape, 1));
    const std::int64_t n = c.in[0].size(), inner = array::product(shape, at, shape.size());
    Ints index(static_cast<std::size_t>(n));
    kernels::cast(c.in[0].dtype(), array::raw_in(c), DType::int64, index.data(), n);
    dispatch_all(dtype, [&]<class T>() {
      const T off = static_cast<T>(off_value), on = static_cast<T>(on_value);
      T* out = c.dst<T>();
      kernels::fill(out, c.out[0].size(), &off, sizeof(T));
      for (std::int64_t i = 0; i < n; ++i) {
        const std::int64_t k = index[static_cast<std::size_t>(i)];
        if (k >= 0 && k < depth) out[(i / inner * depth + k) * inner + i % inner] = on;
      }
    });
  }
};

}  // namespace

Tensor where(const Tensor& condition) {
  check_defined("where", {&condition, 1});
  return apply1(make_op<Where>(), {condition});
}

Tensor argwhere(const Tensor& x) { return where(x); }

Tensors nonzero(const Tensor& x) { return unstack(cast(where(x), int32), 1); }

Tensor boolean_mask(const Tensor& x, const Tensor& mask, std::int64_t axis) {
  check_defined("boolean_mask", std::vector{x, mask});
  if (mask.dtype() != DType::boolean)
    throw DTypeError("boolean_mask: the mask has dtype " + to_string(mask.dtype()) + ", expected bool. Use mask != 0.");
  array::check_rank("boolean_mask: the mask", mask.shape(), 1);
  const std::int64_t first = array::normalize_axis("boolean_mask", axis, x.shape());
  bool fits = first + mask.rank() <= x.rank();
  for (std::size_t i = 0; fits && i < mask.shape().size(); ++i)
    fits = !array::certainly_differ(mask.shape()[i], x.shape()[i + static_cast<std::size_t>(first)]);
  if (!fits)
    throw ShapeError("boolean_mask: a mask of shape " + to_string(mask.shape()) + " does not cover the axes from " +
                     std::to_string(first) + " on of shape " + to_string(x.shape()) + ".");
  if (first == 0) return gather_nd(x, where(mask));
  Ints covered, front;
  for (std::int64_t i = 0; i < mask.rank(); ++i) covered.push_back(first + i), front.push_back(i);
  return moveaxis(gather_nd(moveaxis(x, covered, front), where(mask)), 0, first);
}

Tensor one_hot(const Tensor& indices, std::int64_t depth, const OneHotOptions& options) {
  check_defined("one_hot", {&indices, 1});
  if (depth < 0) throw ValueError("one_hot: depth is " + std::to_string(depth) + ", expected 0 or more.");
  return apply1(make_op<OneHot>(depth, options), {indices});
}

Tensor sequence_mask(const Tensor& lengths, std::optional<std::int64_t> maxlen, const SequenceMaskOptions& options) {
  check_defined("sequence_mask", {&lengths, 1});
  const Tensor limit = maxlen ? constant(*maxlen, lengths.dtype()) : reduce_max(lengths);
  return cast(less(range(limit), expand_dims(lengths, -1)), options.dtype);
}

void array::register_mask(Registry& r) {
  r.add<Where>();
  r.add<OneHot>();
}

}  // namespace strata
