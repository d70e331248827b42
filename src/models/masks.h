// How masks travel through the calls of layers.
#pragma once

#include <string>

#include "strata/masking.h"

namespace strata {

// After a call: puts the inputs' mask on the results of a layer that passes it on.
void pass_masks(const std::string& class_name, const Tensors& inputs, const Tensors& results);
// Forgets the masks of tensors that are gone.
void drop_old_masks();

}  // namespace strata
