// From the times of a plan's steps to what users see.
#pragma once

#include <string>

#include "graph/plan.h"
#include "strata/profile.h"

namespace strata {

Profile profile_of(const Plan& plan, const std::string& name);

}  // namespace strata
