// x[...], slice, strided_slice and their updates.
#include <algorithm>
#include <cstring>

#include "core/fields.h"
#include "kernels/copy.h"
#include "ops/array_util.h"
#include "strata/array.h"

namespace strata {
namespace {

// A block of a concrete shape: how many elements along each axis, from where on, how far apart.
struct Block {
  Shape dims;
  kernels::Strides strides;
  std::int64_t offset = 0;
};

// Python's start:stop:step on an axis of `size` elements, as a count and the first position.
std::pair<std::int64_t, std::int64_t> clip(std::int64_t start, std::int64_t stop, std::int64_t step,
                                           std::int64_t size) {
  const std::int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
  auto bound = [&](std::int64_t v, std::int64_t otherwise) {
    return v == None ? otherwise : std::clamp(v < 0 ? v + size : v, low, high);
  };
  const std::int64_t first = bound(start, step > 0 ? 0 : size - 1), past = bound(stop, step > 0 ? size : -1);
  const std::int64_t span = step > 0 ? past - first : first - past, pace = step > 0 ? step : -step;
  return {span <= 0 ? 0 : (span + pace - 1) / pace, first};
}

// What all slicing ops share: for each leading axis a range, or a single position (`shrink`), whose axis goes.
struct SliceFields {
  Ints begin, end, strides;
  std::vector<int> shrink;  // 1 where `begin` is a position
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("begin", s.begin), v("end", s.end), v("strides", s.strides), v("shrink", s.shrink);
  }
  bool is_position(std::size_t axis) const { return axis < shrink.size() && shrink[axis] != 0; }

  // The count along an axis and its first position; the count is None where it is not known.
  std::pair<std::int64_t, std::int64_t> range(const Shape& x, std::size_t axis) const {
    const std::int64_t size = x[axis];
    if (axis >= begin.size()) return {size, 0};
    if (is_position(axis)) {
      const std::int64_t i = begin[axis];
      if (size == None) return {1, 0};
      if (i < -size || i >= size)
        throw IndexError("Tensor: index " + std::to_string(i) + " is out of range for axis " + std::to_string(axis) +
                         " of shape " + to_string(x) + "; valid are " + std::to_string(-size) + " to " +
                         std::to_string(size - 1) + ".");
      return {1, i < 0 ? i + size : i};
    }
    if (size == None) return {None, 0};
    return clip(begin[axis], end[axis], strides[axis], size);
  }
  Shape result(const Shape& x) const {
    if (begin.size() > x.size())
      throw IndexError("Tensor: " + std::to_string(begin.size()) + " indices for a tensor of shape " + to_string(x) +
                       ", which has " + std::to_string(x.size()) + " axes.");
    Shape out;
    for (std::size_t i = 0; i < x.size(); ++i)
      if (const std::int64_t count = range(x, i).first; !is_position(i)) out.push_back(count);
    return out;
  }
  Block block(const Shape& x) const {
    const kernels::Strides dense = kernels::dense_strides(x);
    Block b;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto [count, first] = range(x, i);
      b.dims.push_back(count);
      b.strides.push_back(i < begin.size() && !is_position(i) ? dense[i] * strides[i] : dense[i]);
      b.offset += first * dense[i];
    }
    return b;
  }
};

char* element(const Tensor& t, std::int64_t offset) {
  return static_cast<char*>(detail::data_of(t).raw()) + offset * static_cast<std::int64_t>(size_of(t.dtype()));
}

void read_block(const Tensor& x, const Block& b, const Tensor& out) {
  kernels::strided_copy(b.dims, element(x, b.offset), b.strides, element(out, 0), kernels::dense_strides(b.dims),
                        size_of(x.dtype()));
}

void write_block(const Tensor& values, const Block& b, const Tensor& out) {
  kernels::strided_copy(b.dims, element(values, 0), kernels::dense_strides(b.dims), element(out, b.offset), b.strides,
                        size_of(out.dtype()));
}

void clear(const Tensor& t) {
  if (t.bytes() > 0) std::memset(detail::data_of(t).raw(), 0, t.bytes());
}

