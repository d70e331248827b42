// Dtype policies: in which type a layer computes and keeps its variables.
#pragma once

#include <string>

#include "strata/dtype.h"
#include "strata/mixed_precision.h"

namespace strata {

struct Policy {
  std::string name;
  DType compute_dtype, variable_dtype;
};

// Of a policy's or dtype's name; the global one for the empty name. Throws ValueError for an unknown one.
STRATA_API Policy policy_of(const std::string& name);

}  // namespace strata
