// Arithmetic of two operands: each a row of name, function and gradients.
#include "ops/math_binary.h"

#include <limits>
#include <type_traits>

#include "strata/array.h"
#include "strata/math.h"

namespace strata {

namespace {

// Integers wrap around, as everywhere; in C++ only unsigned ones do.
template <class T, class F>
T wrapped(T a, T b, F f) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(f(static_cast<U>(a), static_cast<U>(b)));
  } else {
    return f(a, b);
  }
}
template <class T>
T times(T a, T b) {
  return wrapped(a, b, [](auto x, auto y) { return x * y; });
}
template <class T>
T minus(T a, T b) {
  return wrapped(a, b, [](auto x, auto y) { return x - y; });
}
template <class T>
T floored(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::floor(a / b);
  } else {
    if (b == T(0)) return T(0);  // reported before the loop
    if (std::is_signed_v<T> && b == static_cast<T>(-1)) return minus(T(0), a);
    const T q = static_cast<T>(a / b);
    return static_cast<T>(q - ((a % b != 0) && ((a < T(0)) != (b < T(0)))));
  }
}
template <class T>
T modulo(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    const T r = std::fmod(a, b);
    return r != 0 && ((r < 0) != (b < 0)) ? r + b : r;
  } else {
    return b == T(0) ? T(0) : minus(a, times(floored(a, b), b));
  }
}
template <class T>
T power(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (b == T(2)) return a * a;
    return b == T(3) ? a * a * a : std::pow(a, b);
  } else {
    T result = 1;
    for (T n = b, base = a; n > 0; n = static_cast<T>(n / 2), base = times(base, base))
      if (n % 2 == 1) result = times(result, base);
    return result;
  }
}
// NaN wins, as in NumPy.
template <class T>
T larger(T a, T b) {
  return ((a >= b) | (a != a)) ? a : b;
}
template <class T>
T smaller(T a, T b) {
  return ((a <= b) | (a != a)) ? a : b;
}
template <class T>
T log_add_exp(T a, T b) {
  const T high = larger(a, b), low = smaller(a, b);
  return high == low ? high + std::log(T(2)) : high + std::log1p(std::exp(low - high));
}

Tensor select(const Tensor& condition, const Tensor& dy) { return where(condition, dy, zeros_like(dy)); }
// b a^(b-1), and 0 where b is 0, where a^(b-1) may be infinite.
Tensor power_grad(const Tensor& a, const Tensor& b, const Tensor& dy) {
  if (!b.is_symbolic() && b.size() == 1 && b.item<double>() != 0) return dy * (b * pow(a, b - 1));
  return dy * where(equal(b, zeros_like(b)), zeros_like(b), b * pow(a, b - 1));
}
// y log(a); 0 where a is not positive, as TensorFlow has it.
Tensor exponent_grad(const Tensor& a, const Tensor& y, const Tensor& dy) {
  const Tensor positive = greater(a, zeros_like(a));
  return dy * y * where(positive, log(where(positive, a, ones_like(a))), zeros_like(a));
}

