#include "kernels/crc32.h"

#include <zlib.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace strata {

namespace {

#if defined(__x86_64__)

// x^n modulo the polynomial, bits reflected, for the distances by which 128 bits are folded.
constexpr long long kBy512Low = 0x154442bd4, kBy512High = 0x1c6e41596;  // x^(512 + 32), x^(512 - 32)
constexpr long long kBy128Low = 0x1751997d0, kBy128High = 0x0ccaa009e;  // x^(128 + 32), x^(128 - 32)
constexpr std::size_t kBlock = 64;

[[gnu::target("sse4.1,pclmul")]] inline __m128i load(const unsigned char* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}

// `x` moved on by the distance of `by`, with `next` added.
[[gnu::target("sse4.1,pclmul")]] inline __m128i fold(__m128i x, __m128i by, __m128i next) {
  const __m128i low = _mm_clmulepi64_si128(x, by, 0x00), high = _mm_clmulepi64_si128(x, by, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

// The 16 bytes that have the same checksum as `count` bytes, a multiple of 64, behind `crc` (inverted).
[[gnu::target("sse4.1,pclmul")]] void reduce(std::uint32_t crc, const unsigned char* p, std::size_t count,
                                             unsigned char* out) {
  __m128i x0 = _mm_xor_si128(load(p), _mm_cvtsi32_si128(static_cast<int>(crc)));
  __m128i x1 = load(p + 16), x2 = load(p + 32), x3 = load(p + 48);
  const __m128i by512 = _mm_set_epi64x(kBy512High, kBy512Low), by128 = _mm_set_epi64x(kBy128High, kBy128Low);
  for (p += kBlock, count -= kBlock; count > 0; p += kBlock, count -= kBlock) {
    x0 = fold(x0, by512, load(p));
    x1 = fold(x1, by512, load(p + 16));
    x2 = fold(x2, by512, load(p + 32));
    x3 = fold(x3, by512, load(p + 48));
  }
  x1 = fold(x0, by128, x1);
  x2 = fold(x1, by128, x2);
  x3 = fold(x2, by128, x3);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), x3);
}

#endif

std::uint32_t by_zlib(std::uint32_t crc, const void* bytes, std::size_t count) {
  return static_cast<std::uint32_t>(crc32_z(crc, static_cast<const Bytef*>(bytes), count));
}

}  // namespace

std::uint32_t crc32(std::uint32_t crc, const void* bytes, std::size_t count) {
#if defined(__x86_64__)
  static const bool has_products = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
  if (has_products && count >= 2 * kBlock) {
    const auto* p = static_cast<const unsigned char*>(bytes);
    const std::size_t folded = count / kBlock * kBlock;
    unsigned char rest[16];
    reduce(~crc, p, folded, rest);
    // The state before `rest` is zero: the inverted checksum of nothing with all bits set.
    crc = by_zlib(by_zlib(0xffffffffu, rest, sizeof rest), p + folded, count - folded);
    return crc;
  }
#endif
  return by_zlib(crc, bytes, count);
}

}  // namespace strata
