// Gradients of broadcasts sum to a shape that often is the one there is: known shapes show it.
#include "graph/passes/passes.h"
#include "graph/passes/uses.h"

namespace strata {

namespace {

bool is_identity(const Graph& graph, const Node& node) {
  if (!is(node, "sum_to_like") && !is(node, "broadcast_like") && !is(node, "cast")) return false;
  const Spec& in = graph.values[at(node.in[0])];
  return in.shape.is_known() && in == graph.values[at(node.out[0])];
}

}  // namespace

bool remove_identities(Graph& graph) {
  std::vector<int> same(graph.values.size());
  for (std::size_t v = 0; v < same.size(); ++v) same[v] = static_cast<int>(v);
  std::vector<Node> kept;
  for (Node& node : graph.nodes) {
    for (int& v : node.in) v = same[at(v)];
    if (is_identity(graph, node))
      same[at(node.out[0])] = node.in[0];
    else
      kept.push_back(std::move(node));
  }
  for (int& v : graph.outputs)
    if (v >= 0) v = same[at(v)];
  const bool changed = kept.size() != graph.nodes.size();
  graph.nodes = std::move(kept);
  if (changed) remove_dead_code(graph);
  return changed;
}

}  // namespace strata
