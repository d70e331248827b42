// Passes: rewrites of a traced graph. Each is one file, has a name by which it can be switched off, and leaves the
// results as they were.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

namespace strata {

// Removes nodes without effect whose outputs nobody uses. True where something changed.
STRATA_API bool remove_dead_code(Graph& graph);

// Leaves out biases that are added right before a batch normalization with statistics of the batch. True where
// something changed.
STRATA_API bool drop_bias_before_norm(Graph& graph);

// Makes one op of a batch normalization with statistics of the batch and the ReLU behind it, and of their gradients.
// True where something changed.
STRATA_API bool fuse_norm_relu(Graph& graph);

// Runs every pass that `disable` does not name ("all" names every one), in order; returns the names of those run.
// Throws ValueError for a name that no pass has.
STRATA_API std::vector<std::string> run_passes(Graph& graph, const std::vector<std::string>& disable);

}  // namespace strata
