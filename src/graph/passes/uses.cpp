#include "graph/passes/uses.h"

#include "graph/registry.h"
#include "strata/config.h"
#include "strata/error.h"

namespace strata {

Uses::Uses(const Graph& graph)
    : maker_(graph.values.size(), -1),
      user_(graph.values.size(), -1),
      count_(graph.values.size(), 0),
      constant_(graph.values.size(), false) {
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const int v : graph.nodes[n].out) maker_[at(v)] = static_cast<int>(n);
    for (const int v : graph.nodes[n].in) {
      user_[at(v)] = static_cast<int>(n);
      ++count_[at(v)];
    }
  }
  for (const int v : graph.outputs)
    if (v >= 0) count_[at(v)] += 2;
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

}  // namespace strata
