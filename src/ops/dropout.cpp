// Dropout.
#include "core/generator.h"
#include "graph/op.h"
#include "graph/registry.h"
#include "kernels/activation.h"
#include "kernels/copy.h"
#include "kernels/random.h"
#include "ops/nn_families.h"
#include "strata/array.h"
#include "strata/nn.h"

namespace strata {
namespace {

// DropoutGrad(dy, mask): dy where the mask is true, scaled as the elements that were kept. Both have one shape.
struct DropoutGrad final : OpBase<DropoutGrad> {
  DropoutGrad() = default;
  explicit DropoutGrad(double rate) : rate(rate) {}
  double rate = 0;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("rate", s.rate);
  }
  std::string_view name() const override { return "dropout_grad"; }
  Specs infer(const Specs& in) const override { return {in[0]}; }
  void run(RunContext& c) const override {
    kernels::apply_mask(c.in[0].dtype(), c.in[0].size(), c.src<void>(0), c.src<bool>(1), 1 / (1 - rate), c.dst<void>());
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    return {apply1(make_op<DropoutGrad>(rate), {c.grad(), c.input(1)}), Tensor()};
  }
};

// Dropout(x) -> y, mask. The mask has the shape of x; the noise is drawn in noise_shape and stretched.
struct Dropout final : OpBase<Dropout> {
  double rate = 0;
  bool seeded = false;
  std::int64_t seed = 0;
  Shape noise_shape;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("rate", s.rate);
    v("seeded", s.seeded);
    v("seed", s.seed);
    v("noise_shape", s.noise_shape);
  }
  std::string_view name() const override { return "dropout"; }
  bool has_effect() const override { return !seeded; }
  Specs infer(const Specs& in) const override {
    const Shape& x = in[0].shape;
    if (!is_floating(in[0].dtype))
      throw DTypeError("dropout: input is " + to_string(in[0].dtype) + ". Use a floating type: cast(x, float32).");
    bool fits = noise_shape.empty() || noise_shape.size() == x.size();
    for (std::size_t i = 0; fits && i < noise_shape.size(); ++i)
      fits = noise_shape[i] == None || noise_shape[i] == 1 || x[i] == None || noise_shape[i] == x[i];
    if (!fits)
      throw ShapeError("dropout: noise_shape " + to_string(noise_shape) + " does not stretch to the input shape " +
                       to_string(x) + ". Each of its dimensions must be that of the input, 1, or None.");
    return {in[0], {x, DType::boolean}};
  }
  void run(RunContext& c) const override {
    const RandomStream stream = seeded ? seeded_stream(seed) : next_stream();
    const Shape& x = c.in_shape(0);
    bool* mask = c.dst<bool>(1);
    Shape noise = x;
    for (std::size_t i = 0; i < noise_shape.size(); ++i)
      if (noise_shape[i] != None) noise[i] = noise_shape[i];
    if (noise == x) {
      kernels::random_keep(stream, c.in[0].size(), rate, mask);
    } else {
      const detail::Buffer drawn(static_cast<std::size_t>(noise.num_elements()));
      kernels::random_keep(stream, noise.num_elements(), rate, static_cast<bool*>(drawn.data()));
      kernels::Strides strides = kernels::dense_strides(noise);
      for (std::size_t i = 0; i < noise.size(); ++i)
        if (noise[i] == 1) strides[i] = 0;
      kernels::strided_copy(x, drawn.data(), strides, mask, kernels::dense_strides(x), sizeof(bool));
    }
    kernels::apply_mask(c.in[0].dtype(), c.in[0].size(), c.src<void>(0), mask, 1 / (1 - rate), c.dst<void>());
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    return {apply1(make_op<DropoutGrad>(rate), {c.grad(), c.output(1)})};
  }
};

}  // namespace

Tensor nn::dropout(const Tensor& x, double rate, const DropoutOptions& options) {
  if (!(rate >= 0 && rate < 1))
    throw ValueError("dropout: rate is " + std::to_string(rate) + ". Use a number from 0 to less than 1.");
  auto op = std::make_shared<Dropout>();
  op->rate = rate;
  op->seeded = options.seed.has_value();
  op->seed = options.seed.value_or(0);
  op->noise_shape = options.noise_shape;
  return apply(op, {x})[0];
}

void register_dropout(Registry& r) {
  r.add<Dropout>();
  r.add<DropoutGrad>();
}

}  // namespace strata
