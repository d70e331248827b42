// Where a value goes two ways, its gradient is the sum of two. The gradient of a batch normalization adds them while it
// reads them. A sum that is split first becomes a sum of parts, so that this works behind concatenations, too.
#include <unordered_map>
#include <utility>

#include "graph/passes/passes.h"
#include "graph/passes/uses.h"
#include "strata/config.h"

namespace strata {

namespace {

constexpr std::size_t kOffset = 5, kSecond = 6;  // inputs of fused_batch_norm_grad

class Join {
 public:
  explicit Join(Graph& graph) : graph_(graph), uses_(graph) {}

  bool run() {
    const std::vector<Node> old = std::move(graph_.nodes);
    old_ = &old;
    graph_.nodes.clear();
    for (const Node& node : old) {
      if (is(node, "split") && has_norm_behind(node))
        if (const auto terms = terms_of(node.in[0])) {
          split_terms(node, *terms);
          continue;
        }
      graph_.nodes.push_back(node);
      Node& added = graph_.nodes.back();
      if (is(added, "add") && is_plain(added))
        sums_[added.out[0]] = {added.in[0], added.in[1]};
      else if (takes_a_second(added))
        if (const auto terms = terms_of(added.in[0])) give(added, *terms);
    }
    if (changed_) remove_dead_code(graph_);
    return changed_;
  }

 private:
  using Terms = std::pair<int, int>;

  static bool takes_a_second(const Node& node) {
    return is(node, "fused_batch_norm_grad") && node.in.size() <= kSecond;
  }
  // Of two arrays of the shape of the sum.
  bool is_plain(const Node& add) const {
    const Spec& sum = graph_.values[at(add.out[0])];
    return sum.shape.is_known() && graph_.values[at(add.in[0])] == sum && graph_.values[at(add.in[1])] == sum;
  }
  // The two terms of a sum that nobody else wants.
  const Terms* terms_of(int sum) const {
    const auto found = sums_.find(sum);
    return found != sums_.end() && at(sum) < kept_ && uses_.only_user(sum) >= 0 ? &found->second : nullptr;
  }
  bool has_norm_behind(const Node& split) const {
    const auto rank = static_cast<std::int64_t>(graph_.values[at(split.in[0])].shape.size());
    const std::int64_t axis = split.op->config().get<std::int64_t>("axis");
    if (axis != -1 && axis != rank - 1) return false;
    for (const int part : split.out) {
      const int user = uses_.only_user(part);
      if (user >= 0 && takes_a_second((*old_)[static_cast<std::size_t>(user)]) &&
          (*old_)[static_cast<std::size_t>(user)].in[0] == part)
        return true;
    }
    return false;
  }

  // Both terms are split, and the sums of their parts take the places of the parts.
  void split_terms(const Node& split, const Terms& terms) {
    add_node(graph_, graph_.nodes, split.op, {terms.first}, split.scope);
    const std::vector<int> first = graph_.nodes.back().out;
    add_node(graph_, graph_.nodes, split.op, {terms.second}, split.scope);
    const std::vector<int> second = graph_.nodes.back().out;
    for (std::size_t i = 0; i < split.out.size(); ++i) {
      graph_.nodes.push_back({op_named("add"), {first[i], second[i]}, {split.out[i]}, split.scope});
      sums_[split.out[i]] = {first[i], second[i]};
    }
    changed_ = true;
  }

  void give(Node& norm, const Terms& terms) {
    norm.in[0] = terms.first;
    // It has an offset only where a ReLU needs it; else any vector keeps the place.
    if (norm.in.size() == kOffset) norm.in.push_back(norm.in[2]);
    norm.in.push_back(terms.second);
    changed_ = true;
  }

  Graph& graph_;
  Uses uses_;
  const std::size_t kept_ = graph_.values.size();  // values that `uses_` knows
  const std::vector<Node>* old_ = nullptr;
  std::unordered_map<int, Terms> sums_;
  bool changed_ = false;
};

}  // namespace

bool join_gradients(Graph& graph) { return Join(graph).run(); }

}  // namespace strata