struct AddDef {
  static constexpr bool is_sum = true;
  static constexpr const char* name = "add";
  static constexpr int cost = 1;
  static constexpr bool floating_only = false, differentiable = true;
  template <class T>
  static T f(T a, T b) {
    return wrapped(a, b, [](auto x, auto y) { return x + y; });
  }
  static std::pair<Tensor, Tensor> grad(const Tensor&, const Tensor&, const Tensor&, const Tensor& dy,
                                        const GradContext& c) {
    return {c.needed(0) ? Tensor(dy) : Tensor(), c.needed(1) ? Tensor(dy) : Tensor()};
  }
};
struct SubtractDef {
  static constexpr const char* name = "subtract";
  static constexpr int cost = 1;
  static constexpr bool floating_only = false, differentiable = true;
  template <class T>
  static T f(T a, T b) {
    return minus(a, b);
  }
  static std::pair<Tensor, Tensor> grad(const Tensor&, const Tensor&, const Tensor&, const Tensor& dy,
                                        const GradContext& c) {
    return {c.needed(0) ? Tensor(dy) : Tensor(), c.needed(1) ? Tensor(negative(dy)) : Tensor()};
  }
};
struct MultiplyDef {
  static constexpr const char* name = "multiply";
  static constexpr int cost = 1;
  static constexpr bool floating_only = false, differentiable = true;
  template <class T>
  static T f(T a, T b) {
    return times(a, b);
  }
  static std::pair<Tensor, Tensor> grad(const Tensor& a, const Tensor& b, const Tensor&, const Tensor& dy,
                                        const GradContext& c) {
    return {c.needed(0) ? Tensor(dy * b) : Tensor(), c.needed(1) ? Tensor(dy * a) : Tensor()};
  }
};
struct DivideDef {
  static constexpr const char* name = "divide";
  static constexpr int cost = 2;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T a, T b) {
    return static_cast<T>(a / b);
  }
  static std::pair<Tensor, Tensor> grad(const Tensor&, const Tensor& b, const Tensor& y, const Tensor& dy,
                                        const GradContext& c) {
    return {c.needed(0) ? Tensor(dy / b) : Tensor(), c.needed(1) ? Tensor(negative(dy * y / b)) : Tensor()};
  }
};
struct DivideNoNanDef {
  static constexpr const char* name = "divide_no_nan";
  static constexpr int cost = 2;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T a, T b) {
    return static_cast<T>(b == T(0) ? T(0) : a / b);
  }
  static std::pair<Tensor, Tensor> grad(const Tensor&, const Tensor& b, const Tensor& y, const Tensor& dy,
                                        const GradContext& c) {
    return {c.needed(0) ? Tensor(divide_no_nan(dy, b)) : Tensor(),
            c.needed(1) ? Tensor(negative(divide_no_nan(dy * y, b))) : Tensor()};
  }
};
struct FloorDivideDef {
  static constexpr const char* name = "floor_divide";
  static constexpr int cost = 4;
  static constexpr bool floating_only = false, differentiable = false;
  template <class T>
  static T f(T a, T b) {
    return static_cast<T>(floored(a, b));
  }
};
struct ModDef {
  static constexpr const char* name = "mod";
  static constexpr int cost = 6;
  static constexpr bool floating_only = false, differentiable = true;
  template <class T>
  static T f(T a, T b) {
    return static_cast<T>(modulo(a, b));
  }
  static std::pair<Tensor, Tensor> grad(const Tensor& a, const Tensor& b, const Tensor&, const Tensor& dy,
                                        const GradContext& c) {
    return {c.needed(0) ? Tensor(dy) : Tensor(), c.needed(1) ? Tensor(negative(dy * floor_divide(a, b))) : Tensor()};
  }
};
struct PowDef {
  static constexpr bool has_squares = true;
  static constexpr const char* name = "pow";
  static constexpr int cost = 24;
  static constexpr bool floating_only = false, differentiable = true;
  template <class T>
  static T f(T a, T b) {
    return static_cast<T>(power(a, b));
  }
  static std::pair<Tensor, Tensor> grad(const Tensor& a, const Tensor& b, const Tensor& y, const Tensor& dy,
                                        const GradContext& c) {
    return {c.needed(0) ? Tensor(power_grad(a, b, dy)) : Tensor(),
            c.needed(1) ? Tensor(exponent_grad(a, y, dy)) : Tensor()};
  }
};
struct MaximumDef {
  static constexpr const char* name = "maximum";
  static constexpr int cost = 1;
  static constexpr bool floating_only = false, differentiable = true;
  template <class T>
  static T f(T a, T b) {
    return static_cast<T>(larger(a, b));
  }
  static std::pair<Tensor, Tensor> grad(const Tensor& a, const Tensor& b, const Tensor&, const Tensor& dy,
                                        const GradContext& c) {
    return {c.needed(0) ? Tensor(select(greater_equal(a, b), dy)) : Tensor(),
            c.needed(1) ? Tensor(select(less(a, b), dy)) : Tensor()};
  }
};
struct MinimumDef {
  static constexpr const char* name = "minimum";
  static constexpr int cost = 1;
  static constexpr bool floating_only = false, differentiable = true;
  template <class T>
  static T f(T a, T b) {
    return static_cast<T>(smaller(a, b));
  }
  static std::pair<Tensor, Tensor> grad(const Tensor& a, const Tensor& b, const Tensor&, const Tensor& dy,
                                        const GradContext& c) {
    return {c.needed(0) ? Tensor(select(less_equal(a, b), dy)) : Tensor(),
            c.needed(1) ? Tensor(select(greater(a, b), dy)) : Tensor()};
  }
};
struct SquaredDifferenceDef {
  static constexpr const char* name = "squared_difference";
  static constexpr int cost = 1;
  static constexpr bool floating_only = false, differentiable = true;
  template <class T>
  static T f(T a, T b) {
    return times(minus(a, b), minus(a, b));
  }
  static std::pair<Tensor, Tensor> grad(const Tensor& a, const Tensor& b, const Tensor&, const Tensor& dy,
                                        const GradContext& c) {
    return {c.needed(0) ? Tensor(dy * 2 * (a - b)) : Tensor(), c.needed(1) ? Tensor(dy * 2 * (b - a)) : Tensor()};
  }
};
struct Atan2Def {
  static constexpr const char* name = "atan2";
  static constexpr int cost = 30;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T a, T b) {
    return static_cast<T>(std::atan2(a, b));
  }
  static std::pair<Tensor, Tensor> grad(const Tensor& a, const Tensor& b, const Tensor&, const Tensor& dy,
                                        const GradContext& c) {
    return {c.needed(0) ? Tensor(dy * b / (square(a) + square(b))) : Tensor(),
            c.needed(1) ? Tensor(negative(dy * a / (square(a) + square(b)))) : Tensor()};
  }
};
struct LogaddexpDef {
  static constexpr const char* name = "logaddexp";
  static constexpr int cost = 30;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T a, T b) {
    return static_cast<T>(log_add_exp(a, b));
  }
  static std::pair<Tensor, Tensor> grad(const Tensor& a, const Tensor& b, const Tensor& y, const Tensor& dy,
                                        const GradContext& c) {
    return {c.needed(0) ? Tensor(dy * exp(a - y)) : Tensor(), c.needed(1) ? Tensor(dy * exp(b - y)) : Tensor()};
  }
};

