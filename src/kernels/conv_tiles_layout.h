// Where the terms of a convolution lie for products of tiles (amx.h), and how the work is cut.
//
// A product wants, for 16 results, rows of terms at even distances. Where a kernel of one pixel finds them in src as it
// is, they are read there. Else a part of an image is gathered first, with zeros around it: for each pixel of src all
// its channels (`pixels`: neighbours share terms), for each column of results the terms of one row of the kernel
// (`columns`), or all terms of each result (`windows`).
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/conv_plan.h"

namespace strata::kernels::conv_tiles {

using Element = std::uint16_t;  // the bits of a bfloat16
inline constexpr std::int64_t kWidth = sizeof(Element);

// How many threads are worth while: waking a team costs as much as a small convolution.
int threads_for(const Convolution& c);

// A convolution in two dimensions. The gradient of src is one of the gradient of dst with flipped weights; where the
// forward convolution takes steps, it is one for each remainder of rows and columns of src by them, each with the taps
// that reach it.
struct Shape {
  std::int64_t batch, in_h, in_w, out_h, out_w, in_channels, out_channels, kernel_h, kernel_w, step_h = 1, step_w = 1,
                                                                                               dilation_h, dilation_w;
  std::int64_t pad_h, pad_w;  // below zero where the first rows or columns are for no result
  std::int64_t in_step;       // elements from one pixel to the next
  // Elements to the first result, and from one to the next one, to that in the next row, in the next image.
  std::int64_t out_first = 0, out_step, out_row, out_image;
  std::vector<std::int64_t> taps;  // of the forward convolution, where the weights are flipped

  explicit Shape(const ConvTask& t);                                // forward
  Shape(const ConvTask& t, std::int64_t row, std::int64_t column);  // backward_data, of these remainders
  bool is_empty() const { return out_h * out_w == 0; }
  bool has_no_taps() const { return kernel_h * kernel_w == 0; }
  std::int64_t terms() const { return kernel_h * kernel_w * in_channels; }
  // Columns of zeros before a row, of `in` that are left out, and of `in` that results read, from there on.
  std::int64_t zeros_before() const { return std::max<std::int64_t>(pad_w, 0); }
  std::int64_t left_out() const { return std::max<std::int64_t>(-pad_w, 0); }
  std::int64_t row_needs() const { return (out_w - 1) * step_w + (kernel_w - 1) * dilation_w + 1; }
  std::int64_t columns_read() const {
    return std::max<std::int64_t>(std::min(in_w - left_out(), row_needs() - zeros_before()), 0);
  }
  // A kernel of one pixel; all pixels of the batch are then one column.
  bool is_pointwise() const {
    return in_h == out_h && in_w == out_w && kernel_h * kernel_w * step_h * step_w == 1 && pad_h == 0 && pad_w == 0 &&
           out_image == out_h * out_w * out_step;
  }

 private:
  void join_images();
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
