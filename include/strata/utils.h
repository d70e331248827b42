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

/// Forgets the automatic names that were given: the next Dense is "dense" again.
STRATA_API void clear_session();

}  // namespace strata::utils
