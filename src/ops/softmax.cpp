// Softmax and its logarithm.
#include "kernels/softmax.h"

#include "graph/op.h"
#include "graph/registry.h"
#include "ops/nn_families.h"
#include "strata/array.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"

namespace strata {
namespace {

struct Extents {
  std::int64_t outer, classes, inner;
};

Extents extents(const Shape& x, std::int64_t axis) {
  const std::size_t at = static_cast<std::size_t>(axis < 0 ? axis + x.rank() : axis);
  return {x.sub(0, at).num_elements(), x[at], x.sub(at + 1).num_elements()};
}

template <class Self>
struct SoftmaxBase : OpBase<Self> {
  SoftmaxBase() = default;
  explicit SoftmaxBase(std::int64_t axis) : axis(axis) {}
  std::int64_t axis = -1;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("axis", s.axis);
  }
  bool is_differentiable() const override { return true; }

  void check(const char* op, const Spec& x) const {
    if (!is_floating(x.dtype))
      throw DTypeError(std::string(op) + ": input is " + to_string(x.dtype) +
                       ". Use a floating type: cast(x, float32).");
    if (x.shape.empty()) throw ShapeError(std::string(op) + ": input is a scalar. Expected at least one axis.");
    if (axis < -x.shape.rank() || axis >= x.shape.rank())
      throw IndexError(std::string(op) + ": axis " + std::to_string(axis) + " is out of range for shape " +
                       to_string(x.shape) + ". Use " + std::to_string(-x.shape.rank()) + " to " +
                       std::to_string(x.shape.rank() - 1) + ".");
  }
};

// SoftmaxGrad(dy, y).
struct SoftmaxGrad final : SoftmaxBase<SoftmaxGrad> {
  using SoftmaxBase::SoftmaxBase;
  std::string_view name() const override { return "softmax_grad"; }
  Specs infer(const Specs& in) const override { return {in[1]}; }
  void run(RunContext& c) const override {
    const Extents e = extents(c.in_shape(1), axis);
    kernels::softmax_backward(c.in[1].dtype(), e.outer, e.classes, e.inner, c.src<void>(0), c.src<void>(1),
                              c.dst<void>());
  }
  // <a, (dy - sum(dy y)) y>: towards dy it is (a - sum(a y)) y, towards y it is a dy - a sum(dy y) - dy sum(a y).
  Tensors grad(const GradContext& c) const override {
    const Tensor a = c.grad(), &dy = c.input(0), &y = c.input(1);
    Tensors out(2);
    if (c.needed(0)) out[0] = apply1(make_op<SoftmaxGrad>(axis), {a, y});
    if (c.needed(1))
      out[1] =
          a * dy - a * reduce_sum(dy * y, axis, {.keepdims = true}) - dy * reduce_sum(a * y, axis, {.keepdims = true});
    return out;
  }
};

struct SoftmaxOp final : SoftmaxBase<SoftmaxOp> {
  using SoftmaxBase::SoftmaxBase;
  std::string_view name() const override { return "softmax"; }
  Specs infer(const Specs& in) const override {
    check("softmax", in[0]);
    return {in[0]};
  }
  void run(RunContext& c) const override {
    const Extents e = extents(c.in_shape(0), axis);
    kernels::softmax(c.in[0].dtype(), e.outer, e.classes, e.inner, c.src<void>(0), c.dst<void>());
  }
  Tensors grad(const GradContext& c) const override {
    return {apply1(make_op<SoftmaxGrad>(axis), {c.grad(), c.output()})};
  }
};

struct LogSoftmaxOp final : SoftmaxBase<LogSoftmaxOp> {
  using SoftmaxBase::SoftmaxBase;
  std::string_view name() const override { return "log_softmax"; }
  Specs infer(const Specs& in) const override {
    check("log_softmax", in[0]);
    return {in[0]};
  }
  void run(RunContext& c) const override {
    const Extents e = extents(c.in_shape(0), axis);
    kernels::log_softmax(c.in[0].dtype(), e.outer, e.classes, e.inner, c.src<void>(0), c.dst<void>());
  }
  Tensors grad(const GradContext& c) const override {
    const Tensor dy = c.grad();
    return {dy - exp(c.output()) * reduce_sum(dy, axis, {.keepdims = true})};
  }
};

}  // namespace

namespace nn {

Tensor softmax(const Tensor& x, std::int64_t axis) {
  Tensor y = apply1(make_op<SoftmaxOp>(axis), {x});
  y.impl()->logits = x.impl();
  return y;
}
Tensor log_softmax(const Tensor& x, std::int64_t axis) { return apply1(make_op<LogSoftmaxOp>(axis), {x}); }

}  // namespace nn

void register_softmax(Registry& r) {
  r.add<SoftmaxOp>();
  r.add<SoftmaxGrad>();
  r.add<LogSoftmaxOp>();
}

}  // namespace strata
