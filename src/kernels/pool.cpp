// Highway compiles this file once for each set of instructions, for which the compiler then vectorizes plain loops.
#include "kernels/pool.h"

#include <algorithm>
#include <limits>

#include "core/dispatch.h"
#include "kernels/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pool.cpp"
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// Must come after highway.h.
#include "kernels/simd_load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace strata::kernels {
namespace HWY_NAMESPACE {

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
      for (std::int64_t x = b.begin[2]; x < b.end[2]; ++x) f(((z * p.in[1] + y) * p.in[2] + x) * p.src_step());
}

// start(src offset of the image's first channel, number of channels) for each image and block of channels, and then
// f(that offset, dst offset, number of channels, box) for each of its windows. One thread does all windows of an image,
// so overlapping windows add up in one order.
template <class Start, class F>
void for_each_window(const Pooling& p, Start&& start, F&& f) {
  const std::int64_t blocks = (p.channels + kBlock - 1) / kBlock;
  const std::int64_t src_image = p.in[0] * p.in[1] * p.in[2] * p.src_step();
  const std::int64_t windows = p.out[0] * p.out[1] * p.out[2];
  const std::int64_t taps = p.window[0] * p.window[1] * p.window[2];
  parallel_for(p.batch * blocks, windows * taps * std::min(kBlock, p.channels), [&](auto first, auto last) {
    for (std::int64_t i = first; i < last; ++i) {
      const std::int64_t n = i / blocks, c = i % blocks * kBlock, count = std::min(kBlock, p.channels - c);
      start(n * src_image + c, count);
      std::int64_t dst = n * windows * p.dst_step() + c;
      for (std::int64_t d = 0; d < p.out[0]; ++d)
        for (std::int64_t h = 0; h < p.out[1]; ++h)
          for (std::int64_t w = 0; w < p.out[2]; ++w, dst += p.dst_step())
            f(n * src_image + c, dst, count, box_at(p, d, h, w));
    }
  });
}

template <class F>
void for_each_window(const Pooling& p, F&& f) {
  for_each_window(
      p, [](std::int64_t, std::int64_t) {}, f);
}

// Clears an image just before gradients are added to it, while they find it in the cache.
template <class T>
auto clear_image(const Pooling& p, T* src) {
  return [&p, src, pixels = p.in[0] * p.in[1] * p.in[2]](std::int64_t image, std::int64_t count) {
    for (std::int64_t i = 0; i < pixels; ++i) std::fill_n(src + image + i * p.src_step(), count, T(0));
  };
}

template <class T>
T lowest() {
  if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>)
    return -std::numeric_limits<T>::infinity();
  else
    return std::numeric_limits<T>::lowest();
}

// Vectors of elements as they are compared.
template <class T>
struct Vectors {
  static constexpr std::int64_t kWidth = kLanes;
  using Vector = V;
  static HWY_INLINE V Lowest() { return hn::Set(D(), lowest<float>()); }
  static HWY_INLINE V Read(const T* p) { return Load(p); }
  static HWY_INLINE void Write(V v, T* p) { Store(v, p); }
  // What is no number stays. (Ne of older Highways is false for it.)
  static HWY_INLINE V Larger(V best, V x) {
    return hn::IfThenElse(hn::Or(hn::Gt(x, best), hn::Not(hn::Eq(x, x))), x, best);
  }
};

template <>
struct Vectors<std::uint8_t> {
  using Bytes = hn::CappedTag<std::uint8_t, 16>;
  static constexpr std::int64_t kWidth = hn::MaxLanes(Bytes());
  using Vector = hn::Vec<Bytes>;
  static HWY_INLINE Vector Lowest() { return hn::Zero(Bytes()); }
  static HWY_INLINE Vector Read(const std::uint8_t* p) { return hn::LoadU(Bytes(), p); }
  static HWY_INLINE void Write(Vector v, std::uint8_t* p) { hn::StoreU(v, Bytes(), p); }
  static HWY_INLINE Vector Larger(Vector best, Vector x) { return hn::Max(best, x); }
};

