#include "kernels/resize.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/dispatch.h"
#include "kernels/parallel.h"

namespace strata::kernels {
namespace {

// Where one output coordinate comes from: (1 - weight) * low + weight * high.
struct Source {
  std::int64_t low, high;
  double weight;
};

std::vector<Source> sources(std::int64_t in, std::int64_t out, bool bilinear) {
  std::vector<Source> all(static_cast<std::size_t>(out));
  const double scale = static_cast<double>(in) / static_cast<double>(std::max<std::int64_t>(out, 1));
  for (std::int64_t i = 0; i < out; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    if (!bilinear) {
      const std::int64_t at = std::min(static_cast<std::int64_t>(std::floor(centre)), in - 1);
      all[i] = {at, at, 0};
      continue;
    }
    const double at = centre - 0.5, floor = std::floor(at);
    const auto low = static_cast<std::int64_t>(floor);
    all[i] = {std::max<std::int64_t>(low, 0), std::min(low + 1, in - 1), at - floor};
  }
  return all;
}

}  // namespace

void resize(DType dtype, const Resize& r, const void* src_data, void* dst_data) {
  if (r.in_height * r.in_width == 0) return;
  const std::vector<Source> rows = sources(r.in_height, r.out_height, r.bilinear),
                            columns = sources(r.in_width, r.out_width, r.bilinear);
  dispatch_numeric("resize", dtype, [&]<class T>() {
    // Integers are only ever copied, by the nearest pixel.
    using C = Compute<T>;
    const std::int64_t row = r.in_width * r.channels;
    parallel_for(r.batch * r.out_height, r.out_width * r.channels * (r.bilinear ? 8 : 1), [&](auto begin, auto end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const Source& y = rows[i % r.out_height];
        const T* image = static_cast<const T*>(src_data) + i / r.out_height * r.in_height * row;
        T* dst = static_cast<T*>(dst_data) + i * r.out_width * r.channels;
        for (std::int64_t j = 0; j < r.out_width; ++j, dst += r.channels) {
          const Source& x = columns[j];
          const T *a = image + y.low * row + x.low * r.channels, *b = image + y.low * row + x.high * r.channels,
                  *c = image + y.high * row + x.low * r.channels, *d = image + y.high * row + x.high * r.channels;
          if (!r.bilinear) {
            std::copy_n(a, r.channels, dst);
            continue;
          }
          const C v = static_cast<C>(y.weight), u = static_cast<C>(x.weight);
          for (std::int64_t k = 0; k < r.channels; ++k) {
            const C top = C(a[k]) + (C(b[k]) - C(a[k])) * u, bottom = C(c[k]) + (C(d[k]) - C(c[k])) * u;
            dst[k] = T(top + (bottom - top) * v);
          }
        }
      }
    });
  });
}

void resize_backward(DType dtype, const Resize& r, const void* diff_dst_data, void* diff_src_data) {
  const std::vector<Source> rows = sources(r.in_height, r.out_height, r.bilinear),
                            columns = sources(r.in_width, r.out_width, r.bilinear);
  dispatch_floating("resize_grad", dtype, [&]<class T>() {
    using C = Compute<T>;
    const std::int64_t row = r.in_width * r.channels, image = r.in_height * row;
    parallel_for(r.batch, r.out_height * r.out_width * r.channels * 4, [&](auto begin, auto end) {
      std::vector<C> sum(static_cast<std::size_t>(image));
      for (std::int64_t n = begin; n < end; ++n) {
        std::fill(sum.begin(), sum.end(), C(0));
        const T* dy = static_cast<const T*>(diff_dst_data) + n * r.out_height * r.out_width * r.channels;
        for (std::int64_t i = 0; image > 0 && i < r.out_height; ++i)
          for (std::int64_t j = 0; j < r.out_width; ++j, dy += r.channels) {
            const Source &y = rows[i], &x = columns[j];
            const C v = static_cast<C>(y.weight), u = static_cast<C>(x.weight);
            C *a = &sum[y.low * row + x.low * r.channels], *b = &sum[y.low * row + x.high * r.channels],
              *c = &sum[y.high * row + x.low * r.channels], *d = &sum[y.high * row + x.high * r.channels];
            for (std::int64_t k = 0; k < r.channels; ++k) {
              const C g = C(dy[k]);
              a[k] += g * (1 - u) * (1 - v);
              if (!r.bilinear) continue;
              b[k] += g * u * (1 - v);
              c[k] += g * (1 - u) * v;
              d[k] += g * u * v;
            }
          }
        T* dx = static_cast<T*>(diff_src_data) + n * image;
        for (std::int64_t k = 0; k < image; ++k) dx[k] = T(sum[k]);
      }
    });
  });
}

}  // namespace strata::kernels
