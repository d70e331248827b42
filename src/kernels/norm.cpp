#include "kernels/norm.h"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

#include "core/dispatch.h"
#include "kernels/parallel.h"

namespace strata::kernels {
namespace {

// The rows are cut into blocks that fit the second-level cache. Their size depends on nothing but the number of
// channels, and their results are combined in order and in double: equal for any number of threads.
struct Blocks {
  std::int64_t rows, size, count;
  Blocks(std::int64_t rows, std::int64_t channels)
      : rows(rows),
        size(std::max<std::int64_t>(4, 16384 / std::max<std::int64_t>(channels, 1))),
        count((rows + size - 1) / size) {}
  std::int64_t begin(std::int64_t b) const { return b * size; }
  std::int64_t end(std::int64_t b) const { return std::min(rows, (b + 1) * size); }

  // f(block, first row, last row)
  template <class F>
  void each(std::int64_t cost_of_row, F&& f) const {
    parallel_for(count, size * cost_of_row, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t b = first; b < last; ++b) f(b, begin(b), end(b));
    });
  }
};

// sum[c] += value(row, c) for rows [begin, end), four at a time: faster, and more accurate than one by one.
template <class C, class F>
inline void add_rows(std::int64_t begin, std::int64_t end, std::int64_t channels, C* __restrict sum, F&& value) {
  std::int64_t r = begin;
  for (; r + 4 <= end; r += 4)
    for (std::int64_t c = 0; c < channels; ++c)
      sum[c] += (value(r, c) + value(r + 1, c)) + (value(r + 2, c) + value(r + 3, c));
  for (; r < end; ++r)
    for (std::int64_t c = 0; c < channels; ++c) sum[c] += value(r, c);
}

template <class C>
std::vector<double> combine(const std::vector<C>& parts, std::int64_t count, std::int64_t channels) {
  std::vector<double> sum(static_cast<std::size_t>(channels), 0.0);
  for (std::int64_t b = 0; b < count; ++b)
    for (std::int64_t c = 0; c < channels; ++c) sum[c] += parts[b * channels + c];
  return sum;
}

template <class T, class C>
void moments(std::int64_t rows, std::int64_t channels, const T* src, C* mean, C* variance) {
  const Blocks blocks(rows, channels);
  // For each block the mean and the sum of squared distances from it; the second pass finds the block in the cache.
  std::vector<C> means(blocks.count * channels), squares(blocks.count * channels);
  blocks.each(2 * channels, [&](std::int64_t b, std::int64_t begin, std::int64_t end) {
    C *m = means.data() + b * channels, *s = squares.data() + b * channels;
    add_rows(begin, end, channels, m, [&](std::int64_t r, std::int64_t c) { return C(src[r * channels + c]); });
    const C n = static_cast<C>(end - begin);
    for (std::int64_t c = 0; c < channels; ++c) m[c] /= n;
    add_rows(begin, end, channels, s, [&](std::int64_t r, std::int64_t c) {
      const C d = C(src[r * channels + c]) - m[c];
      return d * d;
    });
  });
  for (std::int64_t c = 0; c < channels; ++c) {
    double sum = 0, square = 0;
    for (std::int64_t b = 0; b < blocks.count; ++b)
      sum += static_cast<double>(means[b * channels + c]) * static_cast<double>(blocks.end(b) - blocks.begin(b));
    const double all = sum / static_cast<double>(rows);
    for (std::int64_t b = 0; b < blocks.count; ++b) {
      const double d = means[b * channels + c] - all;
      square += squares[b * channels + c] + d * d * static_cast<double>(blocks.end(b) - blocks.begin(b));
    }
    mean[c] = static_cast<C>(all);
    variance[c] = static_cast<C>(square / static_cast<double>(rows));
  }
}

template <class T, class C>
void backward(std::int64_t rows, std::int64_t channels, const T* diff_dst, const T* src, const C* scale, const C* mean,
              const C* variance, double epsilon, T* diff_src, C* diff_scale, C* diff_offset) {
  const Blocks blocks(rows, channels);
  std::vector<C> dy_parts(blocks.count * channels), dyx_parts(blocks.count * channels);
  blocks.each(3 * channels, [&](std::int64_t b, std::int64_t begin, std::int64_t end) {
    add_rows(begin, end, channels, dy_parts.data() + b * channels,
             [&](std::int64_t r, std::int64_t c) { return C(diff_dst[r * channels + c]); });
    add_rows(begin, end, channels, dyx_parts.data() + b * channels, [&](std::int64_t r, std::int64_t c) {
      return C(diff_dst[r * channels + c]) * (C(src[r * channels + c]) - mean[c]);
    });
  });
  const std::vector<double> dy = combine(dy_parts, blocks.count, channels),
                            dyx = combine(dyx_parts, blocks.count, channels);
  // diff_src = a * diff_dst + b * (src - mean) + d, channel by channel.
  std::vector<C> a(channels), b(channels), d(channels);
  for (std::int64_t c = 0; c < channels; ++c) {
    const double inverse = 1 / std::sqrt(static_cast<double>(variance[c]) + epsilon), factor = scale[c] * inverse;
    const double n = static_cast<double>(rows);
    diff_scale[c] = static_cast<C>(dyx[c] * inverse);
    diff_offset[c] = static_cast<C>(dy[c]);
    a[c] = static_cast<C>(factor);
    b[c] = static_cast<C>(-factor * inverse * inverse * dyx[c] / n);
    d[c] = static_cast<C>(-factor * dy[c] / n);
  }
  parallel_for(rows, 2 * channels, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const T *dy_row = diff_dst + r * channels, *x_row = src + r * channels;
      T* __restrict dx_row = diff_src + r * channels;
      for (std::int64_t c = 0; c < channels; ++c)
        dx_row[c] = T(a[c] * C(dy_row[c]) + b[c] * (C(x_row[c]) - mean[c]) + d[c]);
    }
  });
}

}  // namespace

