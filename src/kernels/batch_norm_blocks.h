// How batch_norm.cpp cuts rows into blocks and combines the sums of the blocks.
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/batch_norm.h"
#include "kernels/parallel.h"

namespace strata::kernels {

// Blocks depend on the sizes alone and their sums are combined in order and in double: results are equal for any number
// of threads.
struct BatchNormBlocks {
  explicit BatchNormBlocks(const BatchNormTask& t)
      : t(t),
        padded((t.channels + 15) / 16 * 16),
        size(std::clamp<std::int64_t>(65536 / std::max<std::int64_t>(t.channels, 1), 16,
                                      std::max<std::int64_t>(16, (t.rows + 31) / 32))),
        count((t.rows + size - 1) / size) {}

  std::int64_t src_stride() const { return t.src_stride > 0 ? t.src_stride : t.channels; }
  std::int64_t dst_stride() const { return t.dst_stride > 0 ? t.dst_stride : t.channels; }
  std::int64_t second_stride() const { return t.second_stride > 0 ? t.second_stride : t.channels; }
  std::int64_t diff_src_stride() const { return t.diff_src_stride > 0 ? t.diff_src_stride : t.channels; }
  std::int64_t begin(std::int64_t b) const { return b * size; }
  std::int64_t end(std::int64_t b) const { return std::min(t.rows, (b + 1) * size); }
  std::int64_t floats() const { return (3 * count + 5) * padded; }
  float* partial(float* scratch, std::int64_t b) const { return scratch + 3 * b * padded; }
  float* constants(float* scratch, std::int64_t i) const { return scratch + (3 * count + i) * padded; }

  template <class F>
  void each(F&& f) const {
    parallel_for(count, size * t.channels / 4, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t b = first; b < last; ++b) f(b);
    });
  }
  // Each thread starts with what it touched last, which is still in its cache.
  template <class F>
  void each_backwards(F&& f) const {
    parallel_for(count, size * t.channels / 4, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t b = last; b-- > first;) f(b);
    });
  }

  // From sums of distances from the first row of each block, of their squares, and that row, to mean and variance. A
  // few channels at a time, so that loops run along memory.
  void combine_moments(float* scratch, float* mean, float* variance) const {
    for (std::int64_t from = 0; from < t.channels; from += kChannels) {
      const std::int64_t some = std::min(kChannels, t.channels - from);
      double total[kChannels] = {}, square[kChannels] = {};
      for (std::int64_t b = 0; b < count; ++b) {
        const float *sums = partial(scratch, b) + from, *first = sums + 2 * padded;
        const double n = static_cast<double>(end(b) - begin(b));
        for (std::int64_t c = 0; c < some; ++c) total[c] += sums[c] + static_cast<double>(first[c]) * n;
      }
      for (std::int64_t c = 0; c < some; ++c) total[c] /= static_cast<double>(t.rows);
      for (std::int64_t b = 0; b < count; ++b) {
        const float *sums = partial(scratch, b) + from, *squares = sums + padded, *first = squares + padded;
        const double n = static_cast<double>(end(b) - begin(b));
        // sum (x - all)^2 = sum (x - first)^2 - 2 (all - first) sum (x - first) + n (all - first)^2
        for (std::int64_t c = 0; c < some; ++c) {
          const double away = total[c] - first[c];
          square[c] += squares[c] - 2 * away * sums[c] + n * away * away;
        }
      }
      for (std::int64_t c = 0; c < some; ++c) {
        mean[from + c] = static_cast<float>(total[c]);
        variance[from + c] = static_cast<float>(std::max(square[c] / static_cast<double>(t.rows), 0.0));
      }
    }
  }

  // (src - mean) * scale / sqrt(variance + epsilon) + offset = (src - middle) * factor + shift, in whole vectors: zeros
  // behind the last channel.
  void prepare(const float* scale, const float* offset, const float* mean, const float* variance, float* factor,
               float* shift, float* middle) const {
    for (std::int64_t c = 0; c < padded; ++c) {
      const bool inside = c < t.channels;
      factor[c] = inside ? static_cast<float>(scale[c] / std::sqrt(static_cast<double>(variance[c]) + t.epsilon)) : 0;
      shift[c] = inside ? offset[c] : 0;
      middle[c] = inside ? mean[c] : 0;
    }
  }

  void combine_gradients(float* scratch, const BatchNormGradient& g, float* slope, float* level) const {
    for (std::int64_t from = 0; from < padded; from += kChannels) {
      const std::int64_t some = std::min(kChannels, padded - from);
      double dy[kChannels] = {}, dyx[kChannels] = {};
      for (std::int64_t b = 0; b < count; ++b) {
        const float *sums = partial(scratch, b) + from, *products = sums + padded;
        for (std::int64_t c = 0; c < some; ++c) dy[c] += sums[c], dyx[c] += products[c];
      }
      for (std::int64_t i = 0; i < some; ++i) {
        const std::int64_t c = from + i;
        slope[c] = level[c] = 0;
        if (c >= t.channels) continue;
        const double inverse = 1 / std::sqrt(static_cast<double>(g.variance[c]) + t.epsilon),
                     factor = g.scale[c] * inverse;
        const double n = static_cast<double>(t.rows);
        g.diff_scale[c] = static_cast<float>(dyx[i] * inverse);
        g.diff_offset[c] = static_cast<float>(dy[i]);
        slope[c] = static_cast<float>(-factor * inverse * inverse * dyx[i] / n);
        level[c] = static_cast<float>(-factor * dy[i] / n);
      }
    }
  }

  BatchNormTask t;
  std::int64_t padded, size, count;
  static constexpr std::int64_t kChannels = 64;
};

}  // namespace strata::kernels
