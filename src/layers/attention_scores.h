// What the attention layers share.
#pragma once

#include "strata/tensor.h"

namespace strata::layers {

// (1, Tq, Tv) of bool for inputs (batch, T, features): a step may attend to itself and to earlier ones.
Tensor causal_mask(const Tensor& query, const Tensor& value);

}  // namespace strata::layers
