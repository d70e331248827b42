// The layers by the names of their classes: the table from which files make them again.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "strata/layer.h"

namespace strata::layers {

struct LayerClass {
  const char* class_name;
  Layer (*make)(const Config& config);
  // Names of the arguments of `call`, where there are several: files give them by name.
  std::vector<const char*> call_arguments = {};
};

STRATA_API std::span<const LayerClass> layer_classes();
// Null where there is none.
STRATA_API const LayerClass* find_layer_class(std::string_view class_name);

}  // namespace strata::layers
