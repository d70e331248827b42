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

// What to say about a policy whose compute dtype the processor has no instructions for; empty where it has.
STRATA_API std::string slowness_of(const Policy& policy, bool computes_natively);

}  // namespace strata
