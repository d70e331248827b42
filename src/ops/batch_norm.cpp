// Batch normalization by the statistics of the batch, with the ReLU that passes put into it, and its gradient.
#include "kernels/batch_norm.h"

#include "graph/prepare.h"
#include "kernels/activation.h"
#include "kernels/norm.h"
#include "kernels/rows.h"
#include "ops/array_util.h"
#include "ops/norm_util.h"
#include "strata/array.h"
#include "strata/math.h"
#include "strata/nn.h"

namespace strata {
namespace {

using detail::Buffer;
using norms::channels_of;
using norms::rows_of;

// What the fast kernels take; there are slower ones for every type.
bool is_fast(const Spec& x) {
  return (x.dtype == DType::float32 || x.dtype == DType::bfloat16) && x.shape.is_known() && x.shape.num_elements() > 0;
}

bool may_equal(const Shape& a, const Shape& b) {
  bool equal = a.size() == b.size();
  for (std::size_t i = 0; equal && i < a.size(); ++i) equal = !array::certainly_differ(a[i], b[i]);
  return equal;
}

template <class Self>
struct NormOp : OpBase<Self>, Preparable {
  NormOp() = default;
  NormOp(double epsilon, bool relu) : epsilon(epsilon), relu(relu) {}
  double epsilon = 0.001;
  bool relu = false;  // y = max(0, normalized x)
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("epsilon", s.epsilon);
    v("relu", s.relu);
  }
  bool is_differentiable() const override { return true; }
  // All arrays but the vectors over the channels.
  bool reads_slice(const PrepareContext& c, std::size_t input) const override {
    return is_fast(c.in[input]) && c.in[input] == c.out[0];
  }
  bool writes_slice(const PrepareContext& c, std::size_t output) const override {
    return output == 0 && is_fast(c.out[0]);
  }

  kernels::BatchNormTask task(const Spec& x) const {
    return {x.dtype, rows_of(x.shape), channels_of(x.shape), epsilon, relu};
  }
  // The same as a step of a plan would do.
  static void run_prepared(const PreparedOp& prepared, RunContext& c) {
    std::vector<const void*> in;
    std::vector<void*> out;
    for (const Tensor& t : c.in) in.push_back(t.impl()->raw());
    for (const Tensor& t : c.out) out.push_back(t.impl()->raw());
    const Buffer scratch(prepared.scratch_bytes());
    prepared.run({in.data(), out.data(), scratch.data()});
  }
};

template <class F>
class PreparedNorm final : public PreparedOp {
 public:
  PreparedNorm(const kernels::BatchNormTask& task, F f) : task_(task), run_(f) {}
  void run(const StepMemory& memory) const override { run_(task_, memory); }
  std::size_t scratch_bytes() const override { return kernels::batch_norm_scratch(task_); }

