// Highway compiles this file once for each set of instructions and picks one of them at the first call.
#include "kernels/small_gemm.h"

#include <algorithm>
#include <type_traits>

#include "core/dispatch.h"
#include "core/tensor_data.h"
#include "kernels/parallel.h"

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

HWY_INLINE void MultiplyAny(int vectors, bool transposed, std::int64_t rows, const float* a, std::int64_t lda,
                            const float* b, std::int64_t b_row, std::int64_t depth, float* c, std::int64_t c_row) {
  if (transposed) {
    if (vectors == 3) return MultiplyPanel<3, true>(rows, a, lda, b, b_row, depth, c, c_row, false);
    if (vectors == 2) return MultiplyPanel<2, true>(rows, a, lda, b, b_row, depth, c, c_row, false);
    return MultiplyPanel<1, true>(rows, a, lda, b, b_row, depth, c, c_row, false);
  }
  if (vectors == 3) return MultiplyPanel<3, false>(rows, a, lda, b, b_row, depth, c, c_row, false);
  if (vectors == 2) return MultiplyPanel<2, false>(rows, a, lda, b, b_row, depth, c, c_row, false);
  return MultiplyPanel<1, false>(rows, a, lda, b, b_row, depth, c, c_row, false);
}

// Room for what a piece of work copies: rows of A and a panel of B in float32, and a tile of the result.
struct Room {
  Room(const SmallGemm& g, std::int64_t panel, bool pack_a, bool pack_b, bool stage)
      : buffer(static_cast<std::size_t>((pack_a ? kRows * g.k : 0) + (pack_b ? panel * g.k : 0) +
                                        (stage ? kRows * panel : 0)) *
                   sizeof(float) +
               64) {
    a = static_cast<float*>(buffer.data());
    b = a + (pack_a ? kRows * g.k : 0);
    c = b + (pack_b ? panel * g.k : 0);
  }
  detail::Buffer buffer;
  float *a, *b, *c;
};

template <class T>
HWY_INLINE const float* PackRows(const SmallGemm& g, const T* a, std::int64_t i0, std::int64_t rows, float* to) {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t l = 0; l < g.k; ++l) to[i * g.k + l] = static_cast<float>(a[(i0 + i) * g.a_row + l * g.a_step]);
  return to;
}

template <class T>
HWY_INLINE void PackPanel(const SmallGemm& g, const T* b, std::int64_t j0, std::int64_t columns, std::int64_t width,
                          float* to) {
  if (g.b_step == 1) {
    for (std::int64_t l = 0; l < g.k; ++l) {
      const T* from = b + l * g.b_row + j0;
      for (std::int64_t j = 0; j < columns; ++j) to[l * width + j] = static_cast<float>(from[j]);
      for (std::int64_t j = columns; j < width; ++j) to[l * width + j] = 0;
    }
    return;
  }
  if (columns < width) std::fill_n(to, g.k * width, 0.f);
  for (std::int64_t j = 0; j < columns; ++j) {
    const T* from = b + (j0 + j) * g.b_step;
    for (std::int64_t l = 0; l < g.k; ++l) to[l * width + j] = static_cast<float>(from[l * g.b_row]);
  }
}

template <class T>
void Multiply(const SmallGemm& g, const T* a, const T* b, T* dst) {
  constexpr bool kFloat = std::is_same_v<T, float>;
  // Panels of three vectors need the fewest loads, of two cut few columns more evenly.
  const std::int64_t all_vectors = (g.n + kLanes - 1) / kLanes;
  const std::int64_t panel_size = (all_vectors > 12 || all_vectors % 3 == 0 ? 3 : 2) * kLanes;
  const std::int64_t row_blocks = (g.m + kRows - 1) / kRows, panels = (g.n + panel_size - 1) / panel_size;
  const bool pack_a = !kFloat || (g.a_step != 1 && g.a_row != 1);
  // Rows of B that lie far apart are read once for each tile of rows; a copy lies together.
  const bool pack_b = !kFloat || g.b_step != 1 || (g.m > 16 && g.n > 256);
  const bool stage = !kFloat || g.n % kLanes != 0;
  const bool transposed = !pack_a && g.a_step != 1;
  // A gradient of weights: each thread writes the part of it that it will read when it updates them.
  const bool by_rows = !pack_b && g.n % kLanes == 0 && row_blocks > panels;
  // Few rows leave the time that reading B takes.
  const std::int64_t cost =
      std::max<std::int64_t>(panel_size * g.k * std::max<std::int64_t>(std::min(g.m, kRows), 8) / 32, 1);
  parallel_for(row_blocks * panels, cost, [&](std::int64_t first, std::int64_t last) HWY_ATTR {
    const Room room(g, panel_size, pack_a, pack_b || g.n % kLanes != 0, stage);
    std::int64_t packed_panel = -1;
    for (std::int64_t piece = first; piece < last; ++piece) {
      const std::int64_t panel = by_rows ? piece % panels : piece / row_blocks;
      const std::int64_t i0 = (by_rows ? piece / panels : piece % row_blocks) * kRows, j0 = panel * panel_size;
      const std::int64_t rows = std::min(kRows, g.m - i0), columns = std::min(panel_size, g.n - j0);
      const int vectors = static_cast<int>((columns + kLanes - 1) / kLanes);
      const std::int64_t width = vectors * kLanes;
      const bool copy_b = pack_b || columns < width;
      if (copy_b && packed_panel != panel) PackPanel(g, b, j0, columns, width, room.b);
      packed_panel = panel;
      const float *from_a = nullptr, *from_b = room.b;
      if constexpr (kFloat) {
        from_a = a + i0 * g.a_row;
        if (!copy_b) from_b = b + j0;
      }
      if (pack_a) from_a = PackRows(g, a, i0, rows, room.a);
      const std::int64_t lda = pack_a ? g.k : transposed ? g.a_step : g.a_row;
      float* to = room.c;
      std::int64_t ldc = width;
      const bool direct = kFloat && columns == width;
      if constexpr (kFloat)
        if (direct) to = dst + i0 * g.n + j0, ldc = g.n;
      MultiplyAny(vectors, transposed, rows, from_a, lda, from_b, copy_b ? width : g.b_row, g.k, to, ldc);
      if (direct) continue;
      for (std::int64_t i = 0; i < rows; ++i)
        for (std::int64_t j = 0; j < columns; ++j) dst[(i0 + i) * g.n + j0 + j] = T(to[i * width + j]);
    }
  });
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
