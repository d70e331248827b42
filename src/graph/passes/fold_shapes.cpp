// What depends on shapes and constants alone is computed once for a plan, whose shapes are known: counts of means,
// gradients of losses that begin with ones.
#include "graph/passes/passes.h"
#include "graph/passes/uses.h"
#include "strata/error.h"

namespace strata {

namespace {

// Larger results cost more memory than the time that they save is worth.
constexpr std::int64_t kMostElements = 1024;

// Whether the op takes only the shape of its input i.
bool takes_shape_only(const Node& node, std::size_t i) {
  if (is(node, "shape") || is(node, "size") || is(node, "full_like")) return true;
  return i == 1 && (is(node, "broadcast_like") || is(node, "sum_to_like") || is(node, "reshape_like"));
}

bool is_foldable(const Graph& graph, const Node& node, const Tensors& known) {
  if (node.op->has_effect() || node.op->is_dynamic() || node.out.size() != 1) return false;
  const Shape& shape = graph.values[at(node.out[0])].shape;
  if (!shape.is_known() || shape.num_elements() > kMostElements) return false;
  for (std::size_t i = 0; i < node.in.size(); ++i)
    if (!known[at(node.in[i])].defined() &&
        !(takes_shape_only(node, i) && graph.values[at(node.in[i])].shape.is_known()))
      return false;
  return !node.in.empty();
}

// The node's result; none where the op refuses its inputs, which the run then tells.
Tensors result_of(const Graph& graph, const Node& node, const Tensors& known) {
  Tensors in;
  for (const int v : node.in) {
    const Spec& spec = graph.values[at(v)];
    in.push_back(known[at(v)].defined() ? known[at(v)] : detail::allocate(spec.shape, spec.dtype));
  }
  try {
    return run_eagerly(*node.op, in);
  } catch (const Error&) {
    return {};
  }
}

}  // namespace

bool fold_shapes(Graph& graph) {
  return fold(graph, [&](const Node& node, const Tensors& known) {
    return is_foldable(graph, node, known) ? result_of(graph, node, known) : Tensors();
  });
}

}  // namespace strata
