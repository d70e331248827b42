// The losses by name.
#pragma once

#include <string>

#include "strata/loss.h"

namespace strata::losses {

// From Keras's class or function names and their short forms; throws ValueError that lists the names.
STRATA_API Loss make_loss_by_name(const std::string& name);
// From a class name and its configuration.
STRATA_API Loss make_loss(const std::string& class_name, const Config& config);

}  // namespace strata::losses
