// Of the elements in a window, a max pooling gives its gradient to one, and that one has the value of the result. So
// the ReLU's gradient in front of a pooling, and the sum over all rows that is the gradient of a bias, can be taken of
// the gradient of the result, which is a fraction as large:
//
//   g = max_pool_grad(x, y, dy); h = relu_grad(g, x); db = bias_add_grad(h)
//   d = relu_grad(dy, y); h = max_pool_grad(x, y, d); db = bias_add_grad(d)
#include "graph/passes/passes.h"
#include "graph/passes/uses.h"

namespace strata {

namespace {

class Moving {
 public:
  explicit Moving(Graph& graph) : graph_(graph), uses_(graph) {}

  bool run() {
    bool changed = false;
    std::vector<bool> gone(graph_.nodes.size(), false);
    std::vector<Node> kept;
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (gone[n]) continue;
      Node node = graph_.nodes[n];
      if (is(node, "max_pool_grad")) {
        if (const int relu = relu_grad_of(node); relu >= 0) {
          node.in[2] = add_node(graph_, kept, graph_.nodes[at(relu)].op, {node.in[2], node.in[1]}, node.scope);
          node.out = graph_.nodes[at(relu)].out;
          gone[at(relu)] = changed = true;
        }
        changed = sum_before(node) || changed;
      }
      kept.push_back(std::move(node));
    }
    graph_.nodes = std::move(kept);
    return changed;
  }

 private:
  // The node that takes the gradient of a pooling through the ReLU whose result was pooled; -1 where there is none.
  int relu_grad_of(const Node& pool) const {
    const int n = uses_.only_user(pool.out[0]);
    if (n < 0) return -1;
    const Node& node = graph_.nodes[at(n)];
    return is(node, "relu_grad") && node.in[0] == pool.out[0] && node.in[1] == pool.in[0] ? n : -1;
  }

  // Sums over the rows of the gradient become sums over those of the result's. True where there is one.
  bool sum_before(const Node& pool) {
    bool found = false;
    for (const Uses::Use& use : uses_.users(pool.out[0])) {
      Node& user = graph_.nodes[at(use.node)];
      if (!is(user, "bias_add_grad") || graph_.values[at(pool.in[2])].dtype != graph_.values[at(pool.out[0])].dtype)
        continue;
      user.in[0] = pool.in[2];
      found = true;
    }
    return found;
  }

  Graph& graph_;
  Uses uses_;
};

}  // namespace

bool move_before_pools(Graph& graph) { return Moving(graph).run(); }

}  // namespace strata
