// pad, and the moves between space and depth.
#include <cctype>
#include <cstring>

#include "core/dispatch.h"
#include "core/fields.h"
#include "kernels/copy.h"
#include "kernels/gather.h"
#include "ops/array_util.h"
#include "strata/array.h"

namespace strata {
namespace {

// Before and after each axis, in turn.
Shape padded(std::string_view op, const Shape& x, const Ints& paddings) {
  if (paddings.size() != 2 * x.size())
    throw ShapeError(std::string(op) + ": paddings for " + std::to_string(paddings.size() / 2) +
                     " axes, but the shape is " + to_string(x) + "; give a pair for each axis.");
  Shape out = x;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (paddings[2 * i] < 0 || paddings[2 * i + 1] < 0)
      throw ValueError(std::string(op) + ": the padding of axis " + std::to_string(i) +
                       " is negative. Use slice to cut elements off.");
    if (x[i] != None) out[i] += paddings[2 * i] + paddings[2 * i + 1];
  }
  return out;
}

struct Pad final : OpBase<Pad> {
  Pad() = default;
  Pad(const Ints& paddings, double value) : paddings(paddings), value(value) {}
  Ints paddings;
  double value = 0;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("paddings", s.paddings), v("value", s.value);
  }
  std::string_view name() const override { return "pad"; }
  Specs infer(const Specs& in) const override { return {{padded(name(), in[0].shape, paddings), in[0].dtype}}; }
  void run(RunContext& c) const override {
    const DType dtype = c.in[0].dtype();
    dispatch_all(dtype, [&]<class T>() {
      const T element = static_cast<T>(value);
      kernels::fill(array::raw_out(c), c.out[0].size(), &element, sizeof(T));
    });
    const kernels::Strides strides = kernels::dense_strides(c.out_shape());
    std::int64_t offset = 0;
    for (std::size_t i = 0; i < strides.size(); ++i) offset += paddings[2 * i] * strides[i];
    kernels::strided_copy(c.in_shape(0), array::raw_in(c), kernels::dense_strides(c.in_shape(0)),
                          static_cast<char*>(array::raw_out(c)) + offset * static_cast<std::int64_t>(size_of(dtype)),
                          strides, size_of(dtype));
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    Ints begin, end;
    for (std::size_t i = 0; i < paddings.size(); i += 2) {
      begin.push_back(paddings[i]);
      end.push_back(paddings[i + 1] == 0 ? None : -paddings[i + 1]);
    }
    return {strided_slice(c.grad(), begin, end)};
  }
};

struct MirrorFields {
  Ints paddings;
  bool symmetric = false;  // the edge is repeated
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("paddings", s.paddings), v("symmetric", s.symmetric);
  }
  // Which position of the axis, of size n, each of the padded ones shows.
  Ints source(std::size_t axis, std::int64_t n) const {
    const std::int64_t before = paddings[2 * axis], after = paddings[2 * axis + 1], edge = symmetric ? 0 : 1;
    Ints out;
    for (std::int64_t i = -before; i < n + after; ++i)
      out.push_back(i < 0 ? -i - 1 + edge : i < n ? i : 2 * n - 1 - i - edge);
    return out;
  }
  void check(const Shape& x) const {
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::int64_t most = x[i] == None ? None : x[i] - (symmetric ? 0 : 1);
      if (most != None && (paddings[2 * i] > most || paddings[2 * i + 1] > most) &&
          (paddings[2 * i] > 0 || paddings[2 * i + 1] > 0))
        throw ShapeError("pad: axis " + std::to_string(i) + " of shape " + to_string(x) + " can be padded by at most " +
                         std::to_string(most) + " in this mode, received " + std::to_string(paddings[2 * i]) + " and " +
                         std::to_string(paddings[2 * i + 1]) + ".");
    }
  }
};

