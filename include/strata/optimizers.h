/// \file
/// Optimizers. Names, defaults and numbers are Keras 3.15's.
#pragma once

#include <optional>
#include <string>

#include "strata/optimizer.h"

namespace strata::optimizers {

// Of all optimizers: `weight_decay` shrinks the weights by learning_rate * weight_decay before the step, apart from the
// gradient. At most one of `clipnorm` (the norm of each gradient), `clipvalue` (each element) and `global_clipnorm`
// (the norm of all together) may be set.

/// Gradient descent: w -= learning_rate * g; with momentum v = momentum * v - learning_rate * g and w += v.
struct SGDOptions {
  schedules::Schedule learning_rate = 0.01;
  double momentum = 0;
  bool nesterov = false;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::string name = {};
};
struct STRATA_API SGD : Optimizer {
  SGD(const SGDOptions& options = {});
  SGD(const schedules::Schedule& learning_rate, SGDOptions options = {});
};

/// Adaptive moments (Kingma and Ba 2014).
struct AdamOptions {
  schedules::Schedule learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  bool amsgrad = false;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::string name = {};
};
struct STRATA_API Adam : Optimizer {
  Adam(const AdamOptions& options = {});
  Adam(const schedules::Schedule& learning_rate, AdamOptions options = {});
};

/// Adam with decoupled weight decay (Loshchilov and Hutter 2017).
struct AdamWOptions {
  schedules::Schedule learning_rate = 0.001;
  double weight_decay = 0.004, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  bool amsgrad = false;
  std::optional<double> clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::string name = {};
};
struct STRATA_API AdamW : Optimizer {
  AdamW(const AdamWOptions& options = {});
  AdamW(const schedules::Schedule& learning_rate, AdamWOptions options = {});
};

/// Gradients over a running mean of their size (Tieleman and Hinton 2012).
struct RMSpropOptions {
  schedules::Schedule learning_rate = 0.001;
  double rho = 0.9, momentum = 0, epsilon = 1e-7;
  bool centered = false;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::string name = {};
};
struct STRATA_API RMSprop : Optimizer {
  RMSprop(const RMSpropOptions& options = {});
  RMSprop(const schedules::Schedule& learning_rate, RMSpropOptions options = {});
};

}  // namespace strata::optimizers
