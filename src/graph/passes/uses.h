// What rewrites ask of a graph: who makes a value, who takes it.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace strata {

// The graph as it was when this was made, by the places of nodes in its list.
class Uses {
 public:
  struct Use {
    int node;
    std::size_t input;  // which of the node's
  };
  explicit Uses(const Graph& graph);

  // The node that makes a value; -1 for inputs and constants.
  int maker(int v) const { return maker_[at(v)]; }
  // In the order of nodes; a node that takes the value twice is there twice.
  std::span<const Use> users(int v) const { return {uses_.data() + first_[at(v)], uses_.data() + first_[at(v) + 1]}; }
  // The only node that takes a value, once, where nothing else does and it is not returned; else -1.
  int only_user(int v) const { return !is_returned(v) && users(v).size() == 1 ? users(v).front().node : -1; }
  bool is_returned(int v) const { return returned_[at(v)]; }
  bool is_constant(int v) const { return constant_[at(v)]; }

 private:
  std::vector<int> maker_;
  std::vector<Use> uses_;           // by value
  std::vector<std::size_t> first_;  // where those of a value begin
  std::vector<bool> returned_, constant_;
};

inline bool is(const Node& node, std::string_view op) { return node.op->name() == op; }

// The op of this name, from the registry.
OpPtr op_named(std::string_view name, const Config& config = {});
// Appends the node to `nodes`, with new values for its results; returns the first.
int add_node(Graph& graph, std::vector<Node>& nodes, const OpPtr& op, const std::vector<int>& in,
             const std::string& scope);

// Leaves out the nodes that are marked, by their places in the list. True where there are any.
bool remove_nodes(Graph& graph, const std::vector<bool>& gone);

// Makes constants of the results of nodes that `results` knows, given the constants so far by value; it answers with
// nothing for the others, which stay. True where something changed.
bool fold(Graph& graph, const std::function<Tensors(const Node& node, const Tensors& known)>& results);

}  // namespace strata
