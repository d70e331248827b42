// Highway compiles this file once for each set of instructions and picks one of them at the first call.
#include "kernels/simd_math.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/simd_math.cpp"
// Between SSE2 and AVX2 little is won, and each set costs time to compile.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// Must come after highway.h.
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace strata::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Runs f on whole vectors. Where valid() is false for an element, the C library's function computes it: Highway's
// functions have no answer to NaN, infinities and numbers far from 0. dst may be src.
template <class F, class Valid, class Exact>
HWY_INLINE void Loop(const float* src, float* dst, std::int64_t n, F f, Valid valid, Exact exact) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto step = [&](const float* from, float* to) HWY_ATTR {
    const V x = hn::LoadU(d, from);
    const auto ok = valid(d, x);
    hn::StoreU(f(d, x), d, to);
    if (HWY_LIKELY(hn::AllTrue(d, ok))) return;
    HWY_ALIGN float good[hn::MaxLanes(d)], given[hn::MaxLanes(d)];
    hn::Store(hn::IfThenElseZero(ok, hn::Set(d, 1.0f)), d, good);
    hn::Store(x, d, given);
    for (std::int64_t i = 0; i < lanes; ++i)
      if (good[i] == 0) to[i] = exact(given[i]);
  };
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) step(src + i, dst + i);
  if (i == n) return;
  HWY_ALIGN float rest[hn::MaxLanes(d)] = {}, out[hn::MaxLanes(d)];
  std::copy(src + i, src + n, rest);
  step(rest, out);
  std::copy(out, out + (n - i), dst + i);
}

// For functions that are right everywhere.
template <class F>
HWY_INLINE void SimpleLoop(const float* src, float* dst, std::int64_t n, F f) {
  Loop(
      src, dst, n, f, [](D d, V) HWY_ATTR { return hn::Eq(hn::Zero(d), hn::Zero(d)); }, [](float x) { return x; });
}

HWY_INLINE auto NotNan(D, V x) { return hn::Eq(x, x); }
// Exp is 0 far below, and overflows (or is not a number) above.
HWY_INLINE auto ForExp(D d, V x) { return hn::Le(x, hn::Set(d, 88.0f)); }
HWY_INLINE auto Normal(D d, V x) {
  return hn::And(hn::Ge(x, hn::Set(d, 1.17549435e-38f)), hn::Le(x, hn::Set(d, 3.4e38f)));
}
HWY_INLINE auto Near(D d, V x, float limit) { return hn::Le(hn::Abs(x), hn::Set(d, limit)); }
// exp(-|x|), between 0 and 1.
HWY_INLINE V Decay(D d, V x) { return hn::Exp(d, hn::Neg(hn::Abs(x))); }

// c[0] + c[1] x + c[2] x^2 + ...
template <std::size_t N>
HWY_INLINE V Polynomial(D d, V x, const float (&c)[N]) {
  V sum = hn::Set(d, c[N - 1]);
  for (std::size_t i = N - 1; i-- > 0;) sum = hn::MulAdd(sum, x, hn::Set(d, c[i]));
  return sum;
}

// erfc(x) of 0 <= x as exp(-x^2) / (1 + 2 x) times a polynomial in (x - 2.5) / (x + 2.5), the way of Shepherd and
// Laframboise (Mathematics of Computation 36, 1981); our own least squares, within 6e-9. 0 from 11 on.
HWY_INLINE V ErfcOfPositive(D d, V given) {
  constexpr float kTerms[] = {1.26483818f,     -0.12235669f,   -0.0990240647f,  0.157627764f,
                              -0.102975392f,   0.0327765087f,  0.000987135671f, -0.00441250092f,
                              0.000335039729f, 0.00059967742f, 7.38559507e-05f};
  const V one = hn::Set(d, 1.0f), middle = hn::Set(d, 2.5f), x = hn::Min(given, hn::Set(d, 11.0f));
  const V sum = Polynomial(d, hn::Div(hn::Sub(x, middle), hn::Add(x, middle)), kTerms);
  const V square = hn::Mul(x, x), lost = hn::NegMulAdd(x, x, square);  // minus what rounding took from the square
  const V decay = hn::MulAdd(hn::Exp(d, hn::Neg(square)), lost, hn::Exp(d, hn::Neg(square)));
  return hn::Div(hn::Mul(decay, sum), hn::MulAdd(hn::Set(d, 2.0f), x, one));
}

