// Element-wise ops of large arrays wait for memory. Where a result is wanted by one following chain alone, it need not
// go there and back: the chain becomes one op, which works block by block.
#include <algorithm>
#include <unordered_map>

#include "graph/elementwise_chain.h"
#include "graph/passes/passes.h"
#include "graph/passes/uses.h"

namespace strata {

namespace {

class Chains {
 public:
  explicit Chains(Graph& graph)
      : graph_(graph),
        root_(graph.nodes.size(), -1),
        users_(graph.values.size()),
        fixed_(graph.values.size(), false),
        part_(graph.values.size(), false) {
    for (std::size_t n = 0; n < graph.nodes.size(); ++n)
      for (const int v : graph.nodes[n].in) users_[at(v)].push_back(static_cast<int>(n));
    for (const int v : graph.outputs)
      if (v >= 0) fixed_[at(v)] = true;
    for (const ChannelSlice& s : graph.slices) part_[at(s.part)] = true;
  }

  bool run() {
    // Users before makers: an op joins the chain that all its users are in.
    for (std::size_t n = graph_.nodes.size(); n-- > 0;)
      if (is_candidate(graph_.nodes[n])) root_[n] = chain_for(n);
    std::unordered_map<int, std::vector<std::size_t>> members;
    for (std::size_t n = 0; n < root_.size(); ++n)
      if (root_[n] >= 0) members[root_[n]].push_back(n);
    std::vector<Node> kept;
    bool changed = false;
    for (std::size_t n = 0; n < root_.size(); ++n) {
      const auto chain = root_[n] >= 0 ? members.find(root_[n]) : members.end();
      const bool single = chain == members.end() || chain->second.size() == 1;
      if (!single && root_[n] != static_cast<int>(n)) continue;
      kept.push_back(single ? std::move(graph_.nodes[n]) : join(chain->second));
      changed = changed || !single;
    }
    graph_.nodes = std::move(kept);
    return changed;
  }

 private:
  bool is_candidate(const Node& node) const {
    const auto* op = dynamic_cast<const Preparable*>(node.op.get());
    if (op == nullptr || !op->is_elementwise() || node.out.size() != 1 || node.in.size() > 4) return false;
    const Shape& shape = graph_.values[at(node.out[0])].shape;
    if (!shape.is_known() || shape.num_elements() == 0) return false;
    return std::all_of(node.in.begin(), node.in.end(),
                       [&](int v) {
                         const Spec& s = graph_.values[at(v)];
                         return s.shape.is_known() && ElementwiseChain::takes(s.shape, shape) && !part_[at(v)];
                       }) &&
           !part_[at(node.out[0])];
  }

  int chain_for(std::size_t n) const {
    const int result = graph_.nodes[n].out[0], alone = static_cast<int>(n);
    if (fixed_[at(result)] || users_[at(result)].empty()) return alone;
    int root = -1;
    for (const int user : users_[at(result)]) {
      const int chain = root_[at(user)];
      if (chain < 0 || (root >= 0 && chain != root)) return alone;
      root = chain;
    }
    const int last = graph_.nodes[at(root)].out[0];
    return graph_.values[at(last)].shape == graph_.values[at(result)].shape ? root : alone;
  }

  Node join(const std::vector<std::size_t>& members) {
    std::vector<int> in;
    std::unordered_map<int, int> number;  // of a value: as links write it
    std::vector<ElementwiseChain::Link> links;
    for (const std::size_t n : members) {
      const Node& node = graph_.nodes[n];
      ElementwiseChain::Link link{node.op, {}};
      for (const int v : node.in) {
        if (number.emplace(v, static_cast<int>(in.size())).second) in.push_back(v);
        link.in.push_back(number[v]);
      }
      number[node.out[0]] = ~static_cast<int>(links.size());
      links.push_back(std::move(link));
    }
    const Node& root = graph_.nodes[members.back()];
    return {make_op<ElementwiseChain>(std::move(links)), std::move(in), root.out, root.scope};
  }

  Graph& graph_;
  std::vector<int> root_;                // by node: the last node of its chain; -1 where it is in none
  std::vector<std::vector<int>> users_;  // by value
  std::vector<bool> fixed_, part_;       // by value: returned; a part of another value
};

}  // namespace

bool fuse_elementwise(Graph& graph) { return Chains(graph).run(); }

}  // namespace strata
