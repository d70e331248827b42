// Element-wise functions of one operand: each a row of name, function and gradient.
#include "ops/math_unary.h"

#include <limits>
#include <type_traits>

#include "ops/broadcast.h"
#include "strata/array.h"
#include "strata/math.h"

namespace strata {

namespace {

template <class T>
T logistic(T x) {
  const T e = std::exp(-std::abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}
// Integers wrap around.
template <class T>
T opposite(T x) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(-static_cast<std::make_unsigned_t<T>>(x));
  else
    return -x;
}
template <class T>
T magnitude(T x) {
  if constexpr (std::is_unsigned_v<T>)
    return x;
  else if constexpr (std::is_integral_v<T>)
    return x < 0 ? opposite(x) : x;
  else
    return std::abs(x);
}
template <class T>
T signum(T x) {
  if constexpr (std::is_floating_point_v<T>)
    if (std::isnan(x)) return x;
  return static_cast<T>((x > T(0)) - (x < T(0)));
}
template <class T, class F>
T rounded(T x, F f) {
  if constexpr (std::is_floating_point_v<T>)
    return f(x);
  else
    return x;
}
struct SqrtDef {
  static constexpr const char* name = "sqrt";
  static constexpr kernels::FloatFunction simd = kernels::sqrt_float;
  static constexpr int cost = 4;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(std::sqrt(x));
  }
  static Tensor grad(const Tensor&, const Tensor& y, const Tensor& dy) { return dy * 0.5 / y; }
};
struct RsqrtDef {
  static constexpr const char* name = "rsqrt";
  static constexpr kernels::FloatFunction simd = kernels::rsqrt_float;
  static constexpr int cost = 4;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(1 / std::sqrt(x));
  }
  static Tensor grad(const Tensor& x, const Tensor& y, const Tensor& dy) { return dy * -0.5 * y / x; }
};
struct ReciprocalDef {
  static constexpr const char* name = "reciprocal";
  static constexpr int cost = 2;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(1 / x);
  }
  static Tensor grad(const Tensor&, const Tensor& y, const Tensor& dy) { return negative(dy * square(y)); }
};
struct ExpDef {
  static constexpr const char* name = "exp";
  static constexpr kernels::FloatFunction simd = kernels::exp_float;
  static constexpr int cost = 12;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(std::exp(x));
  }
  static Tensor grad(const Tensor&, const Tensor& y, const Tensor& dy) { return dy * y; }
};
struct Expm1Def {
  static constexpr const char* name = "expm1";
  static constexpr kernels::FloatFunction simd = kernels::expm1_float;
  static constexpr int cost = 16;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(std::expm1(x));
  }
  static Tensor grad(const Tensor&, const Tensor& y, const Tensor& dy) { return dy * (y + 1); }
};
struct LogDef {
  static constexpr const char* name = "log";
  static constexpr kernels::FloatFunction simd = kernels::log_float;
  static constexpr int cost = 12;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(std::log(x));
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor& dy) { return dy / x; }
};
struct Log1pDef {
  static constexpr const char* name = "log1p";
  static constexpr kernels::FloatFunction simd = kernels::log1p_float;
  static constexpr int cost = 16;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(std::log1p(x));
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor& dy) { return dy / (x + 1); }
};
struct Log2Def {
  static constexpr const char* name = "log2";
  static constexpr kernels::FloatFunction simd = kernels::log2_float;
  static constexpr int cost = 12;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(std::log2(x));
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor& dy) { return dy / (x * 0.6931471805599453); }
};
struct Log10Def {
  static constexpr const char* name = "log10";
  static constexpr kernels::FloatFunction simd = kernels::log10_float;
  static constexpr int cost = 12;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(std::log10(x));
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor& dy) { return dy / (x * 2.302585092994046); }
};
struct SinDef {
  static constexpr const char* name = "sin";
  static constexpr kernels::FloatFunction simd = kernels::sin_float;
  static constexpr int cost = 16;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(std::sin(x));
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor& dy) { return dy * cos(x); }
};
struct CosDef {
  static constexpr const char* name = "cos";
  static constexpr kernels::FloatFunction simd = kernels::cos_float;
  static constexpr int cost = 16;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(std::cos(x));
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor& dy) { return negative(dy * sin(x)); }
};
struct TanDef {
  static constexpr const char* name = "tan";
  static constexpr int cost = 24;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(std::tan(x));
  }
  static Tensor grad(const Tensor&, const Tensor& y, const Tensor& dy) { return dy * (square(y) + 1); }
};
struct AsinDef {
  static constexpr const char* name = "asin";
  static constexpr int cost = 24;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(std::asin(x));
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor& dy) { return dy * rsqrt(1 - square(x)); }
};
struct AcosDef {
  static constexpr const char* name = "acos";
  static constexpr int cost = 24;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(std::acos(x));
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor& dy) { return negative(dy * rsqrt(1 - square(x))); }
};
struct AtanDef {
  static constexpr const char* name = "atan";
  static constexpr int cost = 24;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(std::atan(x));
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor& dy) { return dy / (square(x) + 1); }
};
struct SinhDef {
  static constexpr const char* name = "sinh";
  static constexpr kernels::FloatFunction simd = kernels::sinh_float;
  static constexpr int cost = 24;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(std::sinh(x));
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor& dy) { return dy * cosh(x); }
};
struct CoshDef {
  static constexpr const char* name = "cosh";
  static constexpr int cost = 24;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(std::cosh(x));
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor& dy) { return dy * sinh(x); }
};
struct TanhDef {
  static constexpr const char* name = "tanh";
  static constexpr kernels::FloatFunction simd = kernels::tanh_float;
  static constexpr int cost = 24;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(std::tanh(x));
  }
  static Tensor grad(const Tensor&, const Tensor& y, const Tensor& dy) { return dy * (1 - square(y)); }
};
struct AsinhDef {
  static constexpr const char* name = "asinh";
  static constexpr int cost = 24;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(std::asinh(x));
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor& dy) { return dy * rsqrt(square(x) + 1); }
};
struct AcoshDef {
  static constexpr const char* name = "acosh";
  static constexpr int cost = 24;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(std::acosh(x));
  }
  static Tensor grad(const Tensor&, const Tensor& y, const Tensor& dy) { return dy / sinh(y); }
};
struct AtanhDef {
  static constexpr const char* name = "atanh";
  static constexpr int cost = 24;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(std::atanh(x));
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor& dy) { return dy / (1 - square(x)); }
};
struct SigmoidDef {
  static constexpr const char* name = "sigmoid";
  static constexpr kernels::FloatFunction simd = kernels::sigmoid_float;
  static constexpr int cost = 16;
  static constexpr bool floating_only = true, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(logistic(x));
  }
  static Tensor grad(const Tensor&, const Tensor& y, const Tensor& dy) { return dy * y * (1 - y); }
};
struct NegativeDef {
  static constexpr const char* name = "negative";
  static constexpr int cost = 1;
  static constexpr bool floating_only = false, differentiable = true;
  template <class T>
  static T f(T x) {
    return opposite(x);
  }
  static Tensor grad(const Tensor&, const Tensor&, const Tensor& dy) { return negative(dy); }
};
struct AbsDef {
  static constexpr const char* name = "abs";
  static constexpr int cost = 1;
  static constexpr bool floating_only = false, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(magnitude(x));
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor& dy) { return dy * sign(x); }
};
struct SignDef {
  static constexpr const char* name = "sign";
  static constexpr int cost = 1;
  static constexpr bool floating_only = false, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(signum(x));
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor&) { return zeros_like(x); }
};
struct SquareDef {
  static constexpr const char* name = "square";
  static constexpr int cost = 1;
  static constexpr bool floating_only = false, differentiable = true;
  template <class T>
  static T f(T x) {
    if constexpr (std::is_integral_v<T>) {
      const auto u = static_cast<std::make_unsigned_t<T>>(x);
      return static_cast<T>(u * u);
    } else {
      return x * x;
    }
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor& dy) { return dy * 2 * x; }
};
struct FloorDef {
  static constexpr const char* name = "floor";
  static constexpr kernels::FloatFunction simd = kernels::floor_float;
  static constexpr int cost = 2;
  static constexpr bool floating_only = false, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(rounded(x, [](auto v) { return std::floor(v); }));
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor&) { return zeros_like(x); }
};
struct CeilDef {
  static constexpr const char* name = "ceil";
  static constexpr kernels::FloatFunction simd = kernels::ceil_float;
  static constexpr int cost = 2;
  static constexpr bool floating_only = false, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(rounded(x, [](auto v) { return std::ceil(v); }));
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor&) { return zeros_like(x); }
};
struct RoundDef {
  static constexpr const char* name = "round";
  static constexpr kernels::FloatFunction simd = kernels::round_float;
  static constexpr int cost = 2;
  static constexpr bool floating_only = false, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(rounded(x, [](auto v) { return std::nearbyint(v); }));
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor&) { return zeros_like(x); }
};
struct TruncDef {
  static constexpr const char* name = "trunc";
  static constexpr kernels::FloatFunction simd = kernels::trunc_float;
  static constexpr int cost = 2;
  static constexpr bool floating_only = false, differentiable = true;
  template <class T>
  static T f(T x) {
    return static_cast<T>(rounded(x, [](auto v) { return std::trunc(v); }));
  }
  static Tensor grad(const Tensor& x, const Tensor&, const Tensor&) { return zeros_like(x); }
};

}  // namespace

