// Highway compiles this file once for each set of instructions and picks one of them at the first call.
//
// Data and gradients are transformed a block of windows at a time into arrays (36 points, windows, channels) that fit
// the second-level cache; at each point the block is multiplied with the transformed weights, and the result
// transformed back. Transformed weights are kept as (36 points, panels of one to three vectors, depth, vectors).
#include "kernels/winograd.h"

#include <algorithm>

#include "kernels/panel_product.h"
#include "kernels/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/winograd.cpp"
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// Must come after highway.h.
#include "kernels/winograd_geometry.h"
#include "kernels/winograd_transform-inl.h"

HWY_BEFORE_NAMESPACE();
namespace strata::kernels {
namespace HWY_NAMESPACE {

using winograd::Geometry;
using winograd::Task;

// Where the pixels of one window lie: elements from the start of the array, or -1 for what is outside.
template <int kSide>
HWY_INLINE void FindPixels(std::int64_t image, std::int64_t height, std::int64_t width, std::int64_t stride,
                           std::int64_t row, std::int64_t column, std::int64_t* offsets) {
  for (std::int64_t r = 0; r < kSide; ++r)
    for (std::int64_t c = 0; c < kSide; ++c) {
      const std::int64_t y = row + r, x = column + c;
      const bool inside = y >= 0 && y < height && x >= 0 && x < width;
      offsets[r * kSide + c] = inside ? ((image * height + y) * width + x) * stride : -1;
    }
}

// Loads one vector of each pixel, transforms lines and then columns, stores one vector for each of the 36 points.
template <int kSide, class T, class Transform>
HWY_INLINE void ToPoints(const T* src, const std::int64_t* offsets, std::int64_t channel, std::int64_t channels,
                         float* dst, std::int64_t point_stride, Transform transform) {
  alignas(64) static constexpr float kZeros[16] = {};
  const T* zeros = reinterpret_cast<const T*>(kZeros);
  const std::int64_t left = channels - channel;
  V half[6 * kSide];
#pragma GCC unroll 6
  for (int c = 0; c < kSide; ++c) {
    V line[kSide], points[6];
#pragma GCC unroll 6
    for (int r = 0; r < kSide; ++r) {
      const std::int64_t offset = offsets[r * kSide + c];
      const T* p = offset >= 0 ? src + offset + channel : zeros;
      line[r] = HWY_LIKELY(left >= kLanes) ? Load(p) : LoadUpTo(p, left);
    }
    transform(line, points);
#pragma GCC unroll 6
    for (int r = 0; r < 6; ++r) half[r * kSide + c] = points[r];
  }
#pragma GCC unroll 6
  for (int r = 0; r < 6; ++r) {
    V points[6];
    transform(half + r * kSide, points);
#pragma GCC unroll 6
    for (int c = 0; c < 6; ++c) Store(points[c], dst + (r * 6 + c) * point_stride);
  }
}

template <class T>
void InputToPoints(const Geometry& g, const T* src, std::int64_t stride, std::int64_t window, std::int64_t count,
                   float* dst, std::int64_t point_stride) {
  std::int64_t offsets[36];
  for (std::int64_t i = 0; i < count; ++i) {
    const Geometry::Window w = g.window(window + i);
    FindPixels<6>(w.image, g.in_height, g.in_width, stride, w.row - g.pad_top, w.column - g.pad_left, offsets);
    for (std::int64_t channel = 0; channel < g.in_padded; channel += kLanes)
      ToPoints<6>(src, offsets, channel, g.in_channels, dst + i * g.in_padded + channel, point_stride,
                  [](const V* x, V* y) HWY_ATTR { TransformInput(x, y); });
  }
}

template <class T>
void GradientToPoints(const Geometry& g, const T* src, std::int64_t stride, std::int64_t window, std::int64_t count,
                      float* dst, std::int64_t point_stride) {
  std::int64_t offsets[16];
  for (std::int64_t i = 0; i < count; ++i) {
    const Geometry::Window w = g.window(window + i);
    FindPixels<4>(w.image, g.out_height, g.out_width, stride, w.row, w.column, offsets);
    for (std::int64_t channel = 0; channel < g.out_padded; channel += kLanes)
      ToPoints<4>(src, offsets, channel, g.out_channels, dst + i * g.out_padded + channel, point_stride,
                  [](const V* x, V* y) HWY_ATTR { TransformOutputGradient(x, y); });
  }
}

struct Epilogue {
  const float* bias;
  bool relu;
};

// One window, one vector of channels: 36 points to at most 4x4 pixels.
template <class T>
HWY_INLINE void FromPoints(const float* points, std::int64_t point_stride, T* dst, std::int64_t row_stride,
                           std::int64_t stride, int height, int width, std::int64_t left, V bias, bool relu) {
  V half[4 * 6];
#pragma GCC unroll 6
  for (int c = 0; c < 6; ++c) {
    V line[6], out[4];
#pragma GCC unroll 6
    for (int r = 0; r < 6; ++r) line[r] = Load(points + (r * 6 + c) * point_stride);
    TransformOutput(line, out);
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) half[r * 6 + c] = out[r];
  }
  const V low = relu ? hn::Zero(D()) : C(-__builtin_inff());
  for (int r = 0; r < height; ++r) {
    V out[4];
    TransformOutput(half + r * 6, out);
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) {
      // In this order a number that is none stays one.
      const V sum = hn::Add(out[c], bias);
      const V y = hn::IfThenElse(hn::Lt(sum, low), low, sum);
      if (c < width) StoreUpTo(y, dst + r * row_stride + c * stride, left);
    }
  }
}

