// Ops that passes make of others: a convolution or a matrix product with its bias and its ReLU. Weights and bias may be
// of wider type than the data.
#include <algorithm>

#include "graph/op.h"
#include "graph/registry.h"
#include "kernels/batch_norm.h"
#include "kernels/dense_plan.h"
#include "kernels/norm.h"
#include "ops/conv_prepared.h"
#include "ops/conv_util.h"
#include "ops/nn_families.h"
#include "ops/packed_weights.h"

namespace strata {
namespace {

// Runs what prepare() makes, once. As in plans of functions, weights are not packed for later.
void run_prepared(const Preparable& op, RunContext& c) {
  Specs in, out;
  std::vector<const void*> from;
  for (const Tensor& t : c.in) {
    in.push_back({t.shape(), t.dtype()});
    from.push_back(detail::data_of(t).raw());
  }
  out.push_back({c.out[0].shape(), c.out[0].dtype()});
  const auto prepared = op.prepare({in, out});
  const detail::Buffer scratch(std::max<std::size_t>(prepared->scratch_bytes(), 1));
  void* to = detail::data_of(c.out[0]).raw();
  prepared->run({from.data(), &to, scratch.data()});
}

void check_bias(std::string_view op, const Spec& x, std::int64_t channels, const Spec& bias) {
  if (bias.dtype != kernels::statistics_dtype(x.dtype) || bias.shape.size() != 1 ||
      (bias.shape[0] != None && channels != None && bias.shape[0] != channels))
    throw ShapeError(std::string(op) + ": the bias is " + describe({bias}) + ". Expected (" + std::to_string(channels) +
                     ",) " + to_string(kernels::statistics_dtype(x.dtype)) + ".");
}

// As wide as the data, or float32 for 16-bit data.
Spec as_data(const Spec& weights, const Spec& x) {
  return weights.dtype == DType::float32 && size_of(x.dtype) == 2 ? Spec{weights.shape, x.dtype} : weights;
}

// FusedConv(x, filters[, bias]): relu(conv(x, filters) + bias).
struct FusedConv final : OpBase<FusedConv>, Preparable {
  conv::Attributes attributes;
  bool bias = false, relu = false;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    conv::Attributes::fields(s.attributes, v);
    v("bias", s.bias), v("relu", s.relu);
  }
  std::string_view name() const override { return "fused_conv"; }
  Specs infer(const Specs& in) const override {
    conv::check(attributes, "conv", in[0], as_data(in[1], in[0]));
    if (bias) check_bias(name(), in[0], in[1].shape.back(), in[2]);
    const Shape &x = in[0].shape, &w = in[1].shape;
    Shape out = {x[0]};
    for (const std::int64_t d : window::output_dims(window::with_rank("conv", x.rank()), x, conv::axes(attributes, w)))
      out.push_back(d);
    out.push_back(w.back());
    return {{out, in[0].dtype}};
  }
  void run(RunContext& c) const override { run_prepared(*this, c); }
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override {
    kernels::ConvTask task{kernels::ConvKind::forward, c.in[0].dtype, c.in[1].dtype,
                           conv::geometry(attributes, c.in[0].shape, c.in[1].shape, c.out[0].shape)};
    task.dst_stride = c.out_stride(0);
    task.bias = bias;
    task.relu = relu;
    return conv::prepare(task, {.src = 0, .weights = 1, .bias = bias ? 2 : -1}, c);
  }
  bool writes_slice(const PrepareContext&, std::size_t) const override { return true; }
};

class PreparedDense final : public PreparedOp {
 public:
  PreparedDense(const kernels::DenseTask& task, const PrepareContext& c)
      : plan_(kernels::prepare_dense(task)), weights_(*plan_, c, 1) {}
  void run(const StepMemory& memory) const override {
    plan_->run(memory.in[0], weights_.get(memory.in[1], memory.scratch), plan_->task().bias ? memory.in[2] : nullptr,
               memory.out[0], static_cast<char*>(memory.scratch) + weights_.scratch_bytes());
  }
  std::size_t scratch_bytes() const override { return weights_.scratch_bytes() + plan_->scratch_size(); }
  std::string kernel() const override { return plan_->implementation(); }
  double flops() const override {
    const kernels::DenseTask& t = plan_->task();
    return 2.0 * static_cast<double>(t.rows) * static_cast<double>(t.in) * static_cast<double>(t.out);
  }

