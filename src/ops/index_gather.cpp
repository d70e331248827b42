// gather, gather_nd, take_along_axis and their adjoints.
#include <cstring>

#include "core/fields.h"
#include "graph/row_gradients.h"
#include "kernels/gather.h"
#include "ops/array_util.h"
#include "ops/index_positions.h"
#include "strata/array.h"

namespace strata {
namespace {

using array::certainly_differ;
using array::normalize_axis;

char* at(const Tensor& t, std::int64_t elements) {
  return static_cast<char*>(detail::data_of(t).raw()) + elements * static_cast<std::int64_t>(size_of(t.dtype()));
}

void clear(const Tensor& t) {
  if (t.bytes() > 0) std::memset(detail::data_of(t).raw(), 0, t.bytes());
}

struct GatherFields {
  std::int64_t axis = 0, batch_dims = 0;
  bool wrap = false;  // negative indices count from the end
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("axis", s.axis), v("batch_dims", s.batch_dims), v("wrap", s.wrap);
  }

  Shape result(const Shape& params, const Spec& indices) const {
    array::check_index_dtype("gather", indices.dtype);
    array::check_rank("gather", params, 1);
    const auto a = static_cast<std::size_t>(normalize_axis("gather", axis, params));
    const auto shared = static_cast<std::size_t>(batch_dims);
    bool fits = shared <= a && shared <= indices.shape.size();
    for (std::size_t i = 0; fits && i < shared; ++i) fits = !certainly_differ(params[i], indices.shape[i]);
    if (!fits)
      throw ShapeError("gather: params of shape " + to_string(params) + " and indices of shape " +
                       to_string(indices.shape) + " do not share " + std::to_string(batch_dims) +
                       " leading dimensions before axis " + std::to_string(axis) + ".");
    Shape out = params.sub(0, a);
    for (std::int64_t d : indices.shape.sub(shared)) out.push_back(d);
    for (std::int64_t d : params.sub(a + 1)) out.push_back(d);
    return out;
  }

