// Shapes with dimensions of other tensors. While a program is traced they are not numbers yet, so an op keeps which
// dimension of which input each of them is.
#include "strata/dims.h"

#include <algorithm>
#include <span>

#include "kernels/copy.h"
#include "ops/array_util.h"
#include "ops/like.h"
#include "strata/array.h"

namespace strata {
namespace {

struct SizedZeros final : OpBase<SizedZeros> {
  Shape shape;                            // None where the dimension is that of an input
  std::vector<std::int64_t> input, axis;  // for each dimension: which input, which axis of it
  DType dtype = DType::float32;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("shape", s.shape), v("input", s.input), v("axis", s.axis), v("dtype", s.dtype);
  }
  std::string_view name() const override { return "sized_zeros"; }
  Specs infer(const Specs& in) const override {
    if (input.size() != shape.size() || axis.size() != shape.size())
      throw ValueError("sized_zeros: `input` and `axis` must have an entry for each of the " +
                       std::to_string(shape.size()) + " dimensions of `shape`.");
    Shape out = shape;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (out[i] != None) continue;
      if (input[i] < 0 || input[i] >= static_cast<std::int64_t>(in.size()))
        throw IndexError("sized_zeros: dimension " + std::to_string(i) + " is that of input " +
                         std::to_string(input[i]) + ", but there are " + std::to_string(in.size()) + ".");
      const Shape& source = in[static_cast<std::size_t>(input[i])].shape;
      out[i] = source[static_cast<std::size_t>(array::normalize_axis(name(), axis[i], source))];
    }
    return {{out, dtype}};
  }
  void run(RunContext& c) const override {
    const std::int64_t zero = 0;  // of every dtype
    kernels::fill(array::raw_out(c), c.out[0].size(), &zero, size_of(dtype));
  }
};

// The tensor of which `size` is a dimension; undefined where it was computed otherwise.
Tensor source_of(const Tensor& size) {
  const auto& source = size.impl()->sizes_of;
  return source ? Tensor(source) : Tensor();
}

Tensor sized_zeros(std::span<const Dim> dims, DType dtype) {
  SizedZeros op;
  op.dtype = dtype;
  Tensors inputs;
  for (const Dim& d : dims) op.shape.push_back(d.size());
  for (const Dim& d : dims) {
    if (!d.source().defined() && d.size() < 0)
      throw ShapeError("shape " + to_string(op.shape) + " has a dimension that is neither known nor one of a tensor.");
    op.input.push_back(static_cast<std::int64_t>(inputs.size()));
    op.axis.push_back(d.axis());
    if (d.source().defined()) inputs.push_back(d.source());
  }
  return apply1(make_op<SizedZeros>(op), inputs);
}

}  // namespace

Dim::Dim(const Tensor& size) {
  check_defined("shape", {&size, 1});
  if (size.rank() != 0 || !is_integer(size.dtype()))
    throw ValueError("shape: a dimension is a " + to_string(size.dtype()) + " tensor of shape " +
                     to_string(size.shape()) + ", expected an integer: a number, or a scalar such as shape(x)[0].");
  if (!size.is_symbolic()) {
    size_ = size.item<std::int64_t>();
    return;
  }
  const Tensor source = source_of(size);
  if (!source.defined())
    throw ValueError(
        "shape: a dimension was computed in a traced program, and its value is not known yet. Expected a number, or a "
        "dimension of a tensor as it is, shape(x)[i]; in reshape() also one -1.");
  axis_ = size.impl()->size_axis;
  size_ = source.shape()[static_cast<std::size_t>(axis_)];
  if (size_ == None) source_ = source;
}

namespace detail {

bool is_known(Dims dims) {
  return std::none_of(dims.begin(), dims.end(), [](const Dim& d) { return d.source().defined(); });
}

Shape known_shape(Dims dims) {
  Shape out;
  for (const Dim& d : dims) out.push_back(d.size());
  return out;
}

Tensor zeros_of(Dims dims, DType dtype) {
  return is_known(dims) ? zeros(known_shape(dims), dtype) : sized_zeros({dims.begin(), dims.size()}, dtype);
}

Tensor zeros_of(const Tensor& shape, DType dtype) {
  check_defined("shape", {&shape, 1});
  if (shape.rank() != 1 || !is_integer(shape.dtype()))
    throw ValueError("shape: received a " + to_string(shape.dtype()) + " tensor of shape " + to_string(shape.shape()) +
                     ", expected a vector of integers such as shape(x).");
  if (!shape.is_symbolic()) return zeros(Shape(array::integers(shape)), dtype);
  const Tensor source = source_of(shape);
  if (source.defined() && shape.impl()->size_axis < 0) return zeros_like(source, dtype);
  throw ValueError(
      "shape: a shape was computed in a traced program, and its values are not known yet. Expected shape(x) as it is, "
      "or dimensions in braces: {shape(x)[0], 16}.");
}

Tensor broadcast_to_value(const Tensor& x, const Tensor& shape) {
  return broadcast_like(x, zeros_of(shape, x.dtype()));
}

}  // namespace detail

