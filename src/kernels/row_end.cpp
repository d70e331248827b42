// Highway compiles this file once for each set of instructions and picks one of them at the first call.
#include "kernels/row_end.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/row_end.cpp"
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// Must come after highway.h.
#include "kernels/simd_load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace strata::kernels {
namespace HWY_NAMESPACE {

void ApplyTo(const RowEnd& end, const float* a, const float* b, float* row, std::int64_t n) {
  for (std::int64_t j = 0; j < n; j += kLanes) {
    V x = LoadUpTo(a + j, n - j);
    if (b != nullptr) x = hn::Add(x, LoadUpTo(b + j, n - j));
    if (end.bias != nullptr) x = hn::Add(x, LoadUpTo(end.bias + j, n - j));
    if (end.relu) x = hn::IfThenZeroElse(hn::Le(x, hn::Zero(D())), x);  // NaN stays
    StoreUpTo(x, row + j, n - j);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace strata::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace strata::kernels {

HWY_EXPORT(ApplyTo);

void RowEnd::apply_to(const float* a, const float* b, float* row, std::int64_t n) const {
  HWY_DYNAMIC_DISPATCH(ApplyTo)(*this, a, b, row, n);
}

}  // namespace strata::kernels
#endif
