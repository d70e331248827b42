// Where a file of Keras 2 says something by the same word as Keras 3, and means something else.
#pragma once

#include <string>

#include "strata/config.h"

namespace strata {

// Whether a file of this "keras_version" has Keras 2's meanings.
STRATA_API bool is_keras2(const std::string& keras_version);

// The configuration of a model with all that is inside, in strata's words: "hard_sigmoid" becomes
// "keras2_hard_sigmoid", 0.2 x + 0.5 between 0 and 1, and a ThresholdedReLU a ReLU with a threshold.
STRATA_API Config::Value from_keras2_words(const Config::Value& value);

// The other way, of one activation. Throws ValueError that begins with `where` for one that Keras 2 does not have.
std::string activation_of_keras2(const std::string& name, const std::string& where);

}  // namespace strata