 private:
  kernels::DensePlanPtr plan_;
  PackedWeights<kernels::DensePlan> weights_;
};

// FusedMatmul(x, weights[, bias]): relu(x weights + bias) for x (..., in) and weights (in, out).
struct FusedMatmul final : OpBase<FusedMatmul>, Preparable {
  bool bias = false, relu = false;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("bias", s.bias), v("relu", s.relu);
  }
  std::string_view name() const override { return "fused_matmul"; }
  Specs infer(const Specs& in) const override {
    const Shape &x = in[0].shape, &w = in[1].shape;
    if (x.size() < 2 || w.size() != 2 || (x.back() != None && w[0] != None && x.back() != w[0]) ||
        as_data(in[1], in[0]).dtype != in[0].dtype || !is_floating(in[0].dtype))
      throw ShapeError("fused_matmul: " + describe({in[0], in[1]}) +
                       " do not fit. Expected (..., n) and (n, units) of one floating type.");
    if (bias) check_bias(name(), in[0], w[1], in[2]);
    Shape out = x;
    out[out.size() - 1] = w[1];
    return {{out, in[0].dtype}};
  }
  void run(RunContext& c) const override { run_prepared(*this, c); }
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override {
    const Shape &x = c.in[0].shape, &w = c.in[1].shape;
    return std::make_unique<PreparedDense>(kernels::DenseTask{.dtype = c.in[0].dtype,
                                                              .weights_dtype = c.in[1].dtype,
                                                              .rows = x.sub(0, x.size() - 1).num_elements(),
                                                              .in = w[0],
                                                              .out = w[1],
                                                              .bias = bias,
                                                              .relu = relu,
                                                              .constant_weights = c.constant(1).defined()},
                                           c);
  }
};

// ScaleShift(x, factor, shift): relu(x factor + shift) channel by channel, in float32 arithmetic.
struct ScaleShift final : OpBase<ScaleShift>, Preparable {
  bool relu = false;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("relu", s.relu);
  }
  std::string_view name() const override { return "scale_shift"; }
  Specs infer(const Specs& in) const override {
    if (in[0].dtype != DType::float32 && in[0].dtype != DType::bfloat16)
      throw DTypeError("scale_shift: " + describe({in[0]}) + " is neither float32 nor bfloat16.");
    for (const std::size_t i : {1, 2}) check_bias(name(), in[0], in[0].shape.back(), in[i]);
    return {in[0]};
  }
  void run(RunContext& c) const override { run_prepared(*this, c); }
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override {
    struct Prepared final : PreparedOp {
      kernels::BatchNormTask task;
      void run(const StepMemory& memory) const override {
        kernels::scale_shift(task, memory.in[0], static_cast<const float*>(memory.in[1]),
                             static_cast<const float*>(memory.in[2]), memory.out[0]);
      }
    };
    auto prepared = std::make_unique<Prepared>();
    const Shape& x = c.in[0].shape;
    prepared->task.dtype = c.in[0].dtype;
    prepared->task.rows = x.sub(0, x.size() - 1).num_elements();
    prepared->task.channels = x.back();
    prepared->task.relu = relu;
    return prepared;
  }
  bool runs_in_place(std::size_t input) const override { return input == 0; }
};

}  // namespace

void register_fused(Registry& r) {
  r.add<FusedConv>();
  r.add<FusedMatmul>();
  r.add<ScaleShift>();
}

}  // namespace strata
