// concat, split, stack and unstack: blocks along one axis.
#include <algorithm>
#include <numeric>

#include "core/fields.h"
#include "graph/prepare.h"
#include "kernels/copy.h"
#include "ops/array_util.h"
#include "strata/array.h"

namespace strata {
namespace {

using array::certainly_differ;
using array::known_of;
using array::normalize_axis;

std::size_t axis_of(std::string_view op, std::int64_t axis, const Shape& shape, std::int64_t extra = 0) {
  return static_cast<std::size_t>(normalize_axis(op, axis, shape, extra));
}

// The elements before, and from, an axis on, of a concrete shape.
std::int64_t before(const Shape& shape, std::size_t axis) { return array::product(shape, 0, axis); }
std::int64_t from(const Shape& shape, std::size_t axis) { return array::product(shape, axis, shape.size()); }

// Copies `block` elements of each of `outer` rows between an array with rows of `block` elements and the `offset`-th
// element of rows of `row` elements.
void put_block(const Tensor& part, const Tensor& whole, std::int64_t outer, std::int64_t block, std::int64_t row,
               std::int64_t offset) {
  const std::size_t width = size_of(whole.dtype());
  kernels::strided_copy({outer, block}, detail::data_of(part).raw(), {block, 1},
                        static_cast<char*>(detail::data_of(whole).raw()) + offset * std::int64_t(width), {row, 1},
                        width);
}
void take_block(const Tensor& whole, const Tensor& part, std::int64_t outer, std::int64_t block, std::int64_t row,
                std::int64_t offset) {
  const std::size_t width = size_of(whole.dtype());
  kernels::strided_copy({outer, block}, static_cast<char*>(detail::data_of(whole).raw()) + offset * std::int64_t(width),
                        {row, 1}, detail::data_of(part).raw(), {block, 1}, width);
}

void split_into(RunContext& c, std::size_t axis) {
  const std::int64_t outer = before(c.in_shape(0), axis), row = from(c.in_shape(0), axis);
  std::int64_t offset = 0;
  for (const Tensor& out : c.out) {
    const std::int64_t block = from(out.shape(), axis);
    take_block(c.in[0], out, outer, block, row, offset);
    offset += block;
  }
}

// Concatenation and splitting along the last axis as steps of plans: they copy what does not lie in its place yet.
class PreparedJoint final : public PreparedOp {
 public:
  // `whole` is the array of all channels, with `stride` elements from row to row; the parts have theirs.
  PreparedJoint(bool split, const Spec& whole, std::int64_t stride, std::span<const Spec> parts,
                std::span<const std::int64_t> strides)
      : split_(split), rows_(before(whole.shape, whole.shape.size() - 1)), width_(size_of(whole.dtype)) {
    row_ = stride > 0 ? stride : whole.shape.back();
    std::int64_t first = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const std::int64_t channels = parts[i].shape.back(), own = i < strides.size() ? strides[i] : 0;
      parts_.push_back({first, channels, own > 0 ? own : channels});
      first += channels;
    }
  }
  void run(const StepMemory& m) const override {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const Part& p = parts_[i];
      const auto offset = static_cast<std::size_t>(p.first) * width_;
      const char* from = static_cast<const char*>(split_ ? m.in[0] : m.in[i]) + (split_ ? offset : 0);
      char* to = static_cast<char*>(split_ ? m.out[i] : m.out[0]) + (split_ ? 0 : offset);
      if (from == to) continue;
      const std::int64_t from_row = split_ ? row_ : p.stride, to_row = split_ ? p.stride : row_;
      kernels::strided_copy({rows_, p.channels}, from, {from_row, 1}, to, {to_row, 1}, width_);
    }
  }

 private:
  struct Part {
    std::int64_t first, channels, stride;
  };
  bool split_;
  std::int64_t rows_, row_ = 0;
  std::size_t width_;
  std::vector<Part> parts_;
};

bool is_last(std::string_view op, std::int64_t axis, const Shape& shape) {
  return axis_of(op, axis, shape) + 1 == shape.size();
}

