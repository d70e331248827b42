// Highway compiles this file once for each set of instructions and picks one of them at the first call.
#include "kernels/panel_product.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/panel_product.cpp"
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// Must come after highway.h.
#include "kernels/simd_load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace strata::kernels {
namespace HWY_NAMESPACE {

// MR rows and NR vectors. `kTransposed`: neighbours in A are rows, else depths.
template <int MR, int NR, bool kTransposed>
HWY_INLINE void MultiplyTile(const PanelProduct& p, std::int64_t row) {
  const D d;
  const std::int64_t a_row = kTransposed ? 1 : p.a_row, a_step = kTransposed ? p.a_step : 1, b_row = p.b_row,
                     depth = p.depth;
  const float *HWY_RESTRICT a = p.a + row * a_row, *HWY_RESTRICT b = p.b;
  V sum[MR][NR];
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < NR; ++j) sum[i][j] = hn::Zero(d);
  for (std::int64_t k = 0; k < depth; ++k) {
    V line[NR];
#pragma GCC unroll 4
    for (int j = 0; j < NR; ++j) line[j] = Load(b + k * b_row + j * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) {
      const V x = hn::Set(d, a[i * a_row + k * a_step]);
#pragma GCC unroll 4
      for (int j = 0; j < NR; ++j) sum[i][j] = hn::MulAdd(x, line[j], sum[i][j]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < NR; ++j) {
      float* to = p.c + (row + i) * p.c_row + j * kLanes;
      Store(p.add ? hn::Add(Load(to), sum[i][j]) : sum[i][j], to);
    }
}

// All rows, in tiles that fill the registers.
template <int NR, bool kTransposed>
void MultiplyRows(const PanelProduct& p) {
  constexpr int kTile = kManyRegisters ? (NR == 3 ? 8 : NR == 2 ? 12 : 16) : (NR == 3 ? 4 : 6);
  std::int64_t i = 0;
  for (; i + kTile <= p.rows; i += kTile) MultiplyTile<kTile, NR, kTransposed>(p, i);
  for (; i + 4 <= p.rows; i += 4) MultiplyTile<4, NR, kTransposed>(p, i);
  for (; i < p.rows; ++i) MultiplyTile<1, NR, kTransposed>(p, i);
}

void MultiplyPanel(const PanelProduct& p) {
  if (p.a_step == 1)
    p.vectors == 3 ? MultiplyRows<3, false>(p) : p.vectors == 2 ? MultiplyRows<2, false>(p) : MultiplyRows<1, false>(p);
  else
    p.vectors == 3 ? MultiplyRows<3, true>(p) : p.vectors == 2 ? MultiplyRows<2, true>(p) : MultiplyRows<1, true>(p);
}

}  // namespace HWY_NAMESPACE
}  // namespace strata::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace strata::kernels {

HWY_EXPORT(MultiplyPanel);

void multiply_panel(const PanelProduct& p) { HWY_DYNAMIC_DISPATCH(MultiplyPanel)(p); }

}  // namespace strata::kernels
#endif
