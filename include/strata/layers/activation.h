/// \file
/// Activation functions as layers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "strata/activations.h"
#include "strata/custom.h"
#include "strata/layers/axes.h"

namespace strata::layers {

struct ActivationLayerOptions {
  std::string name = {}, dtype = {};
};

/// An activation function as a layer: `Activation("relu")`, or of a callable.
class STRATA_API Activation final : public CustomLayer<Activation> {
 public:
  explicit Activation(const ActivationFunction& activation, const ActivationLayerOptions& options = {});
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static Activation from_config(const Config& config);

 private:
  ActivationFunction activation_;
};

struct ReLUOptions {
  std::optional<double> max_value = {};
  double negative_slope = 0, threshold = 0;
  std::string name = {}, dtype = {};
};
/// x above the threshold, negative_slope * (x - threshold) below; at most max_value.
class STRATA_API ReLU final : public CustomLayer<ReLU> {
 public:
  explicit ReLU(const ReLUOptions& options = {});
  explicit ReLU(double max_value) : ReLU(ReLUOptions{.max_value = max_value}) {}
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static ReLU from_config(const Config& config);

 private:
  ReLUOptions options_;
};

struct LeakyReLUOptions {
  double negative_slope = 0.3;
  std::string name = {}, dtype = {};
};
class STRATA_API LeakyReLU final : public CustomLayer<LeakyReLU> {
 public:
  explicit LeakyReLU(const LeakyReLUOptions& options = {});
  explicit LeakyReLU(double negative_slope) : LeakyReLU(LeakyReLUOptions{.negative_slope = negative_slope}) {}
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static LeakyReLU from_config(const Config& config);

 private:
  LeakyReLUOptions options_;
};

struct PReLUOptions {
  Initializer alpha_initializer = "zeros";
  Regularizer alpha_regularizer = {};
  Constraint alpha_constraint = {};
  std::vector<std::int64_t> shared_axes = {};  ///< along which all positions have one slope
  std::string name = {}, dtype = {};
};
/// A leaky ReLU whose slope is learned, one for each feature. (He et al. 2015)
class STRATA_API PReLU final : public CustomLayer<PReLU> {
 public:
  explicit PReLU(const PReLUOptions& options = {});
  void build(const Shape& input) const;
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static PReLU from_config(const Config& config);

 private:
  PReLUOptions options_;
  Variable alpha_ = weight("alpha");
};

struct ELUOptions {
  double alpha = 1;
  std::string name = {}, dtype = {};
};
class STRATA_API ELU final : public CustomLayer<ELU> {
 public:
  explicit ELU(const ELUOptions& options = {});
  explicit ELU(double alpha) : ELU(ELUOptions{.alpha = alpha}) {}
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static ELU from_config(const Config& config);

 private:
  ELUOptions options_;
};

struct SoftmaxOptions {
  LayerAxes axis = -1;  ///< one, or several that are summed over together
  std::string name = {}, dtype = {};
};
class STRATA_API Softmax final : public CustomLayer<Softmax> {
 public:
  explicit Softmax(const SoftmaxOptions& options = {});
  explicit Softmax(std::int64_t axis) : Softmax(SoftmaxOptions{.axis = axis}) {}
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static Softmax from_config(const Config& config);

 private:
  SoftmaxOptions options_;
};

}  // namespace strata::layers

namespace strata {
extern template class Custom<layers::Activation, Layer>;
extern template class Custom<layers::ReLU, Layer>;
extern template class Custom<layers::LeakyReLU, Layer>;
extern template class Custom<layers::PReLU, Layer>;
extern template class Custom<layers::ELU, Layer>;
extern template class Custom<layers::Softmax, Layer>;
}  // namespace strata
