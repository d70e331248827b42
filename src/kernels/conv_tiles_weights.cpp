// Gradients of the weights of convolutions of bfloat16 on the tile registers of AMX: for each tap the product of src,
// shifted and transposed, and of the gradient of dst; the sums are over positions of images.
//
// Positions are those of results, row by row, with a gap between rows where columns of src stand that no result has or
// that are padding; the gradient of dst is zero there. So a tap is a distance in memory.
#include <algorithm>
#include <array>
#include <cstring>

#include "core/half.h"
#include "kernels/amx.h"
#include "kernels/conv_tiles_layout.h"
#include "kernels/parallel.h"
#include "kernels/round.h"

namespace strata::kernels {
namespace {

using conv_tiles::Element;
using conv_tiles::kWidth;
constexpr std::int64_t kUnitBytes = 512 << 10;     // of the second-level cache, for the images of a unit of work
constexpr std::int64_t kChunk = 10;                // blocks of positions whose factors stay in the first-level cache
constexpr std::int64_t kOwnSumsBytes = 640 << 10;  // so much each thread may have of sums of its own

// Positions of one image. Rows and columns of src with the same remainder by the steps are a plane.
struct Positions {
  std::int64_t planes_h, planes_w, reach_h, reach_w;  // how far taps reach within a plane
  std::int64_t row;                                   // positions of a row, with its gap
  std::int64_t results;                               // positions that results have, gaps between them included
  std::int64_t plane;                                 // positions of src in a plane
  std::int64_t blocks;                                // of 32 results

  explicit Positions(const Convolution& c) {
    const std::int64_t last_h = (c.kernel[1] - 1) * c.dilation[1], last_w = (c.kernel[2] - 1) * c.dilation[2];
    planes_h = std::min(c.stride[1], last_h + 1), planes_w = std::min(c.stride[2], last_w + 1);
    reach_h = last_h / c.stride[1], reach_w = last_w / c.stride[2];
    // Padding behind a row is padding before the next one.
    const std::int64_t width = c.out[2] + reach_w;
    const std::int64_t before = std::max<std::int64_t>(parts_of(c.pad[2] - planes_w + 1, c.stride[2]), 0);
    const std::int64_t behind = width - std::min(width, parts_of(c.in[2] + c.pad[2], c.stride[2]));
    row = std::max(width - std::min(before, behind), c.out[2]);
    results = (c.out[1] - 1) * row + c.out[2];
    plane = (c.out[1] + reach_h) * row;
    blocks = parts_of(results, amx::kDepth);
  }
  std::int64_t planes() const { return planes_h * planes_w; }
};

class TilesWeightsPlan final : public ConvPlan {
 public:
  explicit TilesWeightsPlan(const ConvTask& t) : ConvPlan(t), at_(t.geometry) {
    const Convolution& c = t.geometry;
    rows_ = parts_of(c.in_channels, amx::kRows), columns_ = parts_of(c.out_channels, amx::kColumns);
    const std::int64_t image =
        at_.planes() * at_.plane * rows_ * amx::kRows * kWidth + at_.blocks * columns_ * amx::kTileBytes;
    const std::int64_t threads = conv_tiles::threads_for(c);
    const std::int64_t sums = c.taps() * rows_ * columns_ * amx::kTileBytes;
    // Where there are many sums, threads share them out; else they share out images, and sums are added up at the end.
    by_rows_ = (sums > kOwnSumsBytes || c.batch < threads) && rows_ > 1;
    parts_ = std::min<std::int64_t>(threads, by_rows_ ? parts_of(rows_, 2) : c.batch);
    part_rows_ = by_rows_ ? rounded(parts_of(rows_, parts_), 2) : rows_;
    parts_ = by_rows_ ? parts_of(rows_, part_rows_) : parts_;
    const std::int64_t part_images = by_rows_ ? c.batch : parts_of(c.batch, parts_);
    images_ = std::clamp<std::int64_t>(kUnitBytes / image, 1, part_images);
    images_ = parts_of(part_images, parts_of(part_images, images_));
    // Products read up to a block behind the last position.
    positions_ = rounded(images_ * at_.planes() * at_.plane + amx::kDepth + at_.reach_w, amx::kDepth);
    step_ = positions_ * kWidth;
    if (step_ / 64 % 2 == 0) step_ += 64;  // rows of a tile into different lines of the cache
    columns_at_ = part_rows_ * amx::kRows * step_;
    sums_at_ = columns_at_ + columns_ * images_ * at_.blocks * amx::kTileBytes;
    zeros_at_ = sums_at_ + c.taps() * part_rows_ * columns_ * amx::kTileBytes;
    pointers_at_ = rounded(zeros_at_ + std::max(c.in_channels, c.out_channels) * kWidth, 64);
    offsets_at_ = pointers_at_ + positions_ * static_cast<std::int64_t>(sizeof(void*));
    part_size_ = rounded(offsets_at_ + images_ * at_.blocks * static_cast<std::int64_t>(sizeof(std::int64_t)), 64);
  }