struct MirrorPad final : OpBase<MirrorPad>, MirrorFields {
  MirrorPad() = default;
  explicit MirrorPad(const MirrorFields& f) : MirrorFields(f) {}
  using MirrorFields::fields;
  std::string_view name() const override { return "mirror_pad"; }
  Specs infer(const Specs& in) const override {
    const Shape out = padded("pad", in[0].shape, paddings);
    check(in[0].shape);
    return {{out, in[0].dtype}};
  }
  void run(RunContext& c) const override {
    const std::size_t width = size_of(c.in[0].dtype());
    Shape shape = c.in_shape(0);
    const char* raw = static_cast<const char*>(array::raw_in(c));
    std::vector<char> from(raw, raw + c.in[0].bytes()), to;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const Ints index = source(i, shape[i]);
      const std::int64_t outer = array::product(shape, 0, i), inner = array::product(shape, i + 1, shape.size());
      to.resize(static_cast<std::size_t>(outer * std::int64_t(index.size()) * inner) * width);
      kernels::gather(from.data(), to.data(), outer, shape[i], inner, index.data(), std::int64_t(index.size()), 0,
                      width);
      shape[i] = static_cast<std::int64_t>(index.size());
      from.swap(to);
    }
    kernels::copy_bytes(array::raw_out(c), from.data(), from.size());
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override;
};

// The adjoint: what was mirrored is added to where it came from.
struct MirrorPadGrad final : OpBase<MirrorPadGrad>, MirrorFields {
  MirrorPadGrad() = default;
  explicit MirrorPadGrad(const MirrorFields& f) : MirrorFields(f) {}
  using MirrorFields::fields;
  std::string_view name() const override { return "mirror_pad_grad"; }
  Specs infer(const Specs& in) const override {
    Shape out = in[0].shape;
    for (std::size_t i = 0; i < out.size(); ++i)
      if (out[i] != None) out[i] -= paddings.at(2 * i) + paddings.at(2 * i + 1);
    return {{out, in[0].dtype}};
  }
  void run(RunContext& c) const override {
    const DType dtype = c.in[0].dtype();
    Shape shape = c.in_shape(0);
    const char* raw = static_cast<const char*>(array::raw_in(c));
    std::vector<char> from(raw, raw + c.in[0].bytes()), to;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const std::int64_t n = c.out_shape()[i];
      const Ints index = source(i, n);
      const std::int64_t outer = array::product(shape, 0, i), inner = array::product(shape, i + 1, shape.size());
      to.assign(static_cast<std::size_t>(outer * n * inner) * size_of(dtype), 0);
      kernels::scatter(dtype, kernels::Combine::add, from.data(), to.data(), outer, n, inner, index.data(),
                       std::int64_t(index.size()), 0);
      shape[i] = n;
      from.swap(to);
    }
    kernels::copy_bytes(array::raw_out(c), from.data(), from.size());
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    return {apply1(make_op<MirrorPad>(static_cast<const MirrorFields&>(*this)), {c.grad()})};
  }
};

Tensors MirrorPad::grad(const GradContext& c) const {
  return {apply1(make_op<MirrorPadGrad>(static_cast<const MirrorFields&>(*this)), {c.grad()})};
}

void check_block(std::string_view op, const Shape& x, std::int64_t block) {
  if (x.size() != 4)
    throw ShapeError(std::string(op) + ": received shape " + to_string(x) +
                     ", expected 4 dimensions (batch, height, width, channels).");
  if (block < 1)
    throw ValueError(std::string(op) + ": block_size is " + std::to_string(block) + ", expected 1 or more.");
}

std::int64_t divided(std::string_view op, const Shape& x, std::size_t axis, std::int64_t by) {
  if (x[axis] == None) return None;
  if (x[axis] % by != 0)
    throw ShapeError(std::string(op) + ": " + std::to_string(by) + " does not divide dimension " +
                     std::to_string(axis) + " of shape " + to_string(x) + ".");
  return x[axis] / by;
}

