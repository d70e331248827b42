// LSTM (Hochreiter, Schmidhuber 1997) over whole sequences, and SimpleRNN.
#include <type_traits>

#include "kernels/recurrent_cells.h"
#include "kernels/recurrent_step.h"

namespace strata::kernels {

namespace {

template <class T>
struct Lstm {
  const Recurrence& r;
  const T *x, *start, *start_carry;
  T *states, *carries, *gates;

  template <class A, class G>
  void step(const PackedMatrix<T>& kernel, const Room<T>& room, std::int64_t begin, std::int64_t end, std::int64_t t,
            A act, G gate) const {
    const std::int64_t u = r.units, width = 4 * u, row_step = r.steps * width;
    T* first = gates + (begin * r.steps + t) * width;
    for (std::int64_t b = begin; b < end; ++b)
      std::copy_n(x + (b * r.steps + t) * width, width, first + (b - begin) * row_step);
    const Before<T> h = before<T>(r, start, states, begin, t), c = before<T>(r, start_carry, carries, begin, t);
    kernel.multiply_add(h.data, h.leading, first, row_step, end - begin, room);
    for (std::int64_t b = begin; b < end; ++b) {
      T* g = first + (b - begin) * row_step;
      T *state = states + (b * r.steps + t) * u, *carry = carries + (b * r.steps + t) * u;
      const T *h0 = h.data + (b - begin) * h.leading, *c0 = c.data + (b - begin) * c.leading;
      if (!counts(r, b, t)) {
        std::copy_n(h0, u, state);
        std::copy_n(c0, u, carry);
        continue;
      }
      activate(gate(), g, 2 * u);
      activate(act(), g + 2 * u, u);
      activate(gate(), g + 3 * u, u);
      for (std::int64_t k = 0; k < u; ++k) state[k] = carry[k] = g[u + k] * c0[k] + g[k] * g[2 * u + k];
      activate(act(), state, u);
      for (std::int64_t k = 0; k < u; ++k) state[k] *= g[3 * u + k];
    }
  }
};

template <class T>
struct LstmGrad {
  const Recurrence& r;
  const T *diff_states, *diff_carries, *start_carry, *carries, *gates;
  T* diff_x;
  std::vector<T>&dh, &dc, &tc;  // of the rows of this thread; tc for one row

