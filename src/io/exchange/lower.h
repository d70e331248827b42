// Lowering: ops that other formats do not have, written with ops that they have.
#pragma once

#include <memory>

#include "graph/graph.h"

namespace strata::exchange {

// The same program without whole-sequence recurrences: they are unrolled over their steps. Throws ValueError where the
// number of steps is not known. `what` is the caller for messages.
std::shared_ptr<Graph> lower(const std::shared_ptr<Graph>& graph, const char* what);

}  // namespace strata::exchange
