// Where the terms of a convolution lie for products of tiles (amx.h), and how the work is cut.
//
// A product wants, for 16 results, rows of terms at even distances. Where a kernel of one pixel finds them in src as it
// is, they are read there. Else a part of an image is gathered first, with zeros around it: for each pixel of src all
// its channels (`pixels`: neighbours share terms), for each column of results the terms of one row of the kernel
// (`columns`), or all terms of each result (`windows`).
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/conv_plan.h"

namespace strata::kernels::conv_tiles {

inline constexpr std::int64_t kWidth = 2;  // bytes of a bfloat16

// A convolution in two dimensions; that of the gradient of dst, where the gradient of src is wanted.
struct Shape {
  std::int64_t batch, in_h, in_w, out_h, out_w, in_channels, out_channels, kernel_h, kernel_w, step_h, step_w,
      dilation_h, dilation_w, pad_h, pad_w, in_step, out_step;

  explicit Shape(const ConvTask& t);
  std::int64_t terms() const { return kernel_h * kernel_w * in_channels; }
  // A kernel of one pixel; all pixels of the batch are then one column.
  bool is_pointwise() const { return in_h == out_h && in_w == out_w && kernel_h * kernel_w * step_h * step_w == 1; }
};

enum class Source { direct, pixels, columns, windows };

// 32 terms of the sums: bytes from the first term of a result to them, and their rows of the weights.
struct Block {
  std::int64_t offset, first_row, rows;
};

struct Layout {
  Source source = Source::direct;
  std::int64_t step = 0;       // bytes from the terms of one position to those of the next
  std::int64_t positions = 0;  // in a row of results; those beyond out_w are computed and dropped
  std::int64_t pixel = 0;      // of `pixels`: bytes from one pixel to the next
  std::int64_t row = 0;        // bytes from one gathered row to the next
  // Rows of src whose numbers have the same remainder by step_h follow one another, so that neighbours among the rows
  // of results read neighbours. Bytes from one remainder to the next, and how many rows behind its first a result
  // reads.
  std::int64_t plane = 0, reach = 0;
  std::int64_t image = 0;  // bytes gathered of an image

  // A unit of work is `band` rows of results of `images` images, for one of `panel_parts` parts of the channels.
  std::int64_t images = 1, band = 1, bands = 1, panels = 1, panel_parts = 1, units = 1;

  std::vector<Block> blocks;
  std::vector<std::int64_t> offsets;  // those of the blocks
  std::int64_t blocks_at_once = 1;    // so many that their terms stay in the first-level cache

  Layout(const Shape& s, int threads);

 private:
  void choose_source(const Shape& s);
  void cut(const Shape& s, int threads);
  void list_blocks(const Shape& s);
};

}  // namespace strata::kernels::conv_tiles
