// tile, repeat, flip and roll.
#include <algorithm>
#include <numeric>

#include "core/fields.h"
#include "kernels/copy.h"
#include "kernels/sum_to.h"
#include "ops/array_util.h"
#include "strata/array.h"

namespace strata {
namespace {

using array::normalize_axes;
using array::normalize_axis;

// Repeats or sums blocks axis by axis, from `from` to `to`, by way of temporary buffers.
class AxisSteps {
 public:
  AxisSteps(const Tensor& from, const Tensor& to, std::size_t steps) : from_(from), to_(to), left_(steps) {}
  const void* source() const { return done_ == 0 ? detail::data_of(from_).raw() : buffer_[(done_ - 1) % 2].data(); }
  void* target(std::int64_t elements) {
    if (left_ == 1) return detail::data_of(to_).raw();
    buffer_[done_ % 2].resize(static_cast<std::size_t>(elements) * size_of(from_.dtype()));
    return buffer_[done_ % 2].data();
  }
  void next() { ++done_, --left_; }

 private:
  const Tensor &from_, &to_;
  std::vector<char> buffer_[2];
  std::size_t done_ = 0, left_;
};

std::size_t stretched_axes(const Ints& multiples) {
  return static_cast<std::size_t>(std::count_if(multiples.begin(), multiples.end(), [](auto m) { return m != 1; }));
}

struct Tile final : OpBase<Tile> {
  Tile() = default;
  explicit Tile(const Ints& multiples) : multiples(multiples) {}
  Ints multiples;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("multiples", s.multiples);
  }
  std::string_view name() const override { return "tile"; }
  Specs infer(const Specs& in) const override {
    Shape out = in[0].shape;
    if (multiples.size() != out.size())
      throw ShapeError("tile: " + std::to_string(multiples.size()) + " multiples for shape " + to_string(out) +
                       "; give one for each axis.");
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (multiples[i] < 0)
        throw ValueError("tile: a multiple is " + std::to_string(multiples[i]) + ", expected 0 or more.");
      out[i] = multiples[i] == 0 ? 0 : out[i] == None ? None : out[i] * multiples[i];
    }
    return {{out, in[0].dtype}};
  }
  void run(RunContext& c) const override {
    Shape shape = c.in_shape(0);
    if (c.out[0].size() == 0) return;
    AxisSteps steps(c.in[0], c.out[0], std::max<std::size_t>(1, stretched_axes(multiples)));
    if (stretched_axes(multiples) == 0) kernels::copy_bytes(array::raw_out(c), array::raw_in(c), c.in[0].bytes());
    for (std::size_t i = shape.size(); i-- > 0;) {
      const std::int64_t m = multiples[i];
      if (m == 1) continue;
      const std::int64_t outer = array::product(shape, 0, i), block = array::product(shape, i, shape.size());
      kernels::strided_copy({outer, m, block}, steps.source(), {block, 0, 1}, steps.target(outer * m * block),
                            {m * block, block, 1}, size_of(c.in[0].dtype()));
      steps.next();
      shape[i] *= m;
    }
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override;
};

// The adjoint: the sum of the copies.
struct TileGrad final : OpBase<TileGrad> {
  TileGrad() = default;
  explicit TileGrad(const Ints& multiples) : multiples(multiples) {}
  Ints multiples;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("multiples", s.multiples);
  }
  std::string_view name() const override { return "tile_grad"; }
  Specs infer(const Specs& in) const override { return {{in[1].shape, in[0].dtype}}; }
  void run(RunContext& c) const override {
    Shape shape = c.in_shape(0);
    AxisSteps steps(c.in[0], c.out[0], std::max<std::size_t>(1, stretched_axes(multiples)));
    if (stretched_axes(multiples) == 0) kernels::copy_bytes(array::raw_out(c), array::raw_in(c), c.in[0].bytes());
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const std::int64_t m = multiples[i];
      if (m == 1) continue;
      shape[i] = c.out_shape()[i];
      const std::int64_t outer = array::product(shape, 0, i), block = array::product(shape, i, shape.size());
      kernels::sum_axis(c.in[0].dtype(), steps.source(), outer, m, block, steps.target(outer * block));
      steps.next();
    }
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override { return {tile(c.grad(), multiples), Tensor()}; }
};

Tensors Tile::grad(const GradContext& c) const {
  return {apply1(make_op<TileGrad>(multiples), {c.grad(), c.input(0)})};
}