  std::string implementation() const override { return "amx tiles"; }
  std::size_t packed_size() const override { return 0; }
  std::size_t scratch_size() const override { return static_cast<std::size_t>(parts_ * part_size_); }
  void pack(const void*, void*) const override {}

  void run(const void* src, const void* weights, const void* dst, void* scratch, const void*) const override {
    auto* memory = static_cast<std::byte*>(scratch);
    parallel_for(parts_, kParallelWork, [&](std::int64_t first, std::int64_t last) {
      const amx::Session session;
      for (std::int64_t part = first; part < last; ++part)
        run_part(static_cast<const Element*>(src), static_cast<const Element*>(dst), part, memory + part * part_size_);
    });
    const Convolution& c = task().geometry;
    parallel_for(c.taps() * c.in_channels, c.out_channels * parts_, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) write_row(i, memory, const_cast<void*>(weights));
    });
  }

 private:
  float* sums_of(std::byte* own) const { return reinterpret_cast<float*>(own + sums_at_); }
  // Sums of a tap, of a row of tiles of the part.
  std::int64_t sums_at(std::int64_t tap, std::int64_t row) const {
    return (tap * part_rows_ + row) * columns_ * amx::kTileFloats;
  }

  void run_part(const Element* src, const Element* diff, std::int64_t part, std::byte* own) const {
    const Convolution& c = task().geometry;
    std::memset(own + zeros_at_, 0, static_cast<std::size_t>(pointers_at_ - zeros_at_));
    const std::int64_t first_row = by_rows_ ? part * part_rows_ : 0;
    const std::int64_t rows = std::min(part_rows_, rows_ - first_row);
    const std::int64_t begin = by_rows_ ? 0 : c.batch * part / parts_,
                       end = by_rows_ ? c.batch : c.batch * (part + 1) / parts_;
    for (std::int64_t image = begin; image < end; image += images_) {
      const std::int64_t images = std::min(images_, end - image);
      gather_rows(src, image, images, first_row, rows, own);
      gather_columns(diff, image, images, own);
      multiply(images, rows, image > begin, own);
    }
  }

  using Pointers = const Element**;
  Pointers pointers(std::byte* own) const { return reinterpret_cast<Pointers>(own + pointers_at_); }
  const Element* zeros(std::byte* own) const { return reinterpret_cast<const Element*>(own + zeros_at_); }

  // The channels of src as rows of positions.
  void gather_rows(const Element* src, std::int64_t image, std::int64_t images, std::int64_t first_row,
                   std::int64_t rows, std::byte* own) const {
    const Convolution& c = task().geometry;
    const Pointers from = pointers(own);
    std::int64_t p = 0;
    for (std::int64_t i = image; i < image + images; ++i)
      for (std::int64_t h = 0; h < at_.planes_h; ++h)
        for (std::int64_t w = 0; w < at_.planes_w; ++w)
          for (std::int64_t y = h - c.pad[1]; y < h - c.pad[1] + (c.out[1] + at_.reach_h) * c.stride[1];
               y += c.stride[1]) {
            const Element* line =
                y >= 0 && y < c.in[1] ? src + (i * c.in[1] + y) * c.in[2] * task().src_step() : nullptr;
            for (std::int64_t k = 0, x = w - c.pad[2]; k < at_.row; ++k, x += c.stride[2])
              from[p++] = line != nullptr && x >= 0 && x < c.in[2] ? line + x * task().src_step() : zeros(own);
          }
    std::fill(from + p, from + positions_, zeros(own));
    const std::int64_t last = rounded(p + amx::kDepth + at_.reach_w, amx::kDepth);
    for (std::int64_t k = 0; k < last; k += amx::kDepth)
      for (std::int64_t r = 0; r < rows; ++r) {
        const std::int64_t channel = (first_row + r) * amx::kRows;
        amx::transpose(from + k, channel, std::min(amx::kRows, c.in_channels - channel),
                       own + r * amx::kRows * step_ + k * kWidth, step_);
      }
  }

  // The gradient of dst as panels of positions.
  void gather_columns(const Element* diff, std::int64_t image, std::int64_t images, std::byte* own) const {
    const Convolution& c = task().geometry;
    const Pointers from = pointers(own);
    const std::int64_t panel = images * at_.blocks * amx::kTileBytes;
    for (std::int64_t i = 0; i < images; ++i) {
      const Element* pixel = diff + (image + i) * c.out[1] * c.out[2] * task().dst_step();
      std::int64_t p = 0;
      for (std::int64_t y = 0; y < c.out[1]; ++y) {
        for (std::int64_t x = 0; x < c.out[2]; ++x, pixel += task().dst_step()) from[p++] = pixel;
        if (y + 1 < c.out[1])
          for (std::int64_t x = c.out[2]; x < at_.row; ++x) from[p++] = zeros(own);
      }
      std::fill(from + p, from + at_.blocks * amx::kDepth, zeros(own));
      for (std::int64_t k = 0; k < at_.blocks; ++k)
        for (std::int64_t n = 0; n < columns_; ++n)
          amx::interleave(from + k * amx::kDepth, n * amx::kColumns,
                          std::min(amx::kColumns, c.out_channels - n * amx::kColumns),
                          own + columns_at_ + n * panel + (i * at_.blocks + k) * amx::kTileBytes);
    }
  }

