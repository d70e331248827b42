/// \file
/// Normalization layers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "strata/custom.h"
#include "strata/layers/axes.h"

namespace strata::layers {

/// Limits of the corrections of batch renormalization.
struct RenormClipping {
  std::optional<double> rmax = {}, rmin = {}, dmax = {};
};

struct BatchNormalizationOptions {
  int axis = -1;  ///< of the channels
  double momentum = 0.99, epsilon = 0.001;
  bool center = true, scale = true;
  Initializer beta_initializer = "zeros", gamma_initializer = "ones";
  Initializer moving_mean_initializer = "zeros", moving_variance_initializer = "ones";
  Regularizer beta_regularizer = {}, gamma_regularizer = {};
  Constraint beta_constraint = {}, gamma_constraint = {};
  bool renorm = false;  ///< batch renormalization: training normalizes almost as inference will (Ioffe 2017)
  RenormClipping renorm_clipping = {};
  double renorm_momentum = 0.99;
  std::string name = {}, dtype = {};
};

/// Normalizes each channel: in training by the statistics of the batch, which the moving ones follow, else by the
/// moving ones. A frozen layer (trainable = false) uses the moving ones always. Steps that a mask leaves out do not
/// count in the statistics. (Ioffe and Szegedy 2015)
class STRATA_API BatchNormalization final : public CustomLayer<BatchNormalization> {
 public:
  explicit BatchNormalization(const BatchNormalizationOptions& options = {});
  void build(const Shape& input) const;
  Tensor call(const Tensor& x, bool training) const;
  Config get_config() const;
  static BatchNormalization from_config(const Config& config);

 private:
  // `counts`: which elements the statistics are of; undefined for all.
  Tensor normalize(const Tensor& x, bool training, const Tensor& counts) const;
  Tensor renormalize(const Tensor& x, const Tensor& counts) const;
  // Moves the moving statistics towards those of a batch.
  void follow(const Tensor& mean, const Tensor& variance) const;
  BatchNormalizationOptions options_;
  Variable gamma_, beta_, moving_mean_, moving_variance_;
  Variable moving_stddev_, renorm_mean_, renorm_stddev_;  // with renorm alone
};

struct LayerNormalizationOptions {
  LayerAxes axis = -1;
  double epsilon = 0.001;
  bool center = true, scale = true;
  Initializer beta_initializer = "zeros", gamma_initializer = "ones";
  Regularizer beta_regularizer = {}, gamma_regularizer = {};
  Constraint beta_constraint = {}, gamma_constraint = {};
  std::string name = {}, dtype = {};
};

/// Normalizes each sample over `axis`. (Ba et al. 2016)
class STRATA_API LayerNormalization final : public CustomLayer<LayerNormalization> {
 public:
  explicit LayerNormalization(const LayerNormalizationOptions& options = {});
  void build(const Shape& input) const;
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static LayerNormalization from_config(const Config& config);

 private:
  LayerNormalizationOptions options_;
  Variable gamma_, beta_;
};

struct GroupNormalizationOptions {
  int axis = -1;
  double epsilon = 0.001;
  bool center = true, scale = true;
  Initializer beta_initializer = "zeros", gamma_initializer = "ones";
  Regularizer beta_regularizer = {}, gamma_regularizer = {};
  Constraint beta_constraint = {}, gamma_constraint = {};
  std::string name = {}, dtype = {};
};

/// Normalizes groups of channels of each sample; -1 groups is one for each channel. (Wu and He 2018)
class STRATA_API GroupNormalization final : public CustomLayer<GroupNormalization> {
 public:
  explicit GroupNormalization(std::int64_t groups = 32, const GroupNormalizationOptions& options = {});
  void build(const Shape& input) const;
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static GroupNormalization from_config(const Config& config);

 private:
  std::int64_t groups_;
  GroupNormalizationOptions options_;
  Variable gamma_, beta_;
};

struct UnitNormalizationOptions {
  LayerAxes axis = -1;
  std::string name = {}, dtype = {};
};

/// Scales each sample to an L2 norm of 1 over `axis`.
class STRATA_API UnitNormalization final : public CustomLayer<UnitNormalization> {
 public:
  explicit UnitNormalization(const UnitNormalizationOptions& options = {});
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static UnitNormalization from_config(const Config& config);

 private:
  UnitNormalizationOptions options_;
};

struct RMSNormalizationOptions {
  LayerAxes axis = -1;
  double epsilon = 1e-6;
  std::string name = {}, dtype = {};
};

/// x / sqrt(mean(x^2) + epsilon) over `axis`, times a trained scale (Zhang and Sennrich 2019, arXiv:1910.07467).
class STRATA_API RMSNormalization final : public CustomLayer<RMSNormalization> {
 public:
  explicit RMSNormalization(const RMSNormalizationOptions& options = {});
  void build(const Shape& input) const;
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static RMSNormalization from_config(const Config& config);

 private:
  RMSNormalizationOptions options_;
  Variable scale_ = weight("scale");
};

}  // namespace strata::layers

namespace strata {
extern template class Custom<layers::BatchNormalization, Layer>;
extern template class Custom<layers::LayerNormalization, Layer>;
extern template class Custom<layers::GroupNormalization, Layer>;
extern template class Custom<layers::UnitNormalization, Layer>;
extern template class Custom<layers::RMSNormalization, Layer>;
}  // namespace strata
