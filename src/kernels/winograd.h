// Convolutions of 3x3 windows by Winograd's method F(4x4, 3x3): a quarter of the multiplications of the direct way.
// Channels-last arrays of float32 or bfloat16; arithmetic in float32. Relative L2 distance from exact results about
// 2e-6.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv.h"
#include "strata/export.h"

namespace strata::kernels::winograd {

// Whether the method is for this convolution: 3x3, no groups, steps and dilation of 1, padding of at most 2.
bool applies(const Convolution& c);

// How the work is cut: `parts` are computed side by side, each in blocks of `tiles` windows of 4x4 results. Where all
// windows are one small block, what is shared out is the points, so that each thread reads its share of the weights.
struct Cut {
  std::int64_t parts, tiles;
  bool by_points = false;
};
STRATA_API Cut cut(ConvKind kind, const Convolution& c, int threads);

// Where the pixels of an array lie: elements from one to the next one.
struct Strides {
  std::int64_t src, dst;
};

// Forward, or the gradient of src: the same with `src` the gradient of dst and flipped weights.
struct Task {
  Convolution geometry;  // of the forward convolution
  ConvKind kind;
  DType dtype;
  Strides strides;
  Cut cut;
};

std::size_t packed_size(const Task& t);   // bytes of transformed weights, for forward and backward data
std::size_t scratch_size(const Task& t);  // bytes
// weights (3, 3, in, out), float32 or bfloat16.
void pack(const Task& t, DType weights_dtype, const void* weights, float* packed);
// dst = convolution (+ bias, then ReLU where wanted); from and to are src and dst, or diff_dst and diff_src.
void convolve(const Task& t, const void* from, const float* packed, void* to, float* scratch, const float* bias,
              bool relu);
// diff_weights (3, 3, in, out) in float32.
void backward_weights(const Task& t, const void* src, const void* diff_dst, float* diff_weights, float* scratch);

}  // namespace strata::kernels::winograd