struct StridedSlice final : OpBase<StridedSlice>, SliceFields {
  StridedSlice() = default;
  explicit StridedSlice(const SliceFields& f) : SliceFields(f) {}
  using SliceFields::fields;
  std::string_view name() const override { return "strided_slice"; }
  Specs infer(const Specs& in) const override { return {{result(in[0].shape), in[0].dtype}}; }
  void run(RunContext& c) const override { read_block(c.in[0], block(c.in_shape(0)), c.out[0]); }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override;
};

// The adjoint: zeros of the shape of input 1 with input 0 in the place of the slice.
struct StridedSliceGrad final : OpBase<StridedSliceGrad>, SliceFields {
  StridedSliceGrad() = default;
  explicit StridedSliceGrad(const SliceFields& f) : SliceFields(f) {}
  using SliceFields::fields;
  std::string_view name() const override { return "strided_slice_grad"; }
  Specs infer(const Specs& in) const override { return {{in[1].shape, in[0].dtype}}; }
  void run(RunContext& c) const override {
    clear(c.out[0]);
    write_block(c.in[0], block(c.in_shape(1)), c.out[0]);
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    return {apply1(make_op<StridedSlice>(static_cast<const SliceFields&>(*this)), {c.grad()}), Tensor()};
  }
};

Tensors StridedSlice::grad(const GradContext& c) const {
  return {apply1(make_op<StridedSliceGrad>(static_cast<const SliceFields&>(*this)), {c.grad(), c.input(0)})};
}

Shape checked_slice(const Shape& x, const Ints& begin, const Ints& size) {
  Shape out;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::int64_t count = size[i] != -1 ? size[i] : x[i] == None ? None : x[i] - begin[i];
    if (begin[i] < 0 || (count != None && count < 0) || (x[i] != None && begin[i] + count > x[i]))
      throw IndexError("slice: " + std::to_string(size[i]) + " elements from " + std::to_string(begin[i]) +
                       " on are out of range for axis " + std::to_string(i) + " of shape " + to_string(x) + ".");
    out.push_back(count);
  }
  return out;
}

void check_slice_lengths(std::string_view op, const Shape& x, std::size_t begin, std::size_t size) {
  if (begin != x.size() || size != x.size())
    throw ShapeError(std::string(op) + ": received " + std::to_string(begin) + " positions and " +
                     std::to_string(size) + " sizes for shape " + to_string(x) + "; give one of each for each axis.");
}

struct SliceOp final : OpBase<SliceOp> {
  SliceOp() = default;
  SliceOp(const Ints& begin, const Ints& size) : begin(begin), size(size) {}
  Ints begin, size;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("begin", s.begin), v("size", s.size);
  }
  std::string_view name() const override { return "slice"; }
  Specs infer(const Specs& in) const override {
    check_slice_lengths(name(), in[0].shape, begin.size(), size.size());
    return {{checked_slice(in[0].shape, begin, size), in[0].dtype}};
  }
  SliceFields range() const {
    SliceFields f{begin, {}, Ints(begin.size(), 1), {}};
    for (std::size_t i = 0; i < begin.size(); ++i) f.end.push_back(size[i] == -1 ? None : begin[i] + size[i]);
    return f;
  }
  void run(RunContext& c) const override { read_block(c.in[0], range().block(c.in_shape(0)), c.out[0]); }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    return {apply1(make_op<StridedSliceGrad>(range()), {c.grad(), c.input(0)})};
  }
};

void check_position(std::string_view op, const Spec& begin, const Shape& x) {
  array::check_index_dtype(op, begin.dtype);
  if (begin.shape.size() != 1 || array::certainly_differ(begin.shape[0], x.rank()))
    throw ShapeError(std::string(op) + ": the position has shape " + to_string(begin.shape) + ", expected (" +
                     std::to_string(x.size()) + ",), one number for each axis of " + to_string(x) + ".");
}

