#include "strata/layers/activation.h"

#include "layers/layer_config.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"

namespace strata {
template class Custom<layers::Activation, Layer>;
template class Custom<layers::ReLU, Layer>;
template class Custom<layers::LeakyReLU, Layer>;
template class Custom<layers::PReLU, Layer>;
template class Custom<layers::ELU, Layer>;
template class Custom<layers::Softmax, Layer>;
}  // namespace strata

namespace strata::layers {

namespace {
const auto relu_fields = [](auto& o, auto&& v) {
  v("max_value", o.max_value);
  v("negative_slope", o.negative_slope);
  v("threshold", o.threshold);
};
const auto leaky_fields = [](auto& o, auto&& v) { v("negative_slope", o.negative_slope); };
const auto prelu_fields = [](auto& o, auto&& v) {
  v("alpha_initializer", o.alpha_initializer);
  v("alpha_regularizer", o.alpha_regularizer);
  v("alpha_constraint", o.alpha_constraint);
};
const auto elu_fields = [](auto& o, auto&& v) { v("alpha", o.alpha); };
const auto softmax_fields = [](auto& o, auto&& v) { v("axis", o.axis); };
}  // namespace

Activation::Activation(const ActivationFunction& activation, const ActivationLayerOptions& options)
    : activation_(activation) {
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor Activation::call(const Tensor& x) const { return activation_(x); }
Config Activation::get_config() const { return {{"activation", activation_}}; }
Activation Activation::from_config(const Config& c) {
  return Activation(c.get<ActivationFunction>("activation"), read_options<ActivationLayerOptions>(c, no_fields));
}

ReLU::ReLU(const ReLUOptions& options) : options_(options) {
  if (options.negative_slope < 0 || options.threshold < 0 || options.max_value.value_or(0) < 0)
    throw ValueError("ReLU: max_value, negative_slope and threshold must not be negative.");
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor ReLU::call(const Tensor& x) const {
  return nn::relu(
      x, {.negative_slope = options_.negative_slope, .max_value = options_.max_value, .threshold = options_.threshold});
}
Config ReLU::get_config() const { return write_options(options_, relu_fields); }
ReLU ReLU::from_config(const Config& c) { return ReLU(read_options<ReLUOptions>(c, relu_fields)); }

LeakyReLU::LeakyReLU(const LeakyReLUOptions& options) : options_(options) {
  if (options.negative_slope < 0) throw ValueError("LeakyReLU: negative_slope must not be negative.");
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor LeakyReLU::call(const Tensor& x) const { return nn::leaky_relu(x, options_.negative_slope); }
Config LeakyReLU::get_config() const { return write_options(options_, leaky_fields); }
LeakyReLU LeakyReLU::from_config(const Config& c) { return LeakyReLU(read_options<LeakyReLUOptions>(c, leaky_fields)); }

PReLU::PReLU(const PReLUOptions& options) : options_(options) {
  set_name(options.name);
  set_dtype(options.dtype);
}
void PReLU::build(const Shape& input) const {
  Shape shape = input.sub(1);
  for (std::int64_t axis : options_.shared_axes) {
    const std::int64_t i = axis < 0 ? axis + input.rank() : axis;
    if (i < 1 || i >= input.rank())
      throw ValueError("PReLU '" + path() + "': shared axis " + std::to_string(axis) +
                       " is out of range for input shape " + to_string(input) + ".");
    shape[static_cast<std::size_t>(i - 1)] = 1;
  }
  alpha_.create(shape, {.initializer = options_.alpha_initializer,
                        .regularizer = options_.alpha_regularizer,
                        .constraint = options_.alpha_constraint});
}
Tensor PReLU::call(const Tensor& x) const { return nn::relu(x) - alpha_ * nn::relu(negative(x)); }
Config PReLU::get_config() const {
  Config config = write_options(options_, prelu_fields);
  config.set("shared_axes", options_.shared_axes.empty() ? Config::Value() : Config::Value(options_.shared_axes));
  return config;
}
PReLU PReLU::from_config(const Config& c) {
  PReLUOptions options = read_options<PReLUOptions>(c, prelu_fields);
  options.shared_axes = c.get<std::vector<std::int64_t>>("shared_axes", {});
  return PReLU(options);
}

ELU::ELU(const ELUOptions& options) : options_(options) {
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor ELU::call(const Tensor& x) const { return nn::elu(x, options_.alpha); }
Config ELU::get_config() const { return write_options(options_, elu_fields); }
ELU ELU::from_config(const Config& c) { return ELU(read_options<ELUOptions>(c, elu_fields)); }

Softmax::Softmax(const SoftmaxOptions& options) : options_(options) {
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor Softmax::call(const Tensor& x) const {
  if (options_.axis.size() == 1) return nn::softmax(x, options_.axis[0]);
  return exp(x - reduce_logsumexp(x, Axes(options_.axis), {.keepdims = true}));
}
Config Softmax::get_config() const { return write_options(options_, softmax_fields); }
Softmax Softmax::from_config(const Config& c) { return Softmax(read_options<SoftmaxOptions>(c, softmax_fields)); }

}  // namespace strata::layers