Tensor sqrt(const Tensor& x) { return unary<SqrtDef>(detail::as_floating(x)); }
Tensor rsqrt(const Tensor& x) { return unary<RsqrtDef>(detail::as_floating(x)); }
Tensor reciprocal(const Tensor& x) { return unary<ReciprocalDef>(detail::as_floating(x)); }
Tensor exp(const Tensor& x) { return unary<ExpDef>(detail::as_floating(x)); }
Tensor expm1(const Tensor& x) { return unary<Expm1Def>(detail::as_floating(x)); }
Tensor log(const Tensor& x) { return unary<LogDef>(detail::as_floating(x)); }
Tensor log1p(const Tensor& x) { return unary<Log1pDef>(detail::as_floating(x)); }
Tensor log2(const Tensor& x) { return unary<Log2Def>(detail::as_floating(x)); }
Tensor log10(const Tensor& x) { return unary<Log10Def>(detail::as_floating(x)); }
Tensor sin(const Tensor& x) { return unary<SinDef>(detail::as_floating(x)); }
Tensor cos(const Tensor& x) { return unary<CosDef>(detail::as_floating(x)); }
Tensor tan(const Tensor& x) { return unary<TanDef>(detail::as_floating(x)); }
Tensor asin(const Tensor& x) { return unary<AsinDef>(detail::as_floating(x)); }
Tensor acos(const Tensor& x) { return unary<AcosDef>(detail::as_floating(x)); }
Tensor atan(const Tensor& x) { return unary<AtanDef>(detail::as_floating(x)); }
Tensor sinh(const Tensor& x) { return unary<SinhDef>(detail::as_floating(x)); }
Tensor cosh(const Tensor& x) { return unary<CoshDef>(detail::as_floating(x)); }
Tensor tanh(const Tensor& x) { return unary<TanhDef>(detail::as_floating(x)); }
Tensor asinh(const Tensor& x) { return unary<AsinhDef>(detail::as_floating(x)); }
Tensor acosh(const Tensor& x) { return unary<AcoshDef>(detail::as_floating(x)); }
Tensor atanh(const Tensor& x) { return unary<AtanhDef>(detail::as_floating(x)); }
Tensor sigmoid(const Tensor& x) { return unary<SigmoidDef>(detail::as_floating(x)); }
Tensor negative(const Tensor& x) { return unary<NegativeDef>(x); }
Tensor abs(const Tensor& x) { return unary<AbsDef>(x); }
Tensor sign(const Tensor& x) { return unary<SignDef>(x); }
Tensor square(const Tensor& x) { return unary<SquareDef>(x); }
Tensor floor(const Tensor& x) { return unary<FloorDef>(x); }
Tensor ceil(const Tensor& x) { return unary<CeilDef>(x); }
Tensor round(const Tensor& x) { return unary<RoundDef>(x); }
Tensor trunc(const Tensor& x) { return unary<TruncDef>(x); }

