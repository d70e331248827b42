/// \file
/// Convolution layers. Data is channels last: (batch, spatial..., channels).
#pragma once

#include <cstdint>
#include <string>

#include "strata/activations.h"
#include "strata/custom.h"
#include "strata/sizes.h"

namespace strata::layers {

/// What the convolutions of N dimensions take, S being Size1, Size2 or Size3.
template <class S>
struct ConvOptions {
  S strides = 1;
  std::string padding = "valid";  ///< "valid", "same" (TensorFlow's), or "causal" in one dimension
  S dilation_rate = 1;
  std::int64_t groups = 1;
  ActivationFunction activation = {};
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint kernel_constraint = {}, bias_constraint = {};
  std::string name = {}, dtype = {};
};
using Conv1DOptions = ConvOptions<Size1>;
using Conv2DOptions = ConvOptions<Size2>;
using Conv3DOptions = ConvOptions<Size3>;

/// A convolution with a kernel (kernel_size..., channels / groups, filters).
template <class Self, class S>
class STRATA_API Conv : public CustomLayer<Self> {
 public:
  Conv(std::int64_t filters, const S& kernel_size, const ConvOptions<S>& options);
  void build(const Shape& input) const;
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static Self from_config(const Config& config);

 private:
  std::int64_t filters_;
  S kernel_size_;
  ConvOptions<S> options_;
  Variable kernel_ = this->weight("kernel"), bias_;
};

class STRATA_API Conv1D final : public Conv<Conv1D, Size1> {
 public:
  Conv1D(std::int64_t filters, const Size1& kernel_size, const Conv1DOptions& options = {});
};
class STRATA_API Conv2D final : public Conv<Conv2D, Size2> {
 public:
  Conv2D(std::int64_t filters, const Size2& kernel_size, const Conv2DOptions& options = {});
};
class STRATA_API Conv3D final : public Conv<Conv3D, Size3> {
 public:
  Conv3D(std::int64_t filters, const Size3& kernel_size, const Conv3DOptions& options = {});
};

/// What the transposed convolutions take.
template <class S>
struct ConvTransposeOptions {
  S strides = 1;
  std::string padding = "valid";
  S output_padding = -1;  ///< Keras's choice where it is -1
  S dilation_rate = 1;
  ActivationFunction activation = {};
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint kernel_constraint = {}, bias_constraint = {};
  std::string name = {}, dtype = {};
};
using Conv1DTransposeOptions = ConvTransposeOptions<Size1>;
using Conv2DTransposeOptions = ConvTransposeOptions<Size2>;
using Conv3DTransposeOptions = ConvTransposeOptions<Size3>;

/// The transpose of a convolution, kernel (kernel_size..., filters, channels).
template <class Self, class S>
class STRATA_API ConvTranspose : public CustomLayer<Self> {
 public:
  ConvTranspose(std::int64_t filters, const S& kernel_size, const ConvTransposeOptions<S>& options);
  void build(const Shape& input) const;
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static Self from_config(const Config& config);

 private:
  std::int64_t filters_;
  S kernel_size_;
  ConvTransposeOptions<S> options_;
  Variable kernel_ = this->weight("kernel"), bias_;
};

class STRATA_API Conv1DTranspose final : public ConvTranspose<Conv1DTranspose, Size1> {
 public:
  Conv1DTranspose(std::int64_t filters, const Size1& kernel_size, const Conv1DTransposeOptions& options = {});
};
class STRATA_API Conv2DTranspose final : public ConvTranspose<Conv2DTranspose, Size2> {
 public:
  Conv2DTranspose(std::int64_t filters, const Size2& kernel_size, const Conv2DTransposeOptions& options = {});
};
class STRATA_API Conv3DTranspose final : public ConvTranspose<Conv3DTranspose, Size3> {
 public:
  Conv3DTranspose(std::int64_t filters, const Size3& kernel_size, const Conv3DTransposeOptions& options = {});
};

/// What the depthwise convolutions take.
template <class S>
struct DepthwiseConvOptions {
  S strides = 1;
  std::string padding = "valid";
  std::int64_t depth_multiplier = 1;
  S dilation_rate = 1;
  ActivationFunction activation = {};
  bool use_bias = true;
  Initializer depthwise_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer depthwise_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint depthwise_constraint = {}, bias_constraint = {};
  std::string name = {}, dtype = {};
};
using DepthwiseConv1DOptions = DepthwiseConvOptions<Size1>;
using DepthwiseConv2DOptions = DepthwiseConvOptions<Size2>;

/// Each channel by itself, kernel (kernel_size..., channels, depth_multiplier).
template <class Self, class S>
class STRATA_API DepthwiseConv : public CustomLayer<Self> {
 public:
  DepthwiseConv(const S& kernel_size, const DepthwiseConvOptions<S>& options);
  void build(const Shape& input) const;
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static Self from_config(const Config& config);

