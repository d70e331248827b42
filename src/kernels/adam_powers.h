// Adam's step with the powers that correct its moments, computed once for all weights.
#pragma once

#include <cmath>

#include "kernels/optimizer.h"

namespace strata::kernels {

struct AdamPowers : AdamStep {
  explicit AdamPowers(const AdamStep& s)
      : AdamStep(s),
        floats{std::pow(static_cast<float>(beta_1), static_cast<float>(step)),
               std::pow(static_cast<float>(beta_2), static_cast<float>(step))},
        doubles{std::pow(beta_1, static_cast<double>(step)), std::pow(beta_2, static_cast<double>(step))} {}
  // In the type of the argument.
  float power_1(float) const { return floats[0]; }
  float power_2(float) const { return floats[1]; }
  double power_1(double) const { return doubles[0]; }
  double power_2(double) const { return doubles[1]; }

  float floats[2];
  double doubles[2];
};

}  // namespace strata::kernels