Tensor zeros(Dims shape, DType dtype) { return detail::zeros_of(shape, dtype); }
Tensor ones(Dims shape, DType dtype) {
  return detail::is_known(shape) ? ones(detail::known_shape(shape), dtype) : ones_like(detail::zeros_of(shape, dtype));
}
Tensor fill(Dims shape, const Tensor& value) {
  if (detail::is_known(shape)) return fill(detail::known_shape(shape), value);
  return broadcast_to(constant(value), shape);
}
Tensor full(Dims shape, const Tensor& fill_value, std::optional<DType> dtype) {
  if (detail::is_known(shape)) return full(detail::known_shape(shape), fill_value, dtype);
  return broadcast_to(dtype ? constant(fill_value, *dtype) : constant(fill_value), shape);
}

Tensor broadcast_to(const Tensor& x, Dims shape) {
  if (detail::is_known(shape)) return broadcast_to(x, detail::known_shape(shape));
  check_defined("broadcast_to", {&x, 1});
  return broadcast_like(x, detail::zeros_of(shape, x.dtype()));
}

Tensor reshape(const Tensor& x, Dims shape) {
  if (detail::is_known(shape)) return reshape(x, detail::known_shape(shape));
  check_defined("reshape", {&x, 1});
  Shape open = detail::known_shape(shape);
  const auto unknown = std::count_if(open.begin(), open.end(), [](std::int64_t d) { return d == None || d == -1; });
  if (unknown == 1) {  // the number of elements says it
    std::replace(open.begin(), open.end(), std::int64_t{None}, std::int64_t{-1});
    return reshape(x, open);
  }
  // -1 beside a dimension of another tensor: those of x itself at the same place stay as they are.
  bool in_place = true;
  for (std::size_t i = 0; i < open.size(); ++i) {
    const Dim& d = shape.begin()[i];
    if (d.source().defined())
      in_place = in_place && d.source().impl() == x.impl() && d.axis() == static_cast<std::int64_t>(i);
  }
  if (in_place) return reshape(x, open);
  if (std::find(open.begin(), open.end(), -1) == open.end()) return reshape_like(x, detail::zeros_of(shape, x.dtype()));
  throw ValueError("reshape: shape " + to_string(open) +
                   " has a -1 beside dimensions of other tensors that are not known yet. Give each dimension.");
}

Tensor tile(const Tensor& x, Dims multiples) {
  check_defined("tile", {&x, 1});
  if (detail::is_known(multiples)) return tile(x, detail::known_shape(multiples).to_vector());
  Ints numbers;
  std::vector<Dim> target;
  for (const Dim& m : multiples) {
    const auto axis = static_cast<std::int64_t>(numbers.size());
    numbers.push_back(m.source().defined() ? 1 : m.size());
    if (m.source().defined() && (axis >= x.rank() || x.shape()[numbers.size() - 1] != 1))
      throw ValueError("tile: axis " + std::to_string(axis) + " of shape " + to_string(x.shape()) +
                       " is to be repeated as often as a tensor is long whose length is not known yet. That works for "
                       "an axis of size 1; for another, expand_dims() and reshape() around it.");
  }
  const Tensor repeated = tile(x, numbers);
  const Tensor sizes = shape(repeated);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const Dim& m = multiples.begin()[i];
    target.push_back(m.source().defined() ? m : Dim(sizes[static_cast<std::int64_t>(i)]));
  }
  return broadcast_like(repeated, sized_zeros(target, x.dtype()));
}

void array::note_size(const Tensor& sizes, std::int64_t i, const Tensor& size) {
  const auto& source = sizes.impl()->sizes_of;
  if (!source || sizes.impl()->size_axis >= 0) return;
  size.impl()->sizes_of = source;
  size.impl()->size_axis = i < 0 ? i + source->shape.rank() : i;
}

void array::register_dims(Registry& r) { r.add<SizedZeros>(); }

}  // namespace strata