 private:
  S kernel_size_;
  DepthwiseConvOptions<S> options_;
  Variable kernel_ = this->weight("kernel"), bias_;
};

class STRATA_API DepthwiseConv1D final : public DepthwiseConv<DepthwiseConv1D, Size1> {
 public:
  explicit DepthwiseConv1D(const Size1& kernel_size, const DepthwiseConv1DOptions& options = {});
};
class STRATA_API DepthwiseConv2D final : public DepthwiseConv<DepthwiseConv2D, Size2> {
 public:
  explicit DepthwiseConv2D(const Size2& kernel_size, const DepthwiseConv2DOptions& options = {});
};

/// What the separable convolutions take.
template <class S>
struct SeparableConvOptions {
  S strides = 1;
  std::string padding = "valid";
  S dilation_rate = 1;
  std::int64_t depth_multiplier = 1;
  ActivationFunction activation = {};
  bool use_bias = true;
  Initializer depthwise_initializer = "glorot_uniform", pointwise_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer depthwise_regularizer = {}, pointwise_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint depthwise_constraint = {}, pointwise_constraint = {}, bias_constraint = {};
  std::string name = {}, dtype = {};
};
using SeparableConv1DOptions = SeparableConvOptions<Size1>;
using SeparableConv2DOptions = SeparableConvOptions<Size2>;

/// A depthwise convolution, then one of size 1 that mixes the channels.
template <class Self, class S>
class STRATA_API SeparableConv : public CustomLayer<Self> {
 public:
  SeparableConv(std::int64_t filters, const S& kernel_size, const SeparableConvOptions<S>& options);
  void build(const Shape& input) const;
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static Self from_config(const Config& config);

 private:
  std::int64_t filters_;
  S kernel_size_;
  SeparableConvOptions<S> options_;
  Variable depthwise_ = this->weight("depthwise_kernel"), pointwise_ = this->weight("pointwise_kernel"), bias_;
};

class STRATA_API SeparableConv1D final : public SeparableConv<SeparableConv1D, Size1> {
 public:
  SeparableConv1D(std::int64_t filters, const Size1& kernel_size, const SeparableConv1DOptions& options = {});
};
class STRATA_API SeparableConv2D final : public SeparableConv<SeparableConv2D, Size2> {
 public:
  SeparableConv2D(std::int64_t filters, const Size2& kernel_size, const SeparableConv2DOptions& options = {});
};

// Keras's other names.
using Convolution1D = Conv1D;
using Convolution2D = Conv2D;
using Convolution3D = Conv3D;
using Convolution1DTranspose = Conv1DTranspose;
using Convolution2DTranspose = Conv2DTranspose;
using Convolution3DTranspose = Conv3DTranspose;
using SeparableConvolution1D = SeparableConv1D;
using SeparableConvolution2D = SeparableConv2D;

}  // namespace strata::layers

namespace strata {
extern template class Custom<layers::Conv1D, Layer>;
extern template class Custom<layers::Conv2D, Layer>;
extern template class Custom<layers::Conv3D, Layer>;
extern template class Custom<layers::Conv1DTranspose, Layer>;
extern template class Custom<layers::Conv2DTranspose, Layer>;
extern template class Custom<layers::Conv3DTranspose, Layer>;
extern template class Custom<layers::DepthwiseConv1D, Layer>;
extern template class Custom<layers::DepthwiseConv2D, Layer>;
extern template class Custom<layers::SeparableConv1D, Layer>;
extern template class Custom<layers::SeparableConv2D, Layer>;
namespace layers {
extern template class Conv<Conv1D, Size1>;
extern template class Conv<Conv2D, Size2>;
extern template class Conv<Conv3D, Size3>;
extern template class ConvTranspose<Conv1DTranspose, Size1>;
extern template class ConvTranspose<Conv2DTranspose, Size2>;
extern template class ConvTranspose<Conv3DTranspose, Size3>;
extern template class DepthwiseConv<DepthwiseConv1D, Size1>;
extern template class DepthwiseConv<DepthwiseConv2D, Size2>;
extern template class SeparableConv<SeparableConv1D, Size1>;
extern template class SeparableConv<SeparableConv2D, Size2>;
}  // namespace layers
}  // namespace strata