template <class T>
void PointsToOutput(const Geometry& g, const float* points, std::int64_t point_stride, std::int64_t window,
                    std::int64_t count, T* dst, std::int64_t stride, const Epilogue& epilogue) {
  for (std::int64_t i = 0; i < count; ++i) {
    const Geometry::Window w = g.window(window + i);
    const int height = static_cast<int>(std::min<std::int64_t>(4, g.out_height - w.row));
    const int width = static_cast<int>(std::min<std::int64_t>(4, g.out_width - w.column));
    T* to = dst + ((w.image * g.out_height + w.row) * g.out_width + w.column) * stride;
    for (std::int64_t channel = 0; channel < g.out_channels; channel += kLanes) {
      const std::int64_t left = g.out_channels - channel;
      const V bias = epilogue.bias != nullptr ? LoadUpTo(epilogue.bias + channel, left) : hn::Zero(D());
      FromPoints(points + i * g.out_padded + channel, point_stride, to + channel, g.out_width * stride, stride, height,
                 width, left, bias, epilogue.relu);
    }
  }
}

// c (rows, out) = a (rows, depth) * b at one point; b in panels.
void MultiplyPoint(std::int64_t rows, const float* a, std::int64_t depth, const float* b, std::int64_t out, float* c) {
  const std::int64_t vectors = out / kLanes;
  for (std::int64_t v = 0; v < vectors;) {
    const int width = PanelWidth(vectors - v);
    multiply_panel({.vectors = width,
                    .rows = rows,
                    .depth = depth,
                    .a = a,
                    .a_row = depth,
                    .a_step = 1,
                    .b = b + v * kLanes * depth,
                    .b_row = width * kLanes,
                    .c = c + v * kLanes,
                    .c_row = out});
    v += width;
  }
}

// c (in, out) = or += a (windows, in) transposed * b (windows, out); c in panels.
void MultiplyPointGradient(std::int64_t windows, const float* a, std::int64_t in, const float* b, std::int64_t out,
                           float* c, bool add) {
  const std::int64_t vectors = out / kLanes;
  for (std::int64_t v = 0; v < vectors;) {
    const int width = PanelWidth(vectors - v);
    multiply_panel({.vectors = width,
                    .rows = in,
                    .depth = windows,
                    .a = a,
                    .a_row = 1,
                    .a_step = in,
                    .b = b + v * kLanes,
                    .b_row = out,
                    .c = c + v * kLanes * in,
                    .c_row = width * kLanes,
                    .add = add});
    v += width;
  }
}

// The stages of a block, for some of its windows or points.
template <class T>
struct Block {
  const Task& task;
  const Geometry& g;
  std::int64_t window;
  float *points, *products;

