// Configurations from JSON, as Keras writes it.
#pragma once

#include <string>

#include "strata/config.h"

namespace strata {

// A value from JSON text: dtype policies and functions become their names, tuples lists. Python's NaN and Infinity are
// read too. Throws FileError that starts with `where` where the text is not JSON, or nests deeper than 200 levels.
STRATA_API Config::Value parse_config_json(const std::string& text, const std::string& where);

}  // namespace strata
