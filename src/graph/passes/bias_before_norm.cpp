// A bias that is added right before a batch normalization with statistics of the batch cancels: the normalization takes
// the mean away again. Left out, it only moves the mean that is reported, and its gradient is exactly zero.
#include <algorithm>
#include <unordered_map>

#include "graph/passes/passes.h"
#include "graph/passes/uses.h"
#include "strata/config.h"

namespace strata {

namespace {

using Users = std::vector<std::vector<std::size_t>>;  // by value: the nodes that take it

Users users_of(const Graph& graph) {
  Users users(graph.values.size());
  for (std::size_t n = 0; n < graph.nodes.size(); ++n)
    for (const int v : graph.nodes[n].in)
      if (users[at(v)].empty() || users[at(v)].back() != n) users[at(v)].push_back(n);
  return users;
}

// fused_batch_norm(x, scale, offset) -> y, mean, variance; fused_batch_norm_grad(dy, x, scale, mean, variance).
bool normalizes(const Node& node, int x) {
  if (is(node, "fused_batch_norm")) return node.in[0] == x && node.in[1] != x && node.in[2] != x;
  return is(node, "fused_batch_norm_grad") && node.in[1] == x && std::count(node.in.begin(), node.in.end(), x) == 1;
}

class Rewrite {
 public:
  explicit Rewrite(Graph& graph) : graph_(graph), users_(users_of(graph)) {}

  bool run() {
    bool changed = false;
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n)
      if (is(graph_.nodes[n], "bias_add") && cancels(graph_.nodes[n])) {
        leave_out(graph_.nodes[n]);
        changed = true;
      }
    if (changed) insert_nodes();
    return changed;
  }

 private:
  // All uses are normalizations, and their gradients with the very statistics of this value.
  bool cancels(const Node& add) const {
    const int sum = add.out[0];
    if (std::find(graph_.outputs.begin(), graph_.outputs.end(), sum) != graph_.outputs.end()) return false;
    std::vector<int> means;
    for (const std::size_t n : users_[at(sum)]) {
      const Node& user = graph_.nodes[n];
      if (!normalizes(user, sum)) return false;
      if (is(user, "fused_batch_norm"))
        means.push_back(user.out[1]);
      else if (std::find(means.begin(), means.end(), user.in[3]) == means.end())
        return false;
    }
    return !means.empty();
  }

  void leave_out(const Node& add) {
    const int sum = add.out[0], x = add.in[0], bias = add.in[1];
    for (const std::size_t n : users_[at(sum)]) {
      Node& user = graph_.nodes[n];
      std::replace(user.in.begin(), user.in.end(), sum, x);
      if (is(user, "fused_batch_norm"))
        shift_mean(n, sum, bias);
      else
        clear_gradient(user.out[0], bias);
    }
  }

  // Whoever reads the mean, but for the gradient of the normalization, gets that of the sum.
  void shift_mean(std::size_t norm, int sum, int bias) {
    const int mean = graph_.nodes[norm].out[1];
    auto is_own_gradient = [&](std::size_t n) {
      const auto& all = users_[at(sum)];
      return std::find(all.begin(), all.end(), n) != all.end();
    };
    const bool returned = std::find(graph_.outputs.begin(), graph_.outputs.end(), mean) != graph_.outputs.end();
    if (!returned && std::all_of(users_[at(mean)].begin(), users_[at(mean)].end(), is_own_gradient)) return;
    graph_.values.push_back(graph_.values[at(mean)]);
    const int shifted = static_cast<int>(graph_.values.size()) - 1;
    for (const std::size_t n : users_[at(mean)])
      if (!is_own_gradient(n)) std::replace(graph_.nodes[n].in.begin(), graph_.nodes[n].in.end(), mean, shifted);
    std::replace(graph_.outputs.begin(), graph_.outputs.end(), mean, shifted);
    const std::string scope = graph_.nodes[norm].scope;
    const DType dtype = graph_.values[at(mean)].dtype;
    int shift = bias;
    if (graph_.values[at(bias)].dtype != dtype)
      shift = add_node(graph_, behind_[norm], op_named("cast", {{"dtype", to_string(dtype)}}), {bias}, scope);
    behind_[norm].push_back({op_named("add"), {mean, shift}, {shifted}, scope});
  }

  void clear_gradient(int gradient, int bias) {
    for (const std::size_t n : users_[at(gradient)]) {
      Node& user = graph_.nodes[n];
      if (!is(user, "bias_add_grad")) continue;
      user.op = op_named("full_like", {{"value", 0.0}, {"dtype", to_string(graph_.values[at(bias)].dtype)}});
      user.in = {bias};
    }
  }

  void insert_nodes() {
    std::vector<Node> nodes;
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      nodes.push_back(std::move(graph_.nodes[n]));
      for (Node& node : behind_[n]) nodes.push_back(std::move(node));
    }
    graph_.nodes = std::move(nodes);
  }

  Graph& graph_;
  Users users_;
  std::unordered_map<std::size_t, std::vector<Node>> behind_;
};

}  // namespace

bool drop_bias_before_norm(Graph& graph) {
  if (!Rewrite(graph).run()) return false;
  remove_dead_code(graph);
  return true;
}

}  // namespace strata