 private:
  kernels::BatchNormTask task_;
  F run_;
};
template <class F>
std::unique_ptr<PreparedOp> prepared_norm(const kernels::BatchNormTask& task, F f) {
  return std::make_unique<PreparedNorm<F>>(task, f);
}

void normalize(const kernels::BatchNormTask& t, const StepMemory& m) {
  kernels::batch_norm_train(t, m.in[0], static_cast<const float*>(m.in[1]), static_cast<const float*>(m.in[2]),
                            m.out[0], static_cast<float*>(m.out[1]), static_cast<float*>(m.out[2]), m.scratch);
}

// FusedBatchNormGrad(dy, x, scale, mean, variance, offset, second) -> dx, dscale, doffset. `offset` is there where a
// ReLU is part of the forward op, or a second gradient, which counts as if it were added to dy.
struct FusedBatchNormGrad final : NormOp<FusedBatchNormGrad> {
  using NormOp::NormOp;
  enum Position { kDy, kX, kScale, kMean, kVariance, kOffset, kSecond };
  std::string_view name() const override { return "fused_batch_norm_grad"; }
  Specs infer(const Specs& in) const override {
    if (in.size() > kSecond && (in[kSecond].dtype != in[kDy].dtype || !may_equal(in[kSecond].shape, in[kDy].shape)))
      throw ShapeError("fused_batch_norm_grad: two gradients of one value have shapes " + to_string(in[kDy].shape) +
                       " and " + to_string(in[kSecond].shape) + ". Expected equal shapes and dtypes.");
    return {in[kX], in[kScale], in[kScale]};
  }

  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override {
    const bool two = c.in.size() > kSecond;
    if (!is_fast(c.in[kX]) || c.in[kDy] != c.in[kX] || (two && c.in[kSecond] != c.in[kX])) return nullptr;
    kernels::BatchNormTask t = task(c.in[kX]);
    t.src_stride = c.in_stride(kX);
    t.dst_stride = c.in_stride(kDy);
    t.second_stride = two ? c.in_stride(kSecond) : 0;
    t.diff_src_stride = c.out_stride(0);
    return prepared_norm(t, [two, relu = relu](const kernels::BatchNormTask& t, const StepMemory& m) {
      auto vector = [&](Position p) { return static_cast<const float*>(m.in[p]); };
      // Without a ReLU the offset does not count, so any vector will do.
      const kernels::BatchNormGradient g{m.in[kDy],
                                         two ? m.in[kSecond] : nullptr,
                                         m.in[kX],
                                         vector(kScale),
                                         vector(relu ? kOffset : kScale),
                                         vector(kMean),
                                         vector(kVariance),
                                         m.out[0],
                                         static_cast<float*>(m.out[1]),
                                         static_cast<float*>(m.out[2])};
      kernels::batch_norm_train_backward(t, g, m.scratch);
    });
  }
  void run(RunContext& c) const override {
    Specs in;
    for (const Tensor& t : c.in) in.push_back({t.shape(), t.dtype()});
    if (const auto prepared = prepare({in, {}})) return run_prepared(*prepared, c);
    run_plainly(c);
  }

  // With u = x - mean, s = 1 / sqrt(variance + epsilon), n rows, and sums over the rows:
  //   dx = scale s (dy - sum(dy) / n - u s^2 sum(dy u) / n),   dscale = s sum(dy u),   doffset = sum(dy)
  // and each input's derivative of <a, dx> + <b, dscale> + <e, doffset> is written out below. A ReLU masks dy first.
  Tensors grad(const GradContext& c) const override {
    const DType compute = c.input(kScale).dtype();
    const Tensor x = cast(c.input(kX), compute), &scale = c.input(kScale);
    const Tensor a = cast(c.grad(0), compute), b = c.grad(1), e = c.grad(2);
    const Axes rows = norms::leading_axes(x);
    const Tensor n = norms::row_count(x);
    const Tensor u = x - c.input(kMean), s = rsqrt(c.input(kVariance) + Tensor(epsilon)), s2 = s * s;
    const bool two = c.num_inputs() > kSecond;
    const Tensor mask = relu ? cast(greater(u * (scale * s) + c.input(kOffset), Tensor(0.0)), compute) : Tensor();
    const Tensor sum = cast(c.input(kDy), compute), all = two ? sum + cast(c.input(kSecond), compute) : sum;
    const Tensor dy = relu ? all * mask : all;
    const Tensor sum_dy = reduce_sum(dy, rows), dot_dy = reduce_sum(dy * u, rows), sum_a = reduce_sum(a, rows),
                 dot_a = reduce_sum(a * u, rows), a_dy = reduce_sum(a * dy, rows);
    const Tensor d_masked = scale * s * (a - sum_a / n - u * (s2 * dot_a / n)) + b * s * u + e;
    const Tensor d_dy = relu ? d_masked * mask : d_masked;
    const Tensor d_u = scale * s * s2 * (dy * dot_a + a * dot_dy) / -n + b * s * dy;
    const Tensor common = a_dy - sum_dy * sum_a / n, quadratic = s2 * dot_dy * dot_a / n;
    const Tensor d_s = scale * (common - Tensor(3.0) * quadratic) + b * dot_dy;
    Tensors out = {cast(d_dy, c.input(kDy).dtype()), cast(d_u, c.input(kX).dtype()), s * (common - quadratic),
                   negative(reduce_sum(d_u, rows)), d_s * s * s2 * Tensor(-0.5)};
    if (c.num_inputs() > kOffset) out.push_back(c.needed(kOffset) ? zeros_like(c.input(kOffset)) : Tensor());
    if (two) out.push_back(out[0]);
    return out;
  }

