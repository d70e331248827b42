// Highway compiles this file once for each set of instructions, for which the compiler then vectorizes plain loops.
#include "kernels/recurrent_cells.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/recurrent_cells.cpp"
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace strata::kernels {
namespace HWY_NAMESPACE {

void LstmGradient(const LstmCell& cell, float* HWY_RESTRICT dh, float* HWY_RESTRICT dc, float* HWY_RESTRICT diff) {
  const std::int64_t u = cell.units;
  const float *gates = cell.gates, *before = cell.carry_before, *now = cell.carry_tanh;
  const float *diff_state = cell.diff_state, *diff_carry = cell.diff_carry;
#pragma GCC ivdep
  for (std::int64_t k = 0; k < u; ++k) {
    const float i = gates[k], f = gates[u + k], m = gates[2 * u + k], o = gates[3 * u + k], c = now[k];
    const float state = dh[k] + diff_state[k], carry = dc[k] + diff_carry[k] + state * o * (1 - c * c);
    diff[k] = carry * m * (i * (1 - i));
    diff[u + k] = carry * before[k] * (f * (1 - f));
    diff[2 * u + k] = carry * i * (1 - m * m);
    diff[3 * u + k] = state * c * (o * (1 - o));
    dc[k] = carry * f;
    dh[k] = 0;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace strata::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace strata::kernels {

HWY_EXPORT(LstmGradient);

void lstm_cell_gradient(const LstmCell& cell, float* dh, float* dc, float* diff_gates) {
  HWY_DYNAMIC_DISPATCH(LstmGradient)(cell, dh, dc, diff_gates);
}

}  // namespace strata::kernels
#endif
