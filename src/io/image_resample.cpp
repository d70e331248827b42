// Pillow's resampling: separable filters with coefficients of 22 bits, first along rows, then along columns.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "core/tensor_data.h"
#include "io/image_codec.h"
#include "kernels/parallel.h"

namespace strata::io {

namespace {

double sinc(double x) { return x == 0 ? 1 : std::sin(x * std::numbers::pi) / (x * std::numbers::pi); }

struct Filter {
  const char* name;
  double support;
  double (*weight)(double x);
};

constexpr Filter kFilters[] = {
    {"box", 0.5, [](double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }},
    {"bilinear", 1, [](double x) { return std::max(0.0, 1 - std::abs(x)); }},
    {"hamming", 1,
     [](double x) { return std::abs(x) >= 1 ? 0.0 : sinc(x) * (0.54 + 0.46 * std::cos(x * std::numbers::pi)); }},
    {"bicubic", 2,
     [](double x) {
       constexpr double a = -0.5;
       x = std::abs(x);
       if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
       return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0.0;
     }},
    {"lanczos", 3, [](double x) { return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0.0; }},
};

// The weights of the source pixels first, first + 1, ... of each target pixel.
struct Weights {
  std::vector<std::int64_t> first;
  std::vector<std::vector<double>> values;
};

Weights weights_of(const Filter& filter, std::int64_t in, double begin, double length, std::int64_t out) {
  Weights w;
  const double scale = length / static_cast<double>(out), widening = std::max(scale, 1.0);
  const double support = filter.support * widening;
  for (std::int64_t i = 0; i < out; ++i) {
    const double center = begin + (static_cast<double>(i) + 0.5) * scale;
    const auto low = static_cast<std::int64_t>(std::max(0.0, center - support + 0.5));
    const auto high = std::min(in, static_cast<std::int64_t>(center + support + 0.5));
    std::vector<double> values;
    double sum = 0;
    for (std::int64_t k = low; k < high; ++k) {
      values.push_back(filter.weight((static_cast<double>(k) - center + 0.5) / widening));
      sum += values.back();
    }
    for (double& v : values) v = sum == 0 ? v : v / sum;
    w.first.push_back(low);
    w.values.push_back(std::move(values));
  }
  return w;
}

// One row or column of weights applied to pixels that lie `step` apart: 8 bits in fixed point, else floating.
struct Pass8 {
  using Pixel = std::uint8_t;
  static constexpr int kBits = 22;
  using Weight = std::int32_t;
  static Weight weight(double v) { return static_cast<Weight>((v < 0 ? -0.5 : 0.5) + v * (1 << kBits)); }
  static Pixel pixel(const Pixel* in, std::int64_t step, const std::vector<Weight>& weights) {
    std::int32_t sum = 1 << (kBits - 1);
    for (std::size_t k = 0; k < weights.size(); ++k) sum += in[static_cast<std::int64_t>(k) * step] * weights[k];
    return static_cast<Pixel>(std::clamp(sum >> kBits, 0, 255));
  }
};
struct Pass32 {
  using Pixel = std::int32_t;
  using Weight = double;
  static Weight weight(double v) { return v; }
  static Pixel pixel(const Pixel* in, std::int64_t step, const std::vector<Weight>& weights) {
    double sum = 0;
    for (std::size_t k = 0; k < weights.size(); ++k) sum += in[static_cast<std::int64_t>(k) * step] * weights[k];
    return static_cast<Pixel>(std::floor(sum + 0.5));
  }
};

// (outer, in, inner) to (outer, out, inner) along the middle.
template <class Pass>
Tensor filtered(const Tensor& x, std::int64_t outer, std::int64_t in, std::int64_t inner, const Weights& w,
                const Shape& shape) {
  using Pixel = typename Pass::Pixel;
  std::vector<std::vector<typename Pass::Weight>> weights;
  for (const auto& values : w.values) {
    auto& to = weights.emplace_back();
    for (const double v : values) to.push_back(Pass::weight(v));
  }
  const auto out = static_cast<std::int64_t>(weights.size());
  const Tensor y = detail::allocate(shape, x.dtype());
  const auto* src = detail::elements<Pixel>(x);
  auto* dst = detail::mutable_elements<Pixel>(y);
  kernels::parallel_for(outer * out, inner * 8, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const std::int64_t o = n / out, i = n % out;
      const Pixel* from = src + (o * in + w.first[static_cast<std::size_t>(i)]) * inner;
      for (std::int64_t k = 0; k < inner; ++k)
        dst[n * inner + k] = Pass::pixel(from + k, inner, weights[static_cast<std::size_t>(i)]);
    }
  });
  return y;
}

