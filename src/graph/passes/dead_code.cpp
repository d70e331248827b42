#include <algorithm>

#include "graph/passes/passes.h"
#include "graph/variable_ops.h"

namespace strata {

namespace {
// Reading a variable is ordered among the assignments, but dropping a read changes nothing.
bool must_stay(const Node& node) {
  return node.op->has_effect() && dynamic_cast<const ReadVariable*>(node.op.get()) == nullptr;
}
}  // namespace

bool remove_dead_code(Graph& graph) {
  std::vector<bool> used(graph.values.size(), false);
  for (int v : graph.outputs)
    if (v >= 0) used[at(v)] = true;
  std::vector<bool> live(graph.nodes.size(), false);
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    live[i] = must_stay(node) || std::any_of(node.out.begin(), node.out.end(), [&](int v) { return used[at(v)]; });
    if (live[i])
      for (int v : node.in) used[at(v)] = true;
  }
  std::vector<Node> kept;
  for (std::size_t i = 0; i < live.size(); ++i)
    if (live[i]) kept.push_back(std::move(graph.nodes[i]));
  const bool changed = kept.size() != live.size();
  graph.nodes = std::move(kept);
  std::erase_if(graph.constants, [&](const auto& c) { return !used[static_cast<std::size_t>(c.first)]; });
  return changed;
}

}  // namespace strata
