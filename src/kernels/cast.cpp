// Highway compiles this file once for each set of instructions, for the casts between float32 and bfloat16.
#include "kernels/cast.h"

#include <limits>
#include <type_traits>

#include "core/dispatch.h"
#include "kernels/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cast.cpp"
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// Must come after highway.h.
#include "kernels/simd_load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace strata::kernels {
namespace HWY_NAMESPACE {

template <class From, class To>
HWY_INLINE void CastRange(const From* src, To* dst, std::int64_t count) {
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) Store(Load(src + i), dst + i);
  if (i < count) StoreSome(LoadSome(src + i, count - i), dst + i, count - i);
}

// From one of the two types to the other.
void CastToOther(DType from, const void* src, void* dst, std::int64_t begin, std::int64_t end) {
  if (from == DType::float32)
    CastRange(static_cast<const float*>(src) + begin, static_cast<BFloat16*>(dst) + begin, end - begin);
  else
    CastRange(static_cast<const BFloat16*>(src) + begin, static_cast<float*>(dst) + begin, end - begin);
}

}  // namespace HWY_NAMESPACE
}  // namespace strata::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace strata::kernels {

HWY_EXPORT(CastToOther);

namespace {

template <class To, class From>
To convert(From v) {
  using Real = Compute<From>;
  const Real x = v;
  if constexpr (std::is_same_v<To, bool>) {
    return x != Real(0);
  } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<Real>) {
    constexpr Real low = static_cast<Real>(std::numeric_limits<To>::min());
    constexpr Real high = static_cast<Real>(std::numeric_limits<To>::max());  // perhaps rounded up, hence >=
    if (x >= high) return std::numeric_limits<To>::max();
    if (x <= low) return std::numeric_limits<To>::min();
    return x == x ? static_cast<To>(x) : To(0);
  } else {
    return static_cast<To>(static_cast<Compute<To>>(x));
  }
}

}  // namespace

void cast(DType from, const void* src, DType to, void* dst, std::int64_t count) {
  const bool narrows = from == DType::float32 && to == DType::bfloat16,
             widens = from == DType::bfloat16 && to == DType::float32;
  if (narrows || widens)
    return parallel_for(count, 1, [=](std::int64_t begin, std::int64_t end) {
      HWY_DYNAMIC_DISPATCH(CastToOther)(from, src, dst, begin, end);
    });
  dispatch_all(from, [&]<class From>() {
    dispatch_all(to, [&]<class To>() {
      const From* s = static_cast<const From*>(src);
      To* d = static_cast<To*>(dst);
      parallel_for(count, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) d[i] = convert<To>(s[i]);
      });
    });
  });
}

}  // namespace strata::kernels
#endif
