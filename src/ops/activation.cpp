// Activations that are ops of their own: the relu family, and the smooth ones.
#include "kernels/activation.h"

#include "graph/prepare.h"
#include "graph/registry.h"
#include "kernels/activation_constants.h"
#include "ops/nn_families.h"
#include "strata/array.h"
#include "strata/math.h"
#include "strata/nn.h"

namespace strata {
namespace {

using kernels::Smooth;

template <class Self>
struct ReluBase : OpBase<Self>, Preparable {
  ReluBase() = default;
  explicit ReluBase(const kernels::Relu& relu) : relu(relu) {}
  kernels::Relu relu;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("negative_slope", s.relu.negative_slope);
    v("threshold", s.relu.threshold);
    v("max_value", s.relu.max_value);
    v("has_max", s.relu.has_max);
  }
  bool is_differentiable() const override { return true; }
  bool is_elementwise() const override { return true; }
  // The slope can be told from the result, which the next operation keeps anyway.
  bool from_result() const { return relu.threshold == 0 && relu.negative_slope >= 0; }
};

// ReluGrad(dy, x or y).
struct ReluGrad final : ReluBase<ReluGrad> {
  using ReluBase::ReluBase;
  std::string_view name() const override { return "relu_grad"; }
  Specs infer(const Specs& in) const override { return {{in[1].shape, in[0].dtype}}; }
  bool runs_in_place(std::size_t input) const override { return input == 0; }
  void run(RunContext& c) const override {
    kernels::relu_backward(c.in[0].dtype(), relu, c.in[0].size(), c.src<void>(0), c.src<void>(1), c.dst<void>());
  }
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override {
    if (c.in[0] != c.in[1]) return nullptr;
    return prepared_call(
        [dtype = c.in[0].dtype, size = c.in[0].shape.num_elements(), relu = relu](const StepMemory& m) {
          kernels::relu_backward(dtype, relu, size, m.in[0], m.in[1], m.out[0]);
        });
  }
  Tensors grad(const GradContext& c) const override {
    return {apply1(make_op<ReluGrad>(relu), {c.grad(), c.input(1)}), c.needed(1) ? zeros_like(c.input(1)) : Tensor()};
  }
};

struct ReluOp final : ReluBase<ReluOp> {
  using ReluBase::ReluBase;
  std::string_view name() const override { return "relu"; }
  Specs infer(const Specs& in) const override {
    if (in[0].dtype == DType::boolean) throw DTypeError("relu: input is bool. Use a number type: cast(x, float32).");
    return {in[0]};
  }
  void run(RunContext& c) const override {
    kernels::relu(c.in[0].dtype(), relu, c.in[0].size(), c.src<void>(0), c.dst<void>());
  }
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override {
    return prepared_call([dtype = c.in[0].dtype, size = c.in[0].shape.num_elements(),
                          relu = relu](const StepMemory& m) { kernels::relu(dtype, relu, size, m.in[0], m.out[0]); });
  }
  Tensors grad(const GradContext& c) const override {
    return {apply1(make_op<ReluGrad>(relu), {c.grad(), from_result() ? c.output() : c.input(0)})};
  }
};

// The derivatives of the smooth activations at x, where the value is y.
Tensor derivative(Smooth kind, double alpha, const Tensor& x, const Tensor& y) {
  const auto positive = [&] { return greater(x, Tensor(0.0)); };
  switch (kind) {
    case Smooth::elu:
      return where(positive(), ones_like(x), y + Tensor(alpha));
    case Smooth::selu:
      return where(positive(), ones_like(x) * Tensor(kernels::kSeluScale),
                   y + Tensor(kernels::kSeluScale * kernels::kSeluAlpha));
    case Smooth::celu:
      return where(positive(), ones_like(x), y / Tensor(alpha) + Tensor(1.0));
    case Smooth::gelu: {
      const Tensor density = exp(square(x) * Tensor(-0.5)) * Tensor(kernels::kInverseSqrt2Pi);
      return erfc(x * Tensor(-kernels::kSqrtHalf)) * Tensor(0.5) + x * density;
    }
    case Smooth::gelu_tanh: {
      const Tensor x2 = square(x), inner = x * (x2 * Tensor(kernels::kGeluCubic) + Tensor(1.0));
      const Tensor t = tanh(inner * Tensor(kernels::kGeluScale));
      const Tensor slope = x2 * Tensor(3 * kernels::kGeluCubic) + Tensor(1.0);
      return (t + Tensor(1.0)) * Tensor(0.5) +
             x * (Tensor(1.0) - square(t)) * slope * Tensor(0.5 * kernels::kGeluScale);
    }
    case Smooth::silu: {
      const Tensor s = sigmoid(x);
      return s * (x * (Tensor(1.0) - s) + Tensor(1.0));
    }
    case Smooth::softplus:
      return sigmoid(x);
    case Smooth::log_sigmoid:
      return sigmoid(negative(x));
    case Smooth::softsign:
      return reciprocal(square(abs(x) + Tensor(1.0)));
    case Smooth::mish: {
      const Tensor t = tanh(nn::softplus(x));
      return t + x * (Tensor(1.0) - square(t)) * sigmoid(x);
    }
  }
  return {};
}

constexpr const char* name_of(Smooth kind) {
  switch (kind) {
    case Smooth::elu:
      return "elu";
    case Smooth::selu:
      return "selu";
    case Smooth::celu:
      return "celu";
    case Smooth::gelu:
      return "gelu";
    case Smooth::gelu_tanh:
      return "gelu_tanh";
    case Smooth::silu:
      return "silu";
    case Smooth::softplus:
      return "softplus";
    case Smooth::log_sigmoid:
      return "log_sigmoid";
    case Smooth::softsign:
      return "softsign";
    case Smooth::mish:
      return "mish";
  }
  return "";
}

template <Smooth kind>
struct SmoothOp final : OpBase<SmoothOp<kind>>, Preparable {
  SmoothOp() = default;
  explicit SmoothOp(double alpha) : alpha(alpha) {}
  double alpha = 1;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("alpha", s.alpha);
  }
  std::string_view name() const override { return name_of(kind); }
  Specs infer(const Specs& in) const override { return {in[0]}; }
  void run(RunContext& c) const override {
    kernels::smooth(c.in[0].dtype(), kind, alpha, c.in[0].size(), c.template src<void>(0), c.template dst<void>());
  }
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override {
    return prepared_call([dtype = c.in[0].dtype, size = c.in[0].shape.num_elements(), alpha = alpha](
                             const StepMemory& m) { kernels::smooth(dtype, kind, alpha, size, m.in[0], m.out[0]); });
  }
  bool is_elementwise() const override { return true; }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    return {c.grad() * derivative(kind, alpha, c.input(0), c.output())};
  }
};

