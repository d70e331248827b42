#include "kernels/pool.h"

#include <algorithm>
#include <limits>

#include "core/dispatch.h"
#include "kernels/parallel.h"

namespace strata::kernels {
namespace {

// Channels that are worked on together; their partial results stay in the first-level cache.
constexpr std::int64_t kBlock = 128;

// Offsets of one window's part of src, in positions: for (z, y, x) in the box.
struct Box {
  std::int64_t begin[3], end[3];
  std::int64_t count() const { return (end[0] - begin[0]) * (end[1] - begin[1]) * (end[2] - begin[2]); }
};

Box box_at(const Pooling& p, std::int64_t d, std::int64_t h, std::int64_t w) {
  const std::int64_t at[3] = {d, h, w};
  Box b;
  for (int i = 0; i < 3; ++i) {
    const std::int64_t start = at[i] * p.stride[i] - p.pad[i];
    b.begin[i] = std::max<std::int64_t>(start, 0);
    b.end[i] = std::max(b.begin[i], std::min(start + p.window[i], p.in[i]));
  }
  return b;
}

// f(src offset) for each position of the box, row by row.
template <class F>
inline void for_each_position(const Pooling& p, const Box& b, F&& f) {
  for (std::int64_t z = b.begin[0]; z < b.end[0]; ++z)
    for (std::int64_t y = b.begin[1]; y < b.end[1]; ++y)
      for (std::int64_t x = b.begin[2]; x < b.end[2]; ++x) f(((z * p.in[1] + y) * p.in[2] + x) * p.channels);
}

// f(src offset of the image's first channel, dst offset, number of channels, box) for each window and block of
// channels. One thread does all windows of an image, so overlapping windows add up in one order.
template <class F>
void for_each_window(const Pooling& p, F&& f) {
  const std::int64_t blocks = (p.channels + kBlock - 1) / kBlock;
  const std::int64_t src_image = p.in[0] * p.in[1] * p.in[2] * p.channels;
  const std::int64_t windows = p.out[0] * p.out[1] * p.out[2];
  const std::int64_t taps = p.window[0] * p.window[1] * p.window[2];
  parallel_for(p.batch * blocks, windows * taps * std::min(kBlock, p.channels), [&](auto first, auto last) {
    for (std::int64_t i = first; i < last; ++i) {
      const std::int64_t n = i / blocks, c = i % blocks * kBlock, count = std::min(kBlock, p.channels - c);
      std::int64_t dst = n * windows * p.channels + c;
      for (std::int64_t d = 0; d < p.out[0]; ++d)
        for (std::int64_t h = 0; h < p.out[1]; ++h)
          for (std::int64_t w = 0; w < p.out[2]; ++w, dst += p.channels)
            f(n * src_image + c, dst, count, box_at(p, d, h, w));
    }
  });
}

std::int64_t src_size(const Pooling& p) { return p.batch * p.in[0] * p.in[1] * p.in[2] * p.channels; }

template <class T>
T lowest() {
  if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>)
    return -std::numeric_limits<T>::infinity();
  else
    return std::numeric_limits<T>::lowest();
}

}  // namespace

void max_pool(DType dtype, const Pooling& p, const void* src_data, void* dst_data) {
  dispatch_numeric("max_pool", dtype, [&]<class T>() {
    using C = Compute<T>;
    const T* src = static_cast<const T*>(src_data);
    T* dst = static_cast<T*>(dst_data);
    for_each_window(p, [&](std::int64_t image, std::int64_t at, std::int64_t count, const Box& box) {
      C best[kBlock];
      std::fill_n(best, count, lowest<C>());
      for_each_position(p, box, [&](std::int64_t offset) {
        const T* x = src + image + offset;
        for (std::int64_t c = 0; c < count; ++c) {
          const C v = x[c];
          best[c] = v > best[c] || v != v ? v : best[c];
        }
      });
      for (std::int64_t c = 0; c < count; ++c) dst[at + c] = T(best[c]);
    });
  });
}

