// What the processor can do.
#pragma once

#include "strata/dtype.h"

namespace strata::kernels {

// Whether it has instructions for arithmetic on this type that the kernels use: float32 and float64 always, bfloat16
// with AVX-512 or AMX; float16 never, since oneDNN 2.6 has no float16 kernels for processors.
STRATA_API bool computes_natively(DType dtype);

}  // namespace strata::kernels
