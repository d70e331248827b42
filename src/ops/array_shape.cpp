// Ops that change the shape alone, and transposition.
#include <algorithm>
#include <numeric>

#include "core/fields.h"
#include "kernels/copy.h"
#include "ops/array_util.h"
#include "ops/like.h"
#include "strata/array.h"

namespace strata {
namespace {

using array::normalize_axes;
using array::normalize_axis;

void copy_through(RunContext& c) { kernels::copy_bytes(array::raw_out(c), array::raw_in(c), c.in[0].bytes()); }

// The shape that a tensor of shape `from` gets. A single None dimension is computed as -1 is; beside other unknown
// ones, None takes the dimension of `from` at the same position.
class ReshapeRule {
 public:
  ReshapeRule(const Shape& from, const Shape& target) : from_(from), target_(target), out_(target) {}

  Shape resolve() {
    const auto unknown = std::count(target_.begin(), target_.end(), None);
    const auto computed = std::count(target_.begin(), target_.end(), -1);
    if (computed > 1) fail("only one dimension can be -1");
    for (std::int64_t d : target_)
      if (d < -1 && d != None) fail("dimensions cannot be negative");
    const bool copies = unknown + computed > 1;
    if (copies) copy_known_positions();
    const std::int64_t wanted = product(target_, copies), available = product(from_, copies);
    const auto hole = std::find_if(out_.begin(), out_.end(), [](std::int64_t d) { return d == -1; });
    const auto gap = copies ? out_.end() : std::find(out_.begin(), out_.end(), None);
    const auto free = hole != out_.end() ? hole : gap;
    if (free == out_.end()) {
      if (wanted != None && available != None && wanted != available) fail("the numbers of elements differ");
    } else if (available == None) {
      *free = None;
    } else if (wanted == 0 || available % wanted != 0) {
      fail(wanted == 0 ? "a dimension cannot be computed beside one of size 0"
                       : "the elements cannot be divided evenly");
    } else {
      *free = available / wanted;
    }
    return out_;
  }

 private:
  void copy_known_positions() {
    for (std::size_t i = 0; i < target_.size(); ++i) {
      if (target_[i] != None) continue;
      if (i >= from_.size()) fail("a None dimension stands for that of x at the same position, and x has none there");
      out_[i] = from_[i];
    }
  }
  // Of the dimensions that take part in the count: not the computed one, and not those that are copied.
  std::int64_t product(const Shape& shape, bool copies) const {
    Shape counted;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const bool copied = copies && i < target_.size() && target_[i] == None;
      const bool open = &shape == &target_ && (shape[i] == -1 || shape[i] == None);
      if (!copied && !open) counted.push_back(shape[i]);
    }
    return array::product(counted, 0, counted.size());
  }
  [[noreturn]] void fail(const std::string& why) const {
    const std::string count =
        from_.is_known() ? " (" + std::to_string(from_.num_elements()) + " elements)" : std::string();
    throw ShapeError("reshape: a tensor of shape " + to_string(from_) + count + " cannot become " + to_string(target_) +
                     ": " + why + ". Give dimensions with the same product, or one as -1.");
  }

  const Shape &from_, &target_;
  Shape out_;
};

struct Reshape final : OpBase<Reshape> {
  Reshape() = default;
  explicit Reshape(const Shape& shape) : shape(shape) {}
  Shape shape;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("shape", s.shape);
  }
  std::string_view name() const override { return "reshape"; }
  Specs infer(const Specs& in) const override { return {{ReshapeRule(in[0].shape, shape).resolve(), in[0].dtype}}; }
  void run(RunContext& c) const override { copy_through(c); }
  bool is_view() const override { return true; }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override { return {reshape_like(c.grad(), c.input(0))}; }
};

struct ReshapeToValue final : OpBase<ReshapeToValue> {
  std::string_view name() const override { return "reshape_to_value"; }
  Specs infer(const Specs& in) const override {
    const Shape& shape = in[1].shape;
    array::check_index_dtype("reshape", in[1].dtype);
    if (shape.size() != 1 || shape[0] == None)
      throw ShapeError("reshape: the new shape is a tensor of shape " + to_string(shape) +
                       ", expected a vector of known length.");
    Shape out;
    out.resize(static_cast<std::size_t>(shape[0]), None);
    return {{out, in[0].dtype}};
  }
  void run(RunContext& c) const override {
    const Shape target(array::integers(c.in[1]));
    c.out[0] = detail::view(c.in[0], ReshapeRule(c.in_shape(0), target).resolve());
  }
  bool is_dynamic() const override { return true; }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override { return {reshape_like(c.grad(), c.input(0)), Tensor()}; }
};

