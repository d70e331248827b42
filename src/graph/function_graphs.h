// The programs that a function() has traced so far.
#pragma once

#include <vector>

#include "graph/graph.h"
#include "strata/function.h"

namespace strata::detail {

// Valid as long as the function lives.
STRATA_API std::vector<const Graph*> traced_graphs(const FunctionCore& core);

}  // namespace strata::detail
