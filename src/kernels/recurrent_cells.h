// What the steps of recurrent layers do element by element, with the vector instructions that the machine has; for the
// usual activations, tanh and sigmoid.
#pragma once

#include <cstdint>

namespace strata::kernels {

// The gradient of one step of an LSTM for one row of `units`. `gates` holds the results of the input, forget, candidate
// and output gates, one after another.
struct LstmCell {
  std::int64_t units;
  const float *gates, *carry_before, *carry_tanh;  // of the step; the tanh of the carry behind it
  const float *diff_state, *diff_carry;            // of the step's results, beside what the next step gives
};
// dh and dc: the gradients of state and carry from the next step; dh becomes 0, dc that of the carry before. Writes the
// gradients of the gates before their activations.
void lstm_cell_gradient(const LstmCell& cell, float* dh, float* dc, float* diff_gates);

}  // namespace strata::kernels
