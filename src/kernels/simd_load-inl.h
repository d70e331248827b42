// Vectors of float32 from and to float32 or bfloat16 arrays. Included once for each set of instructions by files that
// Highway compiles several times.
#if defined(STRATA_KERNELS_SIMD_LOAD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRATA_KERNELS_SIMD_LOAD_INL_H_
#undef STRATA_KERNELS_SIMD_LOAD_INL_H_
#else
#define STRATA_KERNELS_SIMD_LOAD_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "core/half.h"

HWY_BEFORE_NAMESPACE();
namespace strata::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));
// AVX-512 has 32 vector registers, the others 16 (or more).
constexpr bool kManyRegisters = kLanes == 16;

HWY_INLINE V Load(const float* p) { return hn::LoadU(D(), p); }
HWY_INLINE void Store(V v, float* p) { hn::StoreU(v, D(), p); }

HWY_INLINE V Load(const BFloat16* p) {
  const hn::Rebind<std::uint16_t, D> half;
  const hn::Rebind<std::uint32_t, D> whole;
  const auto bits = hn::PromoteTo(whole, hn::LoadU(half, reinterpret_cast<const std::uint16_t*>(p)));
  return hn::BitCast(D(), hn::ShiftLeft<16>(bits));
}

// Rounds to the nearest, halves to even; numbers that are none stay so.
HWY_INLINE void Store(V v, BFloat16* p) {
  const hn::Rebind<std::uint16_t, D> half;
  const hn::Rebind<std::uint32_t, D> whole;
  const hn::Rebind<std::int32_t, D> whole_signed;
  const auto bits = hn::BitCast(whole, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(whole, 1u));
  const auto rounded = hn::ShiftRight<16>(hn::Add(hn::Add(bits, hn::Set(whole, 0x7FFFu)), odd));
  const auto nan = hn::Or(hn::ShiftRight<16>(bits), hn::Set(whole, 0x40u));
  const auto chosen = hn::IfThenElse(hn::RebindMask(whole, hn::Eq(v, v)), rounded, nan);
  hn::StoreU(hn::DemoteTo(half, hn::BitCast(whole_signed, chosen)), half, reinterpret_cast<std::uint16_t*>(p));
}

// The first n elements, zeros behind; n is below the number of lanes.
template <class T>
HWY_INLINE V LoadSome(const T* p, std::int64_t n) {
  if constexpr (std::is_same_v<T, float> && !HWY_MEM_OPS_MIGHT_FAULT)
    return hn::MaskedLoad(hn::FirstN(D(), static_cast<std::size_t>(n)), D(), p);
  T part[kLanes] = {};
  std::memcpy(part, p, static_cast<std::size_t>(n) * sizeof(T));
  return Load(part);
}
template <class T>
HWY_INLINE void StoreSome(V v, T* p, std::int64_t n) {
  if constexpr (std::is_same_v<T, float> && !HWY_MEM_OPS_MIGHT_FAULT)
    return hn::BlendedStore(v, hn::FirstN(D(), static_cast<std::size_t>(n)), D(), p);
  T part[kLanes];
  Store(v, part);
  std::memcpy(p, part, static_cast<std::size_t>(n) * sizeof(T));
}
// Whole vectors where n allows.
template <class T>
HWY_INLINE V LoadUpTo(const T* p, std::int64_t n) {
  return HWY_LIKELY(n >= kLanes) ? Load(p) : n > 0 ? LoadSome(p, n) : hn::Zero(D());
}
template <class T>
HWY_INLINE void StoreUpTo(V v, T* p, std::int64_t n) {
  if (HWY_LIKELY(n >= kLanes))
    Store(v, p);
  else if (n > 0)
    StoreSome(v, p, n);
}

// The number of vectors in the panel that starts with `left` vectors to go: threes, and no single one where two twos
// do.
HWY_INLINE int PanelWidth(std::int64_t left) { return left == 4 ? 2 : left >= 3 ? 3 : static_cast<int>(left); }

}  // namespace HWY_NAMESPACE
}  // namespace strata::kernels
HWY_AFTER_NAMESPACE();

#endif
