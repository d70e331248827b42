// Highway compiles this file once for each set of instructions and picks one of them at the first call.
#include "kernels/small_gemm.h"

#include <algorithm>
#include <type_traits>

#include "core/dispatch.h"
#include "core/tensor_data.h"
#include "kernels/panel_product.h"
#include "kernels/parallel.h"
#include "kernels/prefetch.h"
#include "kernels/row_end.h"
#include "kernels/subnormal.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/small_gemm.cpp"
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// Must come after highway.h.
#include "kernels/simd_load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace strata::kernels {
namespace HWY_NAMESPACE {

constexpr std::int64_t kRows = 48;  // of dst, for each piece of work
// Sums of at least so many products are sums of two halves, each added up by itself.
constexpr std::int64_t kLongSum = 512;

// How a product is cut into pieces of work. What is added up in which order follows from the length of the sums alone.
struct Pieces {
  Pieces(const SmallGemm& g, bool is_float) {
    // Panels of three vectors need the fewest loads, of two cut few columns more evenly.
    const std::int64_t vectors = (g.n + kLanes - 1) / kLanes;
    panel = (vectors > 12 || vectors % 3 == 0 ? 3 : 2) * kLanes;
    row_blocks = (g.m + kRows - 1) / kRows, panels = (g.n + panel - 1) / panel;
    part = g.k >= kLongSum ? (g.k + 1) / 2 : std::max<std::int64_t>(g.k, 1);
    pack_a = !is_float || (g.a_step != 1 && g.a_row != 1);
    // Rows of B that lie far apart are read once for each tile of rows; a copy lies together.
    pack_b = !is_float || g.b_step != 1 || (g.m > 16 && g.n > 256);
    stage = !is_float || g.n % kLanes != 0;
    // A gradient of weights: each thread writes the part of it that it will read when it updates them.
    by_rows = !pack_b && g.n % kLanes == 0 && row_blocks > panels;
    // A product of few rows with weights: each thread reads the rows of the weights that it updates. What another has
    // written lies in that one's cache.
    parts = is_float && g.k >= kLongSum && row_blocks == 1 && g.b_step == 1 ? 2 : 1;
    count = parts * row_blocks * panels;
    // Few rows leave the time that reading B takes.
    cost = std::max<std::int64_t>(panel * g.k / parts * std::max<std::int64_t>(std::min(g.m, kRows), 8) / 32, 1);
  }
  std::int64_t panel, row_blocks, panels;  // columns of a panel; blocks of rows; panels
  std::int64_t part;                       // products of a sum that are added up at a time
  std::int64_t parts;                      // of sums: 2 where halves are pieces of work of their own, else 1
  std::int64_t count, cost;
  bool pack_a, pack_b, stage, by_rows;
};

// Room for what a piece of work copies: rows of A and a panel of B in float32, and a tile of the result.
struct Room {
  Room(const SmallGemm& g, const Pieces& p)
      : buffer(static_cast<std::size_t>((p.pack_a ? kRows * g.k : 0) + (p.pack_b || p.stage ? p.panel * g.k : 0) +
                                        (p.stage ? kRows * p.panel : 0)) *
                   sizeof(float) +
               64) {
    a = static_cast<float*>(buffer.data());
    b = a + (p.pack_a ? kRows * g.k : 0);
    c = b + (p.pack_b || p.stage ? p.panel * g.k : 0);
  }
  detail::Buffer buffer;
  float *a, *b, *c;
  std::int64_t packed = -1;  // which panel of which part `b` has
};

template <class T>
HWY_INLINE const float* PackRows(const SmallGemm& g, const T* a, std::int64_t i0, std::int64_t rows, float* to) {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t l = 0; l < g.k; ++l) to[i * g.k + l] = static_cast<float>(a[(i0 + i) * g.a_row + l * g.a_step]);
  return to;
}

// Rows [begin, end) of a panel of B.
template <class T>
HWY_INLINE void PackPanel(const SmallGemm& g, const T* b, std::int64_t begin, std::int64_t end, std::int64_t j0,
                          std::int64_t columns, std::int64_t width, float* to) {
  if (g.b_step == 1) {
    for (std::int64_t l = begin; l < end; ++l, to += width) {
      const T* from = b + l * g.b_row + j0;
      if constexpr (std::is_same_v<T, float>) {
        for (std::int64_t j = 0; j < width; j += kLanes) Store(LoadUpTo(from + j, columns - j), to + j);
        continue;
      }
      for (std::int64_t j = 0; j < columns; ++j) to[j] = static_cast<float>(from[j]);
      for (std::int64_t j = columns; j < width; ++j) to[j] = 0;
    }
    return;
  }
  if (columns < width) std::fill_n(to, (end - begin) * width, 0.f);
  for (std::int64_t j = 0; j < columns; ++j) {
    const T* from = b + (j0 + j) * g.b_step + begin * g.b_row;
    for (std::int64_t l = 0; l < end - begin; ++l) to[l * width + j] = static_cast<float>(from[l * g.b_row]);
  }
}

