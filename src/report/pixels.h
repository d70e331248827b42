// From tensors to the pixels of a picture.
#pragma once

#include <optional>
#include <string>

#include "report/axes.h"

namespace strata::plot {

// An image (h, w), (h, w, 1), (h, w, 3) or (h, w, 4). One channel is coloured by the map. Without a range: bytes, or
// floats of 0..1 or 0..255.
Pixels pixels_of(const Tensor& image, const std::string& colormap, std::optional<Range> range = {});

}  // namespace strata::plot