// Integers divided by zero have no value.
void check_divisor(const char* name, const Tensor& b) {
  if (is_floating(b.dtype()) || b.is_symbolic()) return;
  for (std::int64_t v : b.to_vector<std::int64_t>())
    if (v == 0)
      throw ValueError(std::string(name) + ": an integer is divided by zero. Cast to float32, or clip the divisor.");
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) { return binary<AddDef>(detail::promote_operands(a, b)); }
Tensor subtract(const Tensor& a, const Tensor& b) { return binary<SubtractDef>(detail::promote_operands(a, b)); }
Tensor multiply(const Tensor& a, const Tensor& b) { return binary<MultiplyDef>(detail::promote_operands(a, b)); }
Tensor divide(const Tensor& a, const Tensor& b) { return binary<DivideDef>(detail::promote_floating(a, b)); }
Tensor divide_no_nan(const Tensor& a, const Tensor& b) {
  return binary<DivideNoNanDef>(detail::promote_floating(a, b));
}
Tensor floor_divide(const Tensor& a, const Tensor& b) {
  const auto operands = detail::promote_operands(a, b);
  check_divisor("floor_divide", operands.second);
  return binary<FloorDivideDef>(operands);
}
Tensor mod(const Tensor& a, const Tensor& b) {
  const auto operands = detail::promote_operands(a, b);
  check_divisor("mod", operands.second);
  return binary<ModDef>(operands);
}
Tensor remainder(const Tensor& a, const Tensor& b) { return mod(a, b); }
Tensor pow(const Tensor& a, const Tensor& b) {
  const auto operands = detail::promote_operands(a, b);
  if (!is_floating(operands.second.dtype()) && !operands.second.is_symbolic())
    for (std::int64_t v : operands.second.to_vector<std::int64_t>())
      if (v < 0) throw ValueError("pow: an integer to a negative power is no integer. Cast to float32 first.");
  return binary<PowDef>(operands);
}
Tensor maximum(const Tensor& a, const Tensor& b) { return binary<MaximumDef>(detail::promote_operands(a, b)); }
Tensor minimum(const Tensor& a, const Tensor& b) { return binary<MinimumDef>(detail::promote_operands(a, b)); }
Tensor squared_difference(const Tensor& a, const Tensor& b) {
  return binary<SquaredDifferenceDef>(detail::promote_operands(a, b));
}
Tensor atan2(const Tensor& y, const Tensor& x) { return binary<Atan2Def>(detail::promote_floating(y, x)); }
Tensor logaddexp(const Tensor& a, const Tensor& b) { return binary<LogaddexpDef>(detail::promote_floating(a, b)); }

void register_binary(Registry& r) {
  r.add<BinaryOp<AddDef>>();
  r.add<BinaryOp<SubtractDef>>();
  r.add<BinaryOp<MultiplyDef>>();
  r.add<BinaryOp<DivideDef>>();
  r.add<BinaryOp<DivideNoNanDef>>();
  r.add<BinaryOp<FloorDivideDef>>();
  r.add<BinaryOp<ModDef>>();
  r.add<BinaryOp<PowDef>>();
  r.add<BinaryOp<MaximumDef>>();
  r.add<BinaryOp<MinimumDef>>();
  r.add<BinaryOp<SquaredDifferenceDef>>();
  r.add<BinaryOp<Atan2Def>>();
  r.add<BinaryOp<LogaddexpDef>>();
}

}  // namespace strata