void register_unary(Registry& r) {
  r.add<UnaryOp<SqrtDef>>();
  r.add<UnaryOp<RsqrtDef>>();
  r.add<UnaryOp<ReciprocalDef>>();
  r.add<UnaryOp<ExpDef>>();
  r.add<UnaryOp<Expm1Def>>();
  r.add<UnaryOp<LogDef>>();
  r.add<UnaryOp<Log1pDef>>();
  r.add<UnaryOp<Log2Def>>();
  r.add<UnaryOp<Log10Def>>();
  r.add<UnaryOp<SinDef>>();
  r.add<UnaryOp<CosDef>>();
  r.add<UnaryOp<TanDef>>();
  r.add<UnaryOp<AsinDef>>();
  r.add<UnaryOp<AcosDef>>();
  r.add<UnaryOp<AtanDef>>();
  r.add<UnaryOp<SinhDef>>();
  r.add<UnaryOp<CoshDef>>();
  r.add<UnaryOp<TanhDef>>();
  r.add<UnaryOp<AsinhDef>>();
  r.add<UnaryOp<AcoshDef>>();
  r.add<UnaryOp<AtanhDef>>();
  r.add<UnaryOp<SigmoidDef>>();
  r.add<UnaryOp<NegativeDef>>();
  r.add<UnaryOp<AbsDef>>();
  r.add<UnaryOp<SignDef>>();
  r.add<UnaryOp<SquareDef>>();
  r.add<UnaryOp<FloorDef>>();
  r.add<UnaryOp<CeilDef>>();
  r.add<UnaryOp<RoundDef>>();
  r.add<UnaryOp<TruncDef>>();
}

}  // namespace strata