  template <class A, class G>
  void step(const PackedMatrix<T>& kernel, const Room<T>& room, std::int64_t begin, std::int64_t end, std::int64_t t,
            A act, G gate) const {
    const std::int64_t u = r.units, width = 4 * u;
    const Before<T> c = before<T>(r, start_carry, carries, begin, t);
    for (std::int64_t b = begin; b < end; ++b) {
      T *h = dh.data() + (b - begin) * u, *carry = dc.data() + (b - begin) * u;
      const std::int64_t at = b * r.steps + t;
      const T *g = gates + at * width, *c0 = c.data + (b - begin) * c.leading;
      T* d = diff_x + at * width;
      const T *diff_state = diff_states + at * u, *diff_carry = diff_carries + at * u;
      if (!counts(r, b, t)) {
        for (std::int64_t k = 0; k < u; ++k) h[k] += diff_state[k], carry[k] += diff_carry[k];
        std::fill_n(d, width, T(0));
        continue;
      }
      std::copy_n(carries + at * u, u, tc.data());
      activate(act(), tc.data(), u);
      if constexpr (std::is_same_v<T, float>)
        if (act() == StepActivation::tanh && gate() == StepActivation::sigmoid) {
          lstm_cell_gradient({u, g, c0, tc.data(), diff_state, diff_carry}, h, carry, d);
          continue;
        }
      for (std::int64_t k = 0; k < u; ++k) {
        const T i = g[k], f = g[u + k], m = g[2 * u + k], o = g[3 * u + k];
        const T now = tc[static_cast<std::size_t>(k)], state = h[k] + diff_state[k];
        const T dcarry = carry[k] + diff_carry[k] + state * o * slope(act(), now);
        d[k] = dcarry * m * slope(gate(), i);
        d[u + k] = dcarry * c0[k] * slope(gate(), f);
        d[2 * u + k] = dcarry * i * slope(act(), m);
        d[3 * u + k] = state * now * slope(gate(), o);
        carry[k] = dcarry * f;
        h[k] = 0;
      }
    }
    // Rows that the mask leaves out add zeros to their gradient, which passes through.
    kernel.multiply_add(diff_x + (begin * r.steps + t) * width, r.steps * width, dh.data(), u, end - begin, room);
  }
};

}  // namespace

void lstm_forward(const Recurrence& r, const void* x, const void* start, const void* start_carry, const void* kernel,
                  void* states, void* carries, void* gates) {
  with_type(r.dtype, [&]<class T>() {
    const PackedMatrix<T> packed(static_cast<const T*>(kernel), 4 * r.units, r.units, 4 * r.units, false, r.batch);
    const Lstm<T> lstm{r,
                       static_cast<const T*>(x),
                       static_cast<const T*>(start),
                       static_cast<const T*>(start_carry),
                       static_cast<T*>(states),
                       static_cast<T*>(carries),
                       static_cast<T*>(gates)};
    with_activations(r, [&](auto act, auto gate) {
      over_rows(r, 4, [&](std::int64_t begin, std::int64_t end) {
        const Room<T> room(packed, end - begin);
        for (std::int64_t t = 0; t < r.steps; ++t) lstm.step(packed, room, begin, end, t, act, gate);
      });
    });
  });
}

void lstm_backward(const Recurrence& r, const void* diff_states, const void* diff_carries, const void* start_carry,
                   const void* kernel, const void* carries, const void* gates, void* diff_x, void* diff_start,
                   void* diff_start_carry) {
  with_type(r.dtype, [&]<class T>() {
    const PackedMatrix<T> packed(static_cast<const T*>(kernel), 4 * r.units, 4 * r.units, r.units, true, r.batch);
    with_activations(r, [&](auto act, auto gate) {
      over_rows(r, 4, [&](std::int64_t begin, std::int64_t end) {
        const Room<T> room(packed, end - begin);
        const auto n = static_cast<std::size_t>((end - begin) * r.units);
        std::vector<T> dh(n), dc(n), tc(static_cast<std::size_t>(r.units));
        const LstmGrad<T> grad{r,
                               static_cast<const T*>(diff_states),
                               static_cast<const T*>(diff_carries),
                               static_cast<const T*>(start_carry),
                               static_cast<const T*>(carries),
                               static_cast<const T*>(gates),
                               static_cast<T*>(diff_x),
                               dh,
                               dc,
                               tc};
        for (std::int64_t t = r.steps; t-- > 0;) grad.step(packed, room, begin, end, t, act, gate);
        std::copy(dh.begin(), dh.end(), static_cast<T*>(diff_start) + begin * r.units);
        std::copy(dc.begin(), dc.end(), static_cast<T*>(diff_start_carry) + begin * r.units);
      });
    });
  });
}

void simple_rnn_forward(const Recurrence& r, const void* x, const void* start, const void* kernel, void* states) {
  with_type(r.dtype, [&]<class T>() {
    const std::int64_t u = r.units;
    const PackedMatrix<T> packed(static_cast<const T*>(kernel), u, u, u, false, r.batch);
    const auto *in = static_cast<const T*>(x), *h0 = static_cast<const T*>(start);
    auto* out = static_cast<T*>(states);
    over_rows(r, 1, [&](std::int64_t begin, std::int64_t end) {
      const Room<T> room(packed, end - begin);
      for (std::int64_t t = 0; t < r.steps; ++t) {
        const Before<T> h = before<T>(r, h0, out, begin, t);
        for (std::int64_t b = begin; b < end; ++b)
          std::copy_n(in + (b * r.steps + t) * u, u, out + (b * r.steps + t) * u);
        packed.multiply_add(h.data, h.leading, out + (begin * r.steps + t) * u, r.steps * u, end - begin, room);
        for (std::int64_t b = begin; b < end; ++b) {
          T* state = out + (b * r.steps + t) * u;
          if (counts(r, b, t))
            activate(r.activation, state, u);
          else
            std::copy_n(h.data + (b - begin) * h.leading, u, state);
        }
      }
    });
  });
}

void simple_rnn_backward(const Recurrence& r, const void* diff_states, const void* kernel, const void* states,
                         void* diff_x, void* diff_start) {
  with_type(r.dtype, [&]<class T>() {
    const std::int64_t u = r.units;
    const PackedMatrix<T> packed(static_cast<const T*>(kernel), u, u, u, true, r.batch);
    const auto *dy = static_cast<const T*>(diff_states), *y = static_cast<const T*>(states);
    auto* dx = static_cast<T*>(diff_x);
    over_rows(r, 1, [&](std::int64_t begin, std::int64_t end) {
      const Room<T> room(packed, end - begin);
      std::vector<T> dh(static_cast<std::size_t>((end - begin) * u));
      for (std::int64_t t = r.steps; t-- > 0;) {
        for (std::int64_t b = begin; b < end; ++b) {
          T *h = dh.data() + (b - begin) * u, *d = dx + (b * r.steps + t) * u;
          const std::int64_t at = (b * r.steps + t) * u;
          const bool on = counts(r, b, t);
          for (std::int64_t k = 0; k < u; ++k) {
            h[k] += dy[at + k];
            d[k] = on ? h[k] * slope(r.activation, y[at + k]) : T(0);
            if (on) h[k] = 0;
          }
        }
        packed.multiply_add(dx + (begin * r.steps + t) * u, r.steps * u, dh.data(), u, end - begin, room);
      }
      std::copy(dh.begin(), dh.end(), static_cast<T*>(diff_start) + begin * u);
    });
  });
}

bool step_activation(const std::string& name, StepActivation& out) {
  constexpr std::pair<const char*, StepActivation> kNames[] = {
      {"linear", StepActivation::linear},     {"tanh", StepActivation::tanh},
      {"sigmoid", StepActivation::sigmoid},   {"relu", StepActivation::relu},
      {"softsign", StepActivation::softsign}, {"hard_sigmoid", StepActivation::hard_sigmoid},
      {"softplus", StepActivation::softplus}, {"elu", StepActivation::elu}};
  for (const auto& [known, value] : kNames)
    if (name == known) {
      out = value;
      return true;
    }
  return false;
}

}  // namespace strata::kernels