template <class Pass>
Tensor resample_by(const Tensor& pixels, const std::array<std::int64_t, 4>& box, std::int64_t height,
                   std::int64_t width, const Filter& filter) {
  const std::int64_t h = pixels.shape()[0], w = pixels.shape()[1], c = pixels.shape()[2];
  Tensor x = pixels;
  if (width != w || box[1] != 0 || box[3] != width)
    x = filtered<Pass>(x, h, w, c,
                       weights_of(filter, w, static_cast<double>(box[1]), static_cast<double>(box[3]), width),
                       {h, width, c});
  if (height != h || box[0] != 0 || box[2] != height)
    x = filtered<Pass>(x, 1, h, width * c,
                       weights_of(filter, h, static_cast<double>(box[0]), static_cast<double>(box[2]), height),
                       {height, width, c});
  return x;
}

// Positions by repeated addition, whose rounding Pillow has too.
std::vector<std::int64_t> nearest_positions(std::int64_t in, std::int64_t begin, std::int64_t length,
                                            std::int64_t out) {
  std::vector<std::int64_t> positions;
  const double step = static_cast<double>(length) / static_cast<double>(out);
  double at = static_cast<double>(begin) + step * 0.5;
  for (std::int64_t i = 0; i < out; ++i, at += step)
    positions.push_back(std::clamp<std::int64_t>(static_cast<std::int64_t>(at), 0, in - 1));
  return positions;
}

template <class Pixel>
Tensor nearest(const Tensor& pixels, const std::array<std::int64_t, 4>& box, std::int64_t height, std::int64_t width) {
  const std::int64_t h = pixels.shape()[0], w = pixels.shape()[1], c = pixels.shape()[2];
  const auto rows = nearest_positions(h, box[0], box[2], height), columns = nearest_positions(w, box[1], box[3], width);
  const Tensor out = detail::allocate({height, width, c}, pixels.dtype());
  const auto* src = detail::elements<Pixel>(pixels);
  auto* dst = detail::mutable_elements<Pixel>(out);
  for (const std::int64_t row : rows)
    for (const std::int64_t column : columns) dst = std::copy_n(src + (row * w + column) * c, c, dst);
  return out;
}

// Colours are weighted by how opaque they are, so that invisible ones do not bleed in.
Tensor premultiplied(const Tensor& rgba, bool back) {
  const Tensor out = rgba.copy();
  auto* p = detail::mutable_elements<std::uint8_t>(out);
  for (std::int64_t i = 0; i < out.size(); i += 4, p += 4) {
    const int a = p[3];
    for (int c = 0; c < 3; ++c) {
      const int product = p[c] * a + 128;
      if (!back)
        p[c] = static_cast<std::uint8_t>(((product >> 8) + product) >> 8);
      else if (a != 0 && a != 255)
        p[c] = static_cast<std::uint8_t>(std::min(255, 255 * p[c] / a));
    }
  }
  return out;
}

}  // namespace

void check_interpolation(const std::string& where, const std::string& interpolation) {
  if (interpolation == "nearest") return;
  for (const Filter& f : kFilters)
    if (interpolation == f.name) return;
  throw ValueError(where + ": interpolation is \"" + interpolation +
                   "\". Use \"nearest\", \"bilinear\", \"bicubic\", \"hamming\", \"box\" or \"lanczos\".");
}

Tensor resample(const Tensor& pixels, const std::array<std::int64_t, 4>& box, std::int64_t height, std::int64_t width,
                const std::string& filter) {
  const bool wide = pixels.dtype() == int32;
  if (box == std::array<std::int64_t, 4>{0, 0, height, width} && pixels.shape()[0] == height &&
      pixels.shape()[1] == width)
    return pixels;
  if (filter == "nearest")
    return wide ? nearest<std::int32_t>(pixels, box, height, width) : nearest<std::uint8_t>(pixels, box, height, width);
  const Filter& f =
      *std::find_if(std::begin(kFilters), std::end(kFilters), [&](const Filter& k) { return filter == k.name; });
  if (wide) return resample_by<Pass32>(pixels, box, height, width, f);
  if (pixels.shape()[2] != 4) return resample_by<Pass8>(pixels, box, height, width, f);
  return premultiplied(resample_by<Pass8>(premultiplied(pixels, false), box, height, width, f), true);
}

}  // namespace strata::io
