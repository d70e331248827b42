/// \file
/// Layers that fight overfitting: dropout, noise, penalties.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "strata/custom.h"

namespace strata::layers {

struct DropoutLayerOptions {
  Shape noise_shape = {};                 ///< dimensions of 1 are dropped or kept as a whole
  std::optional<std::int64_t> seed = {};  ///< the same numbers at each call; without it they follow the global seed
  std::string name = {}, dtype = {};
};

/// In training, sets elements to zero with probability `rate` and scales the others by 1 / (1 - rate).
class STRATA_API Dropout final : public CustomLayer<Dropout> {
 public:
  explicit Dropout(double rate, const DropoutLayerOptions& options = {});
  Tensor call(const Tensor& x, bool training) const;
  Config get_config() const;
  static Dropout from_config(const Config& config);

 private:
  double rate_;
  DropoutLayerOptions options_;
};

struct NoiseOptions {
  std::optional<std::int64_t> seed = {};
  std::string name = {}, dtype = {};
};

/// Drops whole channels: maps of (batch, steps, channels), and so on.
template <class Self, int kSpatial>
class STRATA_API SpatialDropout : public CustomLayer<Self> {
 public:
  SpatialDropout(double rate, const NoiseOptions& options);
  Tensor call(const Tensor& x, bool training) const;
  Config get_config() const;
  static Self from_config(const Config& config);

 private:
  double rate_;
  NoiseOptions options_;
};
class STRATA_API SpatialDropout1D final : public SpatialDropout<SpatialDropout1D, 1> {
 public:
  explicit SpatialDropout1D(double rate, const NoiseOptions& options = {});
};
class STRATA_API SpatialDropout2D final : public SpatialDropout<SpatialDropout2D, 2> {
 public:
  explicit SpatialDropout2D(double rate, const NoiseOptions& options = {});
};
class STRATA_API SpatialDropout3D final : public SpatialDropout<SpatialDropout3D, 3> {
 public:
  explicit SpatialDropout3D(double rate, const NoiseOptions& options = {});
};

/// In training, multiplies by random numbers of mean 1 and variance rate / (1 - rate).
class STRATA_API GaussianDropout final : public CustomLayer<GaussianDropout> {
 public:
  explicit GaussianDropout(double rate, const NoiseOptions& options = {});
  Tensor call(const Tensor& x, bool training) const;
  Config get_config() const;
  static GaussianDropout from_config(const Config& config);

 private:
  double rate_;
  NoiseOptions options_;
};

/// In training, adds random numbers of mean 0 and the given standard deviation.
class STRATA_API GaussianNoise final : public CustomLayer<GaussianNoise> {
 public:
  explicit GaussianNoise(double stddev, const NoiseOptions& options = {});
  Tensor call(const Tensor& x, bool training) const;
  Config get_config() const;
  static GaussianNoise from_config(const Config& config);

 private:
  double stddev_;
  NoiseOptions options_;
};

/// Dropout that keeps mean and variance, for SELU networks. (Klambauer et al. 2017)
class STRATA_API AlphaDropout final : public CustomLayer<AlphaDropout> {
 public:
  explicit AlphaDropout(double rate, const DropoutLayerOptions& options = {});
  Tensor call(const Tensor& x, bool training) const;
  Config get_config() const;
  static AlphaDropout from_config(const Config& config);

 private:
  double rate_;
  DropoutLayerOptions options_;
};

struct ActivityRegularizationOptions {
  double l1 = 0, l2 = 0;
  std::string name = {}, dtype = {};
};

/// Gives back what it gets, and adds a penalty on it to the losses.
class STRATA_API ActivityRegularization final : public CustomLayer<ActivityRegularization> {
 public:
  explicit ActivityRegularization(const ActivityRegularizationOptions& options = {});
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static ActivityRegularization from_config(const Config& config);

 private:
  ActivityRegularizationOptions options_;
};

}  // namespace strata::layers

namespace strata {
extern template class Custom<layers::Dropout, Layer>;
extern template class Custom<layers::SpatialDropout1D, Layer>;
extern template class Custom<layers::SpatialDropout2D, Layer>;
extern template class Custom<layers::SpatialDropout3D, Layer>;
extern template class Custom<layers::GaussianDropout, Layer>;
extern template class Custom<layers::GaussianNoise, Layer>;
extern template class Custom<layers::AlphaDropout, Layer>;
extern template class Custom<layers::ActivityRegularization, Layer>;
namespace layers {
extern template class SpatialDropout<SpatialDropout1D, 1>;
extern template class SpatialDropout<SpatialDropout2D, 2>;
extern template class SpatialDropout<SpatialDropout3D, 3>;
}  // namespace layers
}  // namespace strata
