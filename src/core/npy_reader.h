// An array in NumPy's .npy format, from wherever its bytes are.
#pragma once

#include "core/file.h"
#include "strata/tensor.h"

namespace strata {

// Reads one array and leaves `source` behind it. Throws FileError.
STRATA_API Tensor read_npy(ByteSource& source);

}  // namespace strata