Block block_at(const Tensor& position, const Shape& x, const Shape& size) {
  const Ints begin = array::integers(position);
  checked_slice(x, begin, size.to_vector());
  Block b{size, kernels::dense_strides(x)};
  for (std::size_t i = 0; i < begin.size(); ++i) b.offset += begin[i] * b.strides[i];
  return b;
}

// A block at a position that is the value of input 1.
struct DynamicSlice final : OpBase<DynamicSlice> {
  DynamicSlice() = default;
  explicit DynamicSlice(const Ints& size) : size(size) {}
  Ints size;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("size", s.size);
  }
  std::string_view name() const override { return "dynamic_slice"; }
  Specs infer(const Specs& in) const override {
    check_position(name(), in[1], in[0].shape);
    check_slice_lengths(name(), in[0].shape, in[0].shape.size(), size.size());
    for (std::int64_t s : size)
      if (s < 0) throw ValueError("slice: sizes must be known where the position is computed; received -1.");
    return {{Shape(size), in[0].dtype}};
  }
  void run(RunContext& c) const override {
    read_block(c.in[0], block_at(c.in[1], c.in_shape(0), Shape(size)), c.out[0]);
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override;
};

// The same with the size of input 2.
struct DynamicSliceLike final : OpBase<DynamicSliceLike> {
  std::string_view name() const override { return "dynamic_slice_like"; }
  Specs infer(const Specs& in) const override {
    check_position(name(), in[1], in[0].shape);
    check_slice_lengths(name(), in[0].shape, in[0].shape.size(), in[2].shape.size());
    return {{in[2].shape, in[0].dtype}};
  }
  void run(RunContext& c) const override {
    read_block(c.in[0], block_at(c.in[1], c.in_shape(0), c.out_shape()), c.out[0]);
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override;
};

struct SliceUpdate final : OpBase<SliceUpdate> {
  std::string_view name() const override { return "slice_update"; }
  Specs infer(const Specs& in) const override {
    check_position(name(), in[1], in[0].shape);
    if (in[2].shape.size() != in[0].shape.size() || in[2].dtype != in[0].dtype)
      throw ShapeError("slice_update: the updates do not fit x: " + describe(in) + ". Ranks and dtypes must be equal.");
    return {in[0]};
  }
  void run(RunContext& c) const override {
    const Block b = block_at(c.in[1], c.in_shape(0), c.in_shape(2));
    kernels::copy_bytes(array::raw_out(c), array::raw_in(c), c.in[0].bytes());
    write_block(c.in[2], b, c.out[0]);
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    const Tensor g = c.grad();
    Tensor x, updates;
    if (c.needed(0)) x = apply1(make_op<SliceUpdate>(), {g, c.input(1), zeros_like(c.input(2))});
    if (c.needed(2)) updates = apply1(make_op<DynamicSliceLike>(), {g, c.input(1), c.input(2)});
    return {x, Tensor(), updates};
  }
};

Tensors DynamicSlice::grad(const GradContext& c) const {
  return {apply1(make_op<SliceUpdate>(), {zeros_like(c.input(0), c.grad().dtype()), c.input(1), c.grad()}), Tensor()};
}

Tensors DynamicSliceLike::grad(const GradContext& c) const {
  return {apply1(make_op<SliceUpdate>(), {zeros_like(c.input(0), c.grad().dtype()), c.input(1), c.grad()}), Tensor(),
          Tensor()};
}

Tensor position(const Ints& begin) { return Tensor::from(begin, {static_cast<std::int64_t>(begin.size())}); }

void check_step(std::int64_t step) {
  if (step == 0) throw ValueError("Slice: the step is 0; expected a positive or negative step.");
}

void append(SliceFields& f, const Slice& s) {
  check_step(s.step);
  f.begin.push_back(s.start), f.end.push_back(s.stop), f.strides.push_back(s.step == None ? 1 : s.step);
  f.shrink.push_back(0);
}

void append(SliceFields& f, std::int64_t i) {
  f.begin.push_back(i), f.end.push_back(None), f.strides.push_back(1);
  f.shrink.push_back(1);
}

}  // namespace