// The bits of a bfloat16 as an integer, flipped where the sign is set, are in the order of the numbers. What is no
// number becomes the largest integer, which stays, and is none when it is written.
template <>
struct Vectors<BFloat16> {
  using Integers = hn::CappedTag<std::int16_t, 16>;  // fewer channels are slower
  static constexpr std::int64_t kWidth = hn::MaxLanes(Integers());
  using Vector = hn::Vec<Integers>;
  static HWY_INLINE Vector Flipped(Vector bits) {
    return hn::Xor(bits, hn::And(hn::ShiftRight<15>(bits), hn::Set(Integers(), std::int16_t{0x7FFF})));
  }
  static HWY_INLINE Vector Lowest() { return Flipped(hn::Set(Integers(), static_cast<std::int16_t>(0xFF80))); }
  static HWY_INLINE Vector Read(const BFloat16* p) {
    const Vector bits = hn::LoadU(Integers(), reinterpret_cast<const std::int16_t*>(p));
    const Vector largest = hn::Set(Integers(), std::int16_t{0x7FFF}),
                 infinity = hn::Set(Integers(), std::int16_t{0x7F80});
    return hn::IfThenElse(hn::Gt(hn::And(bits, largest), infinity), largest, Flipped(bits));
  }
  static HWY_INLINE void Write(Vector v, BFloat16* p) {
    hn::StoreU(Flipped(v), Integers(), reinterpret_cast<std::int16_t*>(p));
  }
  static HWY_INLINE Vector Larger(Vector best, Vector x) { return hn::Max(best, x); }
};

// The largest elements of N vectors of channels, in registers.
template <int N, class T>
HWY_INLINE void LargestOfWindow(const Pooling& p, const Box& box, const T* src, T* dst) {
  using Own = Vectors<T>;
  typename Own::Vector best[N];
#pragma GCC unroll 4
  for (int j = 0; j < N; ++j) best[j] = Own::Lowest();
  for (std::int64_t z = box.begin[0]; z < box.end[0]; ++z)
    for (std::int64_t y = box.begin[1]; y < box.end[1]; ++y) {
      const T* x = src + ((z * p.in[1] + y) * p.in[2] + box.begin[2]) * p.src_step();
      for (std::int64_t n = box.begin[2]; n < box.end[2]; ++n, x += p.src_step())
#pragma GCC unroll 4
        for (int j = 0; j < N; ++j) best[j] = Own::Larger(best[j], Own::Read(x + j * Own::kWidth));
    }
#pragma GCC unroll 4
  for (int j = 0; j < N; ++j) Own::Write(best[j], dst + j * Own::kWidth);
}

// For at least a vector of channels.
template <class T>
void MaxPoolOfVectors(const Pooling& p, const T* src, T* dst) {
  constexpr std::int64_t kWidth = Vectors<T>::kWidth;
  const std::int64_t src_image = p.in[0] * p.in[1] * p.in[2] * p.src_step();
  const std::int64_t taps = p.window[0] * p.window[1] * p.window[2];
  parallel_for(p.batch * p.out[0] * p.out[1], p.out[2] * taps * p.channels / 4, [&](auto first, auto last) HWY_ATTR {
    for (std::int64_t line = first; line < last; ++line) {
      const std::int64_t h = line % p.out[1], d = line / p.out[1] % p.out[0], n = line / p.out[1] / p.out[0];
      for (std::int64_t w = 0; w < p.out[2]; ++w) {
        const Box box = box_at(p, d, h, w);
        const T* from = src + n * src_image;
        T* to = dst + (line * p.out[2] + w) * p.dst_step();
        std::int64_t c = 0;
        for (; c + 4 * kWidth <= p.channels; c += 4 * kWidth) LargestOfWindow<4>(p, box, from + c, to + c);
        for (; c + 2 * kWidth <= p.channels; c += 2 * kWidth) LargestOfWindow<2>(p, box, from + c, to + c);
        for (; c + kWidth <= p.channels; c += kWidth) LargestOfWindow<1>(p, box, from + c, to + c);
        // The last channels once more with some before them, rather than a part of a vector.
        const std::int64_t tail = p.channels - kWidth;
        if (c < p.channels) LargestOfWindow<1>(p, box, from + tail, to + tail);
      }
    }
  });
}

