#include "kernels/amx.h"

#include "kernels/amx_inl.h"

#if defined(STRATA_HAS_AMX)

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace strata::kernels::amx {
namespace {

// All eight tiles are whole. Not a local variable: compilers do not see that the instruction reads all of it.
struct alignas(64) Configuration {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t bytes_per_row[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {kRows, kRows, kRows, kRows, kRows, kRows, kRows, kRows};
};
const Configuration kConfiguration;

bool ask() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  constexpr unsigned kTile = 1u << 24, kBfloat16 = 1u << 22;
  if ((d & kTile) == 0 || (d & kBfloat16) == 0 || __builtin_cpu_supports("avx512bf16") == 0) return false;
  // Linux gives tile registers to those who ask (Documentation/arch/x86/xstate.rst).
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

STRATA_AMX void configure() { _tile_loadconfig(&kConfiguration); }

STRATA_AMX void release() { _tile_release(); }

// Numbers of tiles are part of the instructions, so that each shape is a function of its own: tiles 0 to 3 hold sums.
constexpr auto kSumsStep = static_cast<std::size_t>(kColumns * sizeof(float));

template <int M, int N>
STRATA_AMX_INLINE void begin_sums(const Product& p) {
  // Of what sums begin with, each row is the same.
  const bool adds = p.added != nullptr;
  const std::size_t step = adds ? kSumsStep : 0;
  const float* from = adds ? p.added : p.start;
  const auto of = [&](int tile) { return from + (adds ? tile * kTileFloats : tile % N * kColumns); };
  if (from == nullptr) {
    _tile_zero(0);
    if constexpr (M * N > 1) _tile_zero(1);
    if constexpr (M * N > 2) _tile_zero(2);
    if constexpr (M * N > 3) _tile_zero(3);
    return;
  }
  _tile_loadd(0, of(0), step);
  if constexpr (M * N > 1) _tile_loadd(1, of(1), step);
  if constexpr (M * N > 2) _tile_loadd(2, of(2), step);
  if constexpr (M * N > 3) _tile_loadd(3, of(3), step);
}

template <int Tiles>
STRATA_AMX_INLINE void end_sums(float* to) {
  _tile_stored(0, to, kSumsStep);
  if constexpr (Tiles > 1) _tile_stored(1, to + kTileFloats, kSumsStep);
  if constexpr (Tiles > 2) _tile_stored(2, to + 2 * kTileFloats, kSumsStep);
  if constexpr (Tiles > 3) _tile_stored(3, to + 3 * kTileFloats, kSumsStep);
}

// The products of a block of terms. Panels stream past the first-level cache, where rows stay for the next panels.
template <int M>
STRATA_AMX_INLINE void add_rows(const Product& p, std::int64_t at, const std::byte* b, std::size_t a_step) {
  _tile_stream_loadd(4, b, 64);
  _tile_loadd(5, p.a[0] + at, a_step);
  _tile_dpbf16ps(0, 5, 4);
  if constexpr (M > 1) {
    _tile_loadd(6, p.a[1] + at, a_step);
    _tile_dpbf16ps(1, 6, 4);
  }
  if constexpr (M > 2) {
    _tile_loadd(7, p.a[2] + at, a_step);
    _tile_dpbf16ps(2, 7, 4);
  }
  if constexpr (M > 3) {
    _tile_loadd(5, p.a[3] + at, a_step);
    _tile_dpbf16ps(3, 5, 4);
  }
}

template <int N>
STRATA_AMX_INLINE void add_columns(const Product& p, std::int64_t at, const std::byte* b, std::size_t a_step) {
  _tile_loadd(4, p.a[0] + at, a_step);
  _tile_stream_loadd(5, b, 64);
  _tile_dpbf16ps(0, 4, 5);
  _tile_stream_loadd(6, b + p.panel_step, 64);
  _tile_dpbf16ps(1, 4, 6);
  if constexpr (N > 2) {
    _tile_stream_loadd(7, b + 2 * p.panel_step, 64);
    _tile_dpbf16ps(2, 4, 7);
  }
  if constexpr (N > 3) {
    _tile_stream_loadd(5, b + 3 * p.panel_step, 64);
    _tile_dpbf16ps(3, 4, 5);
  }
}

STRATA_AMX_INLINE void add_square(const Product& p, std::int64_t at, const std::byte* b, std::size_t a_step) {
  add_columns<2>(p, at, b, a_step);
  _tile_loadd(7, p.a[1] + at, a_step);
  _tile_dpbf16ps(2, 7, 5);
  _tile_dpbf16ps(3, 7, 6);
}

template <int M, int N>
STRATA_AMX void multiply_tiles(const Product& p) {
  static_assert(M * N <= kMaxTiles);
  begin_sums<M, N>(p);
  const std::byte* b = p.panels;
  const auto a_step = static_cast<std::size_t>(p.a_step);
  for (std::int64_t k = 0; k < p.blocks; ++k, b += kTileBytes) {
    if constexpr (N == 1)
      add_rows<M>(p, p.offsets[k], b, a_step);
    else if constexpr (M == 1)
      add_columns<N>(p, p.offsets[k], b, a_step);
    else
      add_square(p, p.offsets[k], b, a_step);
  }
  end_sums<M * N>(p.sums);
}

// Pairs of neighbours in depth, as products want columns.
STRATA_AMX inline __m512i pairs_of(__m256i even, __m256i odd) {
  const __m512i low = _mm512_maskz_cvtepu16_epi32(kAll, even), high = _mm512_maskz_cvtepu16_epi32(kAll, odd);
  return _mm512_or_si512(low, _mm512_maskz_slli_epi32(kAll, high, 16));
}

}  // namespace

bool available() {
  static const bool answer = ask();
  return answer;
}

Session::Session() { configure(); }
Session::~Session() { release(); }

void multiply(const Product& p) {
  using Multiply = void (*)(const Product&);
  static constexpr Multiply kByShape[4][4] = {
      {multiply_tiles<1, 1>, multiply_tiles<1, 2>, multiply_tiles<1, 3>, multiply_tiles<1, 4>},
      {multiply_tiles<2, 1>, multiply_tiles<2, 2>, nullptr, nullptr},
      {multiply_tiles<3, 1>, nullptr, nullptr, nullptr},
      {multiply_tiles<4, 1>, nullptr, nullptr, nullptr}};
  kByShape[p.rows - 1][p.columns - 1](p);
}

namespace {

// A row of one or two tiles as bfloat16. Masked writes that cross lines of the cache cost many times what others do:
// for whole rows there is no mask.
template <bool kWhole>
STRATA_AMX_INLINE void write_row(std::uint16_t* to, __m512 x, __mmask32 mask) {
  const auto row = (__m256i)_mm512_cvtneps_pbh(x);
  if constexpr (kWhole)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), row);
  else
    _mm256_mask_storeu_epi16(to, static_cast<__mmask16>(mask), row);
}
template <bool kWhole>
STRATA_AMX_INLINE void write_row(std::uint16_t* to, __m512 x, __m512 y, __mmask32 mask) {
  const auto row = (__m512i)_mm512_cvtne2ps_pbh(y, x);
  if constexpr (kWhole)
    _mm512_storeu_si512(to, row);
  else
    _mm512_mask_storeu_epi16(to, mask, row);
}

template <bool kRelu, bool kTwo, bool kWhole>
STRATA_AMX void store_rows(const Results& r) {
  const __m512 zero = _mm512_setzero_ps();
  const __mmask32 mask = kTwo ? static_cast<__mmask32>(lanes(r.columns - kColumns)) << 16 | kAll : lanes(r.columns);
  const float *s0 = r.sums[0], *s1 = r.sums[1];
  std::uint16_t* to = r.to;
  const std::int64_t rows = r.rows, to_step = r.to_step;  // else read again after each write
  for (std::int64_t i = 0; i < rows; ++i, to += to_step) {
    __m512 x = _mm512_loadu_ps(s0 + i * kColumns);
    if constexpr (kRelu) x = _mm512_maskz_max_ps(kAll, zero, x);  // x where it is not a number
    if constexpr (!kTwo) {
      write_row<kWhole>(to, x, mask);
    } else {
      __m512 y = _mm512_loadu_ps(s1 + i * kColumns);
      if constexpr (kRelu) y = _mm512_maskz_max_ps(kAll, zero, y);
      write_row<kWhole>(to, x, y, mask);
    }
  }
}

}  // namespace