  void Take(const T* from, std::int64_t first, std::int64_t count) const {
    const std::int64_t stride = task.kind == ConvKind::forward ? task.strides.src : task.strides.dst;
    InputToPoints(g, from, stride, window + first, count, points + first * g.in_padded, g.in_point());
  }
  void Multiply(const float* packed, std::int64_t first, std::int64_t last, std::int64_t count) const {
    for (std::int64_t p = first; p < last; ++p)
      MultiplyPoint(count, points + p * g.in_point(), g.in_padded, packed + p * g.in_padded * g.out_padded,
                    g.out_padded, products + p * g.out_point());
  }
  void Give(T* to, std::int64_t first, std::int64_t count, const Epilogue& epilogue) const {
    const std::int64_t stride = task.kind == ConvKind::forward ? task.strides.dst : task.strides.src;
    PointsToOutput(g, products + first * g.out_padded, g.out_point(), window + first, count, to, stride, epilogue);
  }
};

template <class T>
void Convolve(const Task& t, const T* from, const float* packed, T* to, float* scratch, const Epilogue& epilogue) {
  const Geometry g(t);
  if (t.cut.by_points) {
    const Block<T> b{t, g, 0, scratch, scratch + 36 * g.in_point()};
    const auto each = [](std::int64_t n, const auto& f) { parallel_for(n, kParallelWork, f); };
    each(g.windows, [&](std::int64_t first, std::int64_t last) HWY_ATTR { b.Take(from, first, last - first); });
    each(36, [&](std::int64_t first, std::int64_t last) HWY_ATTR { b.Multiply(packed, first, last, g.windows); });
    each(g.windows, [&](std::int64_t first, std::int64_t last) HWY_ATTR { b.Give(to, first, last - first, epilogue); });
    return;
  }
  parallel_for(t.cut.parts, kParallelWork, [&](std::int64_t first, std::int64_t last) HWY_ATTR {
    for (std::int64_t part = first; part < last; ++part) {
      float* points = scratch + part * g.part_floats();
      for (std::int64_t block = g.first_block(part); block < g.first_block(part + 1); ++block) {
        const std::int64_t window = block * t.cut.tiles, count = std::min(t.cut.tiles, g.windows - window);
        const Block<T> b{t, g, window, points, points + 36 * g.in_point()};
        b.Take(from, 0, count);
        b.Multiply(packed, 0, 36, count);
        b.Give(to, 0, count, epilogue);
      }
    }
  });
}

void ConvolveAny(const Task& t, const void* from, const float* packed, void* to, float* scratch, const float* bias,
                 bool relu) {
  if (t.dtype == DType::float32)
    Convolve(t, static_cast<const float*>(from), packed, static_cast<float*>(to), scratch, {bias, relu});
  else
    Convolve(t, static_cast<const BFloat16*>(from), packed, static_cast<BFloat16*>(to), scratch, {bias, relu});
}

// One vector of outputs at one depth: nine weights to 36 points.
HWY_INLINE void PackVector(const V* weights, float* packed, std::int64_t point_stride) {
  V half[18];
#pragma GCC unroll 3
  for (int c = 0; c < 3; ++c) {
    const V line[3] = {weights[c], weights[3 + c], weights[6 + c]};
    V points[6];
    TransformWeights(line, points);
#pragma GCC unroll 6
    for (int r = 0; r < 6; ++r) half[r * 3 + c] = points[r];
  }
#pragma GCC unroll 6
  for (int r = 0; r < 6; ++r) {
    V points[6];
    TransformWeights(half + r * 3, points);
#pragma GCC unroll 6
    for (int c = 0; c < 6; ++c) Store(points[c], packed + (r * 6 + c) * point_stride);
  }
}

// Where the vector v of outputs at the given depth lies in a panel.
HWY_INLINE std::int64_t PanelOffset(std::int64_t vectors, std::int64_t depth_size, std::int64_t v, std::int64_t depth) {
  std::int64_t start = 0;
  int width = PanelWidth(vectors);
  while (v >= start + width) {
    start += width;
    width = PanelWidth(vectors - start);
  }
  return kLanes * (start * depth_size + depth * width + (v - start));
}

// columns[i] = the weights of output first + i, one vector of depths each, at one tap; zeros behind the last.
template <class T>
HWY_INLINE void LoadColumns(const T* from, std::int64_t row, std::int64_t depths, std::int64_t left, float* columns) {
  for (std::int64_t i = 0; i < kLanes; ++i)
    Store(i < left ? LoadUpTo(from + i * row, depths) : hn::Zero(D()), columns + i * kLanes);
}