void avg_pool(DType dtype, const Pooling& p, const void* src_data, void* dst_data) {
  dispatch_floating("avg_pool", dtype, [&]<class T>() {
    using C = Compute<T>;
    const T* src = static_cast<const T*>(src_data);
    T* dst = static_cast<T*>(dst_data);
    for_each_window(p, [&](std::int64_t image, std::int64_t at, std::int64_t count, const Box& box) {
      C sum[kBlock] = {};
      for_each_position(p, box, [&](std::int64_t offset) {
        const T* x = src + image + offset;
        for (std::int64_t c = 0; c < count; ++c) sum[c] += C(x[c]);
      });
      const C n = static_cast<C>(std::max<std::int64_t>(box.count(), 1));
      for (std::int64_t c = 0; c < count; ++c) dst[at + c] = T(sum[c] / n);
    });
  });
}

void max_pool_backward(DType dtype, const Pooling& p, const void* src_data, const void* dst_data,
                       const void* diff_dst_data, void* diff_src_data) {
  dispatch_floating("max_pool_grad", dtype, [&]<class T>() {
    using C = Compute<T>;
    const T *src = static_cast<const T*>(src_data), *dst = static_cast<const T*>(dst_data),
            *diff_dst = static_cast<const T*>(diff_dst_data);
    T* diff_src = static_cast<T*>(diff_src_data);
    std::fill_n(diff_src, src_size(p), T(0));
    for_each_window(p, [&](std::int64_t image, std::int64_t at, std::int64_t count, const Box& box) {
      C left[kBlock];  // what has not found its element yet
      for (std::int64_t c = 0; c < count; ++c) left[c] = C(diff_dst[at + c]);
      for_each_position(p, box, [&](std::int64_t offset) {
        const T *x = src + image + offset, *y = dst + at;
        T* dx = diff_src + image + offset;
        for (std::int64_t c = 0; c < count; ++c) {
          const bool hit = C(x[c]) == C(y[c]);
          dx[c] = T(C(dx[c]) + (hit ? left[c] : C(0)));
          left[c] = hit ? C(0) : left[c];
        }
      });
    });
  });
}

void max_pool_select(DType dtype, const Pooling& p, const void* src_data, const void* dst_data, const void* values_data,
                     void* out_data) {
  dispatch_floating("max_pool_select", dtype, [&]<class T>() {
    using C = Compute<T>;
    const T *src = static_cast<const T*>(src_data), *dst = static_cast<const T*>(dst_data),
            *values = static_cast<const T*>(values_data);
    T* out = static_cast<T*>(out_data);
    for_each_window(p, [&](std::int64_t image, std::int64_t at, std::int64_t count, const Box& box) {
      C found[kBlock] = {}, open[kBlock];
      std::fill_n(open, count, C(1));
      for_each_position(p, box, [&](std::int64_t offset) {
        const T *x = src + image + offset, *v = values + image + offset, *y = dst + at;
        for (std::int64_t c = 0; c < count; ++c) {
          const bool hit = C(x[c]) == C(y[c]) && open[c] != C(0);
          found[c] = hit ? C(v[c]) : found[c];
          open[c] = hit ? C(0) : open[c];
        }
      });
      for (std::int64_t c = 0; c < count; ++c) out[at + c] = T(found[c]);
    });
  });
}

void avg_pool_backward(DType dtype, const Pooling& p, const void* diff_dst_data, void* diff_src_data) {
  dispatch_floating("avg_pool_grad", dtype, [&]<class T>() {
    using C = Compute<T>;
    const T* diff_dst = static_cast<const T*>(diff_dst_data);
    T* diff_src = static_cast<T*>(diff_src_data);
    std::fill_n(diff_src, src_size(p), T(0));
    for_each_window(p, [&](std::int64_t image, std::int64_t at, std::int64_t count, const Box& box) {
      C share[kBlock];
      const C n = static_cast<C>(std::max<std::int64_t>(box.count(), 1));
      for (std::int64_t c = 0; c < count; ++c) share[c] = C(diff_dst[at + c]) / n;
      for_each_position(p, box, [&](std::int64_t offset) {
        T* dx = diff_src + image + offset;
        for (std::int64_t c = 0; c < count; ++c) dx[c] = T(C(dx[c]) + share[c]);
      });
    });
  });
}

}  // namespace strata::kernels