void store(const Results& r) {
  using Store = void (*)(const Results&);
  static constexpr Store kByForm[2][2][2] = {{{store_rows<false, false, false>, store_rows<false, false, true>},
                                              {store_rows<false, true, false>, store_rows<false, true, true>}},
                                             {{store_rows<true, false, false>, store_rows<true, false, true>},
                                              {store_rows<true, true, false>, store_rows<true, true, true>}}};
  const bool two = r.columns > kColumns;
  kByForm[r.relu][two][r.columns == (two ? 2 : 1) * kColumns](r);
}

namespace {

// Elements as bfloat16, zeros where the masks say so.
STRATA_AMX inline __m256i row_of_16(__mmask16 mask, const float* from) {
  return (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, from));
}
STRATA_AMX inline __m256i row_of_16(__mmask16 mask, const std::uint16_t* from) {
  return _mm256_maskz_loadu_epi16(mask, from);
}
STRATA_AMX inline __m512i row_of_32(std::int64_t count, const float* from) {
  const __mmask16 low = lanes(count), high = count > 16 ? lanes(count - 16) : 0;
  return (__m512i)_mm512_cvtne2ps_pbh(_mm512_maskz_loadu_ps(high, from + 16), _mm512_maskz_loadu_ps(low, from));
}
STRATA_AMX inline __m512i row_of_32(std::int64_t count, const std::uint16_t* from) {
  return _mm512_maskz_loadu_epi16(static_cast<__mmask32>(count >= 32 ? ~0u : (1u << count) - 1), from);
}

