// The error function, the gamma function and its derivatives.
#include <limits>

#include "ops/broadcast.h"
#include "ops/math_unary.h"
#include "strata/math.h"

namespace strata {

namespace {

// The C library's lgamma writes a global; this one does not.
template <class T>
T log_gamma(T x) {
  int sign = 0;
  return static_cast<T>(lgamma_r(static_cast<double>(x), &sign));
}
// The derivative of lgamma: recurrence to x >= 6, then the asymptotic series (Abramowitz and Stegun 6.3.18).
template <class T>
T psi(T value) {
  double x = static_cast<double>(value), result = 0;
  if (x <= 0 && x == std::floor(x)) return std::numeric_limits<T>::quiet_NaN();
  if (x < 0) {
    const double pi = 3.14159265358979323846;
    return static_cast<T>(static_cast<double>(psi(1 - x)) - pi / std::tan(pi * x));
  }
  for (; x < 6; ++x) result -= 1 / x;
  const double r = 1 / (x * x);
  result += std::log(x) - 0.5 / x -
            r * (1.0 / 12 - r * (1.0 / 120 - r * (1.0 / 252 - r * (1.0 / 240 - r * (1.0 / 132 - r * 691.0 / 32760)))));
  return static_cast<T>(result);
}

// Its derivative, in the same way (6.4.12).
template <class T>
T psi1(T value) {
  double x = static_cast<double>(value), result = 0;
  if (x <= 0 && x == std::floor(x)) return std::numeric_limits<T>::infinity();
  if (x < 0) {
    const double pi = 3.14159265358979323846, s = std::sin(pi * x) / pi;
    return static_cast<T>(1 / (s * s) - static_cast<double>(psi1(1 - x)));
  }
  for (; x < 6; ++x) result += 1 / (x * x);
  const double r = 1 / (x * x);
  result += (1 + 0.5 / x + r * (1.0 / 6 - r * (1.0 / 30 - r * (1.0 / 42 - r * (1.0 / 30 - r * 5.0 / 66))))) / x;
  return static_cast<T>(result);
}

struct ErfDef {
  static constexpr const char* name = "erf";
  static constexpr int cost = 24;
  static constexpr kernels::FloatFunction simd = kernels::erf_float;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(std::erf(x));
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor& dy) {
    return dy * exp(negative(square(x))) * 1.1283791670955126;
  }
};
struct ErfcDef {
  static constexpr const char* name = "erfc";
  static constexpr int cost = 24;
  static constexpr kernels::FloatFunction simd = kernels::erfc_float;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(std::erfc(x));
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor& dy) {
    return dy * exp(negative(square(x))) * -1.1283791670955126;
  }
};
struct LgammaDef {
  static constexpr const char* name = "lgamma";
  static constexpr int cost = 40;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(log_gamma(x));
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor& dy) { return dy * digamma(x); }
};
struct DigammaDef {
  static constexpr const char* name = "digamma";
  static constexpr int cost = 40;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(psi(x));
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor& dy) { return dy * trigamma(x); }
};
struct TrigammaDef {
  static constexpr const char* name = "trigamma";
  static constexpr int cost = 40;
  static constexpr bool floating_only = true, differentiable = false;
  template <class T>
  static T f(T x) {
    return static_cast<T>(psi1(x));
  }
};
}  // namespace

Tensor erf(const Tensor& x) { return unary<ErfDef>(detail::as_floating(x)); }
Tensor erfc(const Tensor& x) { return unary<ErfcDef>(detail::as_floating(x)); }
Tensor lgamma(const Tensor& x) { return unary<LgammaDef>(detail::as_floating(x)); }
Tensor digamma(const Tensor& x) { return unary<DigammaDef>(detail::as_floating(x)); }
Tensor trigamma(const Tensor& x) { return unary<TrigammaDef>(detail::as_floating(x)); }

void register_special(Registry& r) {
  r.add<UnaryOp<ErfDef>>();
  r.add<UnaryOp<ErfcDef>>();
  r.add<UnaryOp<LgammaDef>>();
  r.add<UnaryOp<DigammaDef>>();
  r.add<UnaryOp<TrigammaDef>>();
}

}  // namespace strata
