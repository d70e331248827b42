// What the kernels of the recurrent layers share: activations of one row, and walking the steps.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/packed_matmul.h"
#include "kernels/parallel.h"
#include "kernels/recurrent.h"
#include "kernels/simd_math.h"

namespace strata::kernels {

template <class T>
T activated(StepActivation f, T x) {
  switch (f) {
    case StepActivation::tanh:
      return std::tanh(x);
    case StepActivation::sigmoid:
      return 1 / (1 + std::exp(-x));
    case StepActivation::relu:
      return std::max(x, T(0));
    case StepActivation::hard_sigmoid:
      return std::clamp(x / 6 + T(0.5), T(0), T(1));
    case StepActivation::softsign:
      return x / (1 + std::abs(x));
    case StepActivation::softplus:
      return std::max(x, T(0)) + std::log1p(std::exp(-std::abs(x)));
    case StepActivation::elu:
      return x > 0 ? x : std::expm1(x);
    default:
      return x;
  }
}

// In place on one row.
template <class T>
void activate(StepActivation f, T* x, std::int64_t n) {
  if constexpr (std::is_same_v<T, float>) {
    if (f == StepActivation::tanh) return tanh_float(x, x, n);
    if (f == StepActivation::sigmoid) return sigmoid_float(x, x, n);
  }
  for (std::int64_t i = 0; i < n; ++i) x[i] = activated(f, x[i]);
}

// The derivative from the result y.
template <class T>
T slope(StepActivation f, T y) {
  switch (f) {
    case StepActivation::tanh:
      return 1 - y * y;
    case StepActivation::sigmoid:
      return y * (1 - y);
    case StepActivation::relu:
      return y > 0 ? T(1) : T(0);
    case StepActivation::hard_sigmoid:
      return y > 0 && y < 1 ? T(1) / 6 : T(0);
    case StepActivation::softsign:
      return (1 - std::abs(y)) * (1 - std::abs(y));
    case StepActivation::softplus:
      return 1 - std::exp(-y);
    case StepActivation::elu:
      return y > 0 ? T(1) : y + 1;
    default:
      return T(1);
  }
}

// Calls f with the two activations as constants where they are the usual ones, so that the loops inside know them.
template <class F>
void with_activations(const Recurrence& r, F&& f) {
  if (r.activation == StepActivation::tanh && r.recurrent_activation == StepActivation::sigmoid)
    f([] { return StepActivation::tanh; }, [] { return StepActivation::sigmoid; });
  else
    f([&] { return r.activation; }, [&] { return r.recurrent_activation; });
}

inline bool counts(const Recurrence& r, std::int64_t row, std::int64_t step) {
  return r.mask == nullptr || r.mask[row * r.steps + step] != 0;
}

// The states before a step: the start's rows, or those of the step before. `leading` is from row to row.
template <class T>
struct Before {
  const T* data;
  std::int64_t leading;
};
template <class T>
Before<T> before(const Recurrence& r, const T* start, const T* states, std::int64_t row, std::int64_t step) {
  if (step == 0) return {start + row * r.units, r.units};
  return {states + (row * r.steps + step - 1) * r.units, r.steps * r.units};
}

template <class T>
using Room = typename PackedMatrix<T>::Room;

// Rows of the batch are independent: each thread walks the steps of some of them.
template <class F>
void over_rows(const Recurrence& r, std::int64_t gates, F&& f) {
  parallel_for(r.batch, r.steps * r.units * r.units * gates / 8 + r.units, f);
}

template <class F>
void with_type(DType dtype, F&& f) {
  if (dtype == DType::float64)
    f.template operator()<double>();
  else
    f.template operator()<float>();
}

}  // namespace strata::kernels