struct Repeat final : OpBase<Repeat> {
  Repeat() = default;
  Repeat(std::int64_t repeats, std::int64_t axis) : repeats(repeats), axis(axis) {}
  std::int64_t repeats = 1, axis = 0;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("repeats", s.repeats), v("axis", s.axis);
  }
  std::string_view name() const override { return "repeat"; }
  Specs infer(const Specs& in) const override {
    Shape out = in[0].shape;
    std::int64_t& d = out[static_cast<std::size_t>(normalize_axis(name(), axis, out))];
    d = repeats == 0 ? 0 : d == None ? None : d * repeats;
    return {{out, in[0].dtype}};
  }
  void run(RunContext& c) const override {
    const Shape& x = c.in_shape(0);
    const auto at = static_cast<std::size_t>(normalize_axis(name(), axis, x));
    const std::int64_t outer = array::product(x, 0, at + 1), inner = array::product(x, at + 1, x.size());
    kernels::strided_copy({outer, repeats, inner}, array::raw_in(c), {inner, 0, 1}, array::raw_out(c),
                          {repeats * inner, inner, 1}, size_of(c.in[0].dtype()));
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override;
};

struct RepeatGrad final : OpBase<RepeatGrad> {
  RepeatGrad() = default;
  RepeatGrad(std::int64_t repeats, std::int64_t axis) : repeats(repeats), axis(axis) {}
  std::int64_t repeats = 1, axis = 0;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("repeats", s.repeats), v("axis", s.axis);
  }
  std::string_view name() const override { return "repeat_grad"; }
  Specs infer(const Specs& in) const override { return {{in[1].shape, in[0].dtype}}; }
  void run(RunContext& c) const override {
    const Shape& x = c.out_shape();
    const auto at = static_cast<std::size_t>(normalize_axis(name(), axis, x));
    kernels::sum_axis(c.in[0].dtype(), array::raw_in(c), array::product(x, 0, at + 1), repeats,
                      array::product(x, at + 1, x.size()), array::raw_out(c));
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    return {apply1(make_op<Repeat>(repeats, axis), {c.grad()}), Tensor()};
  }
};

Tensors Repeat::grad(const GradContext& c) const {
  return {apply1(make_op<RepeatGrad>(repeats, axis), {c.grad(), c.input(0)})};
}

struct Flip final : OpBase<Flip> {
  Flip() = default;
  explicit Flip(const Ints& axes) : axes(axes) {}
  Ints axes;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("axes", s.axes);
  }
  std::string_view name() const override { return "reverse"; }
  Specs infer(const Specs& in) const override {
    normalize_axes(name(), axes, in[0].shape);
    return {in[0]};
  }
  void run(RunContext& c) const override {
    const Shape& x = c.in_shape(0);
    if (c.in[0].size() == 0) return;
    const kernels::Strides dense = kernels::dense_strides(x);
    kernels::Strides src = dense;
    std::int64_t offset = 0;
    for (std::int64_t axis : normalize_axes(name(), axes, x)) {
      const auto i = static_cast<std::size_t>(axis);
      offset += (x[i] - 1) * dense[i];
      src[i] = -dense[i];
    }
    const std::size_t width = size_of(c.in[0].dtype());
    kernels::strided_copy(x, static_cast<const char*>(array::raw_in(c)) + offset * static_cast<std::int64_t>(width),
                          src, array::raw_out(c), dense, width);
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override { return {reverse(c.grad(), axes)}; }
};

struct Roll final : OpBase<Roll> {
  Roll() = default;
  Roll(std::int64_t shift, std::int64_t axis) : shift(shift), axis(axis) {}
  std::int64_t shift = 0, axis = 0;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("shift", s.shift), v("axis", s.axis);
  }
  std::string_view name() const override { return "roll"; }
  Specs infer(const Specs& in) const override {
    normalize_axis(name(), axis, in[0].shape);
    return {in[0]};
  }
  void run(RunContext& c) const override {
    const Shape& x = c.in_shape(0);
    if (c.in[0].size() == 0) return;
    const auto at = static_cast<std::size_t>(normalize_axis(name(), axis, x));
    const std::int64_t n = x[at], by = (shift % n + n) % n;
    const std::int64_t outer = array::product(x, 0, at), inner = array::product(x, at + 1, x.size());
    const auto width = static_cast<std::int64_t>(size_of(c.in[0].dtype()));
    const char* src = static_cast<const char*>(array::raw_in(c));
    char* dst = static_cast<char*>(array::raw_out(c));
    const kernels::Strides rows = {n * inner, 1};
    kernels::strided_copy({outer, (n - by) * inner}, src, rows, dst + by * inner * width, rows, std::size_t(width));
    kernels::strided_copy({outer, by * inner}, src + (n - by) * inner * width, rows, dst, rows, std::size_t(width));
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override { return {roll(c.grad(), -shift, axis)}; }
};

}  // namespace

