// What other families draw.
#pragma once

#include <cstdint>
#include <optional>

#include "strata/tensor.h"

namespace strata {

// A boolean tensor, false with probability `rate`. Its shape is that of `x`, or `noise_shape` where that is not empty;
// a dimension of `noise_shape` that is None is that of x.
STRATA_API Tensor random_keep_mask(const Tensor& x, double rate, std::optional<std::int64_t> seed,
                                   const Shape& noise_shape = {});

}  // namespace strata
