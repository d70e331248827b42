// Conversion of elements between dtypes.
#pragma once

#include <cstdint>

#include "strata/dtype.h"

namespace strata::kernels {

// Towards zero from floats to integers, where what does not fit goes to the nearest bound and NaN to 0.
STRATA_API void cast(DType from, const void* src, DType to, void* dst, std::int64_t count);

}  // namespace strata::kernels
