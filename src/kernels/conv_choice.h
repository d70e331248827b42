// Which implementation computes a convolution: a fact about operation, shape, type, threads and machine, found once.
#pragma once

#include <string>

#include "kernels/conv_plan.h"

namespace strata::kernels {

// One line of text that names the task, its strides and extras left out, and the machine's instructions.
STRATA_API std::string choice_key(const ConvTask& task);

// A plan for a task with dense rows of float32 or bfloat16.
ConvPlanPtr chosen_plan(const ConvTask& task);

// Changes when plans made before may not be what would be made now.
int choice_generation();

}  // namespace strata::kernels
