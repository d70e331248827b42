// Convolutions as steps of plans.
#pragma once

#include <memory>

#include "graph/prepare.h"
#include "kernels/conv_plan.h"

namespace strata::conv {

// The positions of these arrays: among the op's inputs, or -1 for the one that it computes, its output 0. `bias` is -1
// where there is none.
struct Positions {
  int src = -1, weights = -1, dst = -1, bias = -1;
};

// Weights that are constant are packed here, others in each run.
std::unique_ptr<PreparedOp> prepare(kernels::ConvTask task, Positions positions, const PrepareContext& context);

}  // namespace strata::conv
