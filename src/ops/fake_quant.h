// Fake quantization as one op, so that passes and exporters know it again.
#pragma once

#include "kernels/bytes.h"
#include "strata/tensor.h"

namespace strata::quantize {

// float32 values on the grid between min and max, which are scalars or have one element for each channel of the last
// axis. `keep_unseen`: bounds that are both zero, as before anything was seen, give x.
STRATA_API Tensor fake_quant(const kernels::GridBits& bits, bool keep_unseen, const Tensor& x, const Tensor& min,
                             const Tensor& max);

}  // namespace strata::quantize