template <class T>
STRATA_AMX void pack_rows(const T* from, std::int64_t step, std::int64_t depth, std::int64_t columns, std::byte* tile) {
  const __mmask16 mask = lanes(columns);
  for (std::int64_t k = 0; k < kDepth; k += 2, tile += 64)
    _mm512_storeu_si512(tile, pairs_of(row_of_16(k < depth ? mask : 0, from + k * step),
                                       row_of_16(k + 1 < depth ? mask : 0, from + (k + 1) * step)));
}

template <class T>
STRATA_AMX void pack_columns(const T* from, std::int64_t step, std::int64_t depth, std::int64_t columns,
                             std::byte* tile) {
  for (std::int64_t n = 0; n < kColumns; ++n, from += step) {
    alignas(64) std::uint32_t pairs[16];
    _mm512_store_si512(pairs, row_of_32(n < columns ? depth : 0, from));
    auto* column = reinterpret_cast<std::uint32_t*>(tile) + n;
    for (int k = 0; k < 16; ++k) column[k * 16] = pairs[k];
  }
}

}  // namespace

void pack(const float* from, std::int64_t step, std::int64_t depth, std::int64_t columns, std::byte* tile) {
  pack_rows(from, step, depth, columns, tile);
}
void pack(const std::uint16_t* from, std::int64_t step, std::int64_t depth, std::int64_t columns, std::byte* tile) {
  pack_rows(from, step, depth, columns, tile);
}
void pack_transposed(const float* from, std::int64_t step, std::int64_t depth, std::int64_t columns, std::byte* tile) {
  pack_columns(from, step, depth, columns, tile);
}
void pack_transposed(const std::uint16_t* from, std::int64_t step, std::int64_t depth, std::int64_t columns,
                     std::byte* tile) {
  pack_columns(from, step, depth, columns, tile);
}

// Rows 2k and 2k + 1 of some, element by element.
STRATA_AMX static inline __m512i pair_of_rows(const std::uint16_t* const* rows, std::int64_t k, std::int64_t first,
                                              __mmask16 mask) {
  return pairs_of(row_of_16(mask, rows[2 * k] + first), row_of_16(mask, rows[2 * k + 1] + first));
}

STRATA_AMX void interleave(const std::uint16_t* const* rows, std::int64_t first, std::int64_t columns,
                           std::byte* tile) {
  const __mmask16 mask = lanes(columns);
  for (std::int64_t k = 0; k < 16; ++k) _mm512_storeu_si512(tile + k * 64, pair_of_rows(rows, k, first, mask));
}

STRATA_AMX void transpose(const std::uint16_t* const* rows, std::int64_t first, std::int64_t columns, std::byte* to,
                          std::int64_t to_step) {
  const __mmask16 mask = lanes(columns);
  __m512i r[16];
  for (int k = 0; k < 16; ++k) r[k] = pair_of_rows(rows, k, first, mask);
  store_transposed(r, to, to_step);
}

STRATA_AMX void copy(const std::uint16_t* from, std::int64_t count, std::uint16_t* to) {
  for (; count >= 32; count -= 32, from += 32, to += 32) _mm512_storeu_si512(to, _mm512_loadu_si512(from));
  if (count == 0) return;
  const auto mask = static_cast<__mmask32>((1u << count) - 1);
  _mm512_mask_storeu_epi16(to, mask, _mm512_maskz_loadu_epi16(mask, from));
}

STRATA_AMX void copy_windows(const std::uint16_t* from, Window w, std::int64_t count, std::int64_t from_step,
                             std::uint16_t* to, std::int64_t to_step) {
  const auto mask = static_cast<__mmask32>(w.length >= 32 ? ~0u : (1u << w.length) - 1);
  for (std::int64_t i = 0; i < count; ++i, from += from_step, to += to_step)
    for (std::int64_t r = 0; r < w.rows; ++r)
      _mm512_storeu_si512(to + r * w.length, _mm512_maskz_loadu_epi16(mask, from + r * w.step));
}

}  // namespace strata::kernels::amx

#else

namespace strata::kernels::amx {

bool available() { return false; }
Session::Session() {}
Session::~Session() {}
void multiply(const Product&) {}
void store(const Results&) {}
void pack(const float*, std::int64_t, std::int64_t, std::int64_t, std::byte*) {}
void pack(const std::uint16_t*, std::int64_t, std::int64_t, std::int64_t, std::byte*) {}
void pack_transposed(const float*, std::int64_t, std::int64_t, std::int64_t, std::byte*) {}
void pack_transposed(const std::uint16_t*, std::int64_t, std::int64_t, std::int64_t, std::byte*) {}
void transpose(const std::uint16_t* const*, std::int64_t, std::int64_t, std::byte*, std::int64_t) {}
void interleave(const std::uint16_t* const*, std::int64_t, std::int64_t, std::byte*) {}
void copy(const std::uint16_t*, std::int64_t, std::uint16_t*) {}
void copy_windows(const std::uint16_t*, Window, std::int64_t, std::int64_t, std::uint16_t*, std::int64_t) {}

}  // namespace strata::kernels::amx

#endif
