// Row by row: first where each pixel comes from, in whole vectors; then the pixels, of which the four neighbours of
// most lie inside the picture. Highway compiles this file once for each set of instructions.
#include "kernels/projective.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/projective.cpp"
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace strata::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using DI = hn::RebindToSigned<D>;
using V = hn::Vec<D>;
constexpr std::int64_t kLanes = hn::MaxLanes(D());

HWY_INLINE V Constant(float value) { return hn::Set(D(), value); }
HWY_INLINE V Clamped(V at, float size) { return hn::Min(hn::Max(at, hn::Zero(D())), Constant(size - 1)); }

// Where coordinates outside of the picture look.
HWY_INLINE V Reflected(V at, float size) {
  const V period = Constant(2 * size), one = Constant(1),
          periods = hn::Mul(period, hn::Trunc(hn::Div(hn::Abs(at), period)));
  const V before = hn::Add(periods, at), after = hn::Sub(at, periods);
  const V from_before =
      hn::IfThenElse(hn::Lt(before, Constant(-size)), hn::Add(before, period), hn::Sub(hn::Neg(before), one));
  const V from_after = hn::IfThenElse(hn::Ge(after, Constant(size)), hn::Sub(hn::Sub(period, after), one), after);
  return Clamped(hn::IfThenElse(hn::Lt(at, hn::Zero(D())), from_before, from_after), size);
}

HWY_INLINE V Wrapped(V at, float size) {
  const V turns = hn::Trunc(hn::Div(hn::Abs(at), Constant(size - 1))), whole = Constant(size);
  const V from_before = hn::Add(at, hn::Mul(whole, hn::Add(turns, Constant(1))));
  const V from_after = hn::IfThenElse(hn::Gt(at, Constant(size - 1)), hn::Sub(at, hn::Mul(whole, turns)), at);
  return Clamped(hn::IfThenElse(hn::Lt(at, hn::Zero(D())), from_before, from_after), size);
}

HWY_INLINE V Mapped(FillMode mode, V at, float size) {
  if (mode == FillMode::constant) return at;
  if (mode == FillMode::nearest || size <= 1) return Clamped(at, size);
  return mode == FillMode::reflect ? Reflected(at, size) : Wrapped(at, size);
}

// Where the pixels of one row of the result come from. Of a pixel that is `inside`, `offset` is that of the upper left
// of its four neighbours, and `right` and `down` say how far beyond that it lies.
struct Row {
  explicit Row(std::int64_t width)
      : size((width + kLanes - 1) / kLanes * kLanes),
        numbers(static_cast<std::size_t>(4 * size)),
        offsets(static_cast<std::size_t>(size)) {}
  float* x() { return numbers.data(); }
  float* y() { return numbers.data() + size; }
  float* right() { return numbers.data() + 2 * size; }
  float* down() { return numbers.data() + 3 * size; }
  std::int64_t size;
  std::vector<float> numbers;
  std::vector<std::int32_t> offsets;  // -1: not inside
};

// The whole part of `at`, at most `last`: there a neighbour more to the left or above has no weight.
HWY_INLINE V Whole(FillMode mode, V at, std::int64_t last) {
  const V whole = hn::Floor(at);
  return mode == FillMode::constant ? whole : hn::Min(whole, Constant(static_cast<float>(last)));
}

// The largest coordinates that mean a place: beyond, integers end, or there is nothing to reflect.
constexpr float Limit(FillMode mode) {
  if (mode == FillMode::nearest) return std::numeric_limits<float>::infinity();
  return mode == FillMode::constant ? 1e9f : std::numeric_limits<float>::max();
}

HWY_INLINE void FindRow(const Projective& p, const float* t, std::int64_t i, Row& row) {
  const D d;
  const DI di;
  const V y = Constant(static_cast<float>(i)), limit = Constant(Limit(p.fill_mode)), zero = hn::Zero(d);
  const bool is_affine = t[6] == 0 && t[7] == 0;
  const auto height = static_cast<float>(p.height), width = static_cast<float>(p.width);
  for (std::int64_t j = 0; j < p.width; j += kLanes) {
    const V x = hn::Iota(d, static_cast<float>(j));
    V from_x = hn::Add(hn::Add(hn::Mul(Constant(t[0]), x), hn::Mul(Constant(t[1]), y)), Constant(t[2]));
    V from_y = hn::Add(hn::Add(hn::Mul(Constant(t[3]), x), hn::Mul(Constant(t[4]), y)), Constant(t[5]));
    auto is_number = hn::Eq(x, x);
    if (!is_affine) {
      const V k = hn::Add(hn::Add(hn::Mul(Constant(t[6]), x), hn::Mul(Constant(t[7]), y)), Constant(1));
      from_x = hn::Div(from_x, k), from_y = hn::Div(from_y, k);
      is_number = hn::Ne(k, zero);
    }
    is_number = hn::And(is_number, hn::And(hn::Le(hn::Abs(from_x), limit), hn::Le(hn::Abs(from_y), limit)));
    from_x = Mapped(p.fill_mode, from_x, width), from_y = Mapped(p.fill_mode, from_y, height);
    const V column = Whole(p.fill_mode, from_x, p.width - 2), line = Whole(p.fill_mode, from_y, p.height - 2);
    auto inside = hn::And(is_number, hn::And(hn::Ge(column, zero), hn::Ge(line, zero)));
    inside = hn::And(inside, hn::And(hn::Lt(column, Constant(width - 1)), hn::Lt(line, Constant(height - 1))));
    const auto pixel = hn::Add(
        hn::Mul(hn::ConvertTo(di, hn::IfThenElseZero(inside, line)), hn::Set(di, static_cast<std::int32_t>(p.width))),
        hn::ConvertTo(di, hn::IfThenElseZero(inside, column)));
    const auto offset = hn::Mul(pixel, hn::Set(di, static_cast<std::int32_t>(p.channels)));
    hn::StoreU(hn::IfThenElse(hn::RebindMask(di, inside), offset, hn::Set(di, -1)), di, row.offsets.data() + j);
    const V beyond = Constant(2e9f);
    hn::StoreU(hn::IfThenElse(is_number, from_x, beyond), d, row.x() + j);
    hn::StoreU(hn::IfThenElse(is_number, from_y, beyond), d, row.y() + j);
    hn::StoreU(hn::Sub(from_x, column), d, row.right() + j);
    hn::StoreU(hn::Sub(from_y, line), d, row.down() + j);
  }
}