 private:
  void run_plainly(RunContext& c) const {
    Tensor dy = c.in[kDy];
    const DType dtype = c.in[kX].dtype();
    const std::int64_t rows = rows_of(c.in_shape(kX)), channels = channels_of(c.in_shape(kX));
    if (c.in.size() > kSecond) {
      const Tensor both = detail::allocate(c.in_shape(kX), dtype);
      kernels::add_slices({rows, channels}, dtype, dy.impl()->raw(), channels, c.in[kSecond].impl()->raw(), channels,
                          both.impl()->raw(), channels);
      dy = both;
    }
    if (relu) {
      const Tensor y = detail::allocate(c.in_shape(kX), dtype), masked = detail::allocate(c.in_shape(kX), dtype);
      kernels::normalize_channels(dtype, rows, channels, c.src<void>(kX), c.src<void>(kScale), c.src<void>(kOffset),
                                  c.src<void>(kMean), c.src<void>(kVariance), epsilon, y.impl()->raw());
      kernels::relu_backward(dtype, {}, y.size(), dy.impl()->raw(), y.impl()->raw(), masked.impl()->raw());
      dy = masked;
    }
    kernels::batch_norm_backward(dtype, rows, channels, dy.impl()->raw(), c.src<void>(kX), c.src<void>(kScale),
                                 c.src<void>(kMean), c.src<void>(kVariance), epsilon,
                                 {c.dst<void>(0), c.dst<void>(1), c.dst<void>(2)});
  }
};

// FusedBatchNorm(x, scale, offset) -> y, mean, variance.
struct FusedBatchNormOp final : NormOp<FusedBatchNormOp> {
  using NormOp::NormOp;
  std::string_view name() const override { return "fused_batch_norm"; }
  Specs infer(const Specs& in) const override {
    norms::check_vectors("fused_batch_norm", in[0], in, 1);
    const Spec statistics = {{in[0].shape.back()}, kernels::statistics_dtype(in[0].dtype)};
    return {in[0], statistics, statistics};
  }
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override {
    if (!is_fast(c.in[0])) return nullptr;
    kernels::BatchNormTask t = task(c.in[0]);
    t.src_stride = c.in_stride(0);
    t.dst_stride = c.out_stride(0);
    return prepared_norm(t, normalize);
  }
  void run(RunContext& c) const override {
    const Spec x = {c.in_shape(0), c.in[0].dtype()};
    if (const auto prepared = prepare({{&x, 1}, {}})) return run_prepared(*prepared, c);
    const std::int64_t rows = rows_of(x.shape), channels = channels_of(x.shape);
    kernels::channel_moments(x.dtype, rows, channels, c.src<void>(0), c.dst<void>(1), c.dst<void>(2));
    kernels::normalize_channels(x.dtype, rows, channels, c.src<void>(0), c.src<void>(1), c.src<void>(2), c.dst<void>(1),
                                c.dst<void>(2), epsilon, c.dst<void>(0));
    if (relu) kernels::relu(x.dtype, {}, c.in[0].size(), c.dst<void>(0), c.dst<void>(0));
  }
  Tensors grad(const GradContext& c) const override {
    const Tensor &x = c.input(0), &mean = c.output(1);
    Tensors in = {c.grad(0), x, c.input(1), mean, c.output(2)};
    if (relu) in.push_back(c.input(2));
    Tensors out = strata::apply(make_op<FusedBatchNormGrad>(epsilon, relu), in);
    if (c.has_grad(1) || c.has_grad(2)) {
      const Tensor u = cast(x, mean.dtype()) - mean;
      const Tensor more = (c.grad(1) + Tensor(2.0) * u * c.grad(2)) / norms::row_count(x);
      out[0] = out[0] + cast(more, x.dtype());
    }
    return out;
  }
};

}  // namespace

namespace nn {

FusedBatchNorm fused_batch_norm(const Tensor& x, const Tensor& scale, const Tensor& offset,
                                const BatchNormOptions& options) {
  const Tensors out = strata::apply(make_op<FusedBatchNormOp>(options.epsilon, false), {x, scale, offset});
  return {out[0], out[1], out[2]};
}

}  // namespace nn

void norms::register_batch_norm(Registry& r) {
  r.add<FusedBatchNormOp>();
  r.add<FusedBatchNormGrad>();
}

}  // namespace strata
