#include "ops/like.h"

#include "core/dispatch.h"
#include "kernels/copy.h"
#include "kernels/sum_to.h"
#include "ops/array_util.h"
#include "strata/array.h"

namespace strata {
namespace {

using array::certainly_differ;

// Throws unless `small` broadcasts to `large`.
void check_stretches(std::string_view op, const Shape& small, const Shape& large) {
  bool fits = small.size() <= large.size();
  for (std::size_t i = 0; fits && i < small.size(); ++i) {
    const std::int64_t s = small[i], l = large[i + large.size() - small.size()];
    fits = s == 1 || !certainly_differ(s, l);
  }
  if (!fits)
    throw ShapeError(std::string(op) + ": shape " + to_string(small) + " does not broadcast to " + to_string(large) +
                     ". Each dimension, counted from the last, must be equal or 1.");
}

bool equal_and_known(const Tensor& a, const Tensor& b) { return a.shape() == b.shape() && a.shape().is_known(); }

struct SumTo final : OpBase<SumTo> {
  SumTo() = default;
  explicit SumTo(const Shape& shape) : shape(shape) {}
  Shape shape;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("shape", s.shape);
  }
  std::string_view name() const override { return "sum_to"; }
  Specs infer(const Specs& in) const override {
    check_stretches(name(), shape, in[0].shape);
    return {{shape, in[0].dtype}};
  }
  void run(RunContext& c) const override {
    kernels::sum_to(c.in[0].dtype(), array::raw_in(c), c.in_shape(0), array::raw_out(c), c.out_shape());
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override { return {broadcast_like(c.grad(), c.input(0))}; }
};

struct SumToLike final : OpBase<SumToLike> {
  std::string_view name() const override { return "sum_to_like"; }
  Specs infer(const Specs& in) const override {
    check_stretches(name(), in[1].shape, in[0].shape);
    return {{in[1].shape, in[0].dtype}};
  }
  void run(RunContext& c) const override {
    kernels::sum_to(c.in[0].dtype(), array::raw_in(c), c.in_shape(0), array::raw_out(c), c.out_shape());
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override { return {broadcast_like(c.grad(), c.input(0)), Tensor()}; }
};

void run_broadcast(RunContext& c) {
  const Shape& from = c.in_shape(0);
  const Shape& to = c.out_shape();
  const kernels::Strides dense = kernels::dense_strides(from);
  kernels::Strides src;
  for (std::size_t i = 0; i < to.size(); ++i) {
    const bool has = i + from.size() >= to.size();
    const std::size_t j = i + from.size() - to.size();
    src.push_back(!has || from[j] == 1 ? 0 : dense[j]);
  }
  kernels::strided_copy(to, array::raw_in(c), src, array::raw_out(c), kernels::dense_strides(to),
                        size_of(c.in[0].dtype()));
}

// -1 keeps the dimension of x.
Shape stretched(const Shape& from, const Shape& to) {
  Shape out = to;
  for (std::size_t i = 0; i < to.size(); ++i)
    if ((to[i] == -1 || to[i] == None) && i + from.size() >= to.size()) out[i] = from[i + from.size() - to.size()];
  return out;
}

struct BroadcastTo final : OpBase<BroadcastTo> {
  BroadcastTo() = default;
  explicit BroadcastTo(const Shape& shape) : shape(shape) {}
  Shape shape;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("shape", s.shape);
  }
  std::string_view name() const override { return "broadcast_to"; }
  Specs infer(const Specs& in) const override {
    const Shape out = stretched(in[0].shape, shape);
    check_stretches(name(), in[0].shape, out);
    return {{out, in[0].dtype}};
  }
  void run(RunContext& c) const override { run_broadcast(c); }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override { return {sum_to_like(c.grad(), c.input(0))}; }
};

struct BroadcastLike final : OpBase<BroadcastLike> {
  std::string_view name() const override { return "broadcast_like"; }
  Specs infer(const Specs& in) const override {
    check_stretches(name(), in[0].shape, in[1].shape);
    Shape out = in[1].shape;
    const std::size_t lead = out.size() - in[0].shape.size();
    for (std::size_t i = lead; i < out.size(); ++i)
      if (out[i] == None && in[0].shape[i - lead] != 1) out[i] = in[0].shape[i - lead];
    return {{out, in[0].dtype}};
  }
  void run(RunContext& c) const override { run_broadcast(c); }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override { return {sum_to_like(c.grad(), c.input(0)), Tensor()}; }
};

struct ReshapeLike final : OpBase<ReshapeLike> {
  std::string_view name() const override { return "reshape_like"; }
  Specs infer(const Specs& in) const override {
    const Shape &from = in[0].shape, &to = in[1].shape;
    if (from.is_known() && to.is_known() && from.num_elements() != to.num_elements())
      throw ShapeError("reshape_like: shape " + to_string(from) + " has " + std::to_string(from.num_elements()) +
                       " elements and cannot become " + to_string(to) + ".");
    return {{to, in[0].dtype}};
  }
  void run(RunContext& c) const override { kernels::copy_bytes(array::raw_out(c), array::raw_in(c), c.in[0].bytes()); }
  bool is_view() const override { return true; }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override { return {reshape_like(c.grad(), c.input(0)), Tensor()}; }
};

struct RowsOf final : OpBase<RowsOf> {
  std::string_view name() const override { return "rows_of"; }
  Specs infer(const Specs& in) const override {
    const Shape& x = in[0].shape;
    array::check_rank(name(), x, 1);
    return {{Shape{array::product(x, 0, x.size() - 1), x.back()}, in[0].dtype}};
  }
  void run(RunContext& c) const override { kernels::copy_bytes(array::raw_out(c), array::raw_in(c), c.in[0].bytes()); }
  bool is_view() const override { return true; }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override { return {reshape_like(c.grad(), c.input(0))}; }
};

struct FullLike final : OpBase<FullLike> {
  FullLike() = default;
  FullLike(double value, DType dtype) : value(value), dtype(dtype) {}
  double value = 0;
  DType dtype = DType::float32;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("value", s.value), v("dtype", s.dtype);
  }
  std::string_view name() const override { return "full_like"; }
  Specs infer(const Specs& in) const override { return {{in[0].shape, dtype}}; }
  void run(RunContext& c) const override {
    dispatch_all(dtype, [&]<class T>() {
      const T element = static_cast<T>(value);
      kernels::fill(array::raw_out(c), c.out[0].size(), &element, sizeof(T));
    });
  }
};

void write_integers(Tensor& out, const std::vector<std::int64_t>& values) {
  dispatch_numeric("shape", out.dtype(), [&]<class T>() {
    T* p = detail::mutable_elements<T>(out);
    for (std::size_t i = 0; i < values.size(); ++i) p[i] = static_cast<T>(values[i]);
  });
}

struct ShapeOf final : OpBase<ShapeOf> {
  ShapeOf() = default;
  explicit ShapeOf(DType out_type) : out_type(out_type) {}
  DType out_type = DType::int32;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("out_type", s.out_type);
  }
  std::string_view name() const override { return "shape"; }
  Specs infer(const Specs& in) const override { return {{Shape{in[0].shape.rank()}, out_type}}; }
  void run(RunContext& c) const override { write_integers(c.out[0], c.in_shape(0).to_vector()); }
};

