// What this machine computes at best, for profiles.
#pragma once

#include "strata/dtype.h"

namespace strata::kernels {

// GFLOP/s of the product of two large square matrices with so many threads, measured at the first question; 0 for types
// that are no floating ones.
double peak_gflops(DType dtype, int threads);

}  // namespace strata::kernels