Tensors output_gradients(const GradContext& c, std::size_t count) {
  Tensors grads;
  for (std::size_t i = 0; i < count; ++i) grads.push_back(c.grad(i));
  return grads;
}

// The adjoint of concat: pieces of input 0 with the shapes of the other inputs.
struct SplitLike final : OpBase<SplitLike> {
  SplitLike() = default;
  explicit SplitLike(std::int64_t axis) : axis(axis) {}
  std::int64_t axis = 0;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("axis", s.axis);
  }
  std::string_view name() const override { return "split_like"; }
  Specs infer(const Specs& in) const override {
    const std::size_t at = axis_of(name(), axis, in[0].shape);
    Specs out;
    std::int64_t total = 0;
    for (std::size_t i = 1; i < in.size(); ++i) {
      out.push_back({in[i].shape, in[0].dtype});
      const std::int64_t d = in[i].shape[at];
      total = d == None || total == None ? None : total + d;
    }
    if (certainly_differ(total, in[0].shape[at]))
      throw ShapeError("split_like: the parts do not add up to shape " + to_string(in[0].shape) + ": " + describe(in));
    return out;
  }
  void run(RunContext& c) const override { split_into(c, axis_of(name(), axis, c.in_shape(0))); }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    Tensors out(c.num_inputs());
    out[0] = concat(output_gradients(c, c.num_inputs() - 1), axis);
    return out;
  }
};

struct Concat final : OpBase<Concat>, Preparable {
  Concat() = default;
  explicit Concat(std::int64_t axis) : axis(axis) {}
  std::int64_t axis = 0;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("axis", s.axis);
  }
  std::string_view name() const override { return "concat"; }
  Specs infer(const Specs& in) const override {
    Spec out = in[0];
    const std::size_t at = axis_of(name(), axis, out.shape);
    for (std::size_t i = 1; i < in.size(); ++i) {
      const Shape& s = in[i].shape;
      bool fits = s.size() == out.shape.size() && in[i].dtype == out.dtype;
      for (std::size_t d = 0; fits && d < s.size(); ++d) {
        if (d == at) {
          out.shape[d] = out.shape[d] == None || s[d] == None ? None : out.shape[d] + s[d];
        } else {
          fits = !certainly_differ(out.shape[d], s[d]);
          out.shape[d] = known_of(out.shape[d], s[d]);
        }
      }
      if (!fits)
        throw ShapeError("concat: the tensors do not fit together along axis " + std::to_string(axis) + ": " +
                         describe(in) + ". Ranks, dtypes and all dimensions but that of the axis must be equal.");
    }
    return {out};
  }
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override {
    if (!is_last(name(), axis, c.out[0].shape)) return nullptr;
    return std::make_unique<PreparedJoint>(false, c.out[0], c.out_stride(0), c.in, c.in_strides);
  }
  bool reads_slice(const PrepareContext& c, std::size_t) const override {
    return is_last(name(), axis, c.out[0].shape);
  }
  bool writes_slice(const PrepareContext& c, std::size_t) const override {
    return is_last(name(), axis, c.out[0].shape);
  }
  void run(RunContext& c) const override {
    const std::size_t at = axis_of(name(), axis, c.out_shape());
    const std::int64_t outer = before(c.out_shape(), at), row = from(c.out_shape(), at);
    std::int64_t offset = 0;
    for (const Tensor& in : c.in) {
      const std::int64_t block = from(in.shape(), at);
      put_block(in, c.out[0], outer, block, row, offset);
      offset += block;
    }
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    const std::size_t at = axis_of(name(), axis, c.output().shape());
    Ints sizes;
    Tensors inputs = {c.grad()};
    for (std::size_t i = 0; i < c.num_inputs(); ++i) {
      sizes.push_back(c.input(i).shape()[at]);
      inputs.push_back(c.input(i));
    }
    if (std::find(sizes.begin(), sizes.end(), None) == sizes.end()) return split(c.grad(), sizes, axis);
    return strata::apply(make_op<SplitLike>(axis), inputs);
  }
};

