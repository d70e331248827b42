// scatter_nd, tensor_scatter_nd_* and segment sums.
#include <algorithm>
#include <cstring>

#include "core/fields.h"
#include "kernels/copy.h"
#include "kernels/gather.h"
#include "ops/array_util.h"
#include "ops/index_positions.h"
#include "strata/array.h"
#include "strata/math.h"

namespace strata {
namespace {

using array::certainly_differ;
using kernels::Combine;

void clear(const Tensor& t) {
  if (t.bytes() > 0) std::memset(detail::data_of(t).raw(), 0, t.bytes());
}

// Throws unless `updates` has the shape of what gather_nd(x, indices) gives.
void check_updates(std::string_view op, const Shape& x, const Spec& indices, const Shape& updates) {
  const std::size_t depth = array::position_depth(op, x, indices, 0);
  Shape wanted = indices.shape.sub(0, indices.shape.size() - 1);
  for (std::int64_t d : x.sub(depth)) wanted.push_back(d);
  bool fits = wanted.size() == updates.size();
  for (std::size_t i = 0; fits && i < wanted.size(); ++i) fits = !certainly_differ(wanted[i], updates[i]);
  if (!fits)
    throw ShapeError(std::string(op) + ": updates have shape " + to_string(updates) + ", expected " +
                     to_string(wanted) + " (indices of shape " + to_string(indices.shape) + " into shape " +
                     to_string(x) + ").");
}

void scatter_into(RunContext& c, std::string_view op, std::size_t indices, std::size_t updates, Combine how) {
  const array::Positions p(op, c.in[indices], c.out_shape(), 0);
  kernels::scatter(c.out[0].dtype(), how, array::raw_in(c, updates), array::raw_out(c), 1, p.size, p.inner,
                   p.index.data(), p.count, 0);
}

struct ScatterNd final : OpBase<ScatterNd> {
  ScatterNd() = default;
  explicit ScatterNd(const Shape& shape) : shape(shape) {}
  Shape shape;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("shape", s.shape);
  }
  std::string_view name() const override { return "scatter_nd"; }
  Specs infer(const Specs& in) const override {
    check_updates(name(), shape, in[0], in[1].shape);
    return {{shape, in[1].dtype}};
  }
  void run(RunContext& c) const override {
    clear(c.out[0]);
    scatter_into(c, name(), 0, 1, Combine::add);
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override { return {Tensor(), gather_nd(c.grad(), c.input(0))}; }
};

struct TensorScatter final : OpBase<TensorScatter> {
  TensorScatter() = default;
  explicit TensorScatter(Combine how) : how(static_cast<int>(how)) {}
  int how = 0;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("how", s.how);
  }
  std::string_view name() const override { return "tensor_scatter"; }
  Specs infer(const Specs& in) const override {
    check_updates("tensor_scatter_nd", in[0].shape, in[1], in[2].shape);
    if (in[2].dtype != in[0].dtype)
      throw DTypeError("tensor_scatter_nd: x and updates differ in dtype: " + describe(in) +
                       ". Use cast(updates, ...).");
    return {in[0]};
  }
  void run(RunContext& c) const override {
    kernels::copy_bytes(array::raw_out(c), array::raw_in(c), c.in[0].bytes());
    scatter_into(c, "tensor_scatter_nd", 1, 2, static_cast<Combine>(how));
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    const Tensor g = c.grad(), &indices = c.input(1), &updates = c.input(2);
    switch (static_cast<Combine>(how)) {
      case Combine::set:
        return {c.needed(0) ? tensor_scatter_nd_update(g, indices, zeros_like(updates)) : Tensor(), Tensor(),
                c.needed(2) ? gather_nd(g, indices) : Tensor()};
      case Combine::add:
        return {g, Tensor(), c.needed(2) ? gather_nd(g, indices) : Tensor()};
      case Combine::subtract:
        return {g, Tensor(), c.needed(2) ? negative(gather_nd(g, indices)) : Tensor()};
      default:
        return extreme_grad(c, g);
    }
  }
  // The gradient of a maximum or minimum goes in equal parts to all that are equal to it.
  static Tensors extreme_grad(const GradContext& c, const Tensor& g) {
    const Tensor &x = c.input(0), &indices = c.input(1), &updates = c.input(2), &out = c.output();
    const Tensor from_x = cast(equal(x, out), x.dtype());
    const Tensor from_updates = cast(equal(updates, gather_nd(out, indices)), x.dtype());
    const Tensor share = divide(g, tensor_scatter_nd_add(from_x, indices, from_updates));
    return {multiply(share, from_x), Tensor(), multiply(gather_nd(share, indices), from_updates)};
  }
};

Tensor tensor_scatter(const char* op, Combine how, const Tensor& x, const Tensor& indices, const Tensor& updates) {
  check_defined(op, std::vector{x, indices, updates});
  const Tensor values = detail::data_of(updates).weak ? cast(updates, x.dtype()) : updates;
  return apply1(make_op<TensorScatter>(how), {x, indices, values});
}

void check_segment_ids(const Specs& in) {
  array::check_index_dtype("unsorted_segment_sum", in[1].dtype);
  const Shape &data = in[0].shape, &ids = in[1].shape;
  bool fits = ids.size() <= data.size();
  for (std::size_t i = 0; fits && i < ids.size(); ++i) fits = !certainly_differ(data[i], ids[i]);
  if (!fits)
    throw ShapeError("unsorted_segment_sum: segment ids of shape " + to_string(ids) +
                     " are not the leading dimensions of the data, whose shape is " + to_string(data) + ".");
}

struct SegmentSum final : OpBase<SegmentSum> {
  SegmentSum() = default;
  explicit SegmentSum(std::int64_t num_segments) : num_segments(num_segments) {}
  std::int64_t num_segments = 0;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("num_segments", s.num_segments);
  }
  std::string_view name() const override { return "unsorted_segment_sum"; }
  Specs infer(const Specs& in) const override {
    check_segment_ids(in);
    Shape out = {num_segments};
    for (std::int64_t d : in[0].shape.sub(in[1].shape.size())) out.push_back(d);
    return {{out, in[0].dtype}};
  }
  void run(RunContext& c) const override {
    const Ints ids = array::integers(c.in[1]);
    for (std::int64_t id : ids)
      if (id >= num_segments)
        throw IndexError("unsorted_segment_sum: segment id " + std::to_string(id) +
                         " is not below num_segments = " + std::to_string(num_segments) + ".");
    clear(c.out[0]);
    kernels::scatter(c.in[0].dtype(), Combine::add, array::raw_in(c), array::raw_out(c), 1, num_segments,
                     array::product(c.out_shape(), 1, c.out_shape().size()), ids.data(),
                     static_cast<std::int64_t>(ids.size()), 0);
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override;
};

// The adjoint: the row of each id, zeros for a negative one.
struct SegmentGather final : OpBase<SegmentGather> {
  SegmentGather() = default;
  explicit SegmentGather(std::int64_t num_segments) : num_segments(num_segments) {}
  std::int64_t num_segments = 0;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("num_segments", s.num_segments);
  }
  std::string_view name() const override { return "segment_gather"; }
  Specs infer(const Specs& in) const override {
    array::check_rank(name(), in[0].shape, 1);
    Shape out = in[1].shape;
    for (std::int64_t d : in[0].shape.sub(1)) out.push_back(d);
    return {{out, in[0].dtype}};
  }
  void run(RunContext& c) const override {
    const Ints ids = array::integers(c.in[1]);
    const auto row =
        static_cast<std::size_t>(array::product(c.in_shape(0), 1, c.in_shape(0).size())) * size_of(c.in[0].dtype());
    clear(c.out[0]);
    for (std::size_t i = 0; i < ids.size(); ++i)
      if (ids[i] >= 0 && ids[i] < c.in_shape(0)[0])
        std::memcpy(static_cast<char*>(array::raw_out(c)) + i * row,
                    static_cast<const char*>(array::raw_in(c)) + static_cast<std::size_t>(ids[i]) * row, row);
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    return {unsorted_segment_sum(c.grad(), c.input(1), num_segments), Tensor()};
  }
};

