/// \file
/// Optimizers. Names, defaults and numbers are Keras 3.15's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "strata/optimizer.h"

namespace strata::optimizers {

// Of all optimizers: `weight_decay` shrinks the weights by learning_rate * weight_decay before the step, apart from the
// gradient. At most one of `clipnorm` (the norm of each gradient), `clipvalue` (each element) and `global_clipnorm`
// (the norm of all together) may be set. `use_ema` keeps moving averages of the weights, which replace them every
// `ema_overwrite_frequency` steps. With `gradient_accumulation_steps`, the weights change in every such step only, by
// the mean of the gradients since the last change.

/// Gradient descent: w -= learning_rate * g; with momentum v = momentum * v - learning_rate * g and w += v.
struct SGDOptions {
  schedules::Schedule learning_rate = 0.01;
  double momentum = 0;
  bool nesterov = false;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {}, gradient_accumulation_steps = {};
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
  std::optional<int> ema_overwrite_frequency = {}, gradient_accumulation_steps = {};
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
  std::optional<int> ema_overwrite_frequency = {}, gradient_accumulation_steps = {};
  std::string name = {};
};
struct STRATA_API AdamW : Optimizer {
  AdamW(const AdamWOptions& options = {});
  AdamW(const schedules::Schedule& learning_rate, AdamWOptions options = {});
};

/// Adam by the largest gradient (Kingma and Ba 2014, section 7).
struct AdamaxOptions {
  schedules::Schedule learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {}, gradient_accumulation_steps = {};
  std::string name = {};
};
struct STRATA_API Adamax : Optimizer {
  Adamax(const AdamaxOptions& options = {});
  Adamax(const schedules::Schedule& learning_rate, AdamaxOptions options = {});
};

/// Adam with Nesterov momentum (Dozat 2016).
struct NadamOptions {
  schedules::Schedule learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {}, gradient_accumulation_steps = {};
  std::string name = {};
};
struct STRATA_API Nadam : Optimizer {
  Nadam(const NadamOptions& options = {});
  Nadam(const schedules::Schedule& learning_rate, NadamOptions options = {});
};

/// Gradients over a running mean of their size (Tieleman and Hinton 2012).
struct RMSpropOptions {
  schedules::Schedule learning_rate = 0.001;
  double rho = 0.9, momentum = 0, epsilon = 1e-7;
  bool centered = false;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {}, gradient_accumulation_steps = {};
  std::string name = {};
};
struct STRATA_API RMSprop : Optimizer {
  RMSprop(const RMSpropOptions& options = {});
  RMSprop(const schedules::Schedule& learning_rate, RMSpropOptions options = {});
};

/// Gradients over the root of the sum of their squares (Duchi et al. 2011).
struct AdagradOptions {
  schedules::Schedule learning_rate = 0.001;
  double initial_accumulator_value = 0.1, epsilon = 1e-7;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {}, gradient_accumulation_steps = {};
  std::string name = {};
};
struct STRATA_API Adagrad : Optimizer {
  Adagrad(const AdagradOptions& options = {});
  Adagrad(const schedules::Schedule& learning_rate, AdagradOptions options = {});
};

/// Steps as large as the last ones (Zeiler 2012).
struct AdadeltaOptions {
  schedules::Schedule learning_rate = 0.001;
  double rho = 0.95, epsilon = 1e-7;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {}, gradient_accumulation_steps = {};
  std::string name = {};
};
struct STRATA_API Adadelta : Optimizer {
  Adadelta(const AdadeltaOptions& options = {});
  Adadelta(const schedules::Schedule& learning_rate, AdadeltaOptions options = {});
};

/// Follow the regularized leader (McMahan et al. 2013).
struct FtrlOptions {
  schedules::Schedule learning_rate = 0.001;
  double learning_rate_power = -0.5, initial_accumulator_value = 0.1, l1_regularization_strength = 0,
         l2_regularization_strength = 0, l2_shrinkage_regularization_strength = 0, beta = 0;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {}, gradient_accumulation_steps = {};
  std::string name = {};
};
struct STRATA_API Ftrl : Optimizer {
  Ftrl(const FtrlOptions& options = {});
  Ftrl(const schedules::Schedule& learning_rate, FtrlOptions options = {});
};

/// The sign of a momentum (Chen et al. 2023).
struct LionOptions {
  schedules::Schedule learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.99;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {}, gradient_accumulation_steps = {};
  std::string name = {};
};
struct STRATA_API Lion : Optimizer {
  Lion(const LionOptions& options = {});
  Lion(const schedules::Schedule& learning_rate, LionOptions options = {});
};

/// Adam with steps in proportion to the norm of each weight (You et al. 2019).
struct LambOptions {
  schedules::Schedule learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {}, gradient_accumulation_steps = {};
  std::string name = {};
};
struct STRATA_API Lamb : Optimizer {
  Lamb(const LambOptions& options = {});
  Lamb(const schedules::Schedule& learning_rate, LambOptions options = {});
};

/// Second moments by rows and columns of the last two axes (Shazeer and Stern 2018).
struct AdafactorOptions {
  schedules::Schedule learning_rate = 0.001;
  double beta_2_decay = -0.8, epsilon_1 = 1e-30, epsilon_2 = 1e-3, clip_threshold = 1;
  bool relative_step = true;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {}, gradient_accumulation_steps = {};
  std::string name = {};
};
struct STRATA_API Adafactor : Optimizer {
  Adafactor(const AdafactorOptions& options = {});
  Adafactor(const schedules::Schedule& learning_rate, AdafactorOptions options = {});
};

/// Orthogonalized momentum for matrices (Jordan et al. 2024), Adam for all other weights and for those whose paths
/// contain "embedding" or match one of the regular expressions `exclude_layers`.
struct MuonOptions {
  schedules::Schedule learning_rate = 0.001;
  double adam_beta_1 = 0.9, adam_beta_2 = 0.999, adam_weight_decay = 0.004, epsilon = 1e-7;
  std::optional<double> weight_decay = 0.004;
  std::optional<double> clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {}, gradient_accumulation_steps = {};
  std::string name = {};
  std::vector<std::string> exclude_layers = {};
  bool exclude_embeddings = true;
  double muon_a = 3.4445, muon_b = -4.775, muon_c = 2.0315, adam_lr_ratio = 1, momentum = 0.95;
  int ns_steps = 5;
  bool nesterov = true;
  std::optional<double> rms_rate = 0.2;
};
struct STRATA_API Muon : Optimizer {
  Muon(const MuonOptions& options = {});
  Muon(const schedules::Schedule& learning_rate, MuonOptions options = {});
};

/// AdamW whose averaging stands for a schedule (Defazio et al. 2024).
struct ScheduleFreeAdamWOptions {
  schedules::Schedule learning_rate = 0.0025;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-8;
  int warmup_steps = 0;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {}, gradient_accumulation_steps = {};
  std::string name = {};
};
struct STRATA_API ScheduleFreeAdamW : Optimizer {
  ScheduleFreeAdamW(const ScheduleFreeAdamWOptions& options = {});
  ScheduleFreeAdamW(const schedules::Schedule& learning_rate, ScheduleFreeAdamWOptions options = {});
};

}  // namespace strata::optimizers
