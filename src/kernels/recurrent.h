// Whole sequences of recurrent layers. The products with the inputs are done before, for all steps at once; here are
// the steps. All arrays are (batch, steps, ...); a step that the mask leaves out keeps the state of the step before it.
#pragma once

#include <cstdint>
#include <string>

#include "strata/dtype.h"

namespace strata::kernels {

// Activations whose derivative their result determines.
enum class StepActivation { linear, tanh, sigmoid, relu, hard_sigmoid, softsign, softplus, elu };
// False where there is none of this name.
bool step_activation(const std::string& name, StepActivation& out);

struct Recurrence {
  DType dtype;  // float32 or float64
  std::int64_t batch, steps, units;
  StepActivation activation = StepActivation::tanh, recurrent_activation = StepActivation::sigmoid;
  const std::uint8_t* mask = nullptr;  // (batch, steps); null: all steps count
};

// h = activation(x + h' R): x and states (..., units), start (batch, units), kernel R (units, units).
void simple_rnn_forward(const Recurrence& r, const void* x, const void* start, const void* kernel, void* states);
// From the gradient of the states: that of x, and of the start.
void simple_rnn_backward(const Recurrence& r, const void* diff_states, const void* kernel, const void* states,
                         void* diff_x, void* diff_start);

// x and gates (..., 4 * units) in the order i, f, c, o.
void lstm_forward(const Recurrence& r, const void* x, const void* start, const void* start_carry, const void* kernel,
                  void* states, void* carries, void* gates);
void lstm_backward(const Recurrence& r, const void* diff_states, const void* diff_carries, const void* start_carry,
                   const void* kernel, const void* carries, const void* gates, void* diff_x, void* diff_start,
                   void* diff_start_carry);

// x (..., 3 * units) in the order z, r, h. `kept` (..., 4 * units) holds z, r, the candidate, and what came out of the
// reset: h' R + bias of the candidate where `reset_after`, else r * h'.
void gru_forward(const Recurrence& r, bool reset_after, const void* x, const void* start, const void* kernel,
                 const void* bias, void* states, void* kept);
// diff_inner (..., 3 * units): the gradient of h' R + bias.
void gru_backward(const Recurrence& r, bool reset_after, const void* diff_states, const void* start, const void* kernel,
                  const void* states, const void* kept, void* diff_x, void* diff_inner, void* diff_start);

}  // namespace strata::kernels