struct SizeOf final : OpBase<SizeOf> {
  SizeOf() = default;
  explicit SizeOf(DType out_type) : out_type(out_type) {}
  DType out_type = DType::int32;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("out_type", s.out_type);
  }
  std::string_view name() const override { return "size"; }
  Specs infer(const Specs&) const override { return {{Shape{}, out_type}}; }
  void run(RunContext& c) const override { write_integers(c.out[0], {c.in[0].size()}); }
};

void check_count_dtype(const char* op, DType dtype) {
  if (dtype != DType::int32 && dtype != DType::int64)
    throw DTypeError(std::string(op) + ": out_type is " + to_string(dtype) + ", expected int32 or int64.");
}

Tensor known_integers(const Shape& shape, DType dtype, const std::vector<std::int64_t>& values) {
  Tensor out = detail::allocate(shape, dtype);
  write_integers(out, values);
  return out;
}

}  // namespace

Tensor sum_to_like(const Tensor& g, const Tensor& ref) {
  check_defined("sum_to_like", std::vector{g, ref});
  if (equal_and_known(g, ref)) return g;
  if (ref.shape().is_known()) return apply1(make_op<SumTo>(ref.shape()), {g});
  return apply1(make_op<SumToLike>(), {g, ref});
}

Tensor broadcast_like(const Tensor& x, const Tensor& ref) {
  check_defined("broadcast_like", std::vector{x, ref});
  if (equal_and_known(x, ref)) return x;
  if (ref.shape().is_known()) return apply1(make_op<BroadcastTo>(ref.shape()), {x});
  return apply1(make_op<BroadcastLike>(), {x, ref});
}

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  check_defined("broadcast_to", {&x, 1});
  return apply1(make_op<BroadcastTo>(shape), {x});
}