  void multiply(std::int64_t images, std::int64_t rows, bool adds, std::byte* own) const {
    const Convolution& c = task().geometry;
    const std::int64_t blocks = images * at_.blocks;
    auto* offsets = reinterpret_cast<std::int64_t*>(own + offsets_at_);
    for (std::int64_t k = 0; k < blocks; ++k)
      offsets[k] = (k / at_.blocks * at_.planes() * at_.plane + k % at_.blocks * amx::kDepth) * kWidth;
    amx::Product p{};
    p.a_step = step_;
    p.panel_step = blocks * amx::kTileBytes;
    const std::int64_t chunk = parts_of(blocks, parts_of(blocks, kChunk));
    for (std::int64_t k = 0; k < blocks; k += chunk) {
      p.offsets = offsets + k;
      p.blocks = std::min(chunk, blocks - k);
      for (std::int64_t n = 0; n < columns_; n += 2)
        for (std::int64_t m = 0; m < rows; m += 2) {
          p.columns = static_cast<int>(std::min<std::int64_t>(2, columns_ - n));
          p.rows = static_cast<int>(std::min<std::int64_t>(2, rows - m));
          p.panels = own + columns_at_ + n * p.panel_step + k * amx::kTileBytes;
          for (std::int64_t y = 0; y < c.kernel[1]; ++y)
            for (std::int64_t x = 0; x < c.kernel[2]; ++x) {
              const std::byte* a = own + m * amx::kRows * step_ + distance(y, x) * kWidth;
              p.a[0] = a, p.a[1] = a + amx::kRows * step_;
              p.sums = sums_of(own) + block_at(y * c.kernel[2] + x, m, n, rows);
              p.added = adds || k > 0 ? p.sums : nullptr;
              amx::multiply(p);
            }
        }
    }
  }

  // Positions from the first term of a result to that of a tap.
  std::int64_t distance(std::int64_t y, std::int64_t x) const {
    const Convolution& c = task().geometry;
    y *= c.dilation[1], x *= c.dilation[2];
    const std::int64_t plane = y % c.stride[1] * at_.planes_w + x % c.stride[2];
    return plane * at_.plane + y / c.stride[1] * at_.row + x / c.stride[2];
  }

  // Sums lie in blocks of up to 2 x 2 tiles: those of a tap, of pairs of rows of tiles, of pairs of columns.
  std::int64_t block_at(std::int64_t tap, std::int64_t m, std::int64_t n, std::int64_t rows) const {
    return sums_at(tap, m) + n * std::min<std::int64_t>(2, rows - m) * amx::kTileFloats;
  }

  // Gradients of one channel of src for one tap.
  void write_row(std::int64_t i, std::byte* memory, void* weights) const {
    const Convolution& c = task().geometry;
    const std::int64_t tap = i / c.in_channels, channel = i % c.in_channels, tile = channel / amx::kRows;
    const std::int64_t part = by_rows_ ? tile / part_rows_ : 0, row = tile - part * part_rows_;
    const std::int64_t rows = std::min(part_rows_, rows_ - part * part_rows_), m = row / 2 * 2;
    for (std::int64_t n = 0; n < columns_; n += 2) {
      const std::int64_t wide = std::min<std::int64_t>(2, columns_ - n);
      for (std::int64_t j = 0; j < wide; ++j) {
        const std::int64_t at = block_at(tap, m, n, rows) + ((row - m) * wide + j) * amx::kTileFloats +
                                channel % amx::kRows * amx::kColumns;
        const std::int64_t column = (n + j) * amx::kColumns, count = std::min(amx::kColumns, c.out_channels - column);
        std::array<float, amx::kColumns> sum;
        std::copy_n(sums_of(memory + part * part_size_) + at, amx::kColumns, sum.data());
        if (!by_rows_)
          for (std::int64_t other = 1; other < parts_; ++other) {
            const float* more = sums_of(memory + other * part_size_) + at;
            for (std::size_t e = 0; e < sum.size(); ++e) sum[e] += more[e];
          }
        if (task().weights_dtype == DType::float32)
          std::copy_n(sum.data(), count, static_cast<float*>(weights) + i * c.out_channels + column);
        else
          std::copy_n(sum.data(), count, static_cast<BFloat16*>(weights) + i * c.out_channels + column);
      }
    }
  }

  Positions at_;
  std::int64_t rows_, columns_;                          // tiles of channels of src, of dst
  bool by_rows_;                                         // whether threads share out channels of src, not images
  std::int64_t parts_, part_rows_, images_, positions_;  // images and positions of a unit of work
  std::int64_t step_;                                    // bytes from one channel of src to the next
  std::int64_t columns_at_, sums_at_, zeros_at_, pointers_at_, offsets_at_, part_size_;
};

}  // namespace

ConvPlanPtr make_tiles_weights_plan(const ConvTask& task) { return std::make_shared<TilesWeightsPlan>(task); }

}  // namespace strata::kernels