  // Calls f(offset in params, offset in the result, outer, size, inner, indices, count) for each batch.
  template <class F>
  void each_batch(const Shape& params, const Tensor& indices, F&& f) const {
    const auto a = static_cast<std::size_t>(normalize_axis("gather", axis, params));
    const auto shared = static_cast<std::size_t>(batch_dims);
    const std::int64_t batches = array::product(params, 0, shared), outer = array::product(params, shared, a);
    const std::int64_t size = params[a], inner = array::product(params, a + 1, params.size());
    const std::int64_t count = array::product(indices.shape(), shared, indices.shape().size());
    const Ints index = array::checked_indices("gather", indices, params, a, wrap);
    const bool merged = outer == 1;  // all batches in one call, each with its own indices
    for (std::int64_t b = 0; b < (merged ? 1 : batches); ++b)
      f(b * outer * size * inner, b * outer * count * inner, merged ? batches : outer, size, inner,
        index.data() + b * count, count, merged ? count : 0);
  }
};

struct Gather final : OpBase<Gather>, GatherFields {
  Gather() = default;
  explicit Gather(const GatherFields& f) : GatherFields(f) {}
  using GatherFields::fields;
  std::string_view name() const override { return "gather"; }
  Specs infer(const Specs& in) const override { return {{result(in[0].shape, in[1]), in[0].dtype}}; }
  void run(RunContext& c) const override {
    each_batch(c.in_shape(0), c.in[1],
               [&](std::int64_t from, std::int64_t to, std::int64_t outer, std::int64_t size, std::int64_t inner,
                   const std::int64_t* index, std::int64_t count, std::int64_t step) {
                 kernels::gather(at(c.in[0], from), at(c.out[0], to), outer, size, inner, index, count, step,
                                 size_of(c.in[0].dtype()));
               });
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override;
};

// Zeros of the shape of input 2, to which the rows of input 0 are added at the indices.
struct GatherGrad final : OpBase<GatherGrad>, GatherFields {
  GatherGrad() = default;
  explicit GatherGrad(const GatherFields& f) : GatherFields(f) {}
  using GatherFields::fields;
  std::string_view name() const override { return "gather_grad"; }
  Specs infer(const Specs& in) const override { return {{in[2].shape, in[0].dtype}}; }
  void run(RunContext& c) const override {
    clear(c.out[0]);
    each_batch(c.in_shape(2), c.in[1],
               [&](std::int64_t to, std::int64_t from, std::int64_t outer, std::int64_t size, std::int64_t inner,
                   const std::int64_t* index, std::int64_t count, std::int64_t step) {
                 kernels::scatter(c.in[0].dtype(), kernels::Combine::add, at(c.in[0], from), at(c.out[0], to), outer,
                                  size, inner, index, count, step);
               });
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    return {apply1(make_op<Gather>(static_cast<const GatherFields&>(*this)), {c.grad(), c.input(1)}), Tensor(),
            Tensor()};
  }
};

Tensors Gather::grad(const GradContext& c) const {
  const SummedRows rows = {make_op<GatherGrad>(static_cast<const GatherFields&>(*this)),
                           {c.grad(), c.input(1), c.input(0)}};
  const Tensor gradient = apply1(rows.sum, rows.in);
  if (axis == 0 && batch_dims == 0) note_rows(gradient, {rows});
  return {gradient, Tensor()};
}

struct GatherNdFields {
  std::int64_t batch_dims = 0;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("batch_dims", s.batch_dims);
  }
};

struct GatherNd final : OpBase<GatherNd>, GatherNdFields {
  GatherNd() = default;
  explicit GatherNd(const GatherNdFields& f) : GatherNdFields(f) {}
  using GatherNdFields::fields;
  std::string_view name() const override { return "gather_nd"; }
  Specs infer(const Specs& in) const override {
    const auto shared = static_cast<std::size_t>(batch_dims);
    const std::size_t depth = array::position_depth("gather_nd", in[0].shape, in[1], shared);
    for (std::size_t i = 0; i < shared; ++i)
      if (certainly_differ(in[0].shape[i], in[1].shape[i]))
        throw ShapeError("gather_nd: " + describe(in) + " do not share " + std::to_string(batch_dims) +
                         " leading dimensions.");
    Shape out = in[1].shape.sub(0, in[1].shape.size() - 1);
    for (std::int64_t d : in[0].shape.sub(shared + depth)) out.push_back(d);
    return {{out, in[0].dtype}};
  }
  void run(RunContext& c) const override {
    const array::Positions p("gather_nd", c.in[1], c.in_shape(0), static_cast<std::size_t>(batch_dims));
    kernels::gather(array::raw_in(c), array::raw_out(c), p.batches, p.size, p.inner, p.index.data(), p.count, p.count,
                    size_of(c.in[0].dtype()));
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override;
};

struct GatherNdGrad final : OpBase<GatherNdGrad>, GatherNdFields {
  GatherNdGrad() = default;
  explicit GatherNdGrad(const GatherNdFields& f) : GatherNdFields(f) {}
  using GatherNdFields::fields;
  std::string_view name() const override { return "gather_nd_grad"; }
  Specs infer(const Specs& in) const override { return {{in[2].shape, in[0].dtype}}; }
  void run(RunContext& c) const override {
    const array::Positions p("gather_nd", c.in[1], c.in_shape(2), static_cast<std::size_t>(batch_dims));
    clear(c.out[0]);
    kernels::scatter(c.in[0].dtype(), kernels::Combine::add, array::raw_in(c), array::raw_out(c), p.batches, p.size,
                     p.inner, p.index.data(), p.count, p.count);
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    return {gather_nd(c.grad(), c.input(1), {.batch_dims = batch_dims}), Tensor(), Tensor()};
  }
};

Tensors GatherNd::grad(const GradContext& c) const {
  return {apply1(make_op<GatherNdGrad>(static_cast<const GatherNdFields&>(*this)), {c.grad(), c.input(1), c.input(0)}),
          Tensor()};
}

struct AlongFields {
  std::int64_t axis = -1;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("axis", s.axis);
  }
  std::size_t at_axis(const Shape& x) const {
    return static_cast<std::size_t>(normalize_axis("take_along_axis", axis, x));
  }
};

struct TakeAlongAxis final : OpBase<TakeAlongAxis>, AlongFields {
  TakeAlongAxis() = default;
  explicit TakeAlongAxis(const AlongFields& f) : AlongFields(f) {}
  using AlongFields::fields;
  std::string_view name() const override { return "take_along_axis"; }
  Specs infer(const Specs& in) const override {
    const Shape &x = in[0].shape, &indices = in[1].shape;
    array::check_index_dtype(name(), in[1].dtype);
    const std::size_t a = at_axis(x);
    bool fits = x.size() == indices.size();
    Shape out = indices;
    for (std::size_t i = 0; fits && i < x.size(); ++i) {
      if (i == a) continue;
      fits = !certainly_differ(x[i], indices[i]);
      out[i] = array::known_of(x[i], indices[i]);
    }
    if (!fits)
      throw ShapeError("take_along_axis: x of shape " + to_string(x) + " and indices of shape " + to_string(indices) +
                       " must have equal dimensions beside axis " + std::to_string(axis) + ".");
    return {{out, in[0].dtype}};
  }
  void run(RunContext& c) const override {
    const Shape& x = c.in_shape(0);
    const std::size_t a = at_axis(x);
    const Ints index = array::checked_indices(name(), c.in[1], x, a, true);
    kernels::gather_along(array::raw_in(c), array::raw_out(c), array::product(x, 0, a), x[a],
                          array::product(x, a + 1, x.size()), index.data(), c.in_shape(1)[a], size_of(c.in[0].dtype()));
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override;
};

struct TakeAlongAxisGrad final : OpBase<TakeAlongAxisGrad>, AlongFields {
  TakeAlongAxisGrad() = default;
  explicit TakeAlongAxisGrad(const AlongFields& f) : AlongFields(f) {}
  using AlongFields::fields;
  std::string_view name() const override { return "take_along_axis_grad"; }
  Specs infer(const Specs& in) const override { return {{in[2].shape, in[0].dtype}}; }
  void run(RunContext& c) const override {
    const Shape& x = c.in_shape(2);
    const std::size_t a = at_axis(x);
    const Ints index = array::checked_indices("take_along_axis", c.in[1], x, a, true);
    clear(c.out[0]);
    kernels::scatter_add_along(c.in[0].dtype(), array::raw_in(c), array::raw_out(c), array::product(x, 0, a), x[a],
                               array::product(x, a + 1, x.size()), index.data(), c.in_shape(1)[a]);
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    return {take_along_axis(c.grad(), c.input(1), axis), Tensor(), Tensor()};
  }
};

Tensors TakeAlongAxis::grad(const GradContext& c) const {
  return {
      apply1(make_op<TakeAlongAxisGrad>(static_cast<const AlongFields&>(*this)), {c.grad(), c.input(1), c.input(0)}),
      Tensor()};
}

// To the shape of `like`, but for `axis`, where it has size 1 and `like` another.
Tensor stretch_beside(const Tensor& x, const Tensor& like, std::size_t axis) {
  Shape target = x.shape();
  for (std::size_t i = 0; i < target.size(); ++i)
    if (i != axis && target[i] == 1) target[i] = like.shape()[i];
  return target == x.shape() || !target.is_known() ? x : broadcast_to(x, target);
}

}  // namespace

Tensor gather(const Tensor& params, const Tensor& indices, std::int64_t axis, const GatherOptions& options) {
  check_defined("gather", std::vector{params, indices});
  std::int64_t batch_dims = options.batch_dims;
  if (batch_dims < 0) batch_dims += indices.rank();
  if (batch_dims < 0)
    throw ValueError("gather: batch_dims is " + std::to_string(options.batch_dims) + " for indices of shape " +
                     to_string(indices.shape()) + ".");
  return apply1(make_op<Gather>(GatherFields{axis, batch_dims, false}), {params, indices});
}

Tensor take(const Tensor& x, const Tensor& indices, std::optional<std::int64_t> axis) {
  check_defined("take", std::vector{x, indices});
  return apply1(make_op<Gather>(GatherFields{axis.value_or(0), 0, true}), {axis ? x : ravel(x), indices});
}

Tensor take_along_axis(const Tensor& x, const Tensor& indices, std::int64_t axis) {
  check_defined("take_along_axis", std::vector{x, indices});
  const auto a = static_cast<std::size_t>(normalize_axis("take_along_axis", axis, x.shape()));
  if (x.rank() != indices.rank()) return apply1(make_op<TakeAlongAxis>(AlongFields{axis}), {x, indices});
  return apply1(make_op<TakeAlongAxis>(AlongFields{axis}),
                {stretch_beside(x, indices, a), stretch_beside(indices, x, a)});
}

Tensor gather_nd(const Tensor& params, const Tensor& indices, const GatherOptions& options) {
  check_defined("gather_nd", std::vector{params, indices});
  if (options.batch_dims < 0)
    throw ValueError("gather_nd: batch_dims is " + std::to_string(options.batch_dims) + ", expected 0 or more.");
  return apply1(make_op<GatherNd>(GatherNdFields{options.batch_dims}), {params, indices});
}

Tensor nn::embedding_lookup(const Tensor& params, const Tensor& ids) { return gather(params, ids, 0); }

void array::register_gather(Registry& r) {
  r.add<Gather>();
  r.add<GatherGrad>();
  r.add<GatherNd>();
  r.add<GatherNdGrad>();
  r.add<TakeAlongAxis>();
  r.add<TakeAlongAxisGrad>();
}

}  // namespace strata
