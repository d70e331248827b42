// Highway compiles this file once for each set of instructions and picks one of them at the first call.
#include "kernels/batch_norm.h"

#include <algorithm>
#include <cmath>

#include "kernels/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/batch_norm.cpp"
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// Must come after highway.h.
#include "kernels/batch_norm_blocks.h"
#include "kernels/simd_load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace strata::kernels {
namespace HWY_NAMESPACE {

// Elements of a row that are worked on before the next ones: a few kilobytes of all rows together.
constexpr std::int64_t kTileBytes = 3072;

template <class T>
HWY_INLINE std::int64_t TileRows(std::int64_t channels) {
  return std::clamp<std::int64_t>(
      kTileBytes / (std::max<std::int64_t>(channels, 1) * static_cast<std::int64_t>(sizeof(T))), 4, 64);
}

// Some vectors of channels, `left` of which are there, of the rows from..to.
struct Tile {
  std::int64_t channel, left, from, to;
};

// Calls f(vectors as a constant, tile) for groups of four, two and single vectors of channels of TileRows at a time:
// memory is read in one stream, row after row, however many channels there are. f fetches what lies TileRows ahead, for
// gaps between rows hide it from the processor's own prefetching.
template <class T, class F>
HWY_INLINE void EachTile(std::int64_t channels, std::int64_t begin, std::int64_t end, F&& f) {
  const std::int64_t rows = TileRows<T>(channels);
  for (std::int64_t from = begin; from < end; from += rows) {
    const std::int64_t to = std::min(end, from + rows);
    std::int64_t c = 0;
    for (; c + 4 * kLanes <= channels; c += 4 * kLanes)
      f(std::integral_constant<int, 4>(), Tile{c, 4 * kLanes, from, to});
    if constexpr (kManyRegisters)  // where vectors are long, and 32 channels two of them
      for (; c + 2 * kLanes <= channels; c += 2 * kLanes)
        f(std::integral_constant<int, 2>(), Tile{c, 2 * kLanes, from, to});
    for (; c < channels; c += kLanes)
      f(std::integral_constant<int, 1>(), Tile{c, std::min<std::int64_t>(kLanes, channels - c), from, to});
  }
}

// Fetches the lines that hold N vectors.
template <int N, class T>
HWY_INLINE void Fetch(const T* p) {
  constexpr int kStep = std::max(1, 64 / (kLanes * static_cast<int>(sizeof(T))));
  for (int j = 0; j < N; j += kStep) __builtin_prefetch(p + j * kLanes);
}

// Sums of (x - first) and its square over the rows of a block, for each channel; `first` is the block's first row.
template <class T>
void BlockMoments(const BatchNormTask& t, const T* src, std::int64_t stride, std::int64_t begin, std::int64_t end,
                  float* sums, float* squares, float* firsts) {
  const std::int64_t ahead = TileRows<T>(t.channels) * stride;
  for (std::int64_t c = 0; c < t.channels; c += kLanes) {
    Store(LoadUpTo(src + begin * stride + c, t.channels - c), firsts + c);
    Store(hn::Zero(D()), sums + c);
    Store(hn::Zero(D()), squares + c);
  }
  EachTile<T>(t.channels, begin, end, [&]<int N>(std::integral_constant<int, N>, const Tile& tile) HWY_ATTR {
    const std::int64_t c = tile.channel;
    V first[N], sum[N], square[N];
    for (int j = 0; j < N; ++j) {
      first[j] = Load(firsts + c + j * kLanes);
      sum[j] = Load(sums + c + j * kLanes), square[j] = Load(squares + c + j * kLanes);
    }
    for (std::int64_t r = tile.from; r < tile.to; ++r) {
      const T* row = src + r * stride + c;
      Fetch<N>(row + ahead);
      for (int j = 0; j < N; ++j) {
        const T* p = row + j * kLanes;
        const V d = hn::Sub(N > 1 ? Load(p) : LoadUpTo(p, tile.left), first[j]);
        sum[j] = hn::Add(sum[j], d);
        square[j] = hn::MulAdd(d, d, square[j]);
      }
    }
    for (int j = 0; j < N; ++j) {
      Store(sum[j], sums + c + j * kLanes);
      Store(square[j], squares + c + j * kLanes);
    }
  });
}

// dst = (src - mean) * factor + shift for the rows of a block, clamped from below; mean is read where kCentered.
template <bool kCentered, class T>
void BlockScale(const BatchNormTask& t, const T* src, std::int64_t src_stride, T* dst, std::int64_t dst_stride,
                std::int64_t begin, std::int64_t end, const float* mean, const float* factor, const float* shift) {
  const V zero = hn::Zero(D());
  const std::int64_t ahead = TileRows<T>(t.channels);
  EachTile<T>(t.channels, begin, end, [&]<int N>(std::integral_constant<int, N>, const Tile& tile) HWY_ATTR {
    const std::int64_t c = tile.channel;
    V m[N], f[N], s[N];
    for (int j = 0; j < N; ++j) {
      m[j] = kCentered ? Load(mean + c + j * kLanes) : zero;
      f[j] = Load(factor + c + j * kLanes), s[j] = Load(shift + c + j * kLanes);
    }
    for (std::int64_t r = tile.from; r < tile.to; ++r) {
      Fetch<N>(src + (r + ahead) * src_stride + c);
      Fetch<N>(dst + (r + ahead) * dst_stride + c);
      for (int j = 0; j < N; ++j) {
        const T* p = src + r * src_stride + c + j * kLanes;
        T* q = dst + r * dst_stride + c + j * kLanes;
        const V x = N > 1 ? Load(p) : LoadUpTo(p, tile.left);
        V y = hn::MulAdd(kCentered ? hn::Sub(x, m[j]) : x, f[j], s[j]);
        if (t.relu) y = hn::IfThenElse(hn::Lt(y, zero), zero, y);  // in this order NaN stays NaN
        if (N > 1)
          Store(y, q);
        else
          StoreUpTo(y, q, tile.left);
      }
    }
  });
}

// What a pass over gradients reads: the two gradients, src, and the channels' constants.
template <class T>
struct Gradients {
  const T *dy, *second, *src;
  std::int64_t dy_stride, second_stride, src_stride;
  const float *factor, *shift, *mean;

