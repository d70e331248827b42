// Highway compiles this file once for each set of instructions and picks one of them at the first call.
#include "kernels/packed_rows.h"

#include <omp.h>

#include <algorithm>

#include "kernels/panel_product.h"
#include "kernels/parallel.h"
#include "kernels/round.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/packed_rows.cpp"
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// Must come after highway.h.
#include "kernels/simd_load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace strata::kernels {
namespace HWY_NAMESPACE {

constexpr std::int64_t kRows = 48;   // of dst at a time
constexpr std::int64_t kWidest = 3;  // vectors of a panel

// The panel of columns that begins with vector `first` of `vectors`: threes, then what PanelWidth says.
struct Panels {
  explicit Panels(std::int64_t out) : vectors(parts_of(out, kLanes)) {}
  std::int64_t count() const { return vectors < kWidest ? 1 : parts_of(vectors, kWidest); }
  std::int64_t first(std::int64_t panel) const { return panel * kWidest; }
  int width(std::int64_t panel) const { return static_cast<int>(std::min(kWidest, vectors - first(panel))); }
  std::int64_t vectors;
};

void PackWeights(std::int64_t in, std::int64_t out, const float* weights, float* packed) {
  const Panels panels(out);
  for (std::int64_t p = 0; p < panels.count(); ++p) {
    const std::int64_t j0 = panels.first(p) * kLanes, width = panels.width(p) * kLanes,
                       some = std::min(width, out - j0);
    float* to = packed + j0 * in;
    for (std::int64_t l = 0; l < in; ++l, to += width) {
      std::copy_n(weights + l * out + j0, some, to);
      std::fill_n(to + some, width - some, 0.f);
    }
  }
}

// From a dense tile of sums to dst.
HWY_INLINE void Finish(const PackedRows& p, std::int64_t rows, const float* sums, std::int64_t width, std::int64_t j0,
                       float* dst) {
  const std::int64_t some = std::min(width, p.out - j0);
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < some; j += kLanes) {
      V v = Load(sums + i * width + j);
      if (p.bias != nullptr) v = hn::Add(v, LoadUpTo(p.bias + j0 + j, some - j));
      if (p.relu) v = hn::IfThenZeroElse(hn::Lt(v, hn::Zero(D())), v);  // numbers that are none stay so
      StoreUpTo(v, dst + i * p.dst_stride + j0 + j, some - j);
    }
}

// Rows [begin, end) and some panels of the product.
HWY_INLINE void MultiplyPart(const PackedRows& p, const Panels& panels, std::int64_t begin, std::int64_t end,
                             std::int64_t first, std::int64_t last, const float* src, const float* packed, float* dst) {
  HWY_ALIGN float sums[kRows * kWidest * kLanes];
  // All panels of a block of rows before the next one: the rows stay in the cache.
  for (std::int64_t i = begin; i < end; i += kRows)
    for (std::int64_t panel = first; panel < last; ++panel) {
      const std::int64_t rows = std::min(kRows, end - i), j = panels.first(panel) * kLanes;
      const int vectors = panels.width(panel);
      const std::int64_t width = vectors * kLanes;
      multiply_panel({.vectors = vectors,
                      .rows = rows,
                      .depth = p.in,
                      .a = src + i * p.src_stride,
                      .a_row = p.src_stride,
                      .a_step = 1,
                      .b = packed + j * p.in,
                      .b_row = width,
                      .c = sums,
                      .c_row = width});
      Finish(p, rows, sums, width, j, dst + i * p.dst_stride);
    }
}

// What threads share: rows, panels, or both, so that the one with the most has the least. The cost of a thread is what
// it computes, and what it reads: mostly from another core's cache, or from the one that all share.
struct Shares {
  Shares(const PackedRows& p, const Panels& panels, std::int64_t threads) : quads(parts_of(p.rows, kQuad)) {
    std::int64_t least = 0;
    for (std::int64_t by_rows = threads; by_rows >= 1; --by_rows) {
      const std::int64_t by_panels = std::min(threads / by_rows, panels.count());
      const std::int64_t rows = parts_of(quads, by_rows),
                         columns = std::min(panels.vectors, parts_of(panels.count(), by_panels) * kWidest);
      // In the time of 64 products for each term, of four rows and 16 columns: a core does 32 while it reads 8 bytes.
      const std::int64_t most = rows * columns + rows + 4 * columns;
      if (least == 0 || most < least) least = most, row_parts = by_rows, panel_parts = by_panels;
    }
  }
  static constexpr std::int64_t kQuad = 4;  // rows
  std::int64_t quads, row_parts = 1, panel_parts = 1;
};

void MultiplyRows(const PackedRows& p, const float* src, const float* packed, float* dst) {
  const Panels panels(p.out);
  const std::int64_t cost = p.rows * panels.vectors * kLanes * p.in / 32;
  const Shares s(p, panels, std::min<std::int64_t>(cost / kParallelWork + 1, omp_get_max_threads()));
  parallel_for(s.row_parts * s.panel_parts, kParallelWork, [&](std::int64_t begin, std::int64_t end) HWY_ATTR {
    for (std::int64_t part = begin; part < end; ++part) {
      const std::int64_t row = part / s.panel_parts, panel = part % s.panel_parts;
      MultiplyPart(p, panels, s.quads * row / s.row_parts * s.kQuad,
                   std::min(p.rows, s.quads * (row + 1) / s.row_parts * s.kQuad),
                   panels.count() * panel / s.panel_parts, panels.count() * (panel + 1) / s.panel_parts, src, packed,
                   dst);
    }
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace strata::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace strata::kernels {

HWY_EXPORT(PackWeights);
HWY_EXPORT(MultiplyRows);

// In sixteens of columns: as wide as the widest vectors.
std::size_t packed_rows_size(std::int64_t in, std::int64_t out) {
  return static_cast<std::size_t>((out + 15) / 16 * 16 * in) * sizeof(float);
}

void pack_rows_weights(std::int64_t in, std::int64_t out, const float* weights, float* packed) {
  HWY_DYNAMIC_DISPATCH(PackWeights)(in, out, weights, packed);
}

void multiply_packed_rows(const PackedRows& p, const float* src, const float* packed, float* dst) {
  HWY_DYNAMIC_DISPATCH(MultiplyRows)(p, src, packed, dst);
}

}  // namespace strata::kernels
#endif
