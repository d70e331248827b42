// Tensors from numbers. Where the numbers are known they are made at once, without an op.
#include <cmath>
#include <cstring>

#include "core/dispatch.h"
#include "core/fields.h"
#include "kernels/copy.h"
#include "ops/array_util.h"
#include "strata/array.h"

namespace strata {
namespace {

void check_dims(const char* op, const Shape& shape) {
  for (std::int64_t d : shape)
    if (d < 0)
      throw ShapeError(std::string(op) + ": shape " + to_string(shape) +
                       " has a dimension that is not known or negative. Write it as shape(x)[0] of a tensor that has "
                       "it, or use zeros_like, ones_like or full_like of a tensor for its shape.");
}

Tensor filled(const char* op, const Shape& shape, DType dtype, double value) {
  check_dims(op, shape);
  Tensor out = detail::allocate(shape, dtype);
  dispatch_all(dtype, [&]<class T>() {
    const T element = static_cast<T>(value);
    kernels::fill(detail::data_of(out).raw(), out.size(), &element, sizeof(T));
  });
  return out;
}

void check_scalar(const char* op, const char* what, const Tensor& t) {
  if (t.rank() != 0)
    throw ShapeError(std::string(op) + ": " + what + " has shape " + to_string(t.shape()) + ", expected a scalar.");
}

// The dtype that Python's numbers have in Keras: int32 for integers, float32 for reals.
DType plain_dtype(const Tensor& t) {
  if (!detail::data_of(t).weak) return t.dtype();
  if (is_floating(t.dtype())) return DType::float32;
  const std::int64_t v = t.item<std::int64_t>();
  return v == static_cast<std::int32_t>(v) ? DType::int32 : t.dtype();
}

std::int64_t range_length(double start, double limit, double delta) {
  if (delta == 0) throw ValueError("range: delta is 0, so that the range would never end. Use another step.");
  return std::max<std::int64_t>(0, static_cast<std::int64_t>(std::ceil((limit - start) / delta)));
}

// Scalars of one dtype to the numbers between them.
Tensor make_range(const Tensor& start, const Tensor& limit, const Tensor& delta) {
  return dispatch_numeric("range", start.dtype(), [&]<class T>() {
    using C = std::conditional_t<std::is_integral_v<T>, std::int64_t, double>;
    const C first = start.item<C>(), past = limit.item<C>(), step = delta.item<C>();
    std::int64_t n = range_length(double(first), double(past), double(step));
    if constexpr (std::is_integral_v<T>)
      n = std::max<C>(0, step > 0 ? (past - first + step - 1) / step : (first - past - step - 1) / -step);
    Tensor out = detail::allocate({n}, start.dtype());
    T* p = detail::mutable_elements<T>(out);
    for (std::int64_t i = 0; i < n; ++i) {
      if constexpr (std::is_integral_v<T>)
        p[i] = static_cast<T>(first + i * step);
      else
        p[i] = T(static_cast<Compute<T>>(first + static_cast<double>(i) * step));
    }
    return out;
  });
}

struct Range final : OpBase<Range> {
  std::string_view name() const override { return "range"; }
  Specs infer(const Specs& in) const override {
    for (const Spec& s : in)
      if (!s.shape.empty() || s.dtype != in[0].dtype)
        throw ShapeError("range: expected scalars of one dtype, received " + describe(in) + ".");
    return {{Shape{None}, in[0].dtype}};
  }
  void run(RunContext& c) const override { c.out[0] = make_range(c.in[0], c.in[1], c.in[2]); }
  bool is_dynamic() const override { return true; }
};

}  // namespace

Tensor constant(const Tensor& value) {
  check_defined("constant", {&value, 1});
  const detail::TensorData& d = detail::data_of(value);
  if (!d.weak) return value;
  if (d.dtype == DType::float64) return cast(value, DType::float32);
  return detail::view(value, value.shape());
}

Tensor constant(const Tensor& value, DType dtype) {
  check_defined("constant", {&value, 1});
  if (value.dtype() != dtype) return cast(value, dtype);
  return detail::data_of(value).weak ? detail::view(value, value.shape()) : value;
}

Tensor constant(const Tensor& value, DType dtype, const Shape& shape) {
  const Tensor typed = constant(value, dtype);
  if (typed.shape().is_known() && typed.size() == 1) return fill(shape, reshape(typed, Shape{}));
  return reshape(typed, shape);
}

Tensor zeros(const Shape& shape, DType dtype) {
  check_dims("zeros", shape);
  Tensor out = detail::allocate(shape, dtype);
  if (out.bytes() > 0) std::memset(detail::data_of(out).raw(), 0, out.bytes());
  return out;
}

Tensor ones(const Shape& shape, DType dtype) { return filled("ones", shape, dtype, 1); }

Tensor fill(const Shape& shape, const Tensor& value) {
  check_defined("fill", {&value, 1});
  check_scalar("fill", "value", value);
  check_dims("fill", shape);
  const Tensor plain = constant(value);
  if (!detail::data_of(value).weak) return broadcast_to(plain, shape);  // it may have a gradient
  Tensor out = detail::allocate(shape, plain.dtype());
  kernels::fill(detail::data_of(out).raw(), out.size(), detail::data_of(plain).raw(), size_of(plain.dtype()));
  return out;
}

Tensor full(const Shape& shape, const Tensor& fill_value, std::optional<DType> dtype) {
  check_defined("full", {&fill_value, 1});
  return fill(shape, dtype ? constant(fill_value, *dtype) : fill_value);
}

Tensor eye(std::int64_t rows, const EyeOptions& options) {
  const std::int64_t columns = options.columns.value_or(rows);
  if (rows < 0 || columns < 0)
    throw ValueError("eye: received " + std::to_string(rows) + " rows and " + std::to_string(columns) +
                     " columns, expected 0 or more of both.");
  Tensor out = zeros({rows, columns}, options.dtype);
  dispatch_all(options.dtype, [&]<class T>() {
    T* p = detail::mutable_elements<T>(out);
    for (std::int64_t i = 0; i < rows; ++i)
      if (i + options.k >= 0 && i + options.k < columns) p[i * columns + i + options.k] = static_cast<T>(1);
  });
  return out;
}

Tensor range(const Tensor& start, const Tensor& limit, const Tensor& delta, const RangeOptions& options) {
  const Tensors given = {start, limit, delta};
  check_defined("range", given);
  const char* names[] = {"start", "limit", "delta"};
  std::optional<DType> dtype = options.dtype;
  for (std::size_t i = 0; i < 3; ++i) check_scalar("range", names[i], given[i]);
  if (!dtype)
    for (const Tensor& t : given)
      if (!detail::data_of(t).weak) dtype = dtype ? promote(*dtype, t.dtype()) : t.dtype();
  for (const Tensor& t : given)  // bare numbers widen only to a floating type
    if (!options.dtype && detail::data_of(t).weak && (!dtype || (is_floating(t.dtype()) && !is_floating(*dtype))))
      dtype = dtype && !is_floating(t.dtype()) ? promote(*dtype, plain_dtype(t)) : plain_dtype(t);
  if (!options.dtype && !is_floating(*dtype))
    for (const Tensor& t : given)
      if (!t.is_symbolic()) dtype = promote(*dtype, plain_dtype(t));
  Tensors typed;
  for (const Tensor& t : given) typed.push_back(constant(t, *dtype));
  for (const Tensor& t : typed)
    if (t.is_symbolic()) return apply1(make_op<Range>(), typed);
  return make_range(typed[0], typed[1], typed[2]);
}

Tensor range(const Tensor& start, const Tensor& limit, const RangeOptions& options) {
  return range(start, limit, Tensor(1), options);
}
Tensor range(const Tensor& limit, const RangeOptions& options) { return range(Tensor(0), limit, Tensor(1), options); }
Tensor arange(const Tensor& stop, const RangeOptions& options) { return range(stop, options); }
Tensor arange(const Tensor& start, const Tensor& stop, const RangeOptions& options) {
  return range(start, stop, options);
}
Tensor arange(const Tensor& start, const Tensor& stop, const Tensor& step, const RangeOptions& options) {
  return range(start, stop, step, options);
}

Tensor linspace(const Tensor& start, const Tensor& stop, std::int64_t num, const LinspaceOptions& options) {
  check_defined("linspace", std::vector{start, stop});
  check_scalar("linspace", "start", start), check_scalar("linspace", "stop", stop);
  if (num < 0) throw ValueError("linspace: num is " + std::to_string(num) + ", expected 0 or more.");
  const DType both = promote(plain_dtype(start), plain_dtype(stop));
  const DType dtype = options.dtype.value_or(is_floating(both) ? both : DType::float32);
  const double first = start.item<double>(), last = stop.item<double>();
  const std::int64_t steps = options.endpoint ? num - 1 : num;
  Tensor out = detail::allocate({num}, dtype);
  dispatch_numeric("linspace", dtype, [&]<class T>() {
    T* p = detail::mutable_elements<T>(out);
    for (std::int64_t i = 0; i < num; ++i) {
      const double at = steps > 0 ? static_cast<double>(i) / static_cast<double>(steps) : 0;
      const double v = options.endpoint && i == steps && i > 0 ? last : first + (last - first) * at;
      p[i] = static_cast<T>(static_cast<Compute<T>>(v));
    }
  });
  return out;
}

Tensors meshgrid(const Tensors& vectors, const MeshgridOptions& options) {
  check_defined("meshgrid", vectors);
  if (options.indexing != "xy" && options.indexing != "ij")
    throw ValueError("meshgrid: indexing is '" + options.indexing + "', expected 'xy' or 'ij'.");
  const std::size_t n = vectors.size();
  Shape grid;
  for (const Tensor& v : vectors) {
    if (v.rank() > 1 || !v.shape().is_known())
      throw ShapeError("meshgrid: received shape " + to_string(v.shape()) + ", expected vectors of known length.");
    grid.push_back(v.size());
  }
  const bool swapped = options.indexing == "xy" && n > 1;
  if (swapped) std::swap(grid[0], grid[1]);
  Tensors out;
  for (std::size_t i = 0; i < n; ++i) {
    Shape own;
    own.resize(n, 1);
    own[swapped && i < 2 ? 1 - i : i] = vectors[i].size();
    out.push_back(broadcast_to(reshape(vectors[i], own), grid));
  }
  return out;
}

void array::register_create(Registry& r) { r.add<Range>(); }

void register_array(Registry& r) {
  array::register_like(r);
  array::register_dims(r);
  array::register_create(r);
  array::register_cast(r);
  array::register_shape_ops(r);
  array::register_join(r);
  array::register_repeat(r);
  array::register_pad(r);
  array::register_matrix(r);
}

void register_index(Registry& r) {
  array::register_slice(r);
  array::register_gather(r);
  array::register_scatter(r);
  array::register_mask(r);
}

}  // namespace strata