Tensors SegmentSum::grad(const GradContext& c) const {
  return {apply1(make_op<SegmentGather>(num_segments), {c.grad(), c.input(1)}), Tensor()};
}

}  // namespace

Tensor scatter_nd(const Tensor& indices, const Tensor& updates, const Shape& shape) {
  check_defined("scatter_nd", std::vector{indices, updates});
  if (!shape.is_known())
    throw ShapeError("scatter_nd: shape " + to_string(shape) +
                     " has a dimension that is not known. Use tensor_scatter_nd_add(zeros_like(x), ...).");
  return apply1(make_op<ScatterNd>(shape), {indices, updates});
}
Tensor scatter(const Tensor& indices, const Tensor& values, const Shape& shape) {
  return scatter_nd(indices, values, shape);
}

Tensor tensor_scatter_nd_update(const Tensor& x, const Tensor& indices, const Tensor& updates) {
  return tensor_scatter("tensor_scatter_nd_update", Combine::set, x, indices, updates);
}
Tensor scatter_update(const Tensor& x, const Tensor& indices, const Tensor& updates) {
  return tensor_scatter("scatter_update", Combine::set, x, indices, updates);
}
Tensor tensor_scatter_nd_add(const Tensor& x, const Tensor& indices, const Tensor& updates) {
  return tensor_scatter("tensor_scatter_nd_add", Combine::add, x, indices, updates);
}
Tensor tensor_scatter_nd_sub(const Tensor& x, const Tensor& indices, const Tensor& updates) {
  return tensor_scatter("tensor_scatter_nd_sub", Combine::subtract, x, indices, updates);
}
Tensor tensor_scatter_nd_max(const Tensor& x, const Tensor& indices, const Tensor& updates) {
  return tensor_scatter("tensor_scatter_nd_max", Combine::maximum, x, indices, updates);
}
Tensor tensor_scatter_nd_min(const Tensor& x, const Tensor& indices, const Tensor& updates) {
  return tensor_scatter("tensor_scatter_nd_min", Combine::minimum, x, indices, updates);
}

