// The public convolutions: names and layouts of TensorFlow on top of the ops of conv.cpp.
#include "ops/conv_util.h"
#include "strata/array.h"
#include "strata/nn.h"

namespace strata::nn {
namespace {

conv::Attributes attributes_of(const ConvOptions& o) { return {o.strides, o.dilations, o.padding, o.groups}; }

Tensor with_dims(const char* op, std::size_t rank, const Tensor& x, const Tensor& filters, const ConvOptions& options) {
  const Tensor both[] = {x, filters};
  check_defined(op, both);
  if (x.shape().size() != rank)
    throw ShapeError(std::string(op) + ": input has shape " + to_string(x.shape()) + ". Expected " +
                     std::to_string(rank) + " dimensions: the batch, " + std::to_string(rank - 2) +
                     " spatial, and the channels.");
  return conv::forward(attributes_of(options), x, filters);
}

Tensor depthwise(const char* op, std::size_t rank, const Tensor& x, const Tensor& filters, const ConvOptions& options) {
  const Tensor both[] = {x, filters};
  check_defined(op, both);
  const Shape& w = filters.shape();
  if (w.size() != rank || !w.is_known())
    throw ShapeError(std::string(op) + ": filters have shape " + to_string(w) + ". Expected " + std::to_string(rank) +
                     " known dimensions: the kernel sizes, the input channels and the multiplier.");
  const std::int64_t channels = w[rank - 2];
  if (x.rank() == w.rank() && x.shape().back() != None && x.shape().back() != channels)
    throw ShapeError(std::string(op) + ": input has " + std::to_string(x.shape().back()) + " channels (shape " +
                     to_string(x.shape()) + ") but filters of shape " + to_string(w) + " expect " +
                     std::to_string(channels) + ".");
  // The multiplier lies inside of the channel, as the filters of a group do.
  Shape grouped = w;
  grouped[rank - 2] = 1;
  grouped[rank - 1] = channels * w[rank - 1];
  conv::Attributes a = attributes_of(options);
  a.groups = std::max<std::int64_t>(channels, 1);
  return conv::forward(a, x, reshape(filters, grouped));
}

Tensor transpose_of(const char* op, std::size_t rank, const Tensor& x, const Tensor& filters,
                    const ConvTransposeOptions& o) {
  const Tensor both[] = {x, filters};
  check_defined(op, both);
  if (x.shape().size() != rank)
    throw ShapeError(std::string(op) + ": input has shape " + to_string(x.shape()) + ". Expected " +
                     std::to_string(rank) + " dimensions: the batch, " + std::to_string(rank - 2) +
                     " spatial, and the channels.");
  return conv::transposed({o.strides, o.dilations, o.padding, 1}, o.output_padding, x, filters);
}

}  // namespace

Tensor conv1d(const Tensor& x, const Tensor& filters, const ConvOptions& options) {
  return with_dims("conv1d", 3, x, filters, options);
}
Tensor conv2d(const Tensor& x, const Tensor& filters, const ConvOptions& options) {
  return with_dims("conv2d", 4, x, filters, options);
}
Tensor conv3d(const Tensor& x, const Tensor& filters, const ConvOptions& options) {
  return with_dims("conv3d", 5, x, filters, options);
}
Tensor convolution(const Tensor& x, const Tensor& filters, const ConvOptions& options) {
  const Tensor both[] = {x, filters};
  check_defined("convolution", both);
  return conv::forward(attributes_of(options), x, filters);
}

Tensor depthwise_conv1d(const Tensor& x, const Tensor& filters, const ConvOptions& options) {
  return depthwise("depthwise_conv1d", 3, x, filters, options);
}
Tensor depthwise_conv2d(const Tensor& x, const Tensor& filters, const ConvOptions& options) {
  return depthwise("depthwise_conv2d", 4, x, filters, options);
}

Tensor separable_conv1d(const Tensor& x, const Tensor& depthwise, const Tensor& pointwise, const ConvOptions& options) {
  return conv1d(depthwise_conv1d(x, depthwise, options), pointwise);
}
Tensor separable_conv2d(const Tensor& x, const Tensor& depthwise, const Tensor& pointwise, const ConvOptions& options) {
  return conv2d(depthwise_conv2d(x, depthwise, options), pointwise);
}

Tensor conv1d_transpose(const Tensor& x, const Tensor& filters, const ConvTransposeOptions& options) {
  return transpose_of("conv1d_transpose", 3, x, filters, options);
}
Tensor conv2d_transpose(const Tensor& x, const Tensor& filters, const ConvTransposeOptions& options) {
  return transpose_of("conv2d_transpose", 4, x, filters, options);
}
Tensor conv3d_transpose(const Tensor& x, const Tensor& filters, const ConvTransposeOptions& options) {
  return transpose_of("conv3d_transpose", 5, x, filters, options);
}

}  // namespace strata::nn