void channel_moments(DType dtype, std::int64_t rows, std::int64_t channels, const void* src, void* mean,
                     void* variance) {
  dispatch_floating("batch_norm", dtype, [&]<class T>() {
    using C = Compute<T>;
    moments(rows, channels, static_cast<const T*>(src), static_cast<C*>(mean), static_cast<C*>(variance));
  });
}

void normalize_channels(DType dtype, std::int64_t rows, std::int64_t channels, const void* src_data,
                        const void* scale_data, const void* offset_data, const void* mean_data,
                        const void* variance_data, double epsilon, void* dst_data) {
  dispatch_floating("batch_norm", dtype, [&]<class T>() {
    using C = Compute<T>;
    const C *scale = static_cast<const C*>(scale_data), *offset = static_cast<const C*>(offset_data),
            *mean = static_cast<const C*>(mean_data), *variance = static_cast<const C*>(variance_data);
    std::vector<C> factor(channels);
    for (std::int64_t c = 0; c < channels; ++c)
      factor[c] = static_cast<C>(scale[c] / std::sqrt(static_cast<double>(variance[c]) + epsilon));
    const T* src = static_cast<const T*>(src_data);
    T* dst = static_cast<T*>(dst_data);
    parallel_for(rows, channels, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        const T* x = src + r * channels;
        T* __restrict y = dst + r * channels;
        for (std::int64_t c = 0; c < channels; ++c) y[c] = T((C(x[c]) - mean[c]) * factor[c] + offset[c]);
      }
    });
  });
}

void batch_norm_backward(DType dtype, std::int64_t rows, std::int64_t channels, const void* diff_dst, const void* src,
                         const void* scale, const void* mean, const void* variance, double epsilon,
                         const BatchNormGrads& out) {
  dispatch_floating("batch_norm_grad", dtype, [&]<class T>() {
    using C = Compute<T>;
    backward(rows, channels, static_cast<const T*>(diff_dst), static_cast<const T*>(src), static_cast<const C*>(scale),
             static_cast<const C*>(mean), static_cast<const C*>(variance), epsilon, static_cast<T*>(out.diff_src),
             static_cast<C*>(out.diff_scale), static_cast<C*>(out.diff_offset));
  });
}

void add_bias(DType dtype, std::int64_t rows, std::int64_t channels, const void* src_data, const void* bias_data,
              void* dst_data) {
  dispatch_numeric("bias_add", dtype, [&]<class T>() {
    using C = Compute<T>;
    const T *src = static_cast<const T*>(src_data), *bias = static_cast<const T*>(bias_data);
    T* dst = static_cast<T*>(dst_data);
    parallel_for(rows, channels, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        const T* x = src + r * channels;
        T* __restrict y = dst + r * channels;
        for (std::int64_t c = 0; c < channels; ++c) y[c] = T(C(x[c]) + C(bias[c]));
      }
    });
  });
}

void sum_rows(DType dtype, std::int64_t rows, std::int64_t channels, const void* src_data, void* dst_data) {
  dispatch_floating("bias_add_grad", dtype, [&]<class T>() {
    using C = Compute<T>;
    const T* src = static_cast<const T*>(src_data);
    T* dst = static_cast<T*>(dst_data);
    const Blocks blocks(rows, channels);
    const auto value = [&](std::int64_t r, std::int64_t c) { return C(src[r * channels + c]); };
    if constexpr (std::is_same_v<T, C>)
      if (blocks.count == 1) {
        std::fill_n(dst, channels, T(0));
        return add_rows(0, rows, channels, dst, value);
      }
    std::vector<C> parts(blocks.count * channels);
    blocks.each(channels, [&](std::int64_t b, std::int64_t begin, std::int64_t end) {
      add_rows(begin, end, channels, parts.data() + b * channels, value);
    });
    const std::vector<double> sum = combine(parts, blocks.count, channels);
    for (std::int64_t c = 0; c < channels; ++c) dst[c] = T(static_cast<C>(sum[c]));
  });
}

}  // namespace strata::kernels
