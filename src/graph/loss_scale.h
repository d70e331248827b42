// Dynamic loss scaling (Micikevicius et al. 2017): gradients of float16 computations are too small for the type, so the
// backward pass runs on a multiple of the loss.
//
// The tape does that by itself: where a float32 variable was read as float16, gradient() starts from the scaled loss
// and divides what it returns. The scale belongs to the variables (LossScale below); the optimizer that gets their
// gradients leaves the step out where one is not finite, and adapts the scale.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "strata/tape.h"
#include "strata/variable.h"

namespace strata::detail {

struct STRATA_API LossScale {
  explicit LossScale(double initial_scale = 32768, std::int64_t growth_steps = 2000);
  // After a step whose gradients were all finite, or not: Keras's rule. Doubles after `growth_steps` finite ones.
  void update(const Tensor& finite) const;

  Variable scale, finite_steps, skipped_steps;  // float32, int32, int64
  std::int64_t growth_steps;
};

// The scale that the variables among the sources share, made where they have none; marks them as unscaled by the tape.
// Null where the user scales the loss by hand (see scaled_by_hand) or no source is a float32 variable.
std::shared_ptr<LossScale> loss_scale_for(const std::vector<Source>& sources);
// The next gradient() of this thread is of a loss that is scaled already.
STRATA_API void set_scaled_by_hand();

}  // namespace strata::detail
