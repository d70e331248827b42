#include "kernels/philox.h"

#include <algorithm>

// Highway compiles this file once for each instruction set, and chooses when the program runs.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/philox.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace strata::kernels::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR

void blocks(const RandomStream& stream, std::uint64_t first, std::size_t count, std::uint32_t* words) {
  for (; count > 0; --count, ++first) words = std::ranges::copy(stream.block(first), words).out;
}

#else

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<std::uint32_t>;
using D64 = hn::Repartition<std::uint64_t, D>;
using V = hn::Vec<D>;

// The upper halves of the 64-bit products.
HWY_INLINE V multiply_high(V a, V m) {
  const D d;
  const auto even = hn::MulEven(a, m);
  const auto odd = hn::MulEven(hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(D64(), a))), m);
  return hn::OddEven(hn::BitCast(d, odd), hn::BitCast(d, hn::ShiftRight<32>(even)));
}

// The blocks of as many counters as there are lanes.
HWY_INLINE void lanes(const RandomStream& stream, std::uint64_t first, std::uint32_t* words) {
  const D d;
  const auto low = [](std::uint64_t v) { return static_cast<std::uint32_t>(v); };
  const auto high = [](std::uint64_t v) { return static_cast<std::uint32_t>(v >> 32); };
  const V m0 = hn::Set(d, 0xD2511F53u), m1 = hn::Set(d, 0xCD9E8D57u), start = hn::Set(d, low(first));
  V c0 = hn::Add(start, hn::Iota(d, 0)), c1 = hn::Set(d, high(first));
  c1 = hn::Add(c1, hn::IfThenElseZero(hn::Lt(c0, start), hn::Set(d, 1)));
  V c2 = hn::Set(d, low(stream.stream)), c3 = hn::Set(d, high(stream.stream));
  std::uint32_t k0 = low(stream.key), k1 = high(stream.key);
  for (int round = 0; round < 10; ++round) {
    const V h0 = multiply_high(c0, m0), h1 = multiply_high(c2, m1), l0 = hn::Mul(c0, m0), l1 = hn::Mul(c2, m1);
    c0 = hn::Xor(hn::Xor(h1, c1), hn::Set(d, k0));
    c2 = hn::Xor(hn::Xor(h0, c3), hn::Set(d, k1));
    c1 = l1;
    c3 = l0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  hn::StoreInterleaved4(c0, c1, c2, c3, d, words);
}

void blocks(const RandomStream& stream, std::uint64_t first, std::size_t count, std::uint32_t* words) {
  const std::size_t step = hn::Lanes(D());
  for (; count >= step; count -= step, first += step, words += 4 * step) lanes(stream, first, words);
  if (count == 0) return;
  HWY_ALIGN std::uint32_t last[4 * HWY_MAX_BYTES / sizeof(std::uint32_t)];
  lanes(stream, first, last);
  std::copy_n(last, 4 * count, words);
}

#endif

}  // namespace strata::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace strata::kernels {

HWY_EXPORT(blocks);

void philox_blocks(const RandomStream& stream, std::uint64_t first, std::size_t count, std::uint32_t* words) {
  HWY_DYNAMIC_DISPATCH(blocks)(stream, first, count, words);
}

}  // namespace strata::kernels
#endif
