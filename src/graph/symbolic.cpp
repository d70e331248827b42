#include "graph/symbolic.h"

#include <atomic>

namespace strata {

std::shared_ptr<SymbolicNode> new_symbolic_node(std::string name, const Tensors& inputs, const Specs& outputs) {
  static std::atomic<std::uint64_t> next{1};
  auto node = std::make_shared<SymbolicNode>();
  node->id = next++;
  node->name = std::move(name);
  node->inputs = inputs;
  node->outputs = outputs;
  return node;
}

Tensors outputs_of(const std::shared_ptr<const SymbolicNode>& node) {
  Tensors out;
  for (std::size_t i = 0; i < node->outputs.size(); ++i) {
    auto data = std::make_shared<detail::TensorData>();
    data->shape = node->outputs[i].shape;
    data->dtype = node->outputs[i].dtype;
    data->node = node;
    data->output = static_cast<int>(i);
    out.push_back(Tensor(std::move(data)));
  }
  return out;
}

}  // namespace strata