struct ExpandDims final : OpBase<ExpandDims> {
  ExpandDims() = default;
  explicit ExpandDims(const Ints& axes) : axes(axes) {}
  Ints axes;  // of the result, ascending
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("axes", s.axes);
  }
  std::string_view name() const override { return "expand_dims"; }
  Specs infer(const Specs& in) const override {
    Shape out = in[0].shape;
    for (std::int64_t axis : axes) out.insert(static_cast<std::size_t>(normalize_axis(name(), axis, out, 1)), 1);
    return {{out, in[0].dtype}};
  }
  void run(RunContext& c) const override { copy_through(c); }
  bool is_view() const override { return true; }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override { return {squeeze(c.grad(), axes)}; }
};

struct Squeeze final : OpBase<Squeeze> {
  Squeeze() = default;
  explicit Squeeze(const Ints& axes) : axes(axes) {}
  Ints axes;  // ascending, not negative
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("axes", s.axes);
  }
  std::string_view name() const override { return "squeeze"; }
  Specs infer(const Specs& in) const override {
    Shape out = in[0].shape;
    for (std::size_t i = axes.size(); i-- > 0;) {
      const auto axis = static_cast<std::size_t>(normalize_axis(name(), axes[i], in[0].shape));
      if (out[axis] != 1 && out[axis] != None)
        throw ShapeError("squeeze: axis " + std::to_string(axes[i]) + " of shape " + to_string(in[0].shape) +
                         " has size " + std::to_string(out[axis]) + ", expected 1. Only axes of size 1 can go.");
      out.erase(axis);
    }
    return {{out, in[0].dtype}};
  }
  void run(RunContext& c) const override { copy_through(c); }
  bool is_view() const override { return true; }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override { return {apply1(make_op<ExpandDims>(axes), {c.grad()})}; }
};

struct Identity final : OpBase<Identity> {
  std::string_view name() const override { return "identity"; }
  Specs infer(const Specs& in) const override { return {in[0]}; }
  void run(RunContext& c) const override { copy_through(c); }
  bool is_view() const override { return true; }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override { return {c.grad()}; }
};

struct Transpose final : OpBase<Transpose> {
  Transpose() = default;
  explicit Transpose(const Ints& perm) : perm(perm) {}
  Ints perm;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("perm", s.perm);
  }
  std::string_view name() const override { return "transpose"; }
  Specs infer(const Specs& in) const override {
    const Shape& x = in[0].shape;
    if (perm.size() != x.size())
      throw ShapeError("transpose: perm has " + std::to_string(perm.size()) + " axes, but x has " +
                       std::to_string(x.size()) + " (shape " + to_string(x) + "). Name each axis of x once.");
    Shape out;
    for (std::int64_t axis : normalize_axes(name(), perm, x)) out.push_back(x[static_cast<std::size_t>(axis)]);
    return {{out, in[0].dtype}};
  }
  void run(RunContext& c) const override {
    const kernels::Strides dense = kernels::dense_strides(c.in_shape(0));
    kernels::Strides src;
    for (std::int64_t axis : normalize_axes(name(), perm, c.in_shape(0)))
      src.push_back(dense[static_cast<std::size_t>(axis)]);
    kernels::strided_copy(c.out_shape(), array::raw_in(c), src, array::raw_out(c),
                          kernels::dense_strides(c.out_shape()), size_of(c.in[0].dtype()));
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    const Ints axes = normalize_axes(name(), perm, c.input(0).shape());
    Ints inverse(axes.size());
    for (std::size_t i = 0; i < axes.size(); ++i) inverse[static_cast<std::size_t>(axes[i])] = std::int64_t(i);
    return {transpose(c.grad(), inverse)};
  }
};

Ints all_axes(const Tensor& x) {
  Ints axes(x.shape().size());
  std::iota(axes.begin(), axes.end(), 0);
  return axes;
}

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape) {
  check_defined("reshape", {&x, 1});
  return apply1(make_op<Reshape>(shape), {x});
}

