// Batches whose samples are computed apart from each other may be computed a few samples at a time, by each thread on
// its own: what an op writes is still in the thread's cache when the next op reads it, and threads do not wait for each
// other between ops.
#pragma once

#include <memory>

#include "graph/graph.h"

namespace strata {

struct BatchParts {
  std::int64_t samples = 0;            // of each part; 0 where the batch is better computed as a whole
  std::shared_ptr<const Graph> graph;  // for that many samples
};

// What each of `threads` threads shall compute at a time, for a graph without variables and inputs of these shapes.
// Nothing where samples may depend on each other, where the whole batch fits the caches anyhow, or where weights, which
// are read again for each part, are what the time is spent on.
STRATA_API BatchParts parts_of_batch(const Graph& graph, const Specs& inputs, int threads);

// These specs with another number of samples.
Specs with_batch(Specs specs, std::int64_t samples);

}  // namespace strata
