#include "strata/layers/convolution.h"

#include "layers/layer_config.h"
#include "strata/nn.h"

namespace strata::layers {

namespace {

const auto conv_fields = [](auto& o, auto&& v) {
  v("strides", o.strides);
  v("padding", o.padding);
  v("dilation_rate", o.dilation_rate);
  v("groups", o.groups);
  v("activation", o.activation);
  v("use_bias", o.use_bias);
  v("kernel_initializer", o.kernel_initializer);
  v("bias_initializer", o.bias_initializer);
  v("kernel_regularizer", o.kernel_regularizer);
  v("bias_regularizer", o.bias_regularizer);
  v("activity_regularizer", o.activity_regularizer);
  v("kernel_constraint", o.kernel_constraint);
  v("bias_constraint", o.bias_constraint);
};

const auto transpose_fields = [](auto& o, auto&& v) {
  v("strides", o.strides);
  v("padding", o.padding);
  v("dilation_rate", o.dilation_rate);
  v("activation", o.activation);
  v("use_bias", o.use_bias);
  v("kernel_initializer", o.kernel_initializer);
  v("bias_initializer", o.bias_initializer);
  v("kernel_regularizer", o.kernel_regularizer);
  v("bias_regularizer", o.bias_regularizer);
  v("activity_regularizer", o.activity_regularizer);
  v("kernel_constraint", o.kernel_constraint);
  v("bias_constraint", o.bias_constraint);
};

const auto depthwise_fields = [](auto& o, auto&& v) {
  v("strides", o.strides);
  v("padding", o.padding);
  v("depth_multiplier", o.depth_multiplier);
  v("dilation_rate", o.dilation_rate);
  v("activation", o.activation);
  v("use_bias", o.use_bias);
  v("depthwise_initializer", o.depthwise_initializer);
  v("bias_initializer", o.bias_initializer);
  v("depthwise_regularizer", o.depthwise_regularizer);
  v("bias_regularizer", o.bias_regularizer);
  v("activity_regularizer", o.activity_regularizer);
  v("depthwise_constraint", o.depthwise_constraint);
  v("bias_constraint", o.bias_constraint);
};

const auto separable_fields = [](auto& o, auto&& v) {
  v("strides", o.strides);
  v("padding", o.padding);
  v("dilation_rate", o.dilation_rate);
  v("depth_multiplier", o.depth_multiplier);
  v("activation", o.activation);
  v("use_bias", o.use_bias);
  v("depthwise_initializer", o.depthwise_initializer);
  v("pointwise_initializer", o.pointwise_initializer);
  v("bias_initializer", o.bias_initializer);
  v("depthwise_regularizer", o.depthwise_regularizer);
  v("pointwise_regularizer", o.pointwise_regularizer);
  v("bias_regularizer", o.bias_regularizer);
  v("activity_regularizer", o.activity_regularizer);
  v("depthwise_constraint", o.depthwise_constraint);
  v("pointwise_constraint", o.pointwise_constraint);
  v("bias_constraint", o.bias_constraint);
};

void check_padding(const std::string& layer, const std::string& padding, bool causal) {
  if (padding == "valid" || padding == "same" || (causal && padding == "causal")) return;
  throw ValueError(layer + ": padding is \"" + padding + "\"; it must be \"valid\"" +
                   (causal ? ", \"same\" or \"causal\"." : " or \"same\"."));
}

void check_filters(const std::string& layer, std::int64_t filters) {
  if (filters <= 0) throw ValueError(layer + ": filters is " + std::to_string(filters) + "; it must be positive.");
}

// The rank and channels of the input, with the layer's name in the message.
std::int64_t channels_of(const Layer& layer, const Shape& input, std::size_t spatial) {
  if (input.size() != spatial + 2)
    throw ShapeError(layer.class_name() + " '" + layer.path() + "': the input has shape " + to_string(input) +
                     ", expected " + std::to_string(spatial + 2) + " dimensions: (batch, " +
                     (spatial == 1   ? "steps"
                      : spatial == 2 ? "height, width"
                                     : "depth, height, width") +
                     ", channels).");
  return last_axis(layer, input);
}

Shape kernel_shape(const std::vector<std::int64_t>& size, std::int64_t in, std::int64_t out) {
  Shape shape(size);
  shape.push_back(in);
  shape.push_back(out);
  return shape;
}

std::string divisors(std::int64_t n) {
  std::string out;
  for (std::int64_t d = 1; d <= n && d <= 64; ++d)
    if (n % d == 0) out += (out.empty() ? "" : ", ") + std::to_string(d);
  return out;
}

template <class Options>
void create_bias(const Variable& bias, std::int64_t n, const Options& o) {
  if (o.use_bias)
    bias.create(
        {n}, {.initializer = o.bias_initializer, .regularizer = o.bias_regularizer, .constraint = o.bias_constraint});
}

template <class Options>
Tensor finish(const Tensor& y, const Variable& bias, const Options& o) {
  return o.activation(o.use_bias ? nn::bias_add(y, bias) : y);
}

template <class Options, class Fields>
Config with_options(Config config, const Options& options, Fields fields) {
  config.update(write_options(options, fields));
  return config;
}

}  // namespace

// ---- Convolution

template <class Self, class S>
Conv<Self, S>::Conv(std::int64_t filters, const S& kernel_size, const ConvOptions<S>& options)
    : filters_(filters), kernel_size_(kernel_size), options_(options) {
  this->set_name(options.name);
  this->set_dtype(options.dtype);
  this->set_activity_regularizer(options.activity_regularizer);
  check_filters(this->class_name(), filters);
  check_padding(this->class_name(), options.padding, kernel_size.to_vector().size() == 1);
  if (options.groups <= 0 || filters % options.groups != 0)
    throw ValueError(this->class_name() + ": filters=" + std::to_string(filters) + " is not divisible by groups=" +
                     std::to_string(options.groups) + ". Use groups=" + divisors(filters) + ".");
  if (options.use_bias) bias_ = this->weight("bias");
}

template <class Self, class S>
void Conv<Self, S>::build(const Shape& input) const {
  const auto size = kernel_size_.to_vector();
  const std::int64_t channels = channels_of(*this, input, size.size());
  if (channels % options_.groups != 0)
    throw ShapeError(this->class_name() + " '" + this->path() + "': input has " + std::to_string(channels) +
                     " channels, not divisible by groups=" + std::to_string(options_.groups) + " (input shape " +
                     to_string(input) + "). Use groups=" + divisors(channels) + ".");
  kernel_.create(kernel_shape(size, channels / options_.groups, filters_), {.initializer = options_.kernel_initializer,
                                                                            .regularizer = options_.kernel_regularizer,
                                                                            .constraint = options_.kernel_constraint});
  create_bias(bias_, filters_, options_);
}

template <class Self, class S>
Tensor Conv<Self, S>::call(const Tensor& x) const {
  const Tensor y = nn::convolution(x, kernel_,
                                   {.strides = options_.strides.to_vector(),
                                    .padding = options_.padding,
                                    .dilations = options_.dilation_rate.to_vector(),
                                    .groups = options_.groups});
  return finish(y, bias_, options_);
}

template <class Self, class S>
Config Conv<Self, S>::get_config() const {
  return with_options({{"filters", filters_}, {"kernel_size", kernel_size_}}, options_, conv_fields);
}
template <class Self, class S>
Self Conv<Self, S>::from_config(const Config& c) {
  return Self(c.get<std::int64_t>("filters"), c.get<S>("kernel_size"), read_options<ConvOptions<S>>(c, conv_fields));
}

// ---- Transposed convolution

template <class Self, class S>
ConvTranspose<Self, S>::ConvTranspose(std::int64_t filters, const S& kernel_size,
                                      const ConvTransposeOptions<S>& options)
    : filters_(filters), kernel_size_(kernel_size), options_(options) {
  this->set_name(options.name);
  this->set_dtype(options.dtype);
  this->set_activity_regularizer(options.activity_regularizer);
  check_filters(this->class_name(), filters);
  check_padding(this->class_name(), options.padding, false);
  if (options.use_bias) bias_ = this->weight("bias");
}

template <class Self, class S>
void ConvTranspose<Self, S>::build(const Shape& input) const {
  const auto size = kernel_size_.to_vector();
  kernel_.create(kernel_shape(size, filters_, channels_of(*this, input, size.size())),
                 {.initializer = options_.kernel_initializer,
                  .regularizer = options_.kernel_regularizer,
                  .constraint = options_.kernel_constraint});
  create_bias(bias_, filters_, options_);
}

template <class Self, class S>
Tensor ConvTranspose<Self, S>::call(const Tensor& x) const {
  strata::ConvTransposeOptions o = {.strides = options_.strides.to_vector(),
                                    .padding = options_.padding,
                                    .dilations = options_.dilation_rate.to_vector()};
  if (options_.output_padding != S(-1)) o.output_padding = options_.output_padding.to_vector();
  Tensor y;
  switch (kernel_size_.to_vector().size()) {
    case 1:
      y = nn::conv1d_transpose(x, kernel_, o);
      break;
    case 2:
      y = nn::conv2d_transpose(x, kernel_, o);
      break;
    default:
      y = nn::conv3d_transpose(x, kernel_, o);
  }
  return finish(y, bias_, options_);
}

template <class Self, class S>
Config ConvTranspose<Self, S>::get_config() const {
  Config config = with_options({{"filters", filters_}, {"kernel_size", kernel_size_}}, options_, transpose_fields);
  config.set("output_padding",
             options_.output_padding == S(-1) ? Config::Value() : Config::Value(options_.output_padding));
  return config;
}
template <class Self, class S>
Self ConvTranspose<Self, S>::from_config(const Config& c) {
  auto options = read_options<ConvTransposeOptions<S>>(c, transpose_fields);
  options.output_padding = c.get<S>("output_padding", S(-1));
  return Self(c.get<std::int64_t>("filters"), c.get<S>("kernel_size"), options);
}

// ---- Depthwise convolution

template <class Self, class S>
DepthwiseConv<Self, S>::DepthwiseConv(const S& kernel_size, const DepthwiseConvOptions<S>& options)
    : kernel_size_(kernel_size), options_(options) {
  this->set_name(options.name);
  this->set_dtype(options.dtype);
  this->set_activity_regularizer(options.activity_regularizer);
  check_padding(this->class_name(), options.padding, false);
  if (options.depth_multiplier <= 0)
    throw ValueError(this->class_name() + ": depth_multiplier is " + std::to_string(options.depth_multiplier) +
                     "; it must be positive.");
  if (options.use_bias) bias_ = this->weight("bias");
}

template <class Self, class S>
void DepthwiseConv<Self, S>::build(const Shape& input) const {
  const auto size = kernel_size_.to_vector();
  const std::int64_t channels = channels_of(*this, input, size.size());
  kernel_.create(kernel_shape(size, channels, options_.depth_multiplier),
                 {.initializer = options_.depthwise_initializer,
                  .regularizer = options_.depthwise_regularizer,
                  .constraint = options_.depthwise_constraint});
  create_bias(bias_, channels * options_.depth_multiplier, options_);
}

template <class Self, class S>
Tensor DepthwiseConv<Self, S>::call(const Tensor& x) const {
  const strata::ConvOptions o = {.strides = options_.strides.to_vector(),
                                 .padding = options_.padding,
                                 .dilations = options_.dilation_rate.to_vector()};
  const Tensor y =
      kernel_size_.to_vector().size() == 1 ? nn::depthwise_conv1d(x, kernel_, o) : nn::depthwise_conv2d(x, kernel_, o);
  return finish(y, bias_, options_);
}

template <class Self, class S>
Config DepthwiseConv<Self, S>::get_config() const {
  return with_options({{"kernel_size", kernel_size_}}, options_, depthwise_fields);
}
template <class Self, class S>
Self DepthwiseConv<Self, S>::from_config(const Config& c) {
  return Self(c.get<S>("kernel_size"), read_options<DepthwiseConvOptions<S>>(c, depthwise_fields));
}

// ---- Separable convolution

template <class Self, class S>
SeparableConv<Self, S>::SeparableConv(std::int64_t filters, const S& kernel_size,
                                      const SeparableConvOptions<S>& options)
    : filters_(filters), kernel_size_(kernel_size), options_(options) {
  this->set_name(options.name);
  this->set_dtype(options.dtype);
  this->set_activity_regularizer(options.activity_regularizer);
  check_filters(this->class_name(), filters);
  check_padding(this->class_name(), options.padding, kernel_size.to_vector().size() == 1);
  if (options.use_bias) bias_ = this->weight("bias");
}

template <class Self, class S>
void SeparableConv<Self, S>::build(const Shape& input) const {
  const auto size = kernel_size_.to_vector();
  const std::int64_t channels = channels_of(*this, input, size.size());
  depthwise_.create(kernel_shape(size, channels, options_.depth_multiplier),
                    {.initializer = options_.depthwise_initializer,
                     .regularizer = options_.depthwise_regularizer,
                     .constraint = options_.depthwise_constraint});
  pointwise_.create(
      kernel_shape(std::vector<std::int64_t>(size.size(), 1), channels * options_.depth_multiplier, filters_),
      {.initializer = options_.pointwise_initializer,
       .regularizer = options_.pointwise_regularizer,
       .constraint = options_.pointwise_constraint});
  create_bias(bias_, filters_, options_);
}

template <class Self, class S>
Tensor SeparableConv<Self, S>::call(const Tensor& x) const {
  const strata::ConvOptions o = {.strides = options_.strides.to_vector(),
                                 .padding = options_.padding,
                                 .dilations = options_.dilation_rate.to_vector()};
  const Tensor y = kernel_size_.to_vector().size() == 1 ? nn::separable_conv1d(x, depthwise_, pointwise_, o)
                                                        : nn::separable_conv2d(x, depthwise_, pointwise_, o);
  return finish(y, bias_, options_);
}

template <class Self, class S>
Config SeparableConv<Self, S>::get_config() const {
  return with_options({{"filters", filters_}, {"kernel_size", kernel_size_}}, options_, separable_fields);
}
template <class Self, class S>
Self SeparableConv<Self, S>::from_config(const Config& c) {
  return Self(c.get<std::int64_t>("filters"), c.get<S>("kernel_size"),
              read_options<SeparableConvOptions<S>>(c, separable_fields));
}

template class Conv<Conv1D, Size1>;
template class Conv<Conv2D, Size2>;
template class Conv<Conv3D, Size3>;
template class ConvTranspose<Conv1DTranspose, Size1>;
template class ConvTranspose<Conv2DTranspose, Size2>;
template class ConvTranspose<Conv3DTranspose, Size3>;
template class DepthwiseConv<DepthwiseConv1D, Size1>;
template class DepthwiseConv<DepthwiseConv2D, Size2>;
template class SeparableConv<SeparableConv1D, Size1>;
template class SeparableConv<SeparableConv2D, Size2>;

Conv1D::Conv1D(std::int64_t filters, const Size1& kernel_size, const Conv1DOptions& options)
    : Conv(filters, kernel_size, options) {}
Conv2D::Conv2D(std::int64_t filters, const Size2& kernel_size, const Conv2DOptions& options)
    : Conv(filters, kernel_size, options) {}
Conv3D::Conv3D(std::int64_t filters, const Size3& kernel_size, const Conv3DOptions& options)
    : Conv(filters, kernel_size, options) {}
Conv1DTranspose::Conv1DTranspose(std::int64_t filters, const Size1& kernel_size, const Conv1DTransposeOptions& options)
    : ConvTranspose(filters, kernel_size, options) {}
Conv2DTranspose::Conv2DTranspose(std::int64_t filters, const Size2& kernel_size, const Conv2DTransposeOptions& options)
    : ConvTranspose(filters, kernel_size, options) {}
Conv3DTranspose::Conv3DTranspose(std::int64_t filters, const Size3& kernel_size, const Conv3DTransposeOptions& options)
    : ConvTranspose(filters, kernel_size, options) {}
DepthwiseConv1D::DepthwiseConv1D(const Size1& kernel_size, const DepthwiseConv1DOptions& options)
    : DepthwiseConv(kernel_size, options) {}
DepthwiseConv2D::DepthwiseConv2D(const Size2& kernel_size, const DepthwiseConv2DOptions& options)
    : DepthwiseConv(kernel_size, options) {}
SeparableConv1D::SeparableConv1D(std::int64_t filters, const Size1& kernel_size, const SeparableConv1DOptions& options)
    : SeparableConv(filters, kernel_size, options) {}
SeparableConv2D::SeparableConv2D(std::int64_t filters, const Size2& kernel_size, const SeparableConv2DOptions& options)
    : SeparableConv(filters, kernel_size, options) {}

}  // namespace strata::layers

namespace strata {
template class Custom<layers::Conv1D, Layer>;
template class Custom<layers::Conv2D, Layer>;
template class Custom<layers::Conv3D, Layer>;
template class Custom<layers::Conv1DTranspose, Layer>;
template class Custom<layers::Conv2DTranspose, Layer>;
template class Custom<layers::Conv3DTranspose, Layer>;
template class Custom<layers::DepthwiseConv1D, Layer>;
template class Custom<layers::DepthwiseConv2D, Layer>;
template class Custom<layers::SeparableConv1D, Layer>;
template class Custom<layers::SeparableConv2D, Layer>;
}  // namespace strata
