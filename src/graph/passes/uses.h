// What rewrites ask of a graph: who makes a value, who takes it.
#pragma once

#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace strata {

inline std::size_t at(int v) { return static_cast<std::size_t>(v); }

class Uses {
 public:
  explicit Uses(const Graph& graph);

  // The node that makes a value; -1 for inputs and constants.
  int maker(int v) const { return maker_[at(v)]; }
  // The only node that takes a value, once, where nothing else does and it is not returned; else -1.
  int only_user(int v) const { return count_[at(v)] == 1 ? user_[at(v)] : -1; }
  bool is_constant(int v) const { return constant_[at(v)]; }

 private:
  std::vector<int> maker_, user_, count_;
  std::vector<bool> constant_;
};

inline bool is(const Node& node, std::string_view op) { return node.op->name() == op; }

// The op of this name, from the registry.
OpPtr op_named(std::string_view name, const Config& config = {});
// Appends the node to `nodes`, with new values for its results; returns the first.
int add_node(Graph& graph, std::vector<Node>& nodes, const OpPtr& op, const std::vector<int>& in,
             const std::string& scope);

}  // namespace strata