// Sizes of -1 are computed; `sections` instead of sizes asks for that many equal parts.
struct Split final : OpBase<Split>, Preparable {
  Split() = default;
  Split(std::int64_t sections, const Ints& sizes, std::int64_t axis) : sections(sections), sizes(sizes), axis(axis) {}
  std::int64_t sections = 0;
  Ints sizes;
  std::int64_t axis = 0;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("sections", s.sections), v("sizes", s.sizes), v("axis", s.axis);
  }
  std::string_view name() const override { return "split"; }
  Ints resolve(const Shape& x, std::int64_t total) const {
    auto fail = [&](const std::string& why) -> ShapeError {
      return ShapeError("split: axis " + std::to_string(axis) + " of shape " + to_string(x) + " has size " +
                        std::to_string(total) + ", " + why);
    };
    if (sections > 0) {
      if (total != None && total % sections != 0)
        throw fail("which " + std::to_string(sections) + " does not divide. Give the sizes of the parts instead.");
      return Ints(static_cast<std::size_t>(sections), total == None ? None : total / sections);
    }
    Ints out = sizes;
    std::int64_t sum = 0, open = 0;
    for (std::int64_t s : sizes) s == -1 ? ++open : sum += s;
    if (open > 1) throw ValueError("split: only one size can be -1, received " + to_string(Shape(sizes)) + ".");
    if (total != None && (open ? sum > total : sum != total))
      throw fail("but the sizes " + to_string(Shape(sizes)) + " add up to " + std::to_string(sum) + ".");
    for (std::int64_t& s : out)
      if (s == -1) s = total == None ? None : total - sum;
    return out;
  }
  Specs infer(const Specs& in) const override {
    const std::size_t at = axis_of(name(), axis, in[0].shape);
    Specs out;
    for (std::int64_t size : resolve(in[0].shape, in[0].shape[at])) {
      out.push_back(in[0]);
      out.back().shape[at] = size;
    }
    return out;
  }
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override {
    if (!is_last(name(), axis, c.in[0].shape)) return nullptr;
    return std::make_unique<PreparedJoint>(true, c.in[0], c.in_stride(0), c.out, c.out_strides);
  }
  bool reads_slice(const PrepareContext& c, std::size_t) const override { return is_last(name(), axis, c.in[0].shape); }
  void run(RunContext& c) const override { split_into(c, axis_of(name(), axis, c.in_shape(0))); }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    const std::size_t count = sections > 0 ? static_cast<std::size_t>(sections) : sizes.size();
    return {concat(output_gradients(c, count), axis)};
  }
};

struct Stack final : OpBase<Stack> {
  Stack() = default;
  explicit Stack(std::int64_t axis) : axis(axis) {}
  std::int64_t axis = 0;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("axis", s.axis);
  }
  std::string_view name() const override { return "stack"; }
  Specs infer(const Specs& in) const override {
    Spec out = in[0];
    for (const Spec& s : in) {
      bool fits = s.shape.size() == out.shape.size() && s.dtype == out.dtype;
      for (std::size_t d = 0; fits && d < s.shape.size(); ++d) {
        fits = !certainly_differ(out.shape[d], s.shape[d]);
        out.shape[d] = known_of(out.shape[d], s.shape[d]);
      }
      if (!fits) throw ShapeError("stack: the tensors differ: " + describe(in) + ". Shapes and dtypes must be equal.");
    }
    out.shape.insert(axis_of(name(), axis, in[0].shape, 1), static_cast<std::int64_t>(in.size()));
    return {out};
  }
  void run(RunContext& c) const override {
    const std::size_t at = axis_of(name(), axis, c.in_shape(0), 1);
    const std::int64_t outer = before(c.in_shape(0), at), block = from(c.in_shape(0), at);
    const auto count = static_cast<std::int64_t>(c.in.size());
    for (std::int64_t i = 0; i < count; ++i)
      put_block(c.in[static_cast<std::size_t>(i)], c.out[0], outer, block, block * count, block * i);
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override { return unstack(c.grad(), axis); }
};