Tensor tile(const Tensor& x, const Ints& multiples) {
  check_defined("tile", {&x, 1});
  Tensor full = x;  // NumPy's rule: the shorter of the two gets leading ones
  while (full.shape().size() < multiples.size()) full = expand_dims(full, 0);
  Ints all(full.shape().size() - multiples.size(), 1);
  all.insert(all.end(), multiples.begin(), multiples.end());
  return apply1(make_op<Tile>(all), {full});
}

Tensor repeat(const Tensor& x, int repeats, std::optional<std::int64_t> axis) {
  check_defined("repeat", {&x, 1});
  if (repeats < 0) throw ValueError("repeat: repeats is " + std::to_string(repeats) + ", expected 0 or more.");
  return apply1(make_op<Repeat>(repeats, axis.value_or(0)), {axis ? x : ravel(x)});
}

Tensor repeat(const Tensor& x, const Ints& repeats, std::optional<std::int64_t> axis) {
  check_defined("repeat", {&x, 1});
  const Tensor rows = axis ? x : ravel(x);
  const auto at = static_cast<std::size_t>(normalize_axis("repeat", axis.value_or(0), rows.shape()));
  if (array::certainly_differ(rows.shape()[at], static_cast<std::int64_t>(repeats.size())))
    throw ShapeError("repeat: " + std::to_string(repeats.size()) + " repeats for axis " + std::to_string(at) +
                     " of shape " + to_string(rows.shape()) + "; give one for each position.");
  Ints index;
  for (std::size_t i = 0; i < repeats.size(); ++i) {
    if (repeats[i] < 0) throw ValueError("repeat: a repeat is " + std::to_string(repeats[i]) + ", expected 0 or more.");
    index.insert(index.end(), static_cast<std::size_t>(repeats[i]), static_cast<std::int64_t>(i));
  }
  return gather(rows, Tensor::from(index, {static_cast<std::int64_t>(index.size())}), static_cast<std::int64_t>(at));
}

Tensor flip(const Tensor& x) {
  check_defined("flip", {&x, 1});
  Ints axes(x.shape().size());
  std::iota(axes.begin(), axes.end(), 0);
  return reverse(x, axes);
}
Tensor flip(const Tensor& x, std::int64_t axis) { return reverse(x, {axis}); }
Tensor flip(const Tensor& x, const Ints& axes) { return reverse(x, axes); }

Tensor reverse(const Tensor& x, const Ints& axes) {
  check_defined("reverse", {&x, 1});
  return apply1(make_op<Flip>(axes), {x});
}

Tensor roll(const Tensor& x, std::int64_t shift, std::optional<std::int64_t> axis) {
  check_defined("roll", {&x, 1});
  if (!axis && x.rank() != 1) return reshape(roll(ravel(x), shift, 0), x.shape());
  return apply1(make_op<Roll>(shift, axis.value_or(0)), {x});
}

Tensor roll(const Tensor& x, const Ints& shifts, const Ints& axes) {
  if (shifts.size() != axes.size())
    throw ValueError("roll: " + std::to_string(shifts.size()) + " shifts and " + std::to_string(axes.size()) +
                     " axes; give as many of both.");
  Tensor out = x;
  for (std::size_t i = 0; i < axes.size(); ++i) out = roll(out, shifts[i], axes[i]);
  return out;
}

Tensor rot90(const Tensor& x, std::int64_t k, const std::pair<int, int>& axes) {
  check_defined("rot90", {&x, 1});
  const Ints pair = normalize_axes("rot90", {axes.first, axes.second}, x.shape());
  switch ((k % 4 + 4) % 4) {
    case 1:
      return flip(swapaxes(x, pair[0], pair[1]), pair[0]);
    case 2:
      return reverse(x, pair);
    case 3:
      return swapaxes(flip(x, pair[0]), pair[0], pair[1]);
    default:
      return x;
  }
}

void array::register_repeat(Registry& r) {
  r.add<Tile>();
  r.add<TileGrad>();
  r.add<Repeat>();
  r.add<RepeatGrad>();
  r.add<Flip>();
  r.add<Roll>();
}

}  // namespace strata
