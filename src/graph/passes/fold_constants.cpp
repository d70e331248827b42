// What depends on constants alone is computed once.
#include <algorithm>

#include "graph/passes/passes.h"
#include "graph/passes/uses.h"

namespace strata {

namespace {

// A result that is much larger than what it is made of is not worth its memory.
constexpr std::size_t kFreeBytes = 1 << 20;

std::size_t bytes_of(const Tensors& tensors) {
  std::size_t sum = 0;
  for (const Tensor& t : tensors) sum += t.bytes();
  return sum;
}

}  // namespace

bool fold_constants(Graph& graph) {
  Tensors known(graph.values.size());
  for (const auto& [v, tensor] : graph.constants) known[at(v)] = tensor;
  std::vector<Node> kept;
  for (const Node& node : graph.nodes) {
    const bool folds = !node.op->has_effect() && !node.out.empty() &&
                       std::all_of(node.in.begin(), node.in.end(), [&](int v) { return known[at(v)].defined(); });
    Tensors in, out;
    for (const int v : node.in) in.push_back(known[at(v)]);
    if (folds) out = run_eagerly(*node.op, in);
    if (!folds || bytes_of(out) > 2 * bytes_of(in) + kFreeBytes) {
      kept.push_back(node);
      continue;
    }
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