// A vector of depths of one vector of outputs, each of which is an input channel of the convolution: they lie a row
// apart, so that kLanes rows are read along and turned in the first-level cache. The taps are flipped.
template <class T>
void PackTurned(const Task& t, const Geometry& g, const T* weights, std::int64_t depth, std::int64_t v, float* packed) {
  const std::int64_t in = t.geometry.in_channels, out = t.geometry.out_channels, vectors = g.out_padded / kLanes;
  const std::int64_t first = v * kLanes, left = std::min<std::int64_t>(kLanes, g.out_channels - first);
  const std::int64_t depths = std::min<std::int64_t>(kLanes, g.in_channels - depth);
  HWY_ALIGN float columns[9][kLanes * kLanes];
  for (int tap = 0; tap < 9; ++tap)
    LoadColumns(weights + ((8 - tap) * in + first) * out + depth, out, depths, left, columns[tap]);
  for (std::int64_t d = 0; d < kLanes; ++d) {
    V nine[9];
    for (int tap = 0; tap < 9; ++tap) {
      HWY_ALIGN float column[kLanes];
      for (std::int64_t i = 0; i < kLanes; ++i) column[i] = columns[tap][i * kLanes + d];
      nine[tap] = Load(column);
    }
    PackVector(nine, packed + PanelOffset(vectors, g.in_padded, v, depth + d), g.in_padded * g.out_padded);
  }
}

template <class T>
void Pack(const Task& t, const T* weights, float* packed) {
  const Geometry g(t);
  const std::int64_t in = t.geometry.in_channels, out = t.geometry.out_channels;
  const std::int64_t vectors = g.out_padded / kLanes;
  if (t.kind != ConvKind::forward) {
    const std::int64_t groups = g.in_padded / kLanes;
    parallel_for(groups * vectors, kLanes * 100, [&](std::int64_t begin, std::int64_t end) HWY_ATTR {
      for (std::int64_t i = begin; i < end; ++i) PackTurned(t, g, weights, i / vectors * kLanes, i % vectors, packed);
    });
    return;
  }
  parallel_for(g.in_padded, vectors * 100, [&](std::int64_t begin, std::int64_t end) HWY_ATTR {
    for (std::int64_t depth = begin; depth < end; ++depth)
      for (std::int64_t v = 0; v < vectors; ++v) {
        V nine[9];
        const std::int64_t first = v * kLanes, left = std::min<std::int64_t>(kLanes, g.out_channels - first);
        for (int tap = 0; tap < 9; ++tap)
          nine[tap] = depth < g.in_channels && left > 0 ? LoadUpTo(weights + (tap * in + depth) * out + first, left)
                                                        : hn::Zero(D());
        PackVector(nine, packed + PanelOffset(vectors, g.in_padded, v, depth), g.in_padded * g.out_padded);
      }
  });
}

void PackAny(const Task& t, DType dtype, const void* weights, float* packed) {
  if (dtype == DType::float32)
    Pack(t, static_cast<const float*>(weights), packed);
  else
    Pack(t, static_cast<const BFloat16*>(weights), packed);
}

// Sums the parts' gradients at the 36 points and transforms them back.
void PointsToWeights(const Task& t, const Geometry& g, const float* sums, std::int64_t part_stride, float* weights) {
  const std::int64_t vectors = g.out_padded / kLanes, point = g.in_padded * g.out_padded;
  parallel_for(g.in_channels, vectors * 100 * t.cut.parts, [&](std::int64_t begin, std::int64_t end) HWY_ATTR {
    for (std::int64_t i = begin; i < end; ++i)
      for (std::int64_t v = 0; v < vectors; ++v) {
        const float* from = sums + PanelOffset(vectors, g.in_padded, v, i);
        V half[18];
        for (int c = 0; c < 6; ++c) {
          V line[6], out[3];
          for (int r = 0; r < 6; ++r) {
            line[r] = Load(from + (r * 6 + c) * point);
            for (std::int64_t part = 1; part < t.cut.parts; ++part)
              line[r] = hn::Add(line[r], Load(from + part * part_stride + (r * 6 + c) * point));
          }
          TransformWeightsGradient(line, out);
          for (int r = 0; r < 3; ++r) half[r * 6 + c] = out[r];
        }
        for (int r = 0; r < 3; ++r) {
          V out[3];
          TransformWeightsGradient(half + r * 6, out);
          for (int c = 0; c < 3; ++c)
            StoreUpTo(out[c], weights + ((r * 3 + c) * g.in_channels + i) * g.out_channels + v * kLanes,
                      g.out_channels - v * kLanes);
        }
      }
  });
}

