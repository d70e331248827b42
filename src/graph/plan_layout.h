// What a plan knows before it has memory: concrete shapes, which values share memory, and how long each is needed.
#pragma once

#include <memory>
#include <vector>

#include "graph/graph.h"

namespace strata {

// Where a value's elements are.
enum class Home {
  arena,     // at a fixed place of the plan's arena
  output,    // memory of its own for each call, which the caller keeps
  input,     // the caller's tensor
  constant,  // a tensor of the graph
  variable,  // the buffer that the variable has when it is read
  dynamic    // an ordinary tensor: its shape is known only when the program runs
};

struct PlanValue {
  Spec spec;
  Home home = Home::arena;
  int root = -1;             // the value whose memory this one shares; itself where it has its own
  std::size_t offset = 0;    // in bytes, inside of the root
  std::int64_t stride = 0;   // elements from row to row, where it is a slice of wider rows; 0 where it is dense
  int first = 0, last = -1;  // of roots: the first and last node that touches it
};

struct PlanLayout {
  PlanLayout(const Graph& graph, const Specs& inputs);
  std::vector<PlanValue> values;

  PlanValue& root_of(int v) { return values[static_cast<std::size_t>(values[static_cast<std::size_t>(v)].root)]; }
  const PlanValue& root_of(int v) const {
    return values[static_cast<std::size_t>(values[static_cast<std::size_t>(v)].root)];
  }
  const PlanValue& at(int v) const { return values[static_cast<std::size_t>(v)]; }

 private:
  void place_node(const Node& node, int position);
  void place_slices(const Graph& graph);
  void find_lifetimes(const Graph& graph);
  void join_in_place(const Graph& graph);
};

// Throws the current error again with the op and the path of its layer; it keeps its type.
[[noreturn]] void rethrow_with_place(const Node& node);

template <class F>
void with_place(const Node& node, F&& f) {
  try {
    f();
  } catch (const Error&) {
    rethrow_with_place(node);
  }
}

std::size_t bytes_of(const Spec& spec);

}  // namespace strata
