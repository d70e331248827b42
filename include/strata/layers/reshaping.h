/// \file
/// Layers that change shapes: Flatten, Reshape, padding, cropping, upsampling; and Rescaling.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "strata/custom.h"
#include "strata/sizes.h"

namespace strata::layers {

struct ReshapingOptions {
  std::string name = {}, dtype = {};
};

/// All dimensions after the batch as one.
class STRATA_API Flatten final : public CustomLayer<Flatten> {
 public:
  explicit Flatten(const ReshapingOptions& options = {});
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static Flatten from_config(const Config& config);
};

/// Another shape, the batch apart; one dimension may be -1.
class STRATA_API Reshape final : public CustomLayer<Reshape> {
 public:
  explicit Reshape(const Shape& target_shape, const ReshapingOptions& options = {});
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static Reshape from_config(const Config& config);

 private:
  Shape target_shape_;
};

/// Dimensions in another order; they count from 1, the batch stays first.
class STRATA_API Permute final : public CustomLayer<Permute> {
 public:
  explicit Permute(const std::vector<std::int64_t>& dims, const ReshapingOptions& options = {});
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static Permute from_config(const Config& config);

 private:
  std::vector<std::int64_t> dims_;
};

/// (batch, features) to (batch, n, features).
class STRATA_API RepeatVector final : public CustomLayer<RepeatVector> {
 public:
  explicit RepeatVector(std::int64_t n, const ReshapingOptions& options = {});
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static RepeatVector from_config(const Config& config);

 private:
  std::int64_t n_;
};

/// One number, or one for each channel.
struct PerChannel {
  PerChannel(double value) : values{value} {}
  PerChannel(std::initializer_list<double> values) : values(values) {}
  PerChannel(const std::vector<double>& values) : values(values) {}
  std::vector<double> values;
};

struct RescalingOptions {
  PerChannel offset = 0.;
  std::string name = {}, dtype = {};
};

/// x * scale + offset: `Rescaling(1. / 255)`, `Rescaling({4., 4.4, 4.5}, {.offset = {-2., -2.1, -1.8}})`.
class STRATA_API Rescaling final : public CustomLayer<Rescaling> {
 public:
  explicit Rescaling(const PerChannel& scale, const RescalingOptions& options = {});
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static Rescaling from_config(const Config& config);

 private:
  PerChannel scale_;
  RescalingOptions options_;
};

/// Zeros before and behind of a dimension, or elements cut off: one number for all, or {before, behind} of each.
struct STRATA_API Margins {
  Margins(int all);
  Margins(std::initializer_list<int> symmetric) : symmetric(symmetric.begin(), symmetric.end()) {}
  Margins(std::initializer_list<std::pair<int, int>> each);
  /// For so many dimensions. Throws ValueError where the numbers do not fit. Of one dimension {1, 2} is before and
  /// behind.
  std::vector<std::pair<int, int>> of(const std::string& layer, std::size_t dims) const;
  std::optional<int> all;
  std::vector<int> symmetric;
  std::vector<std::pair<int, int>> each;
};

/// Adds zeros around the spatial dimensions.
template <class Self, int kSpatial>
class STRATA_API ZeroPadding : public CustomLayer<Self> {
 public:
  ZeroPadding(const Margins& padding, const ReshapingOptions& options);
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static Self from_config(const Config& config);

 private:
  std::vector<std::pair<int, int>> padding_;
};

/// Cuts off the rims of the spatial dimensions.
template <class Self, int kSpatial>
class STRATA_API Cropping : public CustomLayer<Self> {
 public:
  Cropping(const Margins& cropping, const ReshapingOptions& options);
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static Self from_config(const Config& config);

 private:
  std::vector<std::pair<int, int>> cropping_;
};

class STRATA_API ZeroPadding1D final : public ZeroPadding<ZeroPadding1D, 1> {
 public:
  explicit ZeroPadding1D(const Margins& padding = 1, const ReshapingOptions& options = {});
};
class STRATA_API ZeroPadding2D final : public ZeroPadding<ZeroPadding2D, 2> {
 public:
  explicit ZeroPadding2D(const Margins& padding = 1, const ReshapingOptions& options = {});
};
class STRATA_API ZeroPadding3D final : public ZeroPadding<ZeroPadding3D, 3> {
 public:
  explicit ZeroPadding3D(const Margins& padding = 1, const ReshapingOptions& options = {});
};
class STRATA_API Cropping1D final : public Cropping<Cropping1D, 1> {
 public:
  explicit Cropping1D(const Margins& cropping = 1, const ReshapingOptions& options = {});
};
class STRATA_API Cropping2D final : public Cropping<Cropping2D, 2> {
 public:
  explicit Cropping2D(const Margins& cropping = 1, const ReshapingOptions& options = {});
};
class STRATA_API Cropping3D final : public Cropping<Cropping3D, 3> {
 public:
  explicit Cropping3D(const Margins& cropping = 1, const ReshapingOptions& options = {});
};

struct UpSamplingOptions {
  std::string interpolation = "nearest";  ///< or "bilinear", in two dimensions
  std::string name = {}, dtype = {};
};

/// Repeats rows, columns and planes.
template <class Self, class S>
class STRATA_API UpSampling : public CustomLayer<Self> {
 public:
  UpSampling(const S& size, const UpSamplingOptions& options);
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static Self from_config(const Config& config);

 private:
  S size_;
  UpSamplingOptions options_;
};
class STRATA_API UpSampling1D final : public UpSampling<UpSampling1D, Size1> {
 public:
  explicit UpSampling1D(const Size1& size = 2, const UpSamplingOptions& options = {});
};
class STRATA_API UpSampling2D final : public UpSampling<UpSampling2D, Size2> {
 public:
  explicit UpSampling2D(const Size2& size = 2, const UpSamplingOptions& options = {});
};
class STRATA_API UpSampling3D final : public UpSampling<UpSampling3D, Size3> {
 public:
  explicit UpSampling3D(const Size3& size = 2, const UpSamplingOptions& options = {});
};

}  // namespace strata::layers

namespace strata {
extern template class Custom<layers::Flatten, Layer>;
extern template class Custom<layers::Reshape, Layer>;
extern template class Custom<layers::Permute, Layer>;
extern template class Custom<layers::RepeatVector, Layer>;
extern template class Custom<layers::Rescaling, Layer>;
extern template class Custom<layers::ZeroPadding1D, Layer>;
extern template class Custom<layers::ZeroPadding2D, Layer>;
extern template class Custom<layers::ZeroPadding3D, Layer>;
extern template class Custom<layers::Cropping1D, Layer>;
extern template class Custom<layers::Cropping2D, Layer>;
extern template class Custom<layers::Cropping3D, Layer>;
extern template class Custom<layers::UpSampling1D, Layer>;
extern template class Custom<layers::UpSampling2D, Layer>;
extern template class Custom<layers::UpSampling3D, Layer>;
namespace layers {
extern template class ZeroPadding<ZeroPadding1D, 1>;
extern template class Cropping<Cropping1D, 1>;
extern template class UpSampling<UpSampling1D, Size1>;
extern template class ZeroPadding<ZeroPadding2D, 2>;
extern template class Cropping<Cropping2D, 2>;
extern template class UpSampling<UpSampling2D, Size2>;
extern template class ZeroPadding<ZeroPadding3D, 3>;
extern template class Cropping<Cropping3D, 3>;
extern template class UpSampling<UpSampling3D, Size3>;
}  // namespace layers
}  // namespace strata