template <class T>
void BackwardWeights(const Task& t, const T* src, const T* diff_dst, float* diff_weights, float* scratch) {
  const Geometry g(t);
  const std::int64_t point = g.in_padded * g.out_padded;
  parallel_for(t.cut.parts, kParallelWork, [&](std::int64_t first, std::int64_t last) HWY_ATTR {
    for (std::int64_t part = first; part < last; ++part) {
      float* sums = scratch + part * g.part_floats();
      float* points = sums + 36 * point;
      float* gradients = points + 36 * g.in_point();
      for (std::int64_t block = g.first_block(part); block < g.first_block(part + 1); ++block) {
        const std::int64_t window = block * t.cut.tiles, count = std::min(t.cut.tiles, g.windows - window);
        InputToPoints(g, src, t.strides.src, window, count, points, g.in_point());
        GradientToPoints(g, diff_dst, t.strides.dst, window, count, gradients, g.out_point());
        for (std::int64_t p = 0; p < 36; ++p)
          MultiplyPointGradient(count, points + p * g.in_point(), g.in_padded, gradients + p * g.out_point(),
                                g.out_padded, sums + p * point, block > g.first_block(part));
      }
    }
  });
  PointsToWeights(t, g, scratch, g.part_floats(), diff_weights);
}

void BackwardWeightsAny(const Task& t, const void* src, const void* diff_dst, float* diff_weights, float* scratch) {
  if (t.dtype == DType::float32)
    BackwardWeights(t, static_cast<const float*>(src), static_cast<const float*>(diff_dst), diff_weights, scratch);
  else
    BackwardWeights(t, static_cast<const BFloat16*>(src), static_cast<const BFloat16*>(diff_dst), diff_weights,
                    scratch);
}

}  // namespace HWY_NAMESPACE
}  // namespace strata::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace strata::kernels {

HWY_EXPORT(ConvolveAny);
HWY_EXPORT(PackAny);
HWY_EXPORT(BackwardWeightsAny);

namespace winograd {

bool applies(const Convolution& c) {
  const bool flat = c.is_flat() && c.kernel == Convolution::Three{1, 3, 3};
  return flat && c.groups == 1 && c.stride == Convolution::Three{1, 1, 1} &&
         c.dilation == Convolution::Three{1, 1, 1} && c.pad[1] >= 0 && c.pad[1] <= 2 && c.pad[2] >= 0 && c.pad[2] <= 2;
}

Cut cut(ConvKind kind, const Convolution& c, int threads) {
  const bool backward_data = kind == ConvKind::backward_data;
  const std::int64_t height = backward_data ? c.in[1] : c.out[1], width = backward_data ? c.in[2] : c.out[2];
  const std::int64_t windows = c.batch * ((height + 3) / 4) * ((width + 3) / 4);
  constexpr std::int64_t kOneBlock = 32;
  if (kind != ConvKind::backward_weights && threads > 1 && windows <= kOneBlock) return {1, windows, true};
  std::int64_t tiles = kind == ConvKind::backward_weights ? 64 : 32;
  while (tiles > 8 && windows < tiles * threads) tiles /= 2;
  return {std::clamp<std::int64_t>((windows + tiles - 1) / tiles, 1, threads), tiles};
}

std::size_t packed_size(const Task& t) {
  const Geometry g(t);
  return t.kind == ConvKind::backward_weights
             ? 0
             : static_cast<std::size_t>(36 * g.in_padded * g.out_padded) * sizeof(float);
}

std::size_t scratch_size(const Task& t) {
  return static_cast<std::size_t>(t.cut.parts * Geometry(t).part_floats()) * sizeof(float);
}

void pack(const Task& t, DType weights_dtype, const void* weights, float* packed) {
  HWY_DYNAMIC_DISPATCH(PackAny)(t, weights_dtype, weights, packed);
}

void convolve(const Task& t, const void* from, const float* packed, void* to, float* scratch, const float* bias,
              bool relu) {
  HWY_DYNAMIC_DISPATCH(ConvolveAny)(t, from, packed, to, scratch, bias, relu);
}

void backward_weights(const Task& t, const void* src, const void* diff_dst, float* diff_weights, float* scratch) {
  HWY_DYNAMIC_DISPATCH(BackwardWeightsAny)(t, src, diff_dst, diff_weights, scratch);
}

}  // namespace winograd
}  // namespace strata::kernels
#endif