// Piece `index` of the work. Where parts of sums are pieces, dst has a whole product for each part.
template <class T>
HWY_INLINE void MultiplyPiece(const SmallGemm& g, const Pieces& p, std::int64_t index, const T* a, const T* b, T* dst,
                              Room& room) {
  constexpr bool kFloat = std::is_same_v<T, float>;
  const std::int64_t each = p.row_blocks * p.panels, part = index / each, piece = index % each;
  const std::int64_t panel = p.by_rows ? piece % p.panels : piece / p.row_blocks;
  const std::int64_t i0 = (p.by_rows ? piece / p.panels : piece % p.row_blocks) * kRows, j0 = panel * p.panel;
  const std::int64_t begin = part * p.part, end = p.parts == 1 ? g.k : std::min(g.k, begin + p.part);
  const std::int64_t rows = std::min(kRows, g.m - i0), columns = std::min(p.panel, g.n - j0);
  const int vectors = static_cast<int>((columns + kLanes - 1) / kLanes);
  const std::int64_t width = vectors * kLanes;
  const bool copy_b = p.pack_b || columns < width, direct = kFloat && columns == width;
  if (copy_b && room.packed != index / (p.by_rows ? 1 : p.row_blocks))
    PackPanel(g, b, begin, end, j0, columns, width, room.b);
  room.packed = index / (p.by_rows ? 1 : p.row_blocks);
  if constexpr (kFloat)
    if (direct)
      for (std::int64_t i = 0; i < rows; ++i)
        for (std::int64_t j = 0; j < width; j += kLanes) prefetch_to_write(dst + (part * g.m + i0 + i) * g.n + j0 + j);
  if (p.pack_a) PackRows(g, a, i0, rows, room.a);
  const std::int64_t a_row = p.pack_a ? g.k : g.a_row, a_step = p.pack_a ? 1 : g.a_step;
  const std::int64_t ldb = copy_b ? width : g.b_row, ldc = direct ? g.n : width;
  T* to = dst + (part * g.m + i0) * g.n + j0;
  float* c = room.c;
  if constexpr (kFloat)
    if (direct) c = to;
  for (std::int64_t l = begin; l < end; l += p.part) {
    const float *from_a = room.a + l, *from_b = room.b + (l - begin) * width;
    if constexpr (kFloat) {
      if (!p.pack_a) from_a = a + i0 * g.a_row + l * g.a_step;
      if (!copy_b) from_b = b + j0 + l * g.b_row;
    }
    multiply_panel({vectors, rows, std::min(p.part, end - l), from_a, a_row, a_step, from_b, ldb, c, ldc, l > begin});
  }
  if (direct) return;
  for (std::int64_t i = 0; i < rows; ++i) {
    const float* from = c + i * width;
    if constexpr (kFloat)
      for (std::int64_t j = 0; j < columns; j += kLanes) StoreUpTo(Load(from + j), to + i * g.n + j, columns - j);
    else
      for (std::int64_t j = 0; j < columns; ++j) to[i * g.n + j] = T(from[j]);
  }
}

template <class T>
void Multiply(const SmallGemm& g, const T* a, const T* b, T* dst) {
  const Pieces pieces(g, std::is_same_v<T, float>);
  const detail::Buffer sums(pieces.parts > 1 ? static_cast<std::size_t>(pieces.parts * g.m * g.n) * sizeof(T) : 0);
  T* to = pieces.parts > 1 ? static_cast<T*>(sums.data()) : dst;
  parallel_for(pieces.count, pieces.cost, [&](std::int64_t first, std::int64_t last) HWY_ATTR {
    const FlushSubnormals flush;
    Room room(g, pieces);
    for (std::int64_t piece = first; piece < last; ++piece) MultiplyPiece(g, pieces, piece, a, b, to, room);
  });
  if constexpr (std::is_same_v<T, float>) {
    if (pieces.parts == 1) return;
    const float* other = to + g.m * g.n;
    parallel_for(g.m * g.n, pieces.parts, [&](std::int64_t begin, std::int64_t end) {
      RowEnd().apply_to(to + begin, other + begin, dst + begin, end - begin);
    });
  }
}

void MultiplyTyped(DType dtype, const SmallGemm& g, const void* a, const void* b, void* dst) {
  if (dtype == DType::float32)
    Multiply(g, static_cast<const float*>(a), static_cast<const float*>(b), static_cast<float*>(dst));
  else if (dtype == DType::bfloat16)
    Multiply(g, static_cast<const BFloat16*>(a), static_cast<const BFloat16*>(b), static_cast<BFloat16*>(dst));
  else
    Multiply(g, static_cast<const Float16*>(a), static_cast<const Float16*>(b), static_cast<Float16*>(dst));
}

}  // namespace HWY_NAMESPACE
}  // namespace strata::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace strata::kernels {

HWY_EXPORT(MultiplyTyped);

void small_gemm(DType dtype, const SmallGemm& g, const void* a, const void* b, void* dst) {
  HWY_DYNAMIC_DISPATCH(MultiplyTyped)(dtype, g, a, b, dst);
}

}  // namespace strata::kernels
#endif
