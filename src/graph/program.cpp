#include "graph/program.h"

#include <utility>

#include "graph/variable_ops.h"

namespace strata {

Program::Program(std::shared_ptr<const Graph> graph) : graph_(std::move(graph)), released_(graph_->nodes.size()) {
  verify(*graph_);
  std::vector<int> last(graph_->values.size(), -1);
  for (std::size_t i = 0; i < graph_->nodes.size(); ++i) {
    for (int v : graph_->nodes[i].in) last[static_cast<std::size_t>(v)] = static_cast<int>(i);
    for (int v : graph_->nodes[i].out) last[static_cast<std::size_t>(v)] = static_cast<int>(i);
  }
  for (const auto& [v, tensor] : graph_->constants) last[static_cast<std::size_t>(v)] = -1;
  for (int v : graph_->outputs)
    if (v >= 0) last[static_cast<std::size_t>(v)] = -1;
  for (std::size_t v = 0; v < last.size(); ++v)
    if (last[v] >= 0) released_[static_cast<std::size_t>(last[v])].push_back(static_cast<int>(v));
}

Tensors Program::run(const Tensors& inputs, bool recorded) const {
  Tensors values(graph_->values.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) values[static_cast<std::size_t>(graph_->inputs[i])] = inputs[i];
  for (const auto& [v, tensor] : graph_->constants) values[static_cast<std::size_t>(v)] = tensor;
  Tensors arguments;
  for (std::size_t n = 0; n < graph_->nodes.size(); ++n) {
    const Node& node = graph_->nodes[n];
    arguments.clear();
    for (int v : node.in) arguments.push_back(values[static_cast<std::size_t>(v)]);
    // A variable that is read must be known to the tapes, not only its value.
    const auto* read = recorded ? dynamic_cast<const ReadVariable*>(node.op.get()) : nullptr;
    Tensors results = read       ? Tensors{Variable(read->variable).read()}
                      : recorded ? strata::apply(node.op, arguments)
                                 : run_eagerly(*node.op, arguments);
    for (std::size_t i = 0; i < results.size(); ++i) values[static_cast<std::size_t>(node.out[i])] = results[i];
    // Released before the next op runs: what is then unshared may be changed in place.
    arguments.clear();
    results.clear();
    for (int v : released_[n]) values[static_cast<std::size_t>(v)] = Tensor();
  }
  Tensors outputs;
  for (int v : graph_->outputs) outputs.push_back(v >= 0 ? values[static_cast<std::size_t>(v)] : Tensor());
  return outputs;
}

}  // namespace strata
