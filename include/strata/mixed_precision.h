/// \file
/// Dtype policies of layers.
#pragma once

#include <string>

#include "strata/dtype.h"

namespace strata::mixed_precision {

/// The policy of layers that are not given a `.dtype`: "float32" (the default), "mixed_bfloat16", "mixed_float16" (16-bit
/// computation on float32 variables), or a floating dtype's name. Throws ValueError for another name.
STRATA_API void set_global_policy(const std::string& policy);
STRATA_API std::string global_policy();

}  // namespace strata::mixed_precision