Tensor Tensor::operator[](std::int64_t i) const {
  check_defined("Tensor::operator[]", {this, 1});
  if (rank() == 0) throw IndexError("Tensor: a scalar cannot be indexed. Use item<T>() for its value.");
  SliceFields f;
  append(f, i);
  Tensor element = apply1(make_op<StridedSlice>(f), {*this});
  array::note_size(*this, i, element);
  return element;
}

Tensor Tensor::operator[](Slice slice) const {
  check_defined("Tensor::operator[]", {this, 1});
  if (rank() == 0) throw IndexError("Tensor: a scalar cannot be sliced. Use item<T>() for its value.");
  SliceFields f;
  append(f, slice);
  return apply1(make_op<StridedSlice>(f), {*this});
}

Tensor Tensor::operator[](std::initializer_list<Index> indices) const {
  check_defined("Tensor::operator[]", {this, 1});
  std::int64_t named = 0, ellipses = 0;
  for (const Index& i : indices) {
    named += i.kind == Index::Kind::integer || i.kind == Index::Kind::slice;
    ellipses += i.kind == Index::Kind::ellipsis;
  }
  if (ellipses > 1)
    throw IndexError("Tensor: an index can hold one Ellipsis, received " + std::to_string(ellipses) + ".");
  if (named > rank())
    throw IndexError("Tensor: " + std::to_string(named) + " indices for a tensor of shape " + to_string(shape()) +
                     ", which has " + std::to_string(rank()) + " axes.");
  SliceFields f;
  Ints new_axes;
  std::int64_t axis = 0;  // of the result
  for (const Index& i : indices) {
    switch (i.kind) {
      case Index::Kind::integer:
        append(f, i.integer);
        break;
      case Index::Kind::slice:
        append(f, i.slice), ++axis;
        break;
      case Index::Kind::new_axis:
        new_axes.push_back(axis++);
        break;
      case Index::Kind::ellipsis:
        for (std::int64_t n = rank() - named; n > 0; --n, ++axis) append(f, Slice());
    }
  }
  Tensor out = f.begin.empty() ? *this : apply1(make_op<StridedSlice>(f), {*this});
  for (std::int64_t a : new_axes) out = expand_dims(out, a);
  return out;
}

Tensor slice(const Tensor& x, const Ints& begin, const Ints& size) {
  check_defined("slice", {&x, 1});
  return apply1(make_op<SliceOp>(begin, size), {x});
}

Tensor detail::slice_at(const Tensor& x, const Tensor& begin, const Ints& size) {
  check_defined("slice", std::vector{x, begin});
  array::check_index_dtype("slice", begin.dtype());
  if (!begin.is_symbolic()) return slice(x, array::integers(begin), size);
  return apply1(make_op<DynamicSlice>(size), {x, begin});
}

Tensor strided_slice(const Tensor& x, const Ints& begin, const Ints& end, const Ints& strides) {
  check_defined("strided_slice", {&x, 1});
  if (end.size() != begin.size() || (!strides.empty() && strides.size() != begin.size()))
    throw ValueError("strided_slice: begin, end and strides have " + std::to_string(begin.size()) + ", " +
                     std::to_string(end.size()) + " and " + std::to_string(strides.size()) +
                     " entries; give as many of each.");
  SliceFields f;
  for (std::size_t i = 0; i < begin.size(); ++i) append(f, Slice(begin[i], end[i], strides.empty() ? 1 : strides[i]));
  return apply1(make_op<StridedSlice>(f), {x});
}

Tensor slice_update(const Tensor& x, const Ints& begin, const Tensor& updates) {
  check_defined("slice_update", std::vector{x, updates});
  return apply1(make_op<SliceUpdate>(), {x, position(begin), constant(updates, x.dtype())});
}

void array::register_slice(Registry& r) {
  r.add<StridedSlice>();
  r.add<StridedSliceGrad>();
  r.add<SliceOp>();
  r.add<DynamicSlice>();
  r.add<DynamicSliceLike>();
  r.add<SliceUpdate>();
}

}  // namespace strata