// Dimensions (batch, height, block, width, block, channels), of which space keeps this order in memory and depth has
// (batch, height, width, block, block, channels).
struct BlockLayout {
  BlockLayout(const Shape& depth, std::int64_t block) {
    const std::int64_t h = depth[1], w = depth[2], channels = depth[3] / (block * block);
    dims = {depth[0], h, block, w, block, channels};
    space = kernels::dense_strides(dims);
    const kernels::Strides d = kernels::dense_strides({depth[0], h, w, block, block, channels});
    this->depth = {d[0], d[1], d[3], d[2], d[4], d[5]};
  }
  Shape dims;
  kernels::Strides space, depth;
};

struct SpaceToDepth final : OpBase<SpaceToDepth> {
  SpaceToDepth() = default;
  explicit SpaceToDepth(std::int64_t block_size) : block_size(block_size) {}
  std::int64_t block_size = 1;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("block_size", s.block_size);
  }
  std::string_view name() const override { return "space_to_depth"; }
  Specs infer(const Specs& in) const override {
    const Shape& x = in[0].shape;
    check_block(name(), x, block_size);
    return {{Shape{x[0], divided(name(), x, 1, block_size), divided(name(), x, 2, block_size),
                   x[3] == None ? None : x[3] * block_size * block_size},
             in[0].dtype}};
  }
  void run(RunContext& c) const override {
    const BlockLayout l(c.out_shape(), block_size);
    kernels::strided_copy(l.dims, array::raw_in(c), l.space, array::raw_out(c), l.depth, size_of(c.in[0].dtype()));
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override { return {nn::depth_to_space(c.grad(), block_size)}; }
};

struct DepthToSpace final : OpBase<DepthToSpace> {
  DepthToSpace() = default;
  explicit DepthToSpace(std::int64_t block_size) : block_size(block_size) {}
  std::int64_t block_size = 1;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("block_size", s.block_size);
  }
  std::string_view name() const override { return "depth_to_space"; }
  Specs infer(const Specs& in) const override {
    const Shape& x = in[0].shape;
    check_block(name(), x, block_size);
    auto times = [&](std::int64_t d) { return d == None ? None : d * block_size; };
    return {{Shape{x[0], times(x[1]), times(x[2]), divided(name(), x, 3, block_size * block_size)}, in[0].dtype}};
  }
  void run(RunContext& c) const override {
    const BlockLayout l(c.in_shape(0), block_size);
    kernels::strided_copy(l.dims, array::raw_in(c), l.depth, array::raw_out(c), l.space, size_of(c.in[0].dtype()));
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override { return {nn::space_to_depth(c.grad(), block_size)}; }
};

}  // namespace

Tensor pad(const Tensor& x, const std::vector<std::pair<std::int64_t, std::int64_t>>& paddings,
           const PadOptions& options) {
  check_defined("pad", {&x, 1});
  Ints flat;
  for (const auto& [before, after] : paddings) flat.push_back(before), flat.push_back(after);
  std::string mode = options.mode;  // TensorFlow writes it in capitals
  for (char& c : mode) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (mode == "constant") return apply1(make_op<Pad>(flat, options.constant_values), {x});
  if (mode != "reflect" && mode != "symmetric")
    throw ValueError("pad: mode is '" + options.mode + "', expected 'constant', 'reflect' or 'symmetric'.");
  return apply1(make_op<MirrorPad>(MirrorFields{flat, mode == "symmetric"}), {x});
}

Tensor nn::space_to_depth(const Tensor& x, std::int64_t block_size) {
  check_defined("space_to_depth", {&x, 1});
  return apply1(make_op<SpaceToDepth>(block_size), {x});
}

Tensor nn::depth_to_space(const Tensor& x, std::int64_t block_size) {
  check_defined("depth_to_space", {&x, 1});
  return apply1(make_op<DepthToSpace>(block_size), {x});
}

void array::register_pad(Registry& r) {
  r.add<Pad>();
  r.add<MirrorPad>();
  r.add<MirrorPadGrad>();
  r.add<SpaceToDepth>();
  r.add<DepthToSpace>();
}

}  // namespace strata