// erf(x) of |x| <= 1, a polynomial within 4e-9.
HWY_INLINE V ErfNearZero(D d, V x) {
  constexpr float kTerms[] = {1.12837917f,    -0.376126288f,    0.112836124f,   -0.0268548085f,
                              0.00519005358f, -0.000802435413f, 7.89821021e-05f};
  return hn::Mul(x, Polynomial(d, hn::Mul(x, x), kTerms));
}

void Exp(const float* src, float* dst, std::int64_t n) {
  Loop(
      src, dst, n, [](D d, V x) HWY_ATTR { return hn::Exp(d, x); }, [](D d, V x) HWY_ATTR { return ForExp(d, x); },
      [](float x) { return std::exp(x); });
}
void Expm1(const float* src, float* dst, std::int64_t n) {
  Loop(
      src, dst, n, [](D d, V x) HWY_ATTR { return hn::Expm1(d, x); }, [](D d, V x) HWY_ATTR { return ForExp(d, x); },
      [](float x) { return std::expm1(x); });
}
void Log(const float* src, float* dst, std::int64_t n) {
  Loop(
      src, dst, n, [](D d, V x) HWY_ATTR { return hn::Log(d, x); }, [](D d, V x) HWY_ATTR { return Normal(d, x); },
      [](float x) { return std::log(x); });
}
void LogOnePlus(const float* src, float* dst, std::int64_t n) {
  Loop(
      src, dst, n, [](D d, V x) HWY_ATTR { return hn::Log1p(d, x); },
      [](D d, V x) HWY_ATTR { return hn::And(hn::Ge(x, hn::Set(d, -0.999f)), hn::Le(x, hn::Set(d, 1e38f))); },
      [](float x) { return std::log1p(x); });
}
void Log2(const float* src, float* dst, std::int64_t n) {
  Loop(
      src, dst, n, [](D d, V x) HWY_ATTR { return hn::Log2(d, x); }, [](D d, V x) HWY_ATTR { return Normal(d, x); },
      [](float x) { return std::log2(x); });
}
void Log10(const float* src, float* dst, std::int64_t n) {
  Loop(
      src, dst, n, [](D d, V x) HWY_ATTR { return hn::Log10(d, x); }, [](D d, V x) HWY_ATTR { return Normal(d, x); },
      [](float x) { return std::log10(x); });
}
void Sin(const float* src, float* dst, std::int64_t n) {
  Loop(
      src, dst, n, [](D d, V x) HWY_ATTR { return hn::Sin(d, x); },
      [](D d, V x) HWY_ATTR { return Near(d, x, 30000.0f); }, [](float x) { return std::sin(x); });
}
void Cos(const float* src, float* dst, std::int64_t n) {
  Loop(
      src, dst, n, [](D d, V x) HWY_ATTR { return hn::Cos(d, x); },
      [](D d, V x) HWY_ATTR { return Near(d, x, 30000.0f); }, [](float x) { return std::cos(x); });
}
void Sinh(const float* src, float* dst, std::int64_t n) {
  Loop(
      src, dst, n, [](D d, V x) HWY_ATTR { return hn::Sinh(d, x); },
      [](D d, V x) HWY_ATTR { return Near(d, x, 87.0f); }, [](float x) { return std::sinh(x); });
}
void Tanh(const float* src, float* dst, std::int64_t n) {
  Loop(
      src, dst, n, [](D d, V x) HWY_ATTR { return hn::Tanh(d, x); }, [](D d, V x) HWY_ATTR { return NotNan(d, x); },
      [](float x) { return x; });
}
void Sigmoid(const float* src, float* dst, std::int64_t n) {
  Loop(
      src, dst, n,
      [](D d, V x) HWY_ATTR {
        const V one = hn::Set(d, 1.0f), e = Decay(d, x);
        return hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one), hn::Add(one, e));
      },
      [](D d, V x) HWY_ATTR { return NotNan(d, x); }, [](float x) { return x; });
}
void LogSigmoid(const float* src, float* dst, std::int64_t n) {
  Loop(
      src, dst, n, [](D d, V x) HWY_ATTR { return hn::Sub(hn::Min(x, hn::Zero(d)), hn::Log1p(d, Decay(d, x))); },
      [](D d, V x) HWY_ATTR { return NotNan(d, x); }, [](float x) { return x; });
}
void Softplus(const float* src, float* dst, std::int64_t n) {
  Loop(
      src, dst, n, [](D d, V x) HWY_ATTR { return hn::Add(hn::Max(x, hn::Zero(d)), hn::Log1p(d, Decay(d, x))); },
      [](D d, V x) HWY_ATTR { return NotNan(d, x); }, [](float x) { return x; });
}
void Erf(const float* src, float* dst, std::int64_t n) {
  Loop(
      src, dst, n,
      [](D d, V x) HWY_ATTR {
        const V one = hn::Set(d, 1.0f), size = hn::Abs(x);
        const V far = hn::CopySign(hn::Sub(one, ErfcOfPositive(d, size)), x);
        return hn::IfThenElse(hn::Lt(size, one), ErfNearZero(d, x), far);
      },
      [](D d, V x) HWY_ATTR { return NotNan(d, x); }, [](float x) { return x; });
}
void Erfc(const float* src, float* dst, std::int64_t n) {
  Loop(
      src, dst, n,
      [](D d, V x) HWY_ATTR {
        const V erfc = ErfcOfPositive(d, hn::Abs(x));
        return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Sub(hn::Set(d, 2.0f), erfc), erfc);
      },
      [](D d, V x) HWY_ATTR { return NotNan(d, x); }, [](float x) { return x; });
}
void Sqrt(const float* src, float* dst, std::int64_t n) {
  SimpleLoop(src, dst, n, [](D, V x) HWY_ATTR { return hn::Sqrt(x); });
}
void Rsqrt(const float* src, float* dst, std::int64_t n) {
  SimpleLoop(src, dst, n, [](D d, V x) HWY_ATTR { return hn::Div(hn::Set(d, 1.0f), hn::Sqrt(x)); });
}
void Floor(const float* src, float* dst, std::int64_t n) {
  SimpleLoop(src, dst, n, [](D, V x) HWY_ATTR { return hn::Floor(x); });
}
void Ceil(const float* src, float* dst, std::int64_t n) {
  SimpleLoop(src, dst, n, [](D, V x) HWY_ATTR { return hn::Ceil(x); });
}
void Round(const float* src, float* dst, std::int64_t n) {
  SimpleLoop(src, dst, n, [](D, V x) HWY_ATTR { return hn::Round(x); });
}
void Trunc(const float* src, float* dst, std::int64_t n) {
  SimpleLoop(src, dst, n, [](D, V x) HWY_ATTR { return hn::Trunc(x); });
}
// Not a product with 0: that would make NaN of -infinity. NaN passes through.
void Relu(const float* src, float* dst, std::int64_t n) {
  SimpleLoop(src, dst, n, [](D d, V x) HWY_ATTR { return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x); });
}
void ReluGrad(const float* dy, const float* at, float threshold, float* dx, std::int64_t n) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const V limit = hn::Set(d, threshold);
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(hn::IfThenElseZero(hn::Gt(hn::LoadU(d, at + i), limit), hn::LoadU(d, dy + i)), d, dx + i);
  for (; i < n; ++i) dx[i] = at[i] > threshold ? dy[i] : 0;
}

}  // namespace HWY_NAMESPACE
}  // namespace strata::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace strata::kernels {

