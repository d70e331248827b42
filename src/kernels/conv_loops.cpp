// Convolutions by plain loops. The innermost one runs over output channels, which lie side by side in weights and dst.
#include <algorithm>
#include <cstring>

#include "kernels/conv.h"
#include "kernels/parallel.h"

namespace strata::kernels {
namespace {

// Calls f(src position, tap) for every tap of the kernel that falls inside of src, at one position of dst.
template <class F>
inline void for_each_tap(const Convolution& c, std::int64_t d, std::int64_t h, std::int64_t w, F&& f) {
  std::int64_t tap = 0;
  for (std::int64_t kd = 0; kd < c.kernel[0]; ++kd) {
    const std::int64_t z = d * c.stride[0] - c.pad[0] + kd * c.dilation[0];
    for (std::int64_t kh = 0; kh < c.kernel[1]; ++kh) {
      const std::int64_t y = h * c.stride[1] - c.pad[1] + kh * c.dilation[1];
      for (std::int64_t kw = 0; kw < c.kernel[2]; ++kw, ++tap) {
        const std::int64_t x = w * c.stride[2] - c.pad[2] + kw * c.dilation[2];
        if (z >= 0 && z < c.in[0] && y >= 0 && y < c.in[1] && x >= 0 && x < c.in[2])
          f((z * c.in[1] + y) * c.in[2] + x, tap);
      }
    }
  }
}

// Calls f(dst position, src position, tap) for one image.
template <class F>
void for_each_pair(const Convolution& c, F&& f) {
  std::int64_t p = 0;
  for (std::int64_t d = 0; d < c.out[0]; ++d)
    for (std::int64_t h = 0; h < c.out[1]; ++h)
      for (std::int64_t w = 0; w < c.out[2]; ++w, ++p)
        for_each_tap(c, d, h, w, [&](std::int64_t q, std::int64_t tap) { f(p, q, tap); });
}

struct Sizes {
  std::int64_t in_group, out_group, src_image, dst_image, work;
  explicit Sizes(const Convolution& c)
      : in_group(c.in_channels / c.groups),
        out_group(c.out_channels / c.groups),
        src_image(c.src_size() / c.batch),
        dst_image(c.dst_size() / c.batch),
        work(dst_image * c.taps() * in_group) {}
};

}  // namespace

template <class T>
void conv_forward_loops(const Convolution& c, const T* src, const T* weights, T* dst) {
  const Sizes s(c);
  parallel_for(c.batch, s.work, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const T* image = src + n * s.src_image;
      T* out = dst + n * s.dst_image;
      std::fill_n(out, s.dst_image, T(0));
      for_each_pair(c, [&](std::int64_t p, std::int64_t q, std::int64_t tap) {
        for (std::int64_t i = 0; i < c.in_channels; ++i) {
          const std::int64_t group = i / s.in_group, first = group * s.out_group;
          const T x = image[q * c.in_channels + i];
          const T* w = weights + (tap * s.in_group + i % s.in_group) * c.out_channels + first;
          T* y = out + p * c.out_channels + first;
          for (std::int64_t o = 0; o < s.out_group; ++o) y[o] += x * w[o];
        }
      });
    }
  });
}

template <class T>
void conv_backward_data_loops(const Convolution& c, const T* diff_dst, const T* weights, T* diff_src) {
  const Sizes s(c);
  parallel_for(c.batch, s.work, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      T* image = diff_src + n * s.src_image;
      const T* out = diff_dst + n * s.dst_image;
      std::fill_n(image, s.src_image, T(0));
      for_each_pair(c, [&](std::int64_t p, std::int64_t q, std::int64_t tap) {
        for (std::int64_t i = 0; i < c.in_channels; ++i) {
          const std::int64_t group = i / s.in_group, first = group * s.out_group;
          const T* w = weights + (tap * s.in_group + i % s.in_group) * c.out_channels + first;
          const T* y = out + p * c.out_channels + first;
          T sum = 0;
          for (std::int64_t o = 0; o < s.out_group; ++o) sum += y[o] * w[o];
          image[q * c.in_channels + i] += sum;
        }
      });
    }
  });
}

template <class T>
void conv_backward_weights_loops(const Convolution& c, const T* src, const T* diff_dst, T* diff_weights) {
  const Sizes s(c);
  // One thread owns one input channel of a group: every sum is made in one order, whatever the number of threads.
  parallel_for(
      s.in_group, s.work * c.batch / std::max<std::int64_t>(s.in_group, 1), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t tap = 0; tap < c.taps(); ++tap)
          std::fill_n(diff_weights + (tap * s.in_group + begin) * c.out_channels, (end - begin) * c.out_channels, T(0));
        for (std::int64_t n = 0; n < c.batch; ++n) {
          const T* image = src + n * s.src_image;
          const T* out = diff_dst + n * s.dst_image;
          for_each_pair(c, [&](std::int64_t p, std::int64_t q, std::int64_t tap) {
            for (std::int64_t group = 0; group < c.groups; ++group)
              for (std::int64_t i = begin; i < end; ++i) {
                const T x = image[q * c.in_channels + group * s.in_group + i];
                const T* y = out + p * c.out_channels + group * s.out_group;
                T* w = diff_weights + (tap * s.in_group + i) * c.out_channels + group * s.out_group;
                for (std::int64_t o = 0; o < s.out_group; ++o) w[o] += x * y[o];
              }
          });
        }
      });
}

template void conv_forward_loops(const Convolution&, const float*, const float*, float*);
template void conv_forward_loops(const Convolution&, const double*, const double*, double*);
template void conv_backward_data_loops(const Convolution&, const float*, const float*, float*);
template void conv_backward_data_loops(const Convolution&, const double*, const double*, double*);
template void conv_backward_weights_loops(const Convolution&, const float*, const float*, float*);
template void conv_backward_weights_loops(const Convolution&, const double*, const double*, double*);

}  // namespace strata::kernels
