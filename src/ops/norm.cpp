// Batch normalization with given statistics, and biases.
#include "kernels/norm.h"

#include "graph/op.h"
#include "graph/registry.h"
#include "ops/norm_util.h"
#include "strata/array.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"

namespace strata {
namespace {

using norms::channels_of;
using norms::rows_of;

// BatchNormalization(x, mean, variance, offset, scale).
struct BatchNormalizationOp final : OpBase<BatchNormalizationOp> {
  BatchNormalizationOp() = default;
  explicit BatchNormalizationOp(double epsilon) : epsilon(epsilon) {}
  double epsilon = 0.001;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("epsilon", s.epsilon);
  }
  bool is_differentiable() const override { return true; }
  std::string_view name() const override { return "batch_normalization"; }
  Specs infer(const Specs& in) const override {
    norms::check_vectors("batch_normalization", in[0], in, 1);
    return {in[0]};
  }
  void run(RunContext& c) const override {
    kernels::normalize_channels(c.in[0].dtype(), rows_of(c.in_shape(0)), channels_of(c.in_shape(0)), c.src<void>(0),
                                c.src<void>(4), c.src<void>(3), c.src<void>(1), c.src<void>(2), epsilon,
                                c.dst<void>(0));
  }
  Tensors grad(const GradContext& c) const override {
    const Tensor &mean = c.input(1), &scale = c.input(4);
    const Tensor dy = cast(c.grad(), mean.dtype()), s = rsqrt(c.input(2) + Tensor(epsilon));
    const Axes rows = norms::leading_axes(dy);
    Tensors out(5);
    if (c.needed(0)) out[0] = cast(dy * (scale * s), c.input(0).dtype());
    if (c.needed(1)) out[1] = negative(reduce_sum(dy, rows)) * scale * s;
    if (c.needed(2) || c.needed(4)) {
      const Tensor dot = reduce_sum(dy * (cast(c.input(0), mean.dtype()) - mean), rows);
      if (c.needed(2)) out[2] = dot * scale * s * s * s * Tensor(-0.5);
      if (c.needed(4)) out[4] = dot * s;
    }
    if (c.needed(3)) out[3] = reduce_sum(dy, rows);
    return out;
  }
};

// BiasAddGrad(dy): the sum over all axes but the last.
struct BiasAddGrad final : OpBase<BiasAddGrad> {
  std::string_view name() const override { return "bias_add_grad"; }
  Specs infer(const Specs& in) const override { return {{{in[0].shape.back()}, in[0].dtype}}; }
  void run(RunContext& c) const override {
    kernels::sum_rows(c.in[0].dtype(), rows_of(c.in_shape(0)), channels_of(c.in_shape(0)), c.src<void>(0),
                      c.dst<void>());
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override { return {norms::spread_over(c.grad(), c.input(0))}; }
};

// BiasAdd(x, bias).
struct BiasAdd final : OpBase<BiasAdd> {
  std::string_view name() const override { return "bias_add"; }
  Specs infer(const Specs& in) const override {
    const Shape &x = in[0].shape, &b = in[1].shape;
    if (x.empty() || b.size() != 1 || (x.back() != None && b[0] != None && x.back() != b[0]))
      throw ShapeError("bias_add: input of shape " + to_string(x) + " and bias of shape " + to_string(b) +
                       " do not fit. The bias is a vector as long as the last axis of the input.");
    if (in[0].dtype != in[1].dtype)
      throw DTypeError("bias_add: input is " + to_string(in[0].dtype) + " but bias is " + to_string(in[1].dtype) +
                       ". Cast one of them with cast().");
    return {in[0]};
  }
  void run(RunContext& c) const override {
    kernels::add_bias(c.in[0].dtype(), rows_of(c.in_shape(0)), channels_of(c.in_shape(0)), c.src<void>(0),
                      c.src<void>(1), c.dst<void>());
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    const Tensor dy = c.grad();
    return {dy, c.needed(1) ? apply1(make_op<BiasAddGrad>(), {dy}) : Tensor()};
  }
};

}  // namespace

namespace nn {

Tensor batch_normalization(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& offset,
                           const Tensor& scale, const BatchNormOptions& options) {
  const Tensor given[] = {x, mean, variance};
  check_defined("batch_normalization", given);
  return apply1(
      make_op<BatchNormalizationOp>(options.epsilon),
      {x, mean, variance, offset.defined() ? offset : zeros_like(mean), scale.defined() ? scale : ones_like(mean)});
}

Tensor bias_add(const Tensor& x, const Tensor& bias) { return apply1(make_op<BiasAdd>(), {x, bias}); }

}  // namespace nn

void register_norm(Registry& r) {
  norms::register_batch_norm(r);
  r.add<BatchNormalizationOp>();
  r.add<BiasAdd>();
  r.add<BiasAddGrad>();
}

}  // namespace strata
