// What Input() and calls on its tensors record: the nodes of functional models.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "graph/op.h"

namespace strata {

class LayerCall;  // models/layer_call.h: a layer and its arguments

// An input (neither op nor call), an op outside of layers, or a call of a layer. Creation order is a topological order.
struct SymbolicNode {
  std::uint64_t id = 0;
  std::string name;
  OpPtr op;
  std::shared_ptr<const LayerCall> call;
  Tensors inputs;
  Specs outputs;
};

// A node of its own number, and the tensors of its outputs.
STRATA_API std::shared_ptr<SymbolicNode> new_symbolic_node(std::string name, const Tensors& inputs,
                                                           const Specs& outputs);
STRATA_API Tensors outputs_of(const std::shared_ptr<const SymbolicNode>& node);

}  // namespace strata