// A picture, and single pixels wherever they come from.
struct Picture {
  const Projective& p;
  const float* data;
  float value(std::int64_t y, std::int64_t x, std::int64_t c) const {
    return y >= 0 && y < p.height && x >= 0 && x < p.width ? data[(y * p.width + x) * p.channels + c] : p.fill_value;
  }
  void any(float y, float x, float* out) const {
    if (!(std::abs(x) < 1e9f && std::abs(y) < 1e9f))  // beyond all pixels, where integers end, too
      std::fill_n(out, p.channels, p.fill_value);
    else if (p.bilinear)
      bilinear(y, x, out);
    else
      nearest(y, x, out);
  }
  void nearest(float y, float x, float* out) const {
    const auto row = static_cast<std::int64_t>(std::round(y)), column = static_cast<std::int64_t>(std::round(x));
    for (std::int64_t c = 0; c < p.channels; ++c) out[c] = value(row, column, c);
  }
  void bilinear(float y, float x, float* out) const {
    const float y0 = std::floor(y), x0 = std::floor(x);
    const float down = y - y0, up = y0 + 1 - y, right = x - x0, left = x0 + 1 - x;
    const auto row = static_cast<std::int64_t>(y0), column = static_cast<std::int64_t>(x0);
    for (std::int64_t c = 0; c < p.channels; ++c)
      out[c] = up * (left * value(row, column, c) + right * value(row, column + 1, c)) +
               down * (left * value(row + 1, column, c) + right * value(row + 1, column + 1, c));
  }
};

HWY_INLINE void AnyChannels(std::int64_t channels, const float* above, const float* below, float right, float down,
                            float* out) {
  const float left = 1 - right, up = 1 - down;
  for (std::int64_t c = 0; c < channels; ++c)
    out[c] =
        up * (left * above[c] + right * above[channels + c]) + down * (left * below[c] + right * below[channels + c]);
}

// Three channels are computed as four: one float more is read, and one more written, over which the next pixel goes.
HWY_INLINE void ThreeChannels(const float* above, const float* below, float right, float down, float* out) {
#if HWY_TARGET == HWY_SCALAR
  AnyChannels(3, above, below, right, down, out);
#else
  const hn::FixedTag<float, 4> d;
  const auto r = hn::Set(d, right), l = hn::Set(d, 1 - right);
  const auto a = hn::Add(hn::Mul(l, hn::LoadU(d, above)), hn::Mul(r, hn::LoadU(d, above + 3)));
  const auto b = hn::Add(hn::Mul(l, hn::LoadU(d, below)), hn::Mul(r, hn::LoadU(d, below + 3)));
  hn::StoreU(hn::Add(hn::Mul(hn::Set(d, 1 - down), a), hn::Mul(hn::Set(d, down), b)), d, out);
#endif
}

void OnePicture(const Projective& p, const float* src, const float* t, float* dst, Row& row, float* line) {
  const Picture picture{p, src};
  const std::int64_t stride = p.width * p.channels,
                     last = p.height * stride - stride - 6;  // where one float more can be read
  for (std::int64_t i = 0; i < p.height; ++i, dst += stride) {
    FindRow(p, t, i, row);
    const float *x = row.x(), *y = row.y(), *right = row.right(), *down = row.down();
    float* out = line;
    for (std::int64_t j = 0; j < p.width; ++j, out += p.channels) {
      const std::int64_t offset = p.bilinear ? row.offsets[static_cast<std::size_t>(j)] : -1;
      if (offset < 0)
        picture.any(y[j], x[j], out);
      else if (p.channels == 3 && offset < last)
        ThreeChannels(src + offset, src + offset + stride, right[j], down[j], out);
      else
        AnyChannels(p.channels, src + offset, src + offset + stride, right[j], down[j], out);
    }
    std::copy_n(line, stride, dst);
  }
}

void Pictures(const Projective& p, const float* src, const float* transforms, float* dst, std::int64_t begin,
              std::int64_t end) {
  const std::int64_t size = p.height * p.width * p.channels;
  Row row(p.width);
  std::vector<float> line(static_cast<std::size_t>(p.width * p.channels + 1));
  for (std::int64_t n = begin; n < end; ++n)
    OnePicture(p, src + n * size, transforms + n * 8, dst + n * size, row, line.data());
}

}  // namespace HWY_NAMESPACE
}  // namespace strata::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace strata::kernels {

HWY_EXPORT(Pictures);

void projective_transform(const Projective& p, const float* src, const float* transforms, float* dst) {
  const auto pictures = HWY_DYNAMIC_DISPATCH(Pictures);
  parallel_for(p.batch, p.height * p.width * p.channels * 4,
               [&](std::int64_t begin, std::int64_t end) { pictures(p, src, transforms, dst, begin, end); });
}

}  // namespace strata::kernels
#endif
