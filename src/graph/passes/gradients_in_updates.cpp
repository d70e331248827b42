// The gradient of a matrix of weights is a product that the optimizer alone reads: its update makes the product row by
// row, so that the gradient never leaves the cache and threads meet once instead of twice.
#include <utility>

#include "graph/passes/passes.h"
#include "graph/passes/uses.h"
#include "graph/variable_ops.h"
#include "kernels/split_rows.h"

namespace strata {

namespace {

class Moving {
 public:
  explicit Moving(Graph& graph) : graph_(graph), uses_(graph), moved_(graph.nodes.size(), false) {}

  bool run() {
    for (Node& node : graph_.nodes)
      if (const auto* update = dynamic_cast<const MakesGradients*>(node.op.get())) take_products(node, *update);
    return remove_nodes(graph_, moved_);
  }

 private:
  void take_products(Node& node, const MakesGradients& update) {
    const std::size_t first = update.first_gradient(node.in.size());
    std::vector<int> in(node.in.begin(), node.in.begin() + static_cast<std::ptrdiff_t>(first));
    std::vector<std::optional<MatrixProduct>> products;
    bool any = false;
    for (std::size_t i = first; i < node.in.size(); ++i) {
      const int product = uses_.maker(node.in[i]);
      products.emplace_back();
      if (product < 0 || uses_.only_user(node.in[i]) < 0 || !can_move(graph_.nodes[at(product)])) {
        in.push_back(node.in[i]);
        continue;
      }
      const Node& matmul = graph_.nodes[at(product)];
      const Config c = matmul.op->config();
      products.back() = {c.get<bool>("transpose_a"), c.get<bool>("transpose_b")};
      in.insert(in.end(), matmul.in.begin(), matmul.in.end());
      moved_[at(product)] = any = true;
    }
    if (!any) return;
    node.op = update.with_products(std::move(products));
    node.in = std::move(in);
  }

  bool can_move(const Node& node) const {
    if (!is(node, "matmul")) return false;
    const Spec &a = graph_.values[at(node.in[0])], &out = graph_.values[at(node.out[0])];
    if (out.dtype != DType::float32 || a.shape.size() != 2 || out.shape.size() != 2) return false;
    if (!a.shape.is_known() || !out.shape.is_known() || out.shape.num_elements() == 0) return false;
    return kernels::split_rows_pays(out.shape[0], out.shape[1], a.shape.num_elements() / out.shape[0]) &&
           !reads_variable(node.in[0]) && !reads_variable(node.in[1]);
  }

  // Whether the memory is a variable's, which would need another one if it were read while variables change.
  bool reads_variable(int v) const {
    const int n = uses_.maker(v);
    if (n < 0) return false;
    const Node& node = graph_.nodes[at(n)];
    return node.op->is_view() ? reads_variable(node.in[0])
                              : dynamic_cast<const ReadVariable*>(node.op.get()) != nullptr;
  }

  Graph& graph_;
  const Uses uses_;
  std::vector<bool> moved_;  // nodes that updates have taken over
};

}  // namespace

bool make_gradients_in_updates(Graph& graph) { return Moving(graph).run(); }

}  // namespace strata