struct Unstack final : OpBase<Unstack> {
  Unstack() = default;
  Unstack(std::int64_t num, std::int64_t axis) : num(num), axis(axis) {}
  std::int64_t num = 0, axis = 0;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("num", s.num), v("axis", s.axis);
  }
  std::string_view name() const override { return "unstack"; }
  Specs infer(const Specs& in) const override {
    Spec out = in[0];
    const std::size_t at = axis_of(name(), axis, out.shape);
    if (certainly_differ(out.shape[at], num))
      throw ShapeError("unstack: axis " + std::to_string(axis) + " of shape " + to_string(out.shape) +
                       " has not the expected size " + std::to_string(num) + ".");
    out.shape.erase(at);
    return Specs(static_cast<std::size_t>(num), out);
  }
  void run(RunContext& c) const override {
    const std::size_t at = axis_of(name(), axis, c.in_shape(0));
    const std::int64_t outer = before(c.in_shape(0), at), block = from(c.in_shape(0), at + 1);
    for (std::int64_t i = 0; i < num; ++i)
      take_block(c.in[0], c.out[static_cast<std::size_t>(i)], outer, block, block * num, block * i);
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    return {stack(output_gradients(c, static_cast<std::size_t>(num)), axis)};
  }
};

// Of one dtype, as Keras promotes it.
Tensors of_one_dtype(const char* op, const Tensors& tensors) {
  if (tensors.empty()) throw ValueError(std::string(op) + ": received no tensors. Give at least one.");
  check_defined(op, tensors);
  DType dtype = tensors[0].dtype();
  for (const Tensor& t : tensors) dtype = promote(dtype, t.dtype());
  Tensors out;
  for (const Tensor& t : tensors) out.push_back(t.dtype() == dtype ? t : cast(t, dtype));
  return out;
}

}  // namespace

Tensor concat(const Tensors& tensors, std::int64_t axis) {
  const Tensors parts = of_one_dtype("concat", tensors);
  normalize_axis("concat", axis, parts[0].shape());
  return parts.size() == 1 ? parts[0] : apply1(make_op<Concat>(axis), parts);
}

Tensor concatenate(const Tensors& tensors, std::int64_t axis) { return concat(tensors, axis); }

Tensor stack(const Tensors& tensors, std::int64_t axis) {
  return apply1(make_op<Stack>(axis), of_one_dtype("stack", tensors));
}

Tensors unstack(const Tensor& x, std::int64_t axis) {
  check_defined("unstack", {&x, 1});
  const std::int64_t num = x.shape()[axis_of("unstack", axis, x.shape())];
  if (num == None)
    throw ShapeError("unstack: the size of axis " + std::to_string(axis) + " of shape " + to_string(x.shape()) +
                     " is not known yet. Unstack an axis of known size, or use x[i].");
  if (num == 0) return {};
  Tensors parts = strata::apply(make_op<Unstack>(num, axis), {x});
  for (std::int64_t i = 0; i < num; ++i) array::note_size(x, i, parts[static_cast<std::size_t>(i)]);
  return parts;
}

Tensor hstack(const Tensors& tensors) {
  Tensors parts = of_one_dtype("hstack", tensors);
  for (Tensor& t : parts)
    if (t.rank() == 0) t = reshape(t, {1});
  return concat(parts, parts[0].rank() == 1 ? 0 : 1);
}

Tensor vstack(const Tensors& tensors) { return concat(tensors, 0); }

Tensors split(const Tensor& x, int sections, std::int64_t axis) {
  check_defined("split", {&x, 1});
  if (sections < 1)
    throw ValueError("split: cannot cut into " + std::to_string(sections) + " sections; expected at least 1.");
  return strata::apply(make_op<Split>(sections, Ints{}, axis), {x});
}

Tensors split(const Tensor& x, const Ints& sizes, std::int64_t axis) {
  check_defined("split", {&x, 1});
  if (sizes.empty()) throw ValueError("split: received no sizes. Give at least one.");
  for (std::int64_t s : sizes)
    if (s < -1) throw ValueError("split: " + std::to_string(s) + " is no size of a part; expected 0 or more, or -1.");
  return strata::apply(make_op<Split>(0, sizes, axis), {x});
}

void array::register_join(Registry& r) {
  r.add<Concat>();
  r.add<SplitLike>();
  r.add<Split>();
  r.add<Stack>();
  r.add<Unstack>();
}

}  // namespace strata
