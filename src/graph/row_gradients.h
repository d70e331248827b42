// Gradients that gather() summed from rows. Keras's optimizers on TensorFlow get the rows themselves, and square them
// before they sum those of one place: where a row is taken more than once (a word that is repeated in a batch), the
// moments of Adam and others are not those of the summed gradient.
#pragma once

#include <vector>

#include "graph/op.h"
#include "strata/math.h"

namespace strata {

// `sum(in)` adds the rows in[0] up.
struct SummedRows {
  OpPtr sum;
  Tensors in;
};

// Remembers, as long as the gradient lives, what it is the sum of.
STRATA_API void note_rows(const Tensor& gradient, std::vector<SummedRows> parts);
// Empty where it is not known to be such a sum.
STRATA_API std::vector<SummedRows> summed_rows_of(const Tensor& gradient);
// The sum of two gradients of one value.
Tensor add_gradients(const Tensor& a, const Tensor& b);
// The rows changed, then summed.
template <class F>
Tensor sum_of_rows(const std::vector<SummedRows>& parts, F&& change) {
  Tensor total;
  for (const SummedRows& part : parts) {
    Tensors in = part.in;
    in[0] = change(in[0]);
    const Tensor sum = strata::apply(part.sum, in)[0];
    total = total.defined() ? add(total, sum) : sum;
  }
  return total;
}

}  // namespace strata
