// What the files share that speak to AMX and AVX-512 by intrinsics. Only where STRATA_HAS_AMX is defined.
#pragma once

#if defined(__x86_64__) && defined(__linux__)
#define STRATA_HAS_AMX

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#define STRATA_AMX __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))
#define STRATA_AMX_INLINE STRATA_AMX inline __attribute__((always_inline))

namespace strata::kernels::amx {

// Intrinsics without a mask warn of undefined values in gcc 12.
inline constexpr __mmask16 kAll = 0xffff;

// The first `count` of 16 lanes.
STRATA_AMX_INLINE __mmask16 lanes(std::int64_t count) {
  return static_cast<__mmask16>(count >= 16 ? kAll : count <= 0 ? 0 : (1u << count) - 1);
}

// Writes 16 rows of 16 pairs of 16 bits as 16 columns; pairs stay together. Changes the rows.
STRATA_AMX_INLINE void store_transposed(__m512i (&r)[16], std::byte* to, std::int64_t to_step) {
  // They change places in fours of lanes and then among these.
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_maskz_unpacklo_epi32(kAll, r[i], r[i + 1]);
    t[i + 1] = _mm512_maskz_unpackhi_epi32(kAll, r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4)
    for (int j = 0; j < 2; ++j) {
      r[i + 2 * j] = _mm512_maskz_unpacklo_epi64(0xff, t[i + j], t[i + j + 2]);
      r[i + 2 * j + 1] = _mm512_maskz_unpackhi_epi64(0xff, t[i + j], t[i + j + 2]);
    }
  // r[4 q + c]: columns c, c + 4, c + 8, c + 12 of the pairs 4 q to 4 q + 3.
  for (int c = 0; c < 4; ++c)
    for (int h = 0; h < 2; ++h) {
      t[4 * c + 2 * h] = _mm512_maskz_shuffle_i32x4(kAll, r[8 * h + c], r[8 * h + 4 + c], 0x88);
      t[4 * c + 2 * h + 1] = _mm512_maskz_shuffle_i32x4(kAll, r[8 * h + c], r[8 * h + 4 + c], 0xDD);
    }
  for (int c = 0; c < 4; ++c)
    for (int odd = 0; odd < 2; ++odd) {
      const __m512i low = t[4 * c + odd], high = t[4 * c + 2 + odd];
      _mm512_storeu_si512(to + (c + 4 * odd) * to_step, _mm512_maskz_shuffle_i32x4(kAll, low, high, 0x88));
      _mm512_storeu_si512(to + (c + 4 * odd + 8) * to_step, _mm512_maskz_shuffle_i32x4(kAll, low, high, 0xDD));
    }
}

}  // namespace strata::kernels::amx

#endif
