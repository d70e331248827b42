// The inputs, layers and ops of a functional model, in the order in which Keras lists and numbers them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graph/symbolic.h"
#include "models/model_state.h"

namespace strata {

struct Operation {
  enum class Kind { input, layer, op } kind = Kind::layer;
  std::string name;                                        // one of a kind in the model
  std::size_t input = 0;                                   // which of the model's inputs
  Layer layer;                                             // of a layer
  std::vector<std::shared_ptr<const SymbolicNode>> nodes;  // its calls in this model, in order of creation
};

// By depth, the number of operations to an output, and in the order of the first visit from the outputs within a depth.
STRATA_API std::vector<Operation> operations_in_order(const ModelState& model);
// Whether the layer is a functional model or a Sequential with an Input.
STRATA_API bool has_graph(const Layer& layer);
STRATA_API bool is_sequential(const Layer& layer);
bool is_input_layer(const Layer& layer);

}  // namespace strata
