#include "kernels/conv_tiles_layout.h"

#include <omp.h>

#include <algorithm>

#include "kernels/amx.h"
#include "kernels/round.h"

namespace strata::kernels::conv_tiles {
namespace {

constexpr std::int64_t kGroup = amx::kRows * amx::kMaxTiles;  // positions of a product
constexpr std::int64_t kBlockBytes = amx::kDepth * kWidth;
constexpr std::int64_t kNearBytes = 28 << 10;   // of the first-level cache, for terms
constexpr std::int64_t kBandBytes = 256 << 10;  // of the second-level cache, for what is gathered

// Steps that are large powers of two would put the rows of a tile into the same lines of the cache.
std::int64_t spread(std::int64_t bytes) { return bytes % 1024 == 0 ? bytes + 64 : bytes; }

}  // namespace

int threads_for(const Convolution& c) {
  constexpr std::int64_t kWork = 1 << 21;  // products, of which a thread does about a million in a microsecond
  return c.dst_size() * c.taps() * c.in_channels < kWork ? 1 : omp_get_max_threads();
}

Shape::Shape(const ConvTask& t) {
  const Convolution& c = t.geometry;
  batch = c.batch;
  in_h = c.in[1], in_w = c.in[2], out_h = c.out[1], out_w = c.out[2];
  in_channels = c.in_channels, out_channels = c.out_channels;
  kernel_h = c.kernel[1], kernel_w = c.kernel[2], step_h = c.stride[1], step_w = c.stride[2];
  dilation_h = c.dilation[1], dilation_w = c.dilation[2], pad_h = c.pad[1], pad_w = c.pad[2];
  in_step = t.src_step(), out_step = t.dst_step();
  out_row = out_w * out_step, out_image = out_h * out_row;
  join_images();
}

Shape::Shape(const ConvTask& t, std::int64_t row, std::int64_t column) {
  const Convolution& c = t.geometry;
  batch = c.batch;
  in_channels = c.out_channels, out_channels = c.in_channels;
  in_h = c.out[1], in_w = c.out[2];
  in_step = t.dst_step();
  out_step = c.stride[2] * t.src_step(), out_row = c.stride[1] * c.in[2] * t.src_step();
  out_image = c.in[1] * c.in[2] * t.src_step();
  out_first = (row * c.in[2] + column) * t.src_step();
  dilation_h = c.dilation[1], dilation_w = c.dilation[2];
  // Pixel q * stride + remainder of src has, by tap first + j * stride, to do with pixel q + shift - j of dst.
  const auto one = [&](std::size_t i, std::int64_t remainder, std::int64_t& out, std::int64_t& kernel,
                       std::int64_t& pad) {
    out = parts_of(c.in[i] - remainder, c.stride[i]);
    const std::int64_t first = (remainder + c.pad[i]) % c.stride[i];
    kernel = std::max<std::int64_t>(parts_of(c.kernel[i] - first, c.stride[i]), 0);
    pad = (kernel - 1) * c.dilation[i] - (remainder + c.pad[i] - first) / c.stride[i];
    return first;
  };
  const std::int64_t first_h = one(1, row, out_h, kernel_h, pad_h), first_w = one(2, column, out_w, kernel_w, pad_w);
  for (std::int64_t y = kernel_h - 1; y >= 0; --y)
    for (std::int64_t x = kernel_w - 1; x >= 0; --x)
      taps.push_back((first_h + y * c.stride[1]) * c.kernel[2] + first_w + x * c.stride[2]);
  join_images();
}

void Shape::join_images() {
  if (!is_pointwise()) return;
  in_h = out_h = batch * out_h * out_w;
  batch = in_w = out_w = 1;
  out_row = out_step, out_image = out_h * out_step;
}

Layout::Layout(const Shape& s, int threads) {
  choose_source(s);
  cut(s, threads);
  list_blocks(s);
}

void Layout::choose_source(const Shape& s) {
  const std::int64_t row_blocks = parts_of(s.kernel_w * s.in_channels, amx::kDepth),
                     all_blocks = parts_of(s.terms(), amx::kDepth),
                     channel_blocks = parts_of(s.in_channels, amx::kDepth);
  positions = s.out_w;
  if (s.is_pointwise() && s.in_channels % amx::kDepth == 0) {
    source = Source::direct;
    step = s.in_step * kWidth;
    return;
  }
  if (s.is_pointwise() || 2 * all_blocks <= s.kernel_h * row_blocks) {
    source = Source::windows;
    step = spread(all_blocks * kBlockBytes);
    row = step * s.out_w;
    return;
  }
  reach = (s.kernel_h - 1) * s.dilation_h / s.step_h;
  // One gap of zeros between two rows is padding behind the one and before the other.
  const std::int64_t before = s.zeros_before(), behind = s.row_needs() - before - s.columns_read();
  const std::int64_t width = rounded(before + s.columns_read() + std::max<std::int64_t>(behind - before, 0), s.step_w);
  // Gathering a row of the kernel for each column costs more.
  if (10 * s.kernel_w * channel_blocks * (width / s.step_w) <= 11 * row_blocks * s.out_w) {
    source = Source::pixels;
    pixel = spread(channel_blocks * kBlockBytes);
    step = pixel * s.step_w;
    positions = width / s.step_w;
    row = pixel * width;
  } else {
    source = Source::columns;
    step = spread(row_blocks * kBlockBytes);
    row = step * s.out_w;
  }
}

void Layout::cut(const Shape& s, int threads) {
  panels = parts_of(s.out_channels, amx::kColumns);
  band = source == Source::direct ? 4 * kGroup : kBandBytes / (row * s.step_h) - reach;
  band = std::clamp<std::int64_t>(band, 1, s.out_h);
  const std::int64_t tiles = parts_of(s.out_h * positions, amx::kRows);
  images = source == Source::direct ? 1 : std::clamp<std::int64_t>(amx::kMaxTiles / tiles, 1, s.batch);
  const std::int64_t batches = parts_of(s.batch, images);
  bands = parts_of(s.out_h, band);
  // With few units and more weights than pixels each thread has channels of its own, whose weights stay in its cache.
  if (batches * bands < 4 * threads && batches * bands % threads != 0) {
    const std::int64_t pixels = s.in_h * s.in_w * s.in_channels * kWidth;
    const std::int64_t weights = panels * parts_of(s.terms(), amx::kDepth) * amx::kTileBytes;
    if (weights > pixels && panels >= threads)
      panel_parts = threads;
    else
      bands = std::min(s.out_h, rounded(bands, threads));
  }
  band = parts_of(s.out_h, bands);
  if (s.is_pointwise()) band = rounded(band, amx::kRows);
  bands = parts_of(s.out_h, band);
  units = batches * bands * panel_parts;
  const bool by_windows = source == Source::windows;
  plane = by_windows ? 0 : row * (band + reach);
  image = source == Source::direct ? 0 : by_windows ? row * band : plane * s.step_h;
}

void Layout::list_blocks(const Shape& s) {
  const auto add = [&](std::int64_t offset, std::int64_t first_row, std::int64_t end) {
    blocks.push_back({offset, first_row, std::min(end - first_row, amx::kDepth)});
  };
  const auto at_row = [&](std::int64_t y) {
    y *= s.dilation_h;
    return y % s.step_h * plane + y / s.step_h * row;
  };
  const std::int64_t row_terms = s.kernel_w * s.in_channels;
  std::int64_t near = kGroup * kBlockBytes;  // bytes that a product reads of the blocks that an outer loop adds
  std::int64_t inner = 1;                    // how many these are
  switch (source) {
    case Source::direct:
    case Source::windows:
      for (std::int64_t k = 0; k < s.terms(); k += amx::kDepth) add(k * kWidth, k, s.terms());
      break;
    case Source::pixels:
      inner = s.kernel_h * s.kernel_w;
      near = s.step_h * (kGroup * s.step_w + reach * (row / pixel)) * kBlockBytes;
      for (std::int64_t c = 0; c < s.in_channels; c += amx::kDepth)
        for (std::int64_t y = 0; y < s.kernel_h; ++y)
          for (std::int64_t x = 0; x < s.kernel_w; ++x) {
            const std::int64_t first = (y * s.kernel_w + x) * s.in_channels;
            add(at_row(y) + x * s.dilation_w * pixel + c * kWidth, first + c, first + s.in_channels);
          }
      break;
    case Source::columns:
      inner = s.kernel_h;
      near = s.step_h * (kGroup + reach * positions) * kBlockBytes;
      for (std::int64_t k = 0; k < row_terms; k += amx::kDepth)
        for (std::int64_t y = 0; y < s.kernel_h; ++y)
          add(at_row(y) + k * kWidth, y * row_terms + k, (y + 1) * row_terms);
      break;
  }
  const auto count = static_cast<std::int64_t>(blocks.size());
  const std::int64_t passes = parts_of(count, std::max<std::int64_t>(kNearBytes / near, 1) * inner);
  blocks_at_once = rounded(parts_of(count, passes), inner);
  for (const Block& b : blocks) offsets.push_back(b.offset);
}

}  // namespace strata::kernels::conv_tiles