Tensor reshape_like(const Tensor& x, const Tensor& ref) {
  check_defined("reshape_like", std::vector{x, ref});
  if (equal_and_known(x, ref)) return x;
  if (ref.shape().is_known()) return reshape(x, ref.shape());
  return apply1(make_op<ReshapeLike>(), {x, ref});
}

Tensor rows_of(const Tensor& x) {
  check_defined("rows_of", {&x, 1});
  return x.rank() == 2 ? x : apply1(make_op<RowsOf>(), {x});
}

Tensor full_like(const Tensor& x, const Tensor& fill_value, std::optional<DType> dtype) {
  check_defined("full_like", std::vector{x, fill_value});
  return apply1(make_op<FullLike>(fill_value.item<double>(), dtype.value_or(x.dtype())), {x});
}
Tensor zeros_like(const Tensor& x, std::optional<DType> dtype) {
  check_defined("zeros_like", {&x, 1});
  return apply1(make_op<FullLike>(0.0, dtype.value_or(x.dtype())), {x});
}
Tensor ones_like(const Tensor& x, std::optional<DType> dtype) {
  check_defined("ones_like", {&x, 1});
  return apply1(make_op<FullLike>(1.0, dtype.value_or(x.dtype())), {x});
}

Tensor shape(const Tensor& x, DType out_type) {
  check_defined("shape", {&x, 1});
  check_count_dtype("shape", out_type);
  if (x.shape().is_known()) return known_integers({x.rank()}, out_type, x.shape().to_vector());
  Tensor sizes = apply1(make_op<ShapeOf>(out_type), {x});
  sizes.impl()->sizes_of = x.impl();
  return sizes;
}

Tensor size(const Tensor& x, DType out_type) {
  check_defined("size", {&x, 1});
  check_count_dtype("size", out_type);
  if (x.shape().is_known()) return known_integers({}, out_type, {x.shape().num_elements()});
  return apply1(make_op<SizeOf>(out_type), {x});
}

Tensor rank(const Tensor& x) {
  check_defined("rank", {&x, 1});
  return known_integers({}, DType::int32, {x.shape().rank()});
}

namespace array {

void register_like(Registry& r) {
  r.add<SumTo>();
  r.add<SumToLike>();
  r.add<BroadcastTo>();
  r.add<BroadcastLike>();
  r.add<ReshapeLike>();
  r.add<RowsOf>();
  r.add<FullLike>();
  r.add<ShapeOf>();
  r.add<SizeOf>();
}

}  // namespace array
}  // namespace strata
