/// \file
/// Pooling layers, channels last.
#pragma once

#include <string>

#include "strata/custom.h"
#include "strata/sizes.h"

namespace strata::layers {

template <class S>
struct PoolingOptions {
  S strides = 0;                  ///< the pool size where they are 0
  std::string padding = "valid";  ///< or "same"
  std::string name = {}, dtype = {};
};
using Pooling1DOptions = PoolingOptions<Size1>;
using Pooling2DOptions = PoolingOptions<Size2>;
using Pooling3DOptions = PoolingOptions<Size3>;

/// The largest value, or the average, of each window: (batch, spatial..., channels).
template <class Self, class S, bool kIsMax>
class STRATA_API Pooling : public CustomLayer<Self> {
 public:
  Pooling(const S& pool_size, const PoolingOptions<S>& options);
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static Self from_config(const Config& config);

 private:
  S strides() const;
  S pool_size_;
  PoolingOptions<S> options_;
};

class STRATA_API MaxPooling1D final : public Pooling<MaxPooling1D, Size1, true> {
 public:
  explicit MaxPooling1D(const Size1& pool_size = 2, const Pooling1DOptions& options = {});
};
class STRATA_API MaxPooling2D final : public Pooling<MaxPooling2D, Size2, true> {
 public:
  explicit MaxPooling2D(const Size2& pool_size = 2, const Pooling2DOptions& options = {});
};
class STRATA_API MaxPooling3D final : public Pooling<MaxPooling3D, Size3, true> {
 public:
  explicit MaxPooling3D(const Size3& pool_size = 2, const Pooling3DOptions& options = {});
};
class STRATA_API AveragePooling1D final : public Pooling<AveragePooling1D, Size1, false> {
 public:
  explicit AveragePooling1D(const Size1& pool_size = 2, const Pooling1DOptions& options = {});
};
class STRATA_API AveragePooling2D final : public Pooling<AveragePooling2D, Size2, false> {
 public:
  explicit AveragePooling2D(const Size2& pool_size = 2, const Pooling2DOptions& options = {});
};
class STRATA_API AveragePooling3D final : public Pooling<AveragePooling3D, Size3, false> {
 public:
  explicit AveragePooling3D(const Size3& pool_size = 2, const Pooling3DOptions& options = {});
};
using MaxPool1D = MaxPooling1D;
using MaxPool2D = MaxPooling2D;
using MaxPool3D = MaxPooling3D;
using AvgPool1D = AveragePooling1D;
using AvgPool2D = AveragePooling2D;
using AvgPool3D = AveragePooling3D;

struct GlobalPoolingOptions {
  bool keepdims = false;  ///< keeps the spatial dimensions, with size 1
  std::string name = {}, dtype = {};
};

/// The largest value, or the average, over all spatial positions: (batch, channels).
template <class Self, int kSpatial, bool kIsMax>
class STRATA_API GlobalPooling : public CustomLayer<Self> {
 public:
  explicit GlobalPooling(const GlobalPoolingOptions& options);
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static Self from_config(const Config& config);

 private:
  GlobalPoolingOptions options_;
};

class STRATA_API GlobalMaxPooling1D final : public GlobalPooling<GlobalMaxPooling1D, 1, true> {
 public:
  explicit GlobalMaxPooling1D(const GlobalPoolingOptions& options = {});
};
class STRATA_API GlobalMaxPooling2D final : public GlobalPooling<GlobalMaxPooling2D, 2, true> {
 public:
  explicit GlobalMaxPooling2D(const GlobalPoolingOptions& options = {});
};
class STRATA_API GlobalMaxPooling3D final : public GlobalPooling<GlobalMaxPooling3D, 3, true> {
 public:
  explicit GlobalMaxPooling3D(const GlobalPoolingOptions& options = {});
};
class STRATA_API GlobalAveragePooling1D final : public GlobalPooling<GlobalAveragePooling1D, 1, false> {
 public:
  explicit GlobalAveragePooling1D(const GlobalPoolingOptions& options = {});
};
class STRATA_API GlobalAveragePooling2D final : public GlobalPooling<GlobalAveragePooling2D, 2, false> {
 public:
  explicit GlobalAveragePooling2D(const GlobalPoolingOptions& options = {});
};
class STRATA_API GlobalAveragePooling3D final : public GlobalPooling<GlobalAveragePooling3D, 3, false> {
 public:
  explicit GlobalAveragePooling3D(const GlobalPoolingOptions& options = {});
};

using GlobalMaxPool1D = GlobalMaxPooling1D;
using GlobalMaxPool2D = GlobalMaxPooling2D;
using GlobalMaxPool3D = GlobalMaxPooling3D;
using GlobalAvgPool1D = GlobalAveragePooling1D;
using GlobalAvgPool2D = GlobalAveragePooling2D;
using GlobalAvgPool3D = GlobalAveragePooling3D;

struct AdaptivePoolingOptions {
  std::string name = {}, dtype = {};
};

/// The largest value, or the average, of so many windows along each spatial dimension, as long as the input's size asks
/// for: window i of n goes from floor(i * size / n) to ceil((i + 1) * size / n).
template <class Self, class Size, bool kIsMax>
class STRATA_API AdaptivePooling : public CustomLayer<Self> {
 public:
  AdaptivePooling(const Size& output_size, const AdaptivePoolingOptions& options);
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static Self from_config(const Config& config);

