// The numbers that the stages of winograd.cpp share.
#pragma once

#include "kernels/winograd.h"

namespace strata::kernels::winograd {

// Of the convolution that is computed: for backward data `in` is the gradient of dst and `out` that of src.
struct Geometry {
  struct Window {
    std::int64_t image, row, column;
  };

  explicit Geometry(const Task& t) : tiles(t.cut.tiles), parts(t.cut.parts) {
    const Convolution& c = t.geometry;
    const bool flipped = t.kind == ConvKind::backward_data;
    in_height = flipped ? c.out[1] : c.in[1], in_width = flipped ? c.out[2] : c.in[2];
    out_height = flipped ? c.in[1] : c.out[1], out_width = flipped ? c.in[2] : c.out[2];
    in_channels = flipped ? c.out_channels : c.in_channels, out_channels = flipped ? c.in_channels : c.out_channels;
    pad_top = flipped ? 2 - c.pad[1] : c.pad[1], pad_left = flipped ? 2 - c.pad[2] : c.pad[2];
    in_padded = (in_channels + 15) / 16 * 16, out_padded = (out_channels + 15) / 16 * 16;
    columns = (out_width + 3) / 4, image_windows = (out_height + 3) / 4 * columns;
    windows = c.batch * image_windows;
    blocks = (windows + tiles - 1) / tiles;
    gradient_sums = t.kind == ConvKind::backward_weights ? 36 * in_padded * out_padded : 0;
  }

  Window window(std::int64_t i) const {
    const std::int64_t rest = i % image_windows;
    return {i / image_windows, rest / columns * 4, rest % columns * 4};
  }
  std::int64_t first_block(std::int64_t part) const { return blocks * part / parts; }
  // Floats from one point to the next; the 16 more keep points from falling into the same lines of the cache.
  std::int64_t in_point() const { return tiles * in_padded + 16; }
  std::int64_t out_point() const { return tiles * out_padded + 16; }
  std::int64_t part_floats() const { return 36 * (in_point() + out_point()) + gradient_sums; }

  std::int64_t tiles, parts;
  std::int64_t in_height, in_width, out_height, out_width, in_channels, out_channels, pad_top, pad_left;
  std::int64_t in_padded, out_padded;  // channels rounded up to whole vectors
  std::int64_t columns, image_windows, windows, blocks, gradient_sums;
};

}  // namespace strata::kernels::winograd
