// Concatenations and splits along the channels copy nothing where the ops around them can write and read rows of
// channels that lie in wider rows.
#include <algorithm>

#include "graph/passes/passes.h"
#include "graph/passes/uses.h"
#include "graph/prepare.h"
#include "strata/config.h"

namespace strata {

namespace {

std::size_t position_of(const std::vector<int>& list, int v) {
  return static_cast<std::size_t>(std::find(list.begin(), list.end(), v) - list.begin());
}

class Placement {
 public:
  explicit Placement(Graph& graph) : graph_(graph), uses_(graph), placed_(graph.values.size()) {}

  bool run() {
    graph_.slices.clear();
    for (const Node& node : graph_.nodes) {
      if (is(node, "concat") && is_along_channels(node, node.out[0])) place(node, node.in, node.out[0]);
      if (is(node, "split") && is_along_channels(node, node.in[0])) place(node, node.out, node.in[0]);
    }
    return !graph_.slices.empty();
  }

 private:
  bool is_along_channels(const Node& node, int whole) const {
    const auto rank = static_cast<std::int64_t>(graph_.values[at(whole)].shape.size());
    const std::int64_t axis = node.op->config().get<std::int64_t>("axis");
    const bool last = rank > 0 && (axis == -1 || axis == rank - 1);
    return last && std::all_of(node.in.begin(), node.in.end(), [&](int v) { return is_known(v); });
  }
  bool is_known(int v) const { return graph_.values[at(v)].shape.is_known(); }

  void place(const Node& node, const std::vector<int>& parts, int whole) {
    std::int64_t first = 0;
    for (const int part : parts) {
      const bool once = std::count(parts.begin(), parts.end(), part) == 1;
      if (once && !placed_[at(part)] && !uses_.is_returned(part) && may_lie_apart(node, part)) {
        graph_.slices.push_back({part, whole, first});
        placed_[at(part)] = true;
      }
      first += graph_.values[at(part)].shape.back();
    }
  }

  // Whether the op that makes the part and those that take it get along with wide rows; `joint` copies what is not in
  // its place.
  bool may_lie_apart(const Node& joint, int part) const {
    if (uses_.maker(part) < 0 || graph_.values[at(part)].shape.num_elements() == 0) return false;
    const Node& maker = graph_.nodes[at(uses_.maker(part))];
    if (&maker != &joint && !ask(maker, [&](const Preparable& op, const PrepareContext& c) {
          return op.writes_slice(c, position_of(maker.out, part));
        }))
      return false;
    const auto users = uses_.users(part);
    return std::all_of(users.begin(), users.end(), [&](const Uses::Use& use) {
      const Node& user = graph_.nodes[at(use.node)];
      return &user == &joint ||
             ask(user, [&](const Preparable& op, const PrepareContext& c) { return op.reads_slice(c, use.input); });
    });
  }

  template <class F>
  bool ask(const Node& node, F&& question) const {
    const auto* op = dynamic_cast<const Preparable*>(node.op.get());
    if (op == nullptr) return false;
    Specs in, out;
    for (const int v : node.in) in.push_back(graph_.values[at(v)]);
    for (const int v : node.out) out.push_back(graph_.values[at(v)]);
    auto is_known = [](const Spec& s) { return s.shape.is_known(); };
    return std::all_of(in.begin(), in.end(), is_known) && std::all_of(out.begin(), out.end(), is_known) &&
           question(*op, {in, out});
  }

  Graph& graph_;
  const Uses uses_;
  std::vector<bool> placed_;  // in a whole already
};

}  // namespace

bool place_slices(Graph& graph) { return Placement(graph).run(); }

}  // namespace strata
