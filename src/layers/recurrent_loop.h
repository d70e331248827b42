// What all recurrent layers share: states, masks, directions, and the walk over the steps.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "strata/layers/recurrent.h"

namespace strata::layers {

struct KeptStates {
  std::vector<Variable> variables;
};

// The states of all steps from a whole sequence, each (batch, steps, size); the first is the output.
using Fused = std::function<Tensors(const Tensor& x, const Tensors& start, const Tensor& mask)>;

struct RecurrentCall {
  const Layer& layer;
  const Layer& cell;
  RNNOptions options;
  std::vector<std::int64_t> state_size;
  std::shared_ptr<KeptStates> kept;
  Tensor x;
  Tensors initial;  // empty: zeros, or the kept ones
  Tensor mask;      // undefined: that of x
  bool training = false;
};

// `fused` may be empty: then the cell is called step by step.
Outputs run_recurrent(const RecurrentCall& call, const Fused& fused);
void reset_kept(const KeptStates& kept);

// The flags of a layer's options as RNN's.
template <class Options>
RNNOptions sequence_options(const Options& o) {
  return {.return_sequences = o.return_sequences,
          .return_state = o.return_state,
          .go_backwards = o.go_backwards,
          .stateful = o.stateful,
          .unroll = o.unroll,
          .zero_output_for_mask = o.zero_output_for_mask};
}

// The given states. Throws ValueError where some are given and others not.
Tensors given_states(const Layer& layer, std::initializer_list<std::optional<Tensor>> states);
// (batch, size) of zeros for each size; the batch is that of x.
Tensors zero_states(const Tensor& x, const std::vector<std::int64_t>& sizes);
// The cell behind a layer. Throws ValueError where it is none.
const RecurrentCell& cell_of(const Layer& layer, const char* where);
// Builds a cell, or a layer on steps, for sequences of this shape.
void build_on_steps(const Layer& cell, const Shape& sequences, const std::vector<std::int64_t>& state_size);
// `y` (batch, ...) of one step as (batch, steps, ...) with the steps of x, for shapes where their number is not known.
Tensor spread_over_steps(const Tensor& y, const Tensor& x);

// While it lives, cells of this thread drop the same elements in each step, as they must within one sequence.
class DropoutScope {
 public:
  DropoutScope();
  ~DropoutScope();
  DropoutScope(const DropoutScope&) = delete;
  DropoutScope& operator=(const DropoutScope&) = delete;
};
// `count` tensors like x of 0 and 1 / (1 - rate), for a cell; `kind` tells those of inputs from those of states.
Tensors dropout_masks(const Layer& cell, const std::string& kind, const Tensor& x, double rate, int count,
                      std::optional<std::int64_t> seed);

// The layer with no name of its own: inside of another it takes the name under which that one tracks it, and files of
// Keras give such layers names that mean nothing there.
Layer unnamed(const Layer& layer);
// A recurrent layer of one of the classes that have `go_backwards`. Throws ValueError for others.
Layer make_recurrent(const std::string& class_name, const Config& config);

}  // namespace strata::layers
