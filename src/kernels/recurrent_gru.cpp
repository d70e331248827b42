// GRU (Cho et al. 2014) over whole sequences, with the reset gate before or after the product with the state.
#include "kernels/recurrent_step.h"

namespace strata::kernels {

namespace {

// The recurrent kernel (units, 3 * units): all of it, or the parts of the gates and of the candidate.
template <class T>
struct Kernels {
  Kernels(const T* kernel, std::int64_t u, std::int64_t rows, bool reset_after, bool transposed)
      : gates(kernel, 3 * u, transposed ? (reset_after ? 3 : 2) * u : u, transposed ? u : (reset_after ? 3 : 2) * u,
              transposed, rows),
        candidate(kernel + 2 * u, 3 * u, u, reset_after ? 0 : u, transposed, rows) {}
  PackedMatrix<T> gates, candidate;
};

// What a thread needs to multiply with them.
template <class T>
struct Rooms {
  Rooms(const Kernels<T>& kernels, std::int64_t rows)
      : gates(kernels.gates, rows), candidate(kernels.candidate, rows) {}
  Room<T> gates, candidate;
};

template <class T>
struct Gru {
  const Recurrence& r;
  bool reset_after;
  const T *x, *start, *bias;
  T *states, *kept;
  std::vector<T>&inner, &reset, &candidate;  // (rows, 3 units), (rows, units) twice

  template <class A, class G>
  void step(const Kernels<T>& kernels, const Rooms<T>& rooms, std::int64_t begin, std::int64_t end, std::int64_t t,
            A act, G gate) const {
    const std::int64_t u = r.units, rows = end - begin;
    const Before<T> h = before<T>(r, start, states, begin, t);
    for (std::int64_t b = 0; b < rows; ++b) std::copy_n(bias, 3 * u, inner.data() + b * 3 * u);
    kernels.gates.multiply_add(h.data, h.leading, inner.data(), 3 * u, rows, rooms.gates);
    for (std::int64_t b = 0; b < rows; ++b) {
      const std::int64_t at = (begin + b) * r.steps + t;
      const T *in = x + at * 3 * u, *m = inner.data() + b * 3 * u, *h0 = h.data + b * h.leading;
      T *k = kept + at * 4 * u, *c = candidate.data() + b * u, *s = reset.data() + b * u;
      for (std::int64_t i = 0; i < 2 * u; ++i) k[i] = in[i] + m[i];
      activate(gate(), k, 2 * u);
      for (std::int64_t i = 0; i < u; ++i) {
        k[3 * u + i] = reset_after ? m[2 * u + i] : k[u + i] * h0[i];
        s[i] = k[3 * u + i];
        c[i] = in[2 * u + i] + (reset_after ? k[u + i] * m[2 * u + i] : m[2 * u + i]);
      }
    }
    if (!reset_after) kernels.candidate.multiply_add(reset.data(), u, candidate.data(), u, rows, rooms.candidate);
    for (std::int64_t b = 0; b < rows; ++b) {
      const std::int64_t at = (begin + b) * r.steps + t;
      const T *h0 = h.data + b * h.leading, *c = candidate.data() + b * u;
      T *k = kept + at * 4 * u, *state = states + at * u;
      std::copy_n(c, u, k + 2 * u);
      activate(act(), k + 2 * u, u);
      if (counts(r, begin + b, t))
        for (std::int64_t i = 0; i < u; ++i) state[i] = k[i] * h0[i] + (1 - k[i]) * k[2 * u + i];
      else
        std::copy_n(h0, u, state);
    }
  }
};

template <class T>
struct GruGrad {
  const Recurrence& r;
  bool reset_after;
  const T *diff_states, *start, *states, *kept;
  T *diff_x, *diff_inner;
  std::vector<T>&dh, &reset;

  // The gradients of the gates of one row, as far as the candidate's is needed for them; dh becomes what flows to the
  // state before directly.
  template <class A, class G>
  void row(std::int64_t at, const T* h0, T* h, A act, G gate) const {
    const std::int64_t u = r.units;
    const T* k = kept + at * 4 * u;
    T *dx = diff_x + at * 3 * u, *di = diff_inner + at * 3 * u;
    for (std::int64_t i = 0; i < u; ++i) {
      const T z = k[i], m = k[2 * u + i];
      dx[i] = di[i] = h[i] * (h0[i] - m) * slope(gate(), z);
      const T dm = h[i] * (1 - z) * slope(act(), m);
      dx[2 * u + i] = dm;
      if (reset_after) {
        di[2 * u + i] = dm * k[u + i];
        dx[u + i] = di[u + i] = dm * k[3 * u + i] * slope(gate(), k[u + i]);
      } else {
        di[2 * u + i] = dm;
      }
      h[i] *= z;
    }
  }

