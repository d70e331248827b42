// Convolutions as steps of plans.
#pragma once

#include <memory>

#include "graph/prepare.h"
#include "kernels/conv.h"

namespace strata::conv {

// `src`, `weights` and `dst` are the positions of these arrays: among the op's inputs, or -1 for the one that it
// computes, its output 0.
struct Positions {
  int src = -1, weights = -1, dst = -1;
};
std::unique_ptr<PreparedOp> prepare(kernels::ConvKind kind, DType dtype, const kernels::Convolution& geometry,
                                    Positions positions);

}  // namespace strata::conv
