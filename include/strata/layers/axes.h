/// \file
/// The axes on which a layer works.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

namespace strata::layers {

/// One axis or several: `{.axis = 1}`, `{.axis = {1, 2}}`. Negative ones count from the end.
struct LayerAxes : std::vector<std::int64_t> {
  LayerAxes(int axis) : vector{axis} {}
  LayerAxes(std::int64_t axis) : vector{axis} {}
  LayerAxes(std::initializer_list<std::int64_t> axes) : vector(axes) {}
  LayerAxes(const std::vector<std::int64_t>& axes) : vector(axes) {}
};

}  // namespace strata::layers
