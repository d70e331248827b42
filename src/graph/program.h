// Program: a graph ready to run, node by node, each value released after its last use. Plans with arenas take its place
// where speed matters.
#pragma once

#include <memory>
#include <vector>

#include "graph/graph.h"

namespace strata {

class STRATA_API Program {
 public:
  explicit Program(std::shared_ptr<const Graph> graph);
  // Runs on concrete inputs. With `recorded`, every op goes through apply(), so that open tapes see it.
  Tensors run(const Tensors& inputs, bool recorded = false) const;
  const Graph& graph() const { return *graph_; }

 private:
  std::shared_ptr<const Graph> graph_;
  std::vector<std::vector<int>> released_;  // by node: the values whose last use it is
};

}  // namespace strata
