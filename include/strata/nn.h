/// \file
/// Neural network operations: convolutions, pools, normalizations, activations, softmax and cross-entropies, dropout,
/// resizing. Images are (batch, height, width, channels): channels last, with one to three spatial dimensions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "strata/indexing.h"
#include "strata/tensor.h"

namespace strata {

/// One number for each dimension or axis that is meant, or one for all: `{2, 1}`, `2`.
struct PerDimension : Ints {
  using Ints::Ints;
  PerDimension(int all) : Ints{all} {}
  PerDimension(std::int64_t all) : Ints{all} {}
  PerDimension(const Ints& each) : Ints(each) {}
};

struct ConvOptions {
  PerDimension strides = {1};     ///< one for each spatial dimension, or one for all
  std::string padding = "valid";  ///< "valid", "same" (TensorFlow's: the odd zero goes behind), for 1-D "causal" too
  PerDimension dilations = {1};
  std::int64_t groups = 1;  ///< so many groups of channels are convolved apart from each other
};

struct ConvTransposeOptions {
  PerDimension strides = {1};
  std::string padding = "valid";
  PerDimension output_padding = {};  ///< added behind the output; where it is empty, Keras's choice
  PerDimension dilations = {1};
};

struct PoolOptions {
  PerDimension strides = {};  ///< those of the window where they are empty
  std::string padding = "valid";
};

struct BatchNormOptions {
  double epsilon = 0.001;
};

/// What `fused_batch_norm` gives: the result, and the mean and the biased variance of each channel.
struct FusedBatchNorm;

struct MomentsOptions {
  bool keepdims = false;
};
struct Moments;

struct LayerNormOptions {
  double epsilon = 0.001;
};

struct L2NormalizeOptions {
  double epsilon = 1e-12;
};

struct DropoutOptions {
  std::optional<std::int64_t> seed = {};  ///< of this call; without it the numbers follow the global seed
  Shape noise_shape = {};                 ///< dimensions of 1 are dropped or kept as a whole; empty: the shape of x
};

struct ReluOptions {
  double negative_slope = 0;             ///< below the threshold
  std::optional<double> max_value = {};  ///< no limit where it is not given
  double threshold = 0;
};

struct ResizeOptions {
  std::string interpolation = "nearest";  ///< or "bilinear", with centres of pixels at one half, as tf.image.resize
};

namespace nn {

// ---- Convolutions

/// x (batch, spatial..., channels) with filters (kernel..., channels / groups, output channels). Throws ShapeError
/// where the channels do not fit or a kernel is larger than the padded input.
STRATA_API Tensor conv1d(const Tensor& x, const Tensor& filters, const ConvOptions& options = {});
STRATA_API Tensor conv2d(const Tensor& x, const Tensor& filters, const ConvOptions& options = {});
STRATA_API Tensor conv3d(const Tensor& x, const Tensor& filters, const ConvOptions& options = {});
/// The same for one, two or three spatial dimensions.
STRATA_API Tensor convolution(const Tensor& x, const Tensor& filters, const ConvOptions& options = {});
/// Each channel by itself: filters (kernel..., channels, multiplier) give channels * multiplier outputs. `groups` is
/// not used.
STRATA_API Tensor depthwise_conv1d(const Tensor& x, const Tensor& filters, const ConvOptions& options = {});
STRATA_API Tensor depthwise_conv2d(const Tensor& x, const Tensor& filters, const ConvOptions& options = {});
/// A depthwise convolution, then a 1x1 convolution with `pointwise` (1, 1, channels * multiplier, output channels).
STRATA_API Tensor separable_conv1d(const Tensor& x, const Tensor& depthwise, const Tensor& pointwise,
                                   const ConvOptions& options = {});
STRATA_API Tensor separable_conv2d(const Tensor& x, const Tensor& depthwise, const Tensor& pointwise,
                                   const ConvOptions& options = {});
/// The transpose of a convolution: filters (kernel..., output channels, input channels).
STRATA_API Tensor conv1d_transpose(const Tensor& x, const Tensor& filters, const ConvTransposeOptions& options = {});
STRATA_API Tensor conv2d_transpose(const Tensor& x, const Tensor& filters, const ConvTransposeOptions& options = {});
STRATA_API Tensor conv3d_transpose(const Tensor& x, const Tensor& filters, const ConvTransposeOptions& options = {});
/// x plus a vector over its last axis.
STRATA_API Tensor bias_add(const Tensor& x, const Tensor& bias);

// ---- Pools. `window` has one number for each spatial dimension, or one for all.

STRATA_API Tensor max_pool1d(const Tensor& x, const PerDimension& window, const PoolOptions& options = {});
STRATA_API Tensor max_pool2d(const Tensor& x, const PerDimension& window, const PoolOptions& options = {});
STRATA_API Tensor max_pool3d(const Tensor& x, const PerDimension& window, const PoolOptions& options = {});
/// Averages of what lies inside of the image: padding does not count.
STRATA_API Tensor avg_pool1d(const Tensor& x, const PerDimension& window, const PoolOptions& options = {});
STRATA_API Tensor avg_pool2d(const Tensor& x, const PerDimension& window, const PoolOptions& options = {});
STRATA_API Tensor avg_pool3d(const Tensor& x, const PerDimension& window, const PoolOptions& options = {});
/// The same for one, two or three spatial dimensions.
STRATA_API Tensor max_pool(const Tensor& x, const PerDimension& window, const PoolOptions& options = {});
STRATA_API Tensor avg_pool(const Tensor& x, const PerDimension& window, const PoolOptions& options = {});

// ---- Normalization

/// Normalizes each channel (of the last axis) by the mean and biased variance of this batch, then scales and offsets
/// it. Statistics, scale and offset are float32 for 16-bit data.
STRATA_API FusedBatchNorm fused_batch_norm(const Tensor& x, const Tensor& scale, const Tensor& offset,
                                           const BatchNormOptions& options = {});
/// (x - mean) * scale / sqrt(variance + epsilon) + offset. Undefined tensors for offset and scale leave them out.
STRATA_API Tensor batch_normalization(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& offset,
                                      const Tensor& scale, const BatchNormOptions& options = {});
/// Mean and biased variance over `axes`.
STRATA_API Moments moments(const Tensor& x, const PerDimension& axes, const MomentsOptions& options = {});
/// Normalizes over the last axes, as many as scale and offset have. Undefined scale or offset are left out; then over
/// the last axis, unless the other is there.
STRATA_API Tensor layer_norm(const Tensor& x, const Tensor& scale, const Tensor& offset,
                             const LayerNormOptions& options = {});
/// x / sqrt(max(sum(x * x), epsilon)) over `axes`.
STRATA_API Tensor l2_normalize(const Tensor& x, const PerDimension& axes = {-1},
                               const L2NormalizeOptions& options = {});

// ---- Activations, element by element

STRATA_API Tensor relu(const Tensor& x, const ReluOptions& options = {});
STRATA_API Tensor relu6(const Tensor& x);
STRATA_API Tensor leaky_relu(const Tensor& x, double negative_slope = 0.2);
STRATA_API Tensor elu(const Tensor& x, double alpha = 1);
STRATA_API Tensor selu(const Tensor& x);
STRATA_API Tensor celu(const Tensor& x, double alpha = 1);
STRATA_API Tensor gelu(const Tensor& x, bool approximate = false);
STRATA_API Tensor silu(const Tensor& x);
STRATA_API Tensor swish(const Tensor& x);
STRATA_API Tensor sigmoid(const Tensor& x);
STRATA_API Tensor log_sigmoid(const Tensor& x);
STRATA_API Tensor tanh(const Tensor& x);
STRATA_API Tensor softplus(const Tensor& x);
STRATA_API Tensor softsign(const Tensor& x);
STRATA_API Tensor mish(const Tensor& x);
STRATA_API Tensor hard_sigmoid(const Tensor& x);
STRATA_API Tensor hard_silu(const Tensor& x);
STRATA_API Tensor hard_swish(const Tensor& x);
STRATA_API Tensor hard_tanh(const Tensor& x);
STRATA_API Tensor hard_shrink(const Tensor& x, double threshold = 0.5);
STRATA_API Tensor soft_shrink(const Tensor& x, double threshold = 0.5);
STRATA_API Tensor tanh_shrink(const Tensor& x);
STRATA_API Tensor threshold(const Tensor& x, double threshold, double default_value);
STRATA_API Tensor squareplus(const Tensor& x, double b = 4);
STRATA_API Tensor sparse_plus(const Tensor& x);
STRATA_API Tensor sparse_sigmoid(const Tensor& x);
STRATA_API Tensor exponential(const Tensor& x);
STRATA_API Tensor linear(const Tensor& x);
/// The first half of an axis times the sigmoid of the second.
STRATA_API Tensor glu(const Tensor& x, std::int64_t axis = -1);

// ---- Softmax and cross-entropies

STRATA_API Tensor softmax(const Tensor& x, std::int64_t axis = -1);
STRATA_API Tensor log_softmax(const Tensor& x, std::int64_t axis = -1);
/// The projection onto probabilities of Martins and Astudillo, https://arxiv.org/abs/1602.02068. Keras's function of
/// this name differs from it where more than one result is positive: its results do not add up to 1.
STRATA_API Tensor sparsemax(const Tensor& x, std::int64_t axis = -1);
/// -sum(labels * log_softmax(logits)) over the last axis. Labels are probabilities of the same shape and dtype.
STRATA_API Tensor softmax_cross_entropy_with_logits(const Tensor& labels, const Tensor& logits);
/// The same for class numbers: labels are integers, with one axis less than the logits. Throws ValueError that names
/// the first label that is no class.
STRATA_API Tensor sparse_softmax_cross_entropy_with_logits(const Tensor& labels, const Tensor& logits);
/// -(z * log(sigmoid(x)) + (1 - z) * log(1 - sigmoid(x))) for labels z and logits x, element by element and stable.
STRATA_API Tensor sigmoid_cross_entropy_with_logits(const Tensor& labels, const Tensor& logits);
/// Whether each of `targets`, class numbers (batch), is among the k largest of its row of `predictions` (batch,
/// classes); equal ones share a place. False for a target that is no class and for rows with values that are not
/// finite.
STRATA_API Tensor in_top_k(const Tensor& targets, const Tensor& predictions, std::int64_t k);

// ---- Random and image-like

/// Sets elements to zero with probability `rate`, and scales the others by 1 / (1 - rate). Throws ValueError unless
/// 0 <= rate < 1.
STRATA_API Tensor dropout(const Tensor& x, double rate, const DropoutOptions& options = {});
/// (batch, height, width, channels) to another height and width.
STRATA_API Tensor resize(const Tensor& x, const PerDimension& size, const ResizeOptions& options = {});
/// The spatial dimensions times `factors` (one for each or one for all); bilinear in two dimensions alone.
STRATA_API Tensor upsample(const Tensor& x, const PerDimension& factors, const ResizeOptions& options = {});

}  // namespace nn

struct FusedBatchNorm {
  Tensor y, mean, variance;
};
struct Moments {
  Tensor mean, variance;
};

}  // namespace strata