Tensor detail::reshape_to_value(const Tensor& x, const Tensor& shape) {
  check_defined("reshape", std::vector{x, shape});
  array::check_index_dtype("reshape", shape.dtype());
  if (shape.is_symbolic()) return apply1(make_op<ReshapeToValue>(), {x, shape});
  return reshape(x, Shape(array::integers(shape)));
}

Tensor flatten(const Tensor& x, std::int64_t from_axis) {
  check_defined("flatten", {&x, 1});
  if (x.rank() == 0) return reshape(x, {1});
  const auto from = static_cast<std::size_t>(normalize_axis("flatten", from_axis, x.shape()));
  Shape out = x.shape().sub(0, from);
  const std::int64_t rest = array::product(x.shape(), from, x.shape().size());
  out.push_back(rest == None ? -1 : rest);
  return reshape(x, out);
}

Tensor ravel(const Tensor& x) { return flatten(x); }

Tensor expand_dims(const Tensor& x, std::int64_t axis) {
  check_defined("expand_dims", {&x, 1});
  return apply1(make_op<ExpandDims>(Ints{normalize_axis("expand_dims", axis, x.shape(), 1)}), {x});
}

Tensor squeeze(const Tensor& x) {
  check_defined("squeeze", {&x, 1});
  Ints axes;
  for (std::size_t i = 0; i < x.shape().size(); ++i)
    if (x.shape()[i] == 1) axes.push_back(static_cast<std::int64_t>(i));
  return apply1(make_op<Squeeze>(axes), {x});
}

Tensor squeeze(const Tensor& x, std::int64_t axis) { return squeeze(x, Ints{axis}); }

Tensor squeeze(const Tensor& x, const Ints& axes) {
  check_defined("squeeze", {&x, 1});
  Ints sorted = normalize_axes("squeeze", axes, x.shape());
  std::sort(sorted.begin(), sorted.end());
  return apply1(make_op<Squeeze>(sorted), {x});
}

Tensor identity(const Tensor& x) {
  check_defined("identity", {&x, 1});
  return apply1(make_op<Identity>(), {x});
}

Tensor transpose(const Tensor& x) {
  check_defined("transpose", {&x, 1});
  Ints perm = all_axes(x);
  std::reverse(perm.begin(), perm.end());
  return transpose(x, perm);
}

Tensor transpose(const Tensor& x, const Ints& perm) {
  check_defined("transpose", {&x, 1});
  return apply1(make_op<Transpose>(perm), {x});
}

Tensor permute(const Tensor& x, const Ints& perm) { return transpose(x, perm); }

Tensor swapaxes(const Tensor& x, std::int64_t axis1, std::int64_t axis2) {
  check_defined("swapaxes", {&x, 1});
  Ints perm = all_axes(x);
  std::swap(perm[static_cast<std::size_t>(normalize_axis("swapaxes", axis1, x.shape()))],
            perm[static_cast<std::size_t>(normalize_axis("swapaxes", axis2, x.shape()))]);
  return transpose(x, perm);
}

Tensor moveaxis(const Tensor& x, std::int64_t source, std::int64_t destination) {
  return moveaxis(x, Ints{source}, Ints{destination});
}

Tensor moveaxis(const Tensor& x, const Ints& source, const Ints& destination) {
  check_defined("moveaxis", {&x, 1});
  if (source.size() != destination.size())
    throw ValueError("moveaxis: " + std::to_string(source.size()) + " sources and " +
                     std::to_string(destination.size()) + " destinations; give as many of both.");
  const Ints from = normalize_axes("moveaxis", source, x.shape()),
             to = normalize_axes("moveaxis", destination, x.shape());
  Ints perm(x.shape().size(), -1);
  for (std::size_t i = 0; i < from.size(); ++i) perm[static_cast<std::size_t>(to[i])] = from[i];
  std::size_t next = 0;
  for (std::int64_t axis : all_axes(x)) {
    if (std::find(from.begin(), from.end(), axis) != from.end()) continue;
    while (perm[next] != -1) ++next;
    perm[next] = axis;
  }
  return transpose(x, perm);
}

void array::register_shape_ops(Registry& r) {
  r.add<Reshape>();
  r.add<ReshapeToValue>();
  r.add<ExpandDims>();
  r.add<Squeeze>();
  r.add<Identity>();
  r.add<Transpose>();
}

}  // namespace strata
