// Recurrent layers over whole sequences: what src/layers/recurrent*.cpp stands on.
#pragma once

#include <string>

#include "strata/tensor.h"

namespace strata::recurrent {

// Whether the ops below know these activations; other layers run step by step.
STRATA_API bool has_kernel(const std::string& activation, const std::string& recurrent_activation = "sigmoid");

struct Options {
  std::string activation = "tanh", recurrent_activation = "sigmoid";
  bool reset_after = true;  // of gru
  Tensor mask = {};         // (batch, steps) of bool; undefined: all steps count
};

// `x` are the products of the inputs with the kernel, bias included: (batch, steps, gates * units). The states of all
// steps come back, (batch, steps, units).
STRATA_API Tensor simple_rnn(const Tensor& x, const Tensor& start, const Tensor& recurrent_kernel,
                             const Options& options);
struct LstmStates {
  Tensor states, carries;
};
STRATA_API LstmStates lstm(const Tensor& x, const Tensor& start, const Tensor& start_carry,
                           const Tensor& recurrent_kernel, const Options& options);
// `bias` (3 * units) is added to the products with the state.
STRATA_API Tensor gru(const Tensor& x, const Tensor& start, const Tensor& recurrent_kernel, const Tensor& bias,
                      const Options& options);

}  // namespace strata::recurrent
