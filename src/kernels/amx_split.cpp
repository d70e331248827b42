#include "kernels/amx_split.h"

#include <algorithm>

#include "kernels/amx_inl.h"
#include "kernels/round.h"

namespace strata::kernels::amx {

#if defined(STRATA_HAS_AMX)

namespace {

// The parts of 16 numbers (x) and of 16 others (y), side by side in pairs.
struct Pairs {
  __m512i parts[3];
};

STRATA_AMX_INLINE __m512 high_part(__m512 x) {
  return (__m512)_mm512_maskz_and_epi32(kAll, (__m512i)x, _mm512_set1_epi32(static_cast<int>(0xffff0000)));
}

STRATA_AMX_INLINE __m512i pair(__m512 x, __m512 y) {
  constexpr int kAOrBAndC = 0xf8;
  return _mm512_maskz_ternarylogic_epi32(kAll, _mm512_maskz_srli_epi32(kAll, (__m512i)x, 16), (__m512i)y,
                                         _mm512_set1_epi32(static_cast<int>(0xffff0000)), kAOrBAndC);
}

// What is left of an infinity is NaN, as is what is left of a NaN; `check` keeps it.
STRATA_AMX_INLINE Pairs cut(__m512 x, __m512 y, __m512& check) {
  const __m512 x1 = x - high_part(x), y1 = y - high_part(y);
  const __m512 x2 = x1 - high_part(x1), y2 = y1 - high_part(y1);
  check = _mm512_maskz_fmadd_ps(kAll, x2, y2, check);
  return {{pair(x, y), pair(x1, y1), pair(x2, y2)}};
}

STRATA_AMX_INLINE __m512 load(std::int64_t count, const float* from) {
  return _mm512_maskz_loadu_ps(lanes(count), from);
}

enum class Along { terms, lines };
enum class Turned { no, yes };

// Numbers of a tile that there are: of 16 lines, of 32 terms.
struct Whole {
  static constexpr std::int64_t lines = kRows, terms = kDepth;
};
struct Some {
  std::int64_t lines, terms;
};

// The i-th 16 pairs of a tile. The terms k and k + 16 are neighbours in both factors, so that vectors along terms need
// no shuffle.
template <Along kAlong, class Size>
STRATA_AMX_INLINE Pairs cut_pairs(const Strip& s, const float* from, Size size, std::int64_t i, __m512& check) {
  if constexpr (kAlong == Along::terms) {
    const float* line = from + i * s.line_step;
    const bool is = i < size.lines;
    return cut(load(is ? size.terms : 0, line), load(is ? size.terms - 16 : 0, line + 16), check);
  } else {
    const float* term = from + i * s.term_step;
    return cut(load(i < size.terms ? size.lines : 0, term),
               load(i + 16 < size.terms ? size.lines : 0, term + 16 * s.term_step), check);
  }
}

constexpr std::int64_t kPart = 2 * kTileBytes;  // bytes from one part of a strip's lines to the next

STRATA_AMX_INLINE void store(const Pairs& p, std::byte* to) {
  for (int part = 0; part < 3; ++part) _mm512_store_si512(to + part * kPart, p.parts[part]);
}

template <Along kAlong, Turned kTurned, class Size>
STRATA_AMX_INLINE void split_tile(const Strip& s, const float* from, Size size, std::byte* to, __m512& check) {
  __m512i rows[3][16];
  for (std::int64_t i = 0; i < 16; ++i) {
    const Pairs p = cut_pairs<kAlong>(s, from, size, i, check);
    if constexpr (kTurned == Turned::no)
      store(p, to + i * 64);
    else
      for (int part = 0; part < 3; ++part) rows[part][i] = p.parts[part];
  }
  if constexpr (kTurned == Turned::yes)
    for (int part = 0; part < 3; ++part) store_transposed(rows[part], to + part * kPart, 64);
}

// The i-th row of both tiles of a strip of 32 lines.
template <Along kAlong>
STRATA_AMX_INLINE void split_row(const Strip& s, const float* from, std::int64_t i, std::byte* to, __m512& check) {
  for (std::int64_t tile = 0; tile < 2; ++tile)
    store(cut_pairs<kAlong>(s, from + tile * kRows * s.line_step, Whole{}, i, check), to + i * 64 + tile * kTileBytes);
}

template <Along kAlong, Turned kTurned>
STRATA_AMX bool split_strip(const Strip& s, std::byte* to) {
  __m512 check = _mm512_setzero_ps();
  for (std::int64_t t = 0; t < s.terms; t += kDepth, to += kSplitBytes) {
    if constexpr (kAlong == Along::lines && kTurned == Turned::no)
      if (s.lines == kStripLines && s.terms - t >= kDepth) {
        for (std::int64_t i = 0; i < 16; ++i) split_row<kAlong>(s, s.from + t * s.term_step, i, to, check);
        continue;
      }
    for (std::int64_t i = 0; i < s.lines; i += kRows) {
      const float* from = s.from + i * s.line_step + t * s.term_step;
      std::byte* tile = to + i / kRows * kTileBytes;
      if (s.lines - i >= kRows && s.terms - t >= kDepth)
        split_tile<kAlong, kTurned>(s, from, Whole{}, tile, check);
      else
        split_tile<kAlong, kTurned>(s, from, Some{s.lines - i, s.terms - t}, tile, check);
    }
  }
  return _mm512_cmp_ps_mask(check, check, _CMP_UNORD_Q) == 0;
}

template <Along kAlong>
STRATA_AMX bool split_ordered(const Strip& s, std::byte* to, const Between& between) {
  __m512 check = _mm512_setzero_ps();
  for (std::int64_t i = 0; i < 16;) {
    for (const std::int64_t stop = std::min<std::int64_t>(16, i + between.each); i < stop; ++i)
      split_row<kAlong>(s, s.from, i, to, check);
    between.step(between.work);
  }
  return _mm512_cmp_ps_mask(check, check, _CMP_UNORD_Q) == 0;
}

// Tiles 0 to 3 hold sums, 4 and 5 rows of A, 6 and 7 columns of B.
template <int M>
STRATA_AMX_INLINE void load_a(const std::byte* a, int part) {
  _tile_loadd(4, a + part * kPart, 64);
  if constexpr (M > 1) _tile_loadd(5, a + part * kPart + kTileBytes, 64);
}

template <int N>
STRATA_AMX_INLINE void load_b(const std::byte* b, int part) {
  _tile_loadd(6, b + part * kPart, 64);
  if constexpr (N > 1) _tile_loadd(7, b + part * kPart + kTileBytes, 64);
}

template <int M, int N>
STRATA_AMX_INLINE void add_part() {
  _tile_dpbf16ps(0, 4, 6);
  if constexpr (N > 1) _tile_dpbf16ps(1, 4, 7);
  if constexpr (M > 1) _tile_dpbf16ps(2, 5, 6);
  if constexpr (M > 1 && N > 1) _tile_dpbf16ps(3, 5, 7);
}

// Product 0 to 5 of the parts in a block, the smallest first. They come in this order: tiles that stay are not loaded
// again.
template <int M, int N>
STRATA_AMX_INLINE void add_product(int product, const std::byte* a, const std::byte* b) {
  switch (product) {
    case 0:
      load_a<M>(a, 2);
      load_b<N>(b, 0);
      break;
    case 1:
      load_a<M>(a, 1);
      break;
    case 2:
      load_b<N>(b, 1);
      break;
    case 3:
      load_a<M>(a, 0);
      break;
    case 4:
      load_b<N>(b, 2);
      break;
    default:
      load_b<N>(b, 0);
  }
  add_part<M, N>();
}

template <int M, int N>
STRATA_AMX void add_products(const std::byte* a, const std::byte* b, std::int64_t blocks) {
  for (std::int64_t block = 0; block < blocks; ++block, a += kSplitBytes, b += kSplitBytes)
#pragma GCC unroll 6
    for (int product = 0; product < kProducts; ++product) add_product<M, N>(product, a, b);
}

}  // namespace

bool split(const Strip& s, std::byte* to) {
  if (s.term_step == 1)
    return s.side == Side::a ? split_strip<Along::terms, Turned::no>(s, to)
                             : split_strip<Along::terms, Turned::yes>(s, to);
  return s.side == Side::a ? split_strip<Along::lines, Turned::yes>(s, to)
                           : split_strip<Along::lines, Turned::no>(s, to);
}

bool split_block(const Strip& s, std::byte* to, const Between& between) {
  return s.side == Side::a ? split_ordered<Along::terms>(s, to, between) : split_ordered<Along::lines>(s, to, between);
}

STRATA_AMX void SplitTiles::clear() const {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}

STRATA_AMX void SplitTiles::load(const float* from, std::int64_t step) const {
  const auto bytes = static_cast<std::size_t>(step) * sizeof(float);
  _tile_loadd(0, from, bytes);
  if (columns > 1) _tile_loadd(1, from + kColumns, bytes);
  if (rows > 1) _tile_loadd(2, from + kRows * step, bytes);
  if (rows > 1 && columns > 1) _tile_loadd(3, from + kRows * step + kColumns, bytes);
}

void SplitTiles::add(const std::byte* a, const std::byte* b, std::int64_t blocks) const {
  if (rows > 1)
    columns > 1 ? add_products<2, 2>(a, b, blocks) : add_products<2, 1>(a, b, blocks);
  else
    columns > 1 ? add_products<1, 2>(a, b, blocks) : add_products<1, 1>(a, b, blocks);
}

STRATA_AMX void SplitTiles::add_product(int product, const std::byte* a, const std::byte* b) const {
  if (rows > 1)
    columns > 1 ? amx::add_product<2, 2>(product, a, b) : amx::add_product<2, 1>(product, a, b);
  else
    columns > 1 ? amx::add_product<1, 2>(product, a, b) : amx::add_product<1, 1>(product, a, b);
}

STRATA_AMX void SplitTiles::store(float* to, std::int64_t step) const {
  const auto bytes = static_cast<std::size_t>(step) * sizeof(float);
  _tile_stored(0, to, bytes);
  if (columns > 1) _tile_stored(1, to + kColumns, bytes);
  if (rows > 1) _tile_stored(2, to + kRows * step, bytes);
  if (rows > 1 && columns > 1) _tile_stored(3, to + kRows * step + kColumns, bytes);
}

StripProduct::StripProduct(const std::byte* a, const std::byte* b, std::int64_t blocks, std::int64_t rows,
                           std::int64_t columns, float* to)
    : a_(a), b_(b), blocks_(blocks), rows_(rows), columns_(columns), strips_(parts_of(columns, kStripLines)), to_(to) {}

void StripProduct::step() {
  const SplitTiles tiles{rows_ > kRows ? 2 : 1, columns_ - strip_ * kStripLines > kColumns ? 2 : 1};
  if (product_ == 0 && block_ == 0) tiles.clear();
  tiles.add_product(product_, a_ + block_ * kSplitBytes, b_ + (strip_ * blocks_ + block_) * kSplitBytes);
  if (++product_ < kProducts) return;
  product_ = 0;
  if (++block_ < blocks_) return;
  block_ = 0;
  tiles.store(to_ + strip_ * kStripLines, columns_);
  ++strip_;
}

#else

bool split(const Strip&, std::byte*) { return false; }
void SplitTiles::clear() const {}
void SplitTiles::load(const float*, std::int64_t) const {}
void SplitTiles::add(const std::byte*, const std::byte*, std::int64_t) const {}
void SplitTiles::store(float*, std::int64_t) const {}
void SplitTiles::add_product(int, const std::byte*, const std::byte*) const {}
bool split_block(const Strip&, std::byte*, const Between&) { return false; }

StripProduct::StripProduct(const std::byte*, const std::byte*, std::int64_t, std::int64_t, std::int64_t, float*) {}
void StripProduct::step() {}

#endif

}  // namespace strata::kernels::amx
