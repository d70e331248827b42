// The updates of an optimizer follow one another, each with a team of threads and small loops of its own. One op makes
// all of them.
#include <algorithm>
#include <unordered_set>

#include "graph/passes/passes.h"
#include "graph/passes/uses.h"
#include "graph/variable_ops.h"

namespace strata {

namespace {

class Joining {
 public:
  explicit Joining(Graph& graph) : graph_(graph), joined_(graph.nodes.size(), false) {}

  bool run() {
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_.nodes[n];
      if (dynamic_cast<const UpdatesJointly*>(node.op.get()) != nullptr) {
        if (!fits(node)) close();
        take(n);
      } else if (disturbs(node)) {
        close();
      }
    }
    close();
    return remove_nodes(graph_, joined_);
  }

 private:
  // Inputs but the first, the gradient, are the same for all updates of a group.
  bool fits(const Node& node) const {
    if (group_.empty()) return true;
    const Node& first = graph_.nodes[group_.front()];
    const auto& update = dynamic_cast<const UpdatesJointly&>(*first.op);
    const auto written = dynamic_cast<const WritesVariables&>(*node.op).written();
    return update.goes_with(*node.op) &&
           std::equal(first.in.begin() + 1, first.in.end(), node.in.begin() + 1, node.in.end()) &&
           std::none_of(written.begin(), written.end(), [&](const auto* v) { return written_.count(v) > 0; });
  }

  // The updates move to the place of the last one: no effect but reading other variables may come between.
  bool disturbs(const Node& node) const {
    if (const auto* read = dynamic_cast<const ReadVariable*>(node.op.get()))
      return written_.count(read->variable.get()) > 0;
    return node.op->has_effect();
  }

  void take(std::size_t n) {
    group_.push_back(n);
    for (const auto* v : dynamic_cast<const WritesVariables&>(*graph_.nodes[n].op).written()) written_.insert(v);
  }

  void close() {
    if (group_.size() > 1) {
      std::vector<OpPtr> ops;
      Node& last = graph_.nodes[group_.back()];
      std::vector<int> in(last.in.begin() + 1, last.in.end());
      for (const std::size_t n : group_) {
        ops.push_back(graph_.nodes[n].op);
        in.push_back(graph_.nodes[n].in[0]);
        joined_[n] = n != group_.back();
      }
      last.op = dynamic_cast<const UpdatesJointly&>(*last.op).joined(std::move(ops));
      last.in = std::move(in);
      last.scope.clear();
    }
    group_.clear();
    written_.clear();
  }

  Graph& graph_;
  std::vector<bool> joined_;        // nodes that others have taken over
  std::vector<std::size_t> group_;  // nodes
  std::unordered_set<const detail::VariableState*> written_;
};

}  // namespace

bool join_updates(Graph& graph) { return Joining(graph).run(); }

}  // namespace strata
