/// \file
/// Loss scaling for float16.
#pragma once

#include <cstdint>
#include <string>

#include "strata/optimizer.h"

namespace strata::optimizers {

struct LossScaleOptimizerOptions {
  double initial_scale = 32768;
  std::int64_t dynamic_growth_steps = 2000;
  std::string name = {};
};

/// Wraps an optimizer, so that the scale starts and grows as given here: doubled after `dynamic_growth_steps` steps
/// with finite gradients, halved after one without, which is left out (Keras's class of this name). It is not needed
/// for a model to train in float16: any optimizer scales by the defaults. compile() wraps for mixed_float16 models.
///
///     optimizers::LossScaleOptimizer optimizer(optimizers::Adam(), {.dynamic_growth_steps = 500});
struct STRATA_API LossScaleOptimizer : Optimizer {
  /// Throws ValueError where the inner optimizer is empty or one of this class, a scale is not positive, or the number
  /// of steps is below 1.
  LossScaleOptimizer(const Optimizer& inner_optimizer, const LossScaleOptimizerOptions& options = {});
  Optimizer inner_optimizer() const;
};

}  // namespace strata::optimizers

namespace strata::mixed_precision {
using optimizers::LossScaleOptimizer;
}