  // The gradient in front of the ReLU, whose mask is found as the forward pass found it.
  template <bool kWhole>
  HWY_INLINE V Masked(bool relu, std::int64_t r, std::int64_t c, std::int64_t left, V centered, V f, V s) const {
    V g = kWhole ? Load(dy + r * dy_stride + c) : LoadUpTo(dy + r * dy_stride + c, left);
    if (second != nullptr) {
      const T* p = second + r * second_stride + c;
      g = hn::Add(g, kWhole ? Load(p) : LoadUpTo(p, left));
    }
    return relu ? hn::IfThenElseZero(hn::Gt(hn::MulAdd(centered, f, s), hn::Zero(D())), g) : g;
  }
  template <bool kWhole>
  HWY_INLINE V Centered(std::int64_t r, std::int64_t c, std::int64_t left, V m) const {
    const T* p = src + r * src_stride + c;
    return hn::Sub(kWhole ? Load(p) : LoadUpTo(p, left), m);
  }
  template <int N>
  HWY_INLINE void FetchRow(std::int64_t r, std::int64_t c) const {
    Fetch<N>(dy + r * dy_stride + c);
    Fetch<N>(src + r * src_stride + c);
    if (second != nullptr) Fetch<N>(second + r * second_stride + c);
  }
};

template <class T>
void BlockGradientSums(const BatchNormTask& t, const Gradients<T>& g, std::int64_t begin, std::int64_t end, float* sums,
                       float* products) {
  const std::int64_t ahead = TileRows<T>(t.channels);
  for (std::int64_t c = 0; c < t.channels; c += kLanes) {
    Store(hn::Zero(D()), sums + c);
    Store(hn::Zero(D()), products + c);
  }
  EachTile<T>(t.channels, begin, end, [&]<int N>(std::integral_constant<int, N>, const Tile& tile) HWY_ATTR {
    V f[N], s[N], m[N], sum[N], product[N];
    for (int j = 0; j < N; ++j) {
      const std::int64_t at = tile.channel + j * kLanes;
      f[j] = Load(g.factor + at), s[j] = Load(g.shift + at), m[j] = Load(g.mean + at);
      sum[j] = Load(sums + at), product[j] = Load(products + at);
    }
    for (std::int64_t r = tile.from; r < tile.to; ++r) {
      g.template FetchRow<N>(r + ahead, tile.channel);
      for (int j = 0; j < N; ++j) {
        const std::int64_t at = tile.channel + j * kLanes;
        const V x = g.template Centered<(N > 1)>(r, at, tile.left, m[j]);
        const V dy = g.template Masked<(N > 1)>(t.relu, r, at, tile.left, x, f[j], s[j]);
        sum[j] = hn::Add(sum[j], dy);
        product[j] = hn::MulAdd(dy, x, product[j]);
      }
    }
    for (int j = 0; j < N; ++j) {
      Store(sum[j], sums + tile.channel + j * kLanes);
      Store(product[j], products + tile.channel + j * kLanes);
    }
  });
}

// diff_src = factor * dy + slope * (src - mean) + level.
template <class T>
void BlockGradient(const BatchNormTask& t, const Gradients<T>& g, std::int64_t begin, std::int64_t end,
                   const float* slope, const float* level, T* diff_src, std::int64_t diff_src_stride) {
  const std::int64_t ahead = TileRows<T>(t.channels);
  EachTile<T>(t.channels, begin, end, [&]<int N>(std::integral_constant<int, N>, const Tile& tile) HWY_ATTR {
    V f[N], s[N], m[N], b[N], d[N];
    for (int j = 0; j < N; ++j) {
      const std::int64_t at = tile.channel + j * kLanes;
      f[j] = Load(g.factor + at), s[j] = Load(g.shift + at), m[j] = Load(g.mean + at);
      b[j] = Load(slope + at), d[j] = Load(level + at);
    }
    for (std::int64_t r = tile.from; r < tile.to; ++r) {
      g.template FetchRow<N>(r + ahead, tile.channel);
      Fetch<N>(diff_src + (r + ahead) * diff_src_stride + tile.channel);
      for (int j = 0; j < N; ++j) {
        const std::int64_t at = tile.channel + j * kLanes;
        const V x = g.template Centered<(N > 1)>(r, at, tile.left, m[j]);
        const V dy = g.template Masked<(N > 1)>(t.relu, r, at, tile.left, x, f[j], s[j]);
        const V dx = hn::MulAdd(f[j], dy, hn::MulAdd(b[j], x, d[j]));
        T* q = diff_src + r * diff_src_stride + at;
        if (N > 1)
          Store(dx, q);
        else
          StoreUpTo(dx, q, tile.left);
      }
    }
  });
}

template <class T>
void Train(const BatchNormTask& t, const T* src, const float* scale, const float* offset, T* dst, float* mean,
           float* variance, float* scratch) {
  const BatchNormBlocks blocks(t);
  const std::int64_t stride = blocks.src_stride();
  blocks.each([&](std::int64_t b) HWY_ATTR {
    float* sums = blocks.partial(scratch, b);
    BlockMoments(t, src, stride, blocks.begin(b), blocks.end(b), sums, sums + blocks.padded, sums + 2 * blocks.padded);
  });
  blocks.combine_moments(scratch, mean, variance);
  float *factor = blocks.constants(scratch, 0), *shift = blocks.constants(scratch, 1),
        *middle = blocks.constants(scratch, 2);
  blocks.prepare(scale, offset, mean, variance, factor, shift, middle);
  blocks.each_backwards([&](std::int64_t b) HWY_ATTR {
    BlockScale<true>(t, src, stride, dst, blocks.dst_stride(), blocks.begin(b), blocks.end(b), middle, factor, shift);
  });
}

template <class T>
void Backward(const BatchNormTask& t, const BatchNormGradient& a, float* scratch) {
  const BatchNormBlocks blocks(t);
  float *factor = blocks.constants(scratch, 0), *shift = blocks.constants(scratch, 1),
        *slope = blocks.constants(scratch, 2), *level = blocks.constants(scratch, 3),
        *mean = blocks.constants(scratch, 4);
  blocks.prepare(a.scale, a.offset, a.mean, a.variance, factor, shift, mean);
  const Gradients<T> g{static_cast<const T*>(a.diff_dst),
                       static_cast<const T*>(a.second),
                       static_cast<const T*>(a.src),
                       blocks.dst_stride(),
                       blocks.second_stride(),
                       blocks.src_stride(),
                       factor,
                       shift,
                       mean};
  blocks.each([&](std::int64_t b) HWY_ATTR {
    float* sums = blocks.partial(scratch, b);
    BlockGradientSums(t, g, blocks.begin(b), blocks.end(b), sums, sums + blocks.padded);
  });
  blocks.combine_gradients(scratch, a, slope, level);
  blocks.each_backwards([&](std::int64_t b) HWY_ATTR {
    BlockGradient(t, g, blocks.begin(b), blocks.end(b), slope, level, static_cast<T*>(a.diff_src),
                  blocks.diff_src_stride());
  });
}

void TrainAny(const BatchNormTask& t, const void* src, const float* scale, const float* offset, void* dst, float* mean,
              float* variance, float* scratch) {
  if (t.dtype == DType::float32)
    Train(t, static_cast<const float*>(src), scale, offset, static_cast<float*>(dst), mean, variance, scratch);
  else
    Train(t, static_cast<const BFloat16*>(src), scale, offset, static_cast<BFloat16*>(dst), mean, variance, scratch);
}

void BackwardAny(const BatchNormTask& t, const BatchNormGradient& a, float* scratch) {
  if (t.dtype == DType::float32)
    Backward<float>(t, a, scratch);
  else
    Backward<BFloat16>(t, a, scratch);
}

template <class T>
void ScaleShift(const BatchNormTask& t, const void* src, const float* factor, const float* shift, void* dst) {
  const BatchNormBlocks blocks(t);
  alignas(64) float padded[2 * kLanes];
  // Whole vectors of constants are read, so the last channels get a padded copy.
  const std::int64_t whole = t.channels / kLanes * kLanes, rest = t.channels - whole;
  std::fill_n(padded, 2 * kLanes, 0.f);
  std::copy_n(factor + whole, rest, padded);
  std::copy_n(shift + whole, rest, padded + kLanes);
  const T* from = static_cast<const T*>(src);
  T* to = static_cast<T*>(dst);
  blocks.each([&](std::int64_t b) HWY_ATTR {
    BatchNormTask part = t;
    part.channels = whole;
    BlockScale<false>(part, from, blocks.src_stride(), to, blocks.dst_stride(), blocks.begin(b), blocks.end(b), nullptr,
                      factor, shift);
    part.channels = rest;
    BlockScale<false>(part, from + whole, blocks.src_stride(), to + whole, blocks.dst_stride(), blocks.begin(b),
                      blocks.end(b), nullptr, padded, padded + kLanes);
  });
}

void ScaleShiftAny(const BatchNormTask& t, const void* src, const float* factor, const float* shift, void* dst) {
  if (t.dtype == DType::float32)
    ScaleShift<float>(t, src, factor, shift, dst);
  else
    ScaleShift<BFloat16>(t, src, factor, shift, dst);
}

}  // namespace HWY_NAMESPACE
}  // namespace strata::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace strata::kernels {

