// A recorded call of a layer: what a functional model runs again.
#pragma once

#include "strata/call.h"
#include "strata/layer.h"

namespace strata {

class LayerCall {
 public:
  LayerCall(const Layer& layer, const CallArguments& arguments) : layer(layer), arguments(arguments) {}
  Layer layer;
  CallArguments arguments;
};

}  // namespace strata