HWY_EXPORT(Exp);
HWY_EXPORT(Expm1);
HWY_EXPORT(Log);
HWY_EXPORT(LogOnePlus);
HWY_EXPORT(Log2);
HWY_EXPORT(Log10);
HWY_EXPORT(Sin);
HWY_EXPORT(Cos);
HWY_EXPORT(Sinh);
HWY_EXPORT(Tanh);
HWY_EXPORT(Sigmoid);
HWY_EXPORT(LogSigmoid);
HWY_EXPORT(Softplus);
HWY_EXPORT(Erf);
HWY_EXPORT(Erfc);
HWY_EXPORT(Sqrt);
HWY_EXPORT(Rsqrt);
HWY_EXPORT(Floor);
HWY_EXPORT(Ceil);
HWY_EXPORT(Round);
HWY_EXPORT(Trunc);
HWY_EXPORT(Relu);
HWY_EXPORT(ReluGrad);

void exp_float(const float* src, float* dst, std::int64_t n) { HWY_DYNAMIC_DISPATCH(Exp)(src, dst, n); }
void expm1_float(const float* src, float* dst, std::int64_t n) { HWY_DYNAMIC_DISPATCH(Expm1)(src, dst, n); }
void log_float(const float* src, float* dst, std::int64_t n) { HWY_DYNAMIC_DISPATCH(Log)(src, dst, n); }
void log1p_float(const float* src, float* dst, std::int64_t n) { HWY_DYNAMIC_DISPATCH(LogOnePlus)(src, dst, n); }
void log2_float(const float* src, float* dst, std::int64_t n) { HWY_DYNAMIC_DISPATCH(Log2)(src, dst, n); }
void log10_float(const float* src, float* dst, std::int64_t n) { HWY_DYNAMIC_DISPATCH(Log10)(src, dst, n); }
void sin_float(const float* src, float* dst, std::int64_t n) { HWY_DYNAMIC_DISPATCH(Sin)(src, dst, n); }
void cos_float(const float* src, float* dst, std::int64_t n) { HWY_DYNAMIC_DISPATCH(Cos)(src, dst, n); }
void sinh_float(const float* src, float* dst, std::int64_t n) { HWY_DYNAMIC_DISPATCH(Sinh)(src, dst, n); }
void tanh_float(const float* src, float* dst, std::int64_t n) { HWY_DYNAMIC_DISPATCH(Tanh)(src, dst, n); }
void sigmoid_float(const float* src, float* dst, std::int64_t n) { HWY_DYNAMIC_DISPATCH(Sigmoid)(src, dst, n); }
void log_sigmoid_float(const float* src, float* dst, std::int64_t n) { HWY_DYNAMIC_DISPATCH(LogSigmoid)(src, dst, n); }
void softplus_float(const float* src, float* dst, std::int64_t n) { HWY_DYNAMIC_DISPATCH(Softplus)(src, dst, n); }
void erf_float(const float* src, float* dst, std::int64_t n) { HWY_DYNAMIC_DISPATCH(Erf)(src, dst, n); }
void erfc_float(const float* src, float* dst, std::int64_t n) { HWY_DYNAMIC_DISPATCH(Erfc)(src, dst, n); }
void sqrt_float(const float* src, float* dst, std::int64_t n) { HWY_DYNAMIC_DISPATCH(Sqrt)(src, dst, n); }
void rsqrt_float(const float* src, float* dst, std::int64_t n) { HWY_DYNAMIC_DISPATCH(Rsqrt)(src, dst, n); }
void floor_float(const float* src, float* dst, std::int64_t n) { HWY_DYNAMIC_DISPATCH(Floor)(src, dst, n); }
void ceil_float(const float* src, float* dst, std::int64_t n) { HWY_DYNAMIC_DISPATCH(Ceil)(src, dst, n); }
void round_float(const float* src, float* dst, std::int64_t n) { HWY_DYNAMIC_DISPATCH(Round)(src, dst, n); }
void trunc_float(const float* src, float* dst, std::int64_t n) { HWY_DYNAMIC_DISPATCH(Trunc)(src, dst, n); }
void relu_float(const float* src, float* dst, std::int64_t n) { HWY_DYNAMIC_DISPATCH(Relu)(src, dst, n); }
void relu_grad_float(const float* dy, const float* at, float threshold, float* dx, std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(ReluGrad)(dy, at, threshold, dx, n);
}

}  // namespace strata::kernels
#endif