HWY_EXPORT(TrainAny);
HWY_EXPORT(BackwardAny);
HWY_EXPORT(ScaleShiftAny);

std::size_t batch_norm_scratch(const BatchNormTask& t) { return BatchNormBlocks(t).floats() * sizeof(float); }

void batch_norm_train(const BatchNormTask& t, const void* src, const float* scale, const float* offset, void* dst,
                      float* mean, float* variance, void* scratch) {
  HWY_DYNAMIC_DISPATCH(TrainAny)(t, src, scale, offset, dst, mean, variance, static_cast<float*>(scratch));
}

void batch_norm_train_backward(const BatchNormTask& t, const BatchNormGradient& g, void* scratch) {
  HWY_DYNAMIC_DISPATCH(BackwardAny)(t, g, static_cast<float*>(scratch));
}

void scale_shift(const BatchNormTask& t, const void* src, const float* factor, const float* shift, void* dst) {
  HWY_DYNAMIC_DISPATCH(ScaleShiftAny)(t, src, factor, shift, dst);
}

void fold_batch_norm(const BatchNormFold& f, const float* weights, const float* bias, float* folded_weights,
                     float* folded_bias) {
  for (std::int64_t c = 0; c < f.channels; ++c) {
    const double factor = (f.scale != nullptr ? f.scale[c] : 1.0) / std::sqrt(double(f.variance[c]) + f.epsilon);
    const double before = bias != nullptr ? bias[c] : 0.0;
    folded_bias[c] = static_cast<float>((before - f.mean[c]) * factor + (f.offset != nullptr ? f.offset[c] : 0.0));
    for (std::int64_t i = 0; i < f.inner; ++i)
      folded_weights[i * f.channels + c] = static_cast<float>(weights[i * f.channels + c] * factor);
  }
}

}  // namespace strata::kernels
#endif
