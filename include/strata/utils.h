/// \file
/// What does not belong to one model or layer: preparing labels.
#pragma once

#include <cstdint>
#include <optional>

#include "strata/tensor.h"

namespace strata::utils {

/// Class numbers as one-hot float32 rows: (n,) and (n, 1) become (n, num_classes). Any numeric dtype. Without
/// `num_classes`, the largest label plus one. Throws ValueError that names the first label that is no class.
STRATA_API Tensor to_categorical(const Tensor& y, std::optional<std::int64_t> num_classes = {});

/// How many threads kernels use, in calls from every thread of the process. At the start STRATA_NUM_THREADS, else
/// OMP_NUM_THREADS, else the number of cores that the process may use. Threads of data pipelines come on top; each of
/// them runs its operations alone. Throws ValueError where n is not positive.
STRATA_API void set_num_threads(int n);
STRATA_API int get_num_threads();

/// Forgets the automatic names that were given: the next Dense is "dense" again.
STRATA_API void clear_session();

}  // namespace strata::utils
