// A ReLU behind a batch normalization costs a pass over memory of its own, forward and backward. Here the normalization
// takes it over: it clamps what it writes, and its gradient finds the mask again from what it reads anyway.
#include <optional>

#include "graph/passes/passes.h"
#include "graph/passes/uses.h"
#include "strata/config.h"

namespace strata {

namespace {

// max(0, x): without a slope, a threshold or an upper end.
bool is_plain_relu(const Node& node, const char* name) {
  if (!is(node, name)) return false;
  const Config c = node.op->config();
  return c.get<double>("negative_slope") == 0 && c.get<double>("threshold") == 0 && !c.get<bool>("has_max");
}

Config with_relu(const Node& norm) {
  Config c = norm.op->config();
  c.set("relu", true);
  return c;
}

class Fusion {
 public:
  explicit Fusion(Graph& graph) : graph_(graph), uses_(graph) {}

  bool run() {
    std::vector<bool> gone(graph_.nodes.size(), false);
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      Node& node = graph_.nodes[n];
      if (is_plain_relu(node, "relu"))
        gone[n] = fuse_forward(node);
      else if (is(node, "fused_batch_norm_grad"))
        if (const auto mask = mask_of(node)) {
          fuse_backward(node, graph_.nodes[*mask]);
          gone[*mask] = true;
        }
    }
    return remove_nodes(graph_, gone);
  }

 private:
  // The normalization whose result y this is.
  Node* norm_of(int y) {
    const int n = uses_.maker(y);
    if (n < 0) return nullptr;
    Node& node = graph_.nodes[static_cast<std::size_t>(n)];
    return is(node, "fused_batch_norm") && node.out[0] == y ? &node : nullptr;
  }

  bool fuse_forward(const Node& relu) {
    const int y = relu.in[0];
    Node* norm = norm_of(y);
    if (norm == nullptr || uses_.only_user(y) < 0 || norm->op->config().get<bool>("relu")) return false;
    norm->op = op_named("fused_batch_norm", with_relu(*norm));
    norm->out[0] = relu.out[0];
    fused_.resize(graph_.values.size(), nullptr);
    fused_[at(relu.out[0])] = norm;
    return true;
  }

  // The ReLU's gradient in front of this one, where both belong to a forward op that was fused.
  std::optional<std::size_t> mask_of(const Node& grad) const {
    const int n = uses_.maker(grad.in[0]);
    if (n < 0 || uses_.only_user(grad.in[0]) < 0 || grad.in.size() != 5) return std::nullopt;
    const Node& mask = graph_.nodes[static_cast<std::size_t>(n)];
    if (!is_plain_relu(mask, "relu_grad") || at(mask.in[1]) >= fused_.size()) return std::nullopt;
    const Node* norm = fused_[at(mask.in[1])];
    const bool fits = norm != nullptr && grad.in[1] == norm->in[0] && grad.in[2] == norm->in[1] &&
                      grad.in[3] == norm->out[1] && grad.in[4] == norm->out[2] &&
                      grad.op->config().get<double>("epsilon") == norm->op->config().get<double>("epsilon");
    return fits ? std::optional(static_cast<std::size_t>(n)) : std::nullopt;
  }

  void fuse_backward(Node& grad, const Node& mask) {
    const Node& norm = *fused_[at(mask.in[1])];
    grad.op = op_named("fused_batch_norm_grad", with_relu(grad));
    grad.in[0] = mask.in[0];
    grad.in.push_back(norm.in[2]);
  }

  Graph& graph_;
  Uses uses_;
  std::vector<const Node*> fused_;  // by the ReLU's result
};

}  // namespace

bool fuse_norm_relu(Graph& graph) { return Fusion(graph).run(); }

}  // namespace strata
