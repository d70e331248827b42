#include "graph/passes/uses.h"

#include <numeric>

#include "graph/passes/passes.h"
#include "graph/registry.h"
#include "strata/config.h"
#include "strata/error.h"

namespace strata {

Uses::Uses(const Graph& graph)
    : maker_(graph.values.size(), -1),
      first_(graph.values.size() + 1),
      returned_(graph.values.size()),
      constant_(graph.values.size()) {
  for (const Node& node : graph.nodes)
    for (const int v : node.in) ++first_[at(v) + 1];
  std::partial_sum(first_.begin(), first_.end(), first_.begin());
  uses_.resize(first_.back());
  std::vector<std::size_t> next(first_);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    for (const int v : node.out) maker_[at(v)] = static_cast<int>(n);
    for (std::size_t i = 0; i < node.in.size(); ++i) uses_[next[at(node.in[i])]++] = {static_cast<int>(n), i};
  }
  for (const int v : graph.outputs)
    if (v >= 0) returned_[at(v)] = true;
  for (const auto& [v, tensor] : graph.constants) constant_[at(v)] = true;
}

OpPtr op_named(std::string_view name, const Config& config) {
  const OpRow* row = registry().find(name);
  if (row == nullptr || row->from_config == nullptr)
    throw Error("internal error: a pass wants the op '" + std::string(name) + "', which the registry does not have");
  return row->from_config(config);
}

int add_node(Graph& graph, std::vector<Node>& nodes, const OpPtr& op, const std::vector<int>& in,
             const std::string& scope) {
  Node node{op, in, {}, scope};
  Specs specs;
  for (const int v : in) specs.push_back(graph.values[at(v)]);
  for (const Spec& s : op->infer(specs)) {
    node.out.push_back(static_cast<int>(graph.values.size()));
    graph.values.push_back(s);
  }
  nodes.push_back(std::move(node));
  return nodes.back().out.front();
}

bool remove_nodes(Graph& graph, const std::vector<bool>& gone) {
  std::vector<Node> kept;
  for (std::size_t n = 0; n < gone.size(); ++n)
    if (!gone[n]) kept.push_back(std::move(graph.nodes[n]));
  const bool changed = kept.size() != gone.size();
  graph.nodes = std::move(kept);
  return changed;
}

bool fold(Graph& graph, const std::function<Tensors(const Node& node, const Tensors& known)>& results) {
  Tensors known(graph.values.size());
  for (const auto& [v, tensor] : graph.constants) known[at(v)] = tensor;
  std::vector<Node> kept;
  for (const Node& node : graph.nodes) {
    const Tensors out = results(node, known);
    if (out.empty()) kept.push_back(node);
    for (std::size_t i = 0; i < out.size(); ++i) {
      known[at(node.out[i])] = out[i];
      graph.constants.emplace_back(node.out[i], out[i]);
    }
  }
  const bool changed = kept.size() != graph.nodes.size();
  graph.nodes = std::move(kept);
  if (changed) remove_dead_code(graph);
  return changed;
}

}  // namespace strata