  template <class A, class G>
  void step(const Kernels<T>& kernels, const Rooms<T>& rooms, std::int64_t begin, std::int64_t end, std::int64_t t,
            A act, G gate) const {
    const std::int64_t u = r.units, rows = end - begin, first = begin * r.steps + t;
    const Before<T> before_step = before<T>(r, start, states, begin, t);
    for (std::int64_t b = 0; b < rows; ++b) {
      const std::int64_t at = (begin + b) * r.steps + t;
      T* h = dh.data() + b * u;
      for (std::int64_t i = 0; i < u; ++i) h[i] += diff_states[at * u + i];
      if (counts(r, begin + b, t)) {
        row(at, before_step.data + b * before_step.leading, h, act, gate);
      } else {
        std::fill_n(diff_x + at * 3 * u, 3 * u, T(0));
        std::fill_n(diff_inner + at * 3 * u, 3 * u, T(0));
      }
    }
    if (!reset_after) {
      std::fill(reset.begin(), reset.end(), T(0));
      kernels.candidate.multiply_add(diff_x + first * 3 * u + 2 * u, r.steps * 3 * u, reset.data(), u, rows,
                                     rooms.candidate);
      for (std::int64_t b = 0; b < rows; ++b) {
        const std::int64_t at = (begin + b) * r.steps + t;
        if (!counts(r, begin + b, t)) continue;
        const T *h0 = before_step.data + b * before_step.leading, *k = kept + at * 4 * u, *d = reset.data() + b * u;
        for (std::int64_t i = 0; i < u; ++i) {
          diff_x[at * 3 * u + u + i] = diff_inner[at * 3 * u + u + i] = d[i] * h0[i] * slope(gate(), k[u + i]);
          dh[static_cast<std::size_t>(b * u + i)] += d[i] * k[u + i];
        }
      }
    }
    kernels.gates.multiply_add(diff_inner + first * 3 * u, r.steps * 3 * u, dh.data(), u, rows, rooms.gates);
  }
};

}  // namespace

void gru_forward(const Recurrence& r, bool reset_after, const void* x, const void* start, const void* kernel,
                 const void* bias, void* states, void* kept) {
  with_type(r.dtype, [&]<class T>() {
    const Kernels<T> kernels(static_cast<const T*>(kernel), r.units, r.batch, reset_after, false);
    with_activations(r, [&](auto act, auto gate) {
      over_rows(r, 3, [&](std::int64_t begin, std::int64_t end) {
        const Rooms<T> rooms(kernels, end - begin);
        const auto n = static_cast<std::size_t>((end - begin) * r.units);
        std::vector<T> inner(3 * n), reset(n), candidate(n);
        const Gru<T> gru{r,
                         reset_after,
                         static_cast<const T*>(x),
                         static_cast<const T*>(start),
                         static_cast<const T*>(bias),
                         static_cast<T*>(states),
                         static_cast<T*>(kept),
                         inner,
                         reset,
                         candidate};
        for (std::int64_t t = 0; t < r.steps; ++t) gru.step(kernels, rooms, begin, end, t, act, gate);
      });
    });
  });
}

void gru_backward(const Recurrence& r, bool reset_after, const void* diff_states, const void* start, const void* kernel,
                  const void* states, const void* kept, void* diff_x, void* diff_inner, void* diff_start) {
  with_type(r.dtype, [&]<class T>() {
    const Kernels<T> kernels(static_cast<const T*>(kernel), r.units, r.batch, reset_after, true);
    with_activations(r, [&](auto act, auto gate) {
      over_rows(r, 3, [&](std::int64_t begin, std::int64_t end) {
        const Rooms<T> rooms(kernels, end - begin);
        const auto n = static_cast<std::size_t>((end - begin) * r.units);
        std::vector<T> dh(n), reset(n);
        const GruGrad<T> grad{r,
                              reset_after,
                              static_cast<const T*>(diff_states),
                              static_cast<const T*>(start),
                              static_cast<const T*>(states),
                              static_cast<const T*>(kept),
                              static_cast<T*>(diff_x),
                              static_cast<T*>(diff_inner),
                              dh,
                              reset};
        for (std::int64_t t = r.steps; t-- > 0;) grad.step(kernels, rooms, begin, end, t, act, gate);
        std::copy(dh.begin(), dh.end(), static_cast<T*>(diff_start) + begin * r.units);
      });
    });
  });
}

}  // namespace strata::kernels