template <Smooth kind>
Tensor smooth(const Tensor& x, double alpha = 1) {
  check_defined(name_of(kind), {&x, 1});
  return apply1(make_op<SmoothOp<kind>>(alpha), {is_floating(x.dtype()) ? x : cast(x, float32)});
}

}  // namespace

namespace nn {

Tensor relu(const Tensor& x, const ReluOptions& options) {
  if (options.max_value && *options.max_value < 0)
    throw ValueError("relu: max_value is negative. Use a number that is at least 0.");
  if (options.negative_slope < 0)
    throw ValueError("relu: negative_slope is negative. Use a number that is at least 0.");
  return apply1(make_op<ReluOp>(kernels::Relu{options.negative_slope, options.threshold, options.max_value.value_or(0),
                                              options.max_value.has_value()}),
                {x});
}
Tensor relu6(const Tensor& x) { return relu(x, {.max_value = 6}); }
Tensor leaky_relu(const Tensor& x, double negative_slope) { return relu(x, {.negative_slope = negative_slope}); }
Tensor elu(const Tensor& x, double alpha) { return smooth<Smooth::elu>(x, alpha); }
Tensor selu(const Tensor& x) { return smooth<Smooth::selu>(x); }
Tensor celu(const Tensor& x, double alpha) { return smooth<Smooth::celu>(x, alpha); }
Tensor gelu(const Tensor& x, bool approximate) {
  return approximate ? smooth<Smooth::gelu_tanh>(x) : smooth<Smooth::gelu>(x);
}
Tensor silu(const Tensor& x) { return smooth<Smooth::silu>(x); }
Tensor softplus(const Tensor& x) { return smooth<Smooth::softplus>(x); }
Tensor log_sigmoid(const Tensor& x) { return smooth<Smooth::log_sigmoid>(x); }
Tensor softsign(const Tensor& x) { return smooth<Smooth::softsign>(x); }
Tensor mish(const Tensor& x) { return smooth<Smooth::mish>(x); }

}  // namespace nn

void register_activation(Registry& r) {
  r.add<ReluOp>();
  r.add<ReluGrad>();
  r.add<SmoothOp<Smooth::elu>>();
  r.add<SmoothOp<Smooth::selu>>();
  r.add<SmoothOp<Smooth::celu>>();
  r.add<SmoothOp<Smooth::gelu>>();
  r.add<SmoothOp<Smooth::gelu_tanh>>();
  r.add<SmoothOp<Smooth::silu>>();
  r.add<SmoothOp<Smooth::softplus>>();
  r.add<SmoothOp<Smooth::log_sigmoid>>();
  r.add<SmoothOp<Smooth::softsign>>();
  r.add<SmoothOp<Smooth::mish>>();
  register_softmax(r);
  register_cross_entropy(r);
  register_dropout(r);
  register_resize(r);
  register_recurrent(r);
  register_affine(r);
  register_fused(r);
  register_fake_quant(r);
  register_bytes(r);
}

}  // namespace strata
