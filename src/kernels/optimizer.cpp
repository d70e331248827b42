// The order of operations is Keras's, so that float32 rounds as there.
#include "kernels/optimizer.h"

#include <algorithm>
#include <cmath>

#include "core/dispatch.h"
#include "kernels/parallel.h"

namespace strata::kernels {

namespace {

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
      if (decays)
        for (std::int64_t i = begin; i < end; ++i) {
          const C weight = w[i];
          w.set(i, step(i, weight - weight * decay * learning_rate, static_cast<C>(g[i])));
        }
      else
        for (std::int64_t i = begin; i < end; ++i) w.set(i, step(i, w[i], static_cast<C>(g[i])));
    });
  }

  std::int64_t n;
  Elements<T> w;
  const T* g;
  Elements<T> a, b, c;
  C learning_rate, decay;
};

template <class T>
void sgd(const Update& u, const SgdStep& s) {
  using C = Compute<T>;
  const View<T> v(u);
  const C lr = v.learning_rate, momentum = static_cast<C>(s.momentum);
  if (v.a.data == nullptr)
    v.each([&](std::int64_t, C w, C g) { return w - g * lr; });
  else if (!s.nesterov)
    v.each([&](std::int64_t i, C w, C g) {
      const C m = v.a[i] * momentum - g * lr;
      v.a.set(i, m);
      return w + m;
    });
  else
    v.each([&](std::int64_t i, C w, C g) {
      const C m = v.a[i] * momentum - g * lr;
      v.a.set(i, m);
      return w + (m * momentum - g * lr);
    });
}

template <class T>
void adam(const Update& u, const AdamStep& s) {
  using C = Compute<T>;
  const View<T> v(u);
  const C one = 1, step = static_cast<C>(s.step), epsilon = static_cast<C>(s.epsilon);
  const C power_1 = std::pow(static_cast<C>(s.beta_1), step), power_2 = std::pow(static_cast<C>(s.beta_2), step);
  const C alpha = v.learning_rate * std::sqrt(one - power_2) / (one - power_1);
  const C rest_1 = static_cast<C>(1 - s.beta_1), rest_2 = static_cast<C>(1 - s.beta_2);
  auto moments = [&](std::int64_t i, C g, C& m, C& second) {
    m = v.a[i], second = v.b[i];
    m += (g - m) * rest_1;
    second += (g * g - second) * rest_2;
    v.a.set(i, m), v.b.set(i, second);
  };
  if (v.c.data == nullptr)
    v.each([&](std::int64_t i, C w, C g) {
      C m, second;
      moments(i, g, m, second);
      return w - m * alpha / (std::sqrt(second) + epsilon);
    });
  else
    v.each([&](std::int64_t i, C w, C g) {
      C m, second;
      moments(i, g, m, second);
      const C largest = std::max(v.c[i], second);
      v.c.set(i, largest);
      return w - m * alpha / (std::sqrt(largest) + epsilon);
    });
}

template <class T>
void rmsprop(const Update& u, const RmspropStep& s) {
  using C = Compute<T>;
  const View<T> v(u);
  const C rho = static_cast<C>(s.rho), rest = static_cast<C>(1 - s.rho), momentum = static_cast<C>(s.momentum);
  const C lr = v.learning_rate, epsilon = static_cast<C>(s.epsilon);
  const bool has_momentum = v.b.data != nullptr, centered = v.c.data != nullptr;
  v.each([&](std::int64_t i, C w, C g) {
    const C velocity = rho * v.a[i] + rest * (g * g);
    v.a.set(i, velocity);
    C denominator = velocity + epsilon;
    if (centered) {
      const C average = rho * v.c[i] + rest * g;
      v.c.set(i, average);
      denominator = velocity - average * average + epsilon;
    }
    C increment = lr * g / std::sqrt(denominator);
    if (has_momentum) {
      increment = momentum * v.b[i] + increment;
      v.b.set(i, increment);
    }
    return w - increment;
  });
}

}  // namespace

void sgd_update(const Update& u, const SgdStep& s) {
  dispatch_floating("sgd_update", u.dtype, [&]<class T>() { sgd<T>(u, s); });
}
void adam_update(const Update& u, const AdamStep& s) {
  dispatch_floating("adam_update", u.dtype, [&]<class T>() { adam<T>(u, s); });
}
void rmsprop_update(const Update& u, const RmspropStep& s) {
  dispatch_floating("rmsprop_update", u.dtype, [&]<class T>() { rmsprop<T>(u, s); });
}

}  // namespace strata::kernels
