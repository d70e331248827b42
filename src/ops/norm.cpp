// Batch normalization: the training form with its statistics, its gradient, and the form with given statistics.
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

using kernels::statistics_dtype;

// Throws unless every tensor from `first` on is a vector over the last axis of x, of the type of its statistics.
void check_vectors(const char* op, const Spec& x, const Specs& in, std::size_t first) {
  if (!is_floating(x.dtype))
    throw DTypeError(std::string(op) + ": input is " + to_string(x.dtype) + ". Use a floating type: cast(x, float32).");
  if (x.shape.empty()) throw ShapeError(std::string(op) + ": input is a scalar. Expected (batch, ..., channels).");
  for (std::size_t i = first; i < in.size(); ++i) {
    const std::int64_t channels = x.shape.back(), given = in[i].shape.size() == 1 ? in[i].shape[0] : -1;
    if (in[i].shape.size() != 1 || (channels != None && given != None && given != channels))
      throw ShapeError(std::string(op) + ": input of shape " + to_string(x.shape) +
                       " needs scale, offset and statistics of shape (" + to_string(Shape{channels}) +
                       ") over its last axis, but one has shape " + to_string(in[i].shape) + ".");
    if (in[i].dtype != statistics_dtype(x.dtype))
      throw DTypeError(std::string(op) + ": scale, offset and statistics of a " + to_string(x.dtype) + " input are " +
                       to_string(statistics_dtype(x.dtype)) + ", but one is " + to_string(in[i].dtype) +
                       ". Cast it with cast().");
  }
}

// (x) as rows of channels.
std::int64_t channels_of(const Shape& x) { return x.back(); }
std::int64_t rows_of(const Shape& x) { return x.sub(0, x.size() - 1).num_elements(); }

template <class Self>
struct NormOp : OpBase<Self> {
  NormOp() = default;
  explicit NormOp(double epsilon) : epsilon(epsilon) {}
  double epsilon = 0.001;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("epsilon", s.epsilon);
  }
  bool is_differentiable() const override { return true; }
};

// FusedBatchNormGrad(dy, x, scale, mean, variance) -> dx, dscale, doffset.
struct FusedBatchNormGrad final : NormOp<FusedBatchNormGrad> {
  using NormOp::NormOp;
  std::string_view name() const override { return "fused_batch_norm_grad"; }
  Specs infer(const Specs& in) const override { return {{in[1].shape, in[1].dtype}, in[2], in[2]}; }
  void run(RunContext& c) const override {
    kernels::batch_norm_backward(c.in[1].dtype(), rows_of(c.in_shape(1)), channels_of(c.in_shape(1)), c.src<void>(0),
                                 c.src<void>(1), c.src<void>(2), c.src<void>(3), c.src<void>(4), epsilon,
                                 {c.dst<void>(0), c.dst<void>(1), c.dst<void>(2)});
  }
  // With u = x - mean, s = 1 / sqrt(variance + epsilon), n rows, and sums over the rows:
  //   dx = scale s (dy - sum(dy) / n - u s^2 sum(dy u) / n),   dscale = s sum(dy u),   doffset = sum(dy)
  // and each input's derivative of <a, dx> + <b, dscale> + <e, doffset> is written out below.
  Tensors grad(const GradContext& c) const override {
    const DType compute = c.input(2).dtype();
    const Tensor dy = cast(c.input(0), compute), x = cast(c.input(1), compute), &scale = c.input(2);
    const Tensor a = cast(c.grad(0), compute), b = c.grad(1), e = c.grad(2);
    const Axes rows = norms::leading_axes(x);
    const Tensor n = norms::row_count(x);
    const Tensor u = x - c.input(3), s = rsqrt(c.input(4) + Tensor(epsilon)), s2 = s * s;
    const Tensor sum_dy = reduce_sum(dy, rows), dot_dy = reduce_sum(dy * u, rows), sum_a = reduce_sum(a, rows),
                 dot_a = reduce_sum(a * u, rows), a_dy = reduce_sum(a * dy, rows);
    const Tensor d_dy = scale * s * (a - sum_a / n - u * (s2 * dot_a / n)) + b * s * u + e;
    const Tensor d_u = scale * s * s2 * (dy * dot_a + a * dot_dy) / -n + b * s * dy;
    const Tensor common = a_dy - sum_dy * sum_a / n, quadratic = s2 * dot_dy * dot_a / n;
    const Tensor d_s = scale * (common - Tensor(3.0) * quadratic) + b * dot_dy;
    return {cast(d_dy, c.input(0).dtype()), cast(d_u, c.input(1).dtype()), s * (common - quadratic),
            negative(reduce_sum(d_u, rows)), d_s * s * s2 * Tensor(-0.5)};
  }
};

// FusedBatchNorm(x, scale, offset) -> y, mean, variance.
struct FusedBatchNormOp final : NormOp<FusedBatchNormOp> {
  using NormOp::NormOp;
  std::string_view name() const override { return "fused_batch_norm"; }
  Specs infer(const Specs& in) const override {
    check_vectors("fused_batch_norm", in[0], in, 1);
    const Spec statistics = {{in[0].shape.back()}, statistics_dtype(in[0].dtype)};
    return {in[0], statistics, statistics};
  }
  void run(RunContext& c) const override {
    const std::int64_t rows = rows_of(c.in_shape(0)), channels = channels_of(c.in_shape(0));
    const DType dtype = c.in[0].dtype();
    kernels::channel_moments(dtype, rows, channels, c.src<void>(0), c.dst<void>(1), c.dst<void>(2));
    kernels::normalize_channels(dtype, rows, channels, c.src<void>(0), c.src<void>(1), c.src<void>(2), c.dst<void>(1),
                                c.dst<void>(2), epsilon, c.dst<void>(0));
  }
  Tensors grad(const GradContext& c) const override {
    const Tensor &x = c.input(0), &mean = c.output(1);
    Tensors out = apply(make_op<FusedBatchNormGrad>(epsilon), {c.grad(0), x, c.input(1), mean, c.output(2)});
    if (c.has_grad(1) || c.has_grad(2)) {
      const Tensor u = cast(x, mean.dtype()) - mean;
      const Tensor more = (c.grad(1) + Tensor(2.0) * u * c.grad(2)) / norms::row_count(x);
      out[0] = out[0] + cast(more, x.dtype());
    }
    return out;
  }
};

// BatchNormalization(x, mean, variance, offset, scale).
struct BatchNormalizationOp final : NormOp<BatchNormalizationOp> {
  using NormOp::NormOp;
  std::string_view name() const override { return "batch_normalization"; }
  Specs infer(const Specs& in) const override {
    check_vectors("batch_normalization", in[0], in, 1);
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

FusedBatchNorm fused_batch_norm(const Tensor& x, const Tensor& scale, const Tensor& offset,
                                const BatchNormOptions& options) {
  const Tensors out = apply(make_op<FusedBatchNormOp>(options.epsilon), {x, scale, offset});
  return {out[0], out[1], out[2]};
}

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
  r.add<FusedBatchNormOp>();
  r.add<FusedBatchNormGrad>();
  r.add<BatchNormalizationOp>();
  r.add<BiasAdd>();
  r.add<BiasAddGrad>();
}

}  // namespace strata
