// From one value for each sample to the loss of a batch.
#pragma once

#include <string>

#include "strata/tensor.h"

namespace strata {

// Throws ValueError that lists the reductions.
void check_reduction(const std::string& where, const std::string& reduction);

// Values times weights, 0 where the mask is false, reduced as Keras does. Undefined weights and mask are none.
Tensor reduce_weighted_values(const std::string& where, const Tensor& values, const Tensor& sample_weight,
                              const Tensor& mask, const std::string& reduction);

}  // namespace strata
