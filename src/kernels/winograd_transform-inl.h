// The linear maps of Winograd's F(4x4, 3x3) with the interpolation points 0, 1, -1, 2, -2 and infinity, on vectors of
// channels. Included once for each set of instructions.
#if defined(STRATA_KERNELS_WINOGRAD_TRANSFORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRATA_KERNELS_WINOGRAD_TRANSFORM_INL_H_
#undef STRATA_KERNELS_WINOGRAD_TRANSFORM_INL_H_
#else
#define STRATA_KERNELS_WINOGRAD_TRANSFORM_INL_H_
#endif

#include "kernels/simd_load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace strata::kernels {
namespace HWY_NAMESPACE {

HWY_INLINE V C(float x) { return hn::Set(D(), x); }

// Six pixels of a line to the six points.
HWY_INLINE void TransformInput(const V* x, V* y) {
  const V a = hn::NegMulAdd(C(4), x[2], x[4]), b = hn::NegMulAdd(C(4), x[1], x[3]);
  const V c = hn::Sub(x[4], x[2]), e = hn::Sub(x[3], x[1]);
  y[0] = hn::MulAdd(C(4), x[0], hn::NegMulAdd(C(5), x[2], x[4]));
  y[1] = hn::Add(a, b);
  y[2] = hn::Sub(a, b);
  y[3] = hn::MulAdd(C(2), e, c);
  y[4] = hn::NegMulAdd(C(2), e, c);
  y[5] = hn::MulAdd(C(4), x[1], hn::NegMulAdd(C(5), x[3], x[5]));
}

// Six points to four results.
HWY_INLINE void TransformOutput(const V* m, V* y) {
  const V s = hn::Add(m[1], m[2]), d = hn::Sub(m[1], m[2]), u = hn::Add(m[3], m[4]), v = hn::Sub(m[3], m[4]);
  y[0] = hn::Add(hn::Add(m[0], s), u);
  y[1] = hn::MulAdd(C(2), v, d);
  y[2] = hn::MulAdd(C(4), u, s);
  y[3] = hn::Add(hn::MulAdd(C(8), v, d), m[5]);
}

// The transpose of TransformOutput: four gradients to the six points.
HWY_INLINE void TransformOutputGradient(const V* y, V* m) {
  const V p = hn::Add(y[0], y[2]), q = hn::Add(y[1], y[3]);
  const V r = hn::MulAdd(C(4), y[2], y[0]), s = hn::MulAdd(C(8), y[3], hn::Add(y[1], y[1]));
  m[0] = y[0];
  m[1] = hn::Add(p, q);
  m[2] = hn::Sub(p, q);
  m[3] = hn::Add(r, s);
  m[4] = hn::Sub(r, s);
  m[5] = y[3];
}

// Three weights to the six points.
HWY_INLINE void TransformWeights(const V* g, V* u) {
  const V s = hn::Add(g[0], g[2]);
  const V a = hn::MulAdd(C(1.f / 24), g[0], hn::Mul(C(1.f / 6), g[2]));
  u[0] = hn::Mul(C(0.25f), g[0]);
  u[1] = hn::Mul(C(-1.f / 6), hn::Add(s, g[1]));
  u[2] = hn::Mul(C(-1.f / 6), hn::Sub(s, g[1]));
  u[3] = hn::MulAdd(C(1.f / 12), g[1], a);
  u[4] = hn::NegMulAdd(C(1.f / 12), g[1], a);
  u[5] = g[2];
}

// The transpose of TransformWeights: six points to three gradients.
HWY_INLINE void TransformWeightsGradient(const V* u, V* g) {
  const V a = hn::Add(u[1], u[2]), b = hn::Sub(u[2], u[1]), c = hn::Add(u[3], u[4]), d = hn::Sub(u[3], u[4]);
  g[0] = hn::MulAdd(C(0.25f), u[0], hn::MulAdd(C(-1.f / 6), a, hn::Mul(C(1.f / 24), c)));
  g[1] = hn::MulAdd(C(1.f / 6), b, hn::Mul(C(1.f / 12), d));
  g[2] = hn::MulAdd(C(1.f / 6), hn::Sub(c, a), u[5]);
}

}  // namespace HWY_NAMESPACE
}  // namespace strata::kernels
HWY_AFTER_NAMESPACE();

#endif
