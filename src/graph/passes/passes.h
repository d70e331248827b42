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

// Takes ReLUs' gradients and sums over rows of the gradients of max poolings from those of the poolings' results, which
// are fewer. True where something changed.
STRATA_API bool move_before_pools(Graph& graph);

// Makes one op of the updates of an optimizer that follow one another. True where something changed.
STRATA_API bool join_updates(Graph& graph);

// Makes one op of a convolution or product with a matrix, its bias and its ReLU. True where something changed.
STRATA_API bool fuse_bias_relu(Graph& graph);

// Computes what depends on constants alone. True where something changed.
STRATA_API bool fold_constants(Graph& graph);

// Puts batch normalizations with given statistics into the weights of the convolutions and products before them. True
// where something changed.
STRATA_API bool fold_batch_norm(Graph& graph);

// Lets a float32 program compute in this 16-bit type where that does little harm; inputs and results stay float32.
STRATA_API void narrow_to(Graph& graph, DType dtype);

// Lets convolutions and products behind fake quantizations of 8 bits compute with bytes, and what lies between them
// carry bytes; weights are constants of the graph. Results differ by the rounding of weights. False where there is
// none.
STRATA_API bool use_bytes(Graph& graph);

// What the weights are while the program is used. Only programs for inference fold batch normalizations, and only where
// weights are constants of the graph is it worth computing with them beforehand.
enum class Weights { trained, read, constant };

// The following are for graphs of known shapes; `specialize` runs them.

// Computes what depends on shapes and constants alone. True where something changed.
STRATA_API bool fold_shapes(Graph& graph);

// Removes ops that give their input back: sums and broadcasts to the shape that is there, casts to the same type.
STRATA_API bool remove_identities(Graph& graph);

// Lets the gradient of a batch normalization add two gradients of its result on the way.
STRATA_API bool join_gradients(Graph& graph);

// Lets concatenated values be written where the concatenation wants them, and the parts of a split be read where they
// are, if the ops that make and take them can.
STRATA_API bool place_slices(Graph& graph);

// Makes one op of element-wise ops whose results only each other want, so that these stay in the cache.
STRATA_API bool fuse_elementwise(Graph& graph);

// Lets updates make the gradients that are products, row by row. True where something changed.
STRATA_API bool make_gradients_in_updates(Graph& graph);

// A copy of the graph for inputs of these shapes, rewritten by the passes that `disable` does not name. `graph` itself
// where its ops do not take the shapes; the plan then says why.
STRATA_API std::shared_ptr<const Graph> specialize(const std::shared_ptr<const Graph>& graph, const Specs& inputs,
                                                   const std::vector<std::string>& disable);

// Runs every pass that `disable` does not name ("all" names every one), in order; returns the names of those run,
// and of those that specialize() will run.
// Throws ValueError for a name that no pass has.
STRATA_API std::vector<std::string> run_passes(Graph& graph, const std::vector<std::string>& disable,
                                               Weights weights = Weights::trained);

}  // namespace strata