Tensor unsorted_segment_sum(const Tensor& data, const Tensor& segment_ids, std::int64_t num_segments) {
  check_defined("unsorted_segment_sum", std::vector{data, segment_ids});
  if (num_segments < 0)
    throw ValueError("unsorted_segment_sum: num_segments is " + std::to_string(num_segments) + ", expected 0 or more.");
  return apply1(make_op<SegmentSum>(num_segments), {data, segment_ids});
}

Tensor segment_sum(const Tensor& data, const Tensor& segment_ids, std::optional<std::int64_t> num_segments) {
  check_defined("segment_sum", std::vector{data, segment_ids});
  if (num_segments) return unsorted_segment_sum(data, segment_ids, *num_segments);
  array::check_index_dtype("segment_sum", segment_ids.dtype());
  if (segment_ids.is_symbolic())
    throw ValueError("segment_sum: the number of segments depends on ids that are symbolic. Give num_segments.");
  const Ints ids = array::integers(segment_ids);
  return unsorted_segment_sum(data, segment_ids, ids.empty() ? 0 : *std::max_element(ids.begin(), ids.end()) + 1);
}

void array::register_scatter(Registry& r) {
  r.add<ScatterNd>();
  r.add<TensorScatter>();
  r.add<SegmentSum>();
  r.add<SegmentGather>();
}

}  // namespace strata