 private:
  Size output_size_;
};

class STRATA_API AdaptiveMaxPooling1D final : public AdaptivePooling<AdaptiveMaxPooling1D, Size1, true> {
 public:
  explicit AdaptiveMaxPooling1D(const Size1& output_size, const AdaptivePoolingOptions& options = {});
};
class STRATA_API AdaptiveMaxPooling2D final : public AdaptivePooling<AdaptiveMaxPooling2D, Size2, true> {
 public:
  explicit AdaptiveMaxPooling2D(const Size2& output_size, const AdaptivePoolingOptions& options = {});
};
class STRATA_API AdaptiveMaxPooling3D final : public AdaptivePooling<AdaptiveMaxPooling3D, Size3, true> {
 public:
  explicit AdaptiveMaxPooling3D(const Size3& output_size, const AdaptivePoolingOptions& options = {});
};
class STRATA_API AdaptiveAveragePooling1D final : public AdaptivePooling<AdaptiveAveragePooling1D, Size1, false> {
 public:
  explicit AdaptiveAveragePooling1D(const Size1& output_size, const AdaptivePoolingOptions& options = {});
};
class STRATA_API AdaptiveAveragePooling2D final : public AdaptivePooling<AdaptiveAveragePooling2D, Size2, false> {
 public:
  explicit AdaptiveAveragePooling2D(const Size2& output_size, const AdaptivePoolingOptions& options = {});
};
class STRATA_API AdaptiveAveragePooling3D final : public AdaptivePooling<AdaptiveAveragePooling3D, Size3, false> {
 public:
  explicit AdaptiveAveragePooling3D(const Size3& output_size, const AdaptivePoolingOptions& options = {});
};

}  // namespace strata::layers

namespace strata {
extern template class Custom<layers::MaxPooling1D, Layer>;
extern template class Custom<layers::MaxPooling2D, Layer>;
extern template class Custom<layers::MaxPooling3D, Layer>;
extern template class Custom<layers::AveragePooling1D, Layer>;
extern template class Custom<layers::AveragePooling2D, Layer>;
extern template class Custom<layers::AveragePooling3D, Layer>;
extern template class Custom<layers::GlobalMaxPooling1D, Layer>;
extern template class Custom<layers::GlobalMaxPooling2D, Layer>;
extern template class Custom<layers::GlobalMaxPooling3D, Layer>;
extern template class Custom<layers::GlobalAveragePooling1D, Layer>;
extern template class Custom<layers::GlobalAveragePooling2D, Layer>;
extern template class Custom<layers::GlobalAveragePooling3D, Layer>;
extern template class Custom<layers::AdaptiveMaxPooling1D, Layer>;
extern template class Custom<layers::AdaptiveMaxPooling2D, Layer>;
extern template class Custom<layers::AdaptiveMaxPooling3D, Layer>;
extern template class Custom<layers::AdaptiveAveragePooling1D, Layer>;
extern template class Custom<layers::AdaptiveAveragePooling2D, Layer>;
extern template class Custom<layers::AdaptiveAveragePooling3D, Layer>;
namespace layers {
extern template class Pooling<MaxPooling1D, Size1, true>;
extern template class Pooling<MaxPooling2D, Size2, true>;
extern template class Pooling<MaxPooling3D, Size3, true>;
extern template class Pooling<AveragePooling1D, Size1, false>;
extern template class Pooling<AveragePooling2D, Size2, false>;
extern template class Pooling<AveragePooling3D, Size3, false>;
extern template class GlobalPooling<GlobalMaxPooling1D, 1, true>;
extern template class GlobalPooling<GlobalMaxPooling2D, 2, true>;
extern template class GlobalPooling<GlobalMaxPooling3D, 3, true>;
extern template class GlobalPooling<GlobalAveragePooling1D, 1, false>;
extern template class GlobalPooling<GlobalAveragePooling2D, 2, false>;
extern template class GlobalPooling<GlobalAveragePooling3D, 3, false>;
extern template class AdaptivePooling<AdaptiveMaxPooling1D, Size1, true>;
extern template class AdaptivePooling<AdaptiveMaxPooling2D, Size2, true>;
extern template class AdaptivePooling<AdaptiveMaxPooling3D, Size3, true>;
extern template class AdaptivePooling<AdaptiveAveragePooling1D, Size1, false>;
extern template class AdaptivePooling<AdaptiveAveragePooling2D, Size2, false>;
extern template class AdaptivePooling<AdaptiveAveragePooling3D, Size3, false>;
}  // namespace layers
}  // namespace strata
