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
  return fold(graph, [](const Node& node, const Tensors& known) {
    const bool folds = !node.op->has_effect() && !node.out.empty() &&
                       std::all_of(node.in.begin(), node.in.end(), [&](int v) { return known[at(v)].defined(); });
    if (!folds) return Tensors();
    Tensors in;
    for (const int v : node.in) in.push_back(known[at(v)]);
    Tensors out = run_eagerly(*node.op, in);
    return bytes_of(out) > 2 * bytes_of(in) + kFreeBytes ? Tensors() : out;
  });
}

}  // namespace strata
