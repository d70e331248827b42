#pragma once

#include "strata/export.h"

namespace strata {

/// The version of the library that the program runs with, such as "0.1.0".
STRATA_API const char* version() noexcept;

}  // namespace strata
