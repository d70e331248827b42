// The order of operations is Keras's, so that float32 rounds as there.
#include <algorithm>
#include <cmath>

#include "kernels/optimizer_view.h"

namespace strata::kernels {

namespace {

template <class C>
C power(double base, std::int64_t exponent) {
  return std::pow(static_cast<C>(base), static_cast<C>(exponent));
}

template <class T>
void adamax(const Update& u, const AdamaxStep& s) {
  using C = Compute<T>;
  const View<T> v(u);
  const C rest_1 = static_cast<C>(1 - s.beta_1), beta_2 = static_cast<C>(s.beta_2), epsilon = static_cast<C>(s.epsilon);
  const C correction = 1 - power<C>(s.beta_1, s.step), lr = v.learning_rate;
  v.each([&](std::int64_t i, C w, C g) {
    const C m = v.a[i] + (g - v.a[i]) * rest_1, norm = std::max(beta_2 * v.b[i], v.absolute(i, g));
    v.a.set(i, m), v.b.set(i, norm);
    return w - lr * m / (correction * (norm + epsilon));
  });
}

template <class T>
void nadam(const Update& u, const NadamStep& s) {
  using C = Compute<T>;
  const View<T> v(u);
  const C one = 1, half = static_cast<C>(0.5), lr = v.learning_rate, epsilon = static_cast<C>(s.epsilon);
  const C beta_1 = static_cast<C>(s.beta_1), beta_2 = static_cast<C>(s.beta_2);
  const C now = beta_1 * (one - half * power<C>(0.96, s.step));
  const C next = beta_1 * (one - half * power<C>(0.96, s.step + 1));
  const C product = v.c[0], product_next = product * next;
  const C correction = one - power<C>(s.beta_2, s.step);
  v.each([&](std::int64_t i, C w, C g) {
    const C m = v.a[i] + (g - v.a[i]) * (one - beta_1), second = v.b[i] + (v.square(i, g) - v.b[i]) * (one - beta_2);
    v.a.set(i, m), v.b.set(i, second);
    const C m_hat = next * m / (one - product_next) + (one - now) * g / (one - product);
    return w - m_hat * lr / (std::sqrt(second / correction) + epsilon);
  });
}

template <class T>
void adagrad(const Update& u, const AdagradStep& s) {
  using C = Compute<T>;
  const View<T> v(u);
  const C lr = v.learning_rate, epsilon = static_cast<C>(s.epsilon);
  v.each([&](std::int64_t i, C w, C g) {
    const C sum = v.a[i] + v.square(i, g);
    v.a.set(i, sum);
    return w - lr * g / std::sqrt(sum + epsilon);
  });
}

template <class T>
void adadelta(const Update& u, const AdadeltaStep& s) {
  using C = Compute<T>;
  const View<T> v(u);
  const C lr = v.learning_rate, epsilon = static_cast<C>(s.epsilon);
  const C rho = static_cast<C>(s.rho), rest = static_cast<C>(1 - s.rho);
  v.each([&](std::int64_t i, C w, C g) {
    const C squares = rho * v.a[i] + rest * v.square(i, g);
    const C root = std::sqrt(v.b[i] + epsilon), change = -(root * g / std::sqrt(squares + epsilon));
    const C changes =
        v.magnitudes == nullptr ? change * change : (v.b[i] + epsilon) * v.square(i, g) / (squares + epsilon);
    v.a.set(i, squares), v.b.set(i, rho * v.b[i] + rest * changes);
    return w + lr * change;
  });
}

template <class T>
void ftrl(const Update& u, const FtrlStep& s) {
  using C = Compute<T>;
  const View<T> v(u);
  const C lr = v.learning_rate, exponent = static_cast<C>(-s.learning_rate_power), l1 = static_cast<C>(s.l1);
  const C l2 = static_cast<C>(s.l2) + static_cast<C>(s.beta) / (2 * lr), shrinkage = static_cast<C>(2 * s.l2_shrinkage);
  v.each([&](std::int64_t i, C w, C g) {
    const C old = v.a[i], sum = old + v.square(i, g), new_power = std::pow(sum, exponent);
    const C linear = v.b[i] + (g + shrinkage * w - (new_power - std::pow(old, exponent)) / lr * w);
    v.a.set(i, sum), v.b.set(i, linear);
    return (std::clamp(linear, -l1, l1) - linear) / (new_power / lr + 2 * l2);
  });
}

template <class T>
void lion(const Update& u, const LionStep& s) {
  using C = Compute<T>;
  const View<T> v(u);
  const C one = 1, lr = v.learning_rate, beta_1 = static_cast<C>(s.beta_1), beta_2 = static_cast<C>(s.beta_2);
  v.each([&](std::int64_t i, C w, C g) {
    const C m = v.a[i], direction = m * beta_1 + g * (one - beta_1);
    v.a.set(i, m * beta_2 + g * (one - beta_2));
    return w - lr * static_cast<C>((direction > 0) - (direction < 0));
  });
}

template <class T>
void schedule_free_adamw(const Update& u, const ScheduleFreeAdamWStep& s) {
  using C = Compute<T>;
  const View<T> v(u);
  const C one = 1, step = static_cast<C>(s.step), beta_1 = static_cast<C>(s.beta_1),
          epsilon = static_cast<C>(s.epsilon);
  const C warmed = s.warmup_steps > 0 ? std::min(step / static_cast<C>(s.warmup_steps), one) : one;
  const C lr = v.learning_rate * warmed, correction = one - power<C>(s.beta_2, s.step);
  const C rest_2 = one - static_cast<C>(s.beta_2), weight = one / step;
  v.each([&](std::int64_t i, C w, C g) {
    const C second = v.b[i] + (v.square(i, g) - v.b[i]) * rest_2, old = v.a[i];
    const C z = old - lr * g / (std::sqrt(second / correction) + epsilon);
    v.a.set(i, z), v.b.set(i, second);
    // On TensorFlow, which Keras's numbers are of, the momentum is read when it has its new value already.
    const C x_old = (w - (one - beta_1) * z) / beta_1;
    const C x = (one - weight) * x_old + weight * z;
    return (one - beta_1) * z + beta_1 * x;
  });
}

}  // namespace

void adamax_update(const Update& u, const AdamaxStep& s) {
  dispatch_floating("adamax_update", u.dtype, [&]<class T>() { adamax<T>(u, s); });
}
void nadam_update(const Update& u, const NadamStep& s) {
  dispatch_floating("nadam_update", u.dtype, [&]<class T>() { nadam<T>(u, s); });
}
void adagrad_update(const Update& u, const AdagradStep& s) {
  dispatch_floating("adagrad_update", u.dtype, [&]<class T>() { adagrad<T>(u, s); });
}
void adadelta_update(const Update& u, const AdadeltaStep& s) {
  dispatch_floating("adadelta_update", u.dtype, [&]<class T>() { adadelta<T>(u, s); });
}
void ftrl_update(const Update& u, const FtrlStep& s) {
  dispatch_floating("ftrl_update", u.dtype, [&]<class T>() { ftrl<T>(u, s); });
}
void lion_update(const Update& u, const LionStep& s) {
  dispatch_floating("lion_update", u.dtype, [&]<class T>() { lion<T>(u, s); });
}
void schedule_free_adamw_update(const Update& u, const ScheduleFreeAdamWStep& s) {
  dispatch_floating("schedule_free_adamw_update", u.dtype, [&]<class T>() { schedule_free_adamw<T>(u, s); });
}

}  // namespace strata::kernels
