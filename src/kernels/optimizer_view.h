// A weight with its slots and gradient, typed, and the loop over its elements.
#pragma once

#include <cmath>

#include "core/dispatch.h"
#include "kernels/optimizer.h"
#include "kernels/parallel.h"
#include "kernels/subnormal.h"

namespace strata::kernels {

// Elements of type T as their type of computation, read and written one by one.
template <class T>
struct Elements {
  using C = Compute<T>;
  T* data;
  C operator[](std::int64_t i) const { return static_cast<C>(data[i]); }
  void set(std::int64_t i, C v) const { data[i] = static_cast<T>(v); }
};

// Calls f(weight, gradient, slot...) with typed elements, over parts of the range.
template <class T>
struct View {
  using C = Compute<T>;
  explicit View(const Update& u)
      : n(u.n),
        w{static_cast<T*>(u.weight)},
        g{static_cast<const T*>(u.gradient)},
        magnitudes{static_cast<const T*>(u.magnitudes)},
        a{static_cast<T*>(u.slots[0])},
        b{static_cast<T*>(u.slots[1])},
        c{static_cast<T*>(u.slots[2])},
        learning_rate(static_cast<C>(u.learning_rate)),
        decay(static_cast<C>(u.decay)) {}

  // step(i, weight after decay, gradient) returns the new weight.
  template <class F>
  void each(F&& step) const {
    const bool decays = decay != 0;
    parallel_for(n, 4, [&](std::int64_t begin, std::int64_t end) {
      const FlushSubnormals flush;
      if (decays)
        for (std::int64_t i = begin; i < end; ++i) {
          const C weight = w[i];
          w.set(i, step(i, weight - weight * decay * learning_rate, static_cast<C>(g[i])));
        }
      else
        for (std::int64_t i = begin; i < end; ++i) w.set(i, step(i, w[i], static_cast<C>(g[i])));
    });
  }

  // What stands for g * g, and for |g|.
  C square(std::int64_t i, C g) const { return magnitudes == nullptr ? g * g : static_cast<C>(magnitudes[i]); }
  C absolute(std::int64_t i, C g) const { return magnitudes == nullptr ? std::abs(g) : static_cast<C>(magnitudes[i]); }

  std::int64_t n;
  Elements<T> w;
  const T *g, *magnitudes;
  Elements<T> a, b, c;
  C learning_rate, decay;
};

}  // namespace strata::kernels