void MaxPool(DType dtype, const Pooling& p, const void* src_data, void* dst_data) {
  const auto vectors = [&]<class T>(T) {
    if (p.channels < Vectors<T>::kWidth) return false;
    MaxPoolOfVectors(p, static_cast<const T*>(src_data), static_cast<T*>(dst_data));
    return true;
  };
  if (dtype == DType::float32 && vectors(float())) return;
  if (dtype == DType::bfloat16 && vectors(BFloat16())) return;
  if (dtype == DType::uint8 && vectors(std::uint8_t())) return;
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

void AvgPool(DType dtype, const Pooling& p, const void* src_data, void* dst_data) {
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

void MaxPoolBackward(DType dtype, const Pooling& p, const void* src_data, const void* dst_data,
                     const void* diff_dst_data, void* diff_src_data) {
  dispatch_floating("max_pool_grad", dtype, [&]<class T>() {
    using C = Compute<T>;
    const T *src = static_cast<const T*>(src_data), *dst = static_cast<const T*>(dst_data),
            *diff_dst = static_cast<const T*>(diff_dst_data);
    T* diff_src = static_cast<T*>(diff_src_data);
    for_each_window(p, clear_image(p, diff_src),
                    [&](std::int64_t image, std::int64_t at, std::int64_t count, const Box& box) {
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

void MaxPoolSelect(DType dtype, const Pooling& p, const void* src_data, const void* dst_data, const void* values_data,
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

void AvgPoolBackward(DType dtype, const Pooling& p, const void* diff_dst_data, void* diff_src_data) {
  dispatch_floating("avg_pool_grad", dtype, [&]<class T>() {
    using C = Compute<T>;
    const T* diff_dst = static_cast<const T*>(diff_dst_data);
    T* diff_src = static_cast<T*>(diff_src_data);
    for_each_window(p, clear_image(p, diff_src),
                    [&](std::int64_t image, std::int64_t at, std::int64_t count, const Box& box) {
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

}  // namespace HWY_NAMESPACE
}  // namespace strata::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace strata::kernels {

HWY_EXPORT(MaxPool);
HWY_EXPORT(AvgPool);
HWY_EXPORT(MaxPoolBackward);
HWY_EXPORT(MaxPoolSelect);
HWY_EXPORT(AvgPoolBackward);

void max_pool(DType dtype, const Pooling& p, const void* src, void* dst) {
  HWY_DYNAMIC_DISPATCH(MaxPool)(dtype, p, src, dst);
}
void avg_pool(DType dtype, const Pooling& p, const void* src, void* dst) {
  HWY_DYNAMIC_DISPATCH(AvgPool)(dtype, p, src, dst);
}
void max_pool_backward(DType dtype, const Pooling& p, const void* src, const void* dst, const void* diff_dst,
                       void* diff_src) {
  HWY_DYNAMIC_DISPATCH(MaxPoolBackward)(dtype, p, src, dst, diff_dst, diff_src);
}
void max_pool_select(DType dtype, const Pooling& p, const void* src, const void* dst, const void* values, void* out) {
  HWY_DYNAMIC_DISPATCH(MaxPoolSelect)(dtype, p, src, dst, values, out);
}
void avg_pool_backward(DType dtype, const Pooling& p, const void* diff_dst, void* diff_src) {
  HWY_DYNAMIC_DISPATCH(AvgPoolBackward)(dtype, p, diff_dst, diff_src);
}

}  // namespace strata::kernels
#endif
