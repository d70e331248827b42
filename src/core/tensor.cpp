#include "strata/tensor.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "core/dispatch.h"
#include "core/tensor_data.h"

namespace strata {

namespace {

using detail::TensorData;

const TensorData& checked(const std::shared_ptr<const TensorData>& data, const char* what) {
  if (data == nullptr)
    throw ValueError(std::string(what) +
                     ": this Tensor is undefined. Give it a value first, e.g. Tensor x = zeros({2, 3}).");
  return *data;
}

const TensorData& readable(const std::shared_ptr<const TensorData>& data, const char* what) {
  const TensorData& d = checked(data, what);
  if (!d.is_eager())
    throw SymbolicError(std::string(what) + ": this tensor (shape=" + to_string(d.shape) +
                        ", dtype=" + to_string(d.dtype) +
                        ") is symbolic: it stands for a value that exists only when the program runs. Compute with "
                        "tensor operations (where, cast, reduce_sum, ...) instead of its value, read the value outside "
                        "function(), or use strata::shape(x) for a size that is not known yet.");
  return d;
}

// Conversion of one element as a cast does it, but defined for every value: what does not fit goes to the nearest
// bound.
template <class To, class From>
To convert(From v) {
  using Real = Compute<From>;
  const Real x = v;
  if constexpr (std::is_same_v<To, bool>) {
    return x != Real(0);
  } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<Real>) {
    if (x != x) return 0;
    if (x <= static_cast<Real>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
    if (x >= static_cast<Real>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
    return static_cast<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

template <class T>
T element(const TensorData& d, std::size_t i) {
  return dispatch_all(d.dtype, [&]<class S>() { return convert<T>(static_cast<const S*>(d.raw())[i]); });
}

std::size_t byte_count(const Shape& shape, DType dtype) {
  const auto count = static_cast<std::size_t>(shape.num_elements());
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, size_of(dtype), &bytes))
    throw ShapeError("a " + to_string(dtype) + " tensor of shape " + to_string(shape) + " is too large for memory.");
  return bytes;
}

void check_count(std::size_t count, const Shape& shape) {
  if (static_cast<std::size_t>(shape.num_elements()) != count)
    throw ShapeError("Tensor: " + std::to_string(count) + " values do not fill shape " + to_string(shape) +
                     ", which has " + std::to_string(shape.num_elements()) + " elements.");
}

template <class T>
std::shared_ptr<const TensorData> scalar(T v, bool weak) {
  auto data = std::make_shared<TensorData>();
  data->dtype = dtype_of<T>;
  data->weak = weak;
  data->buffer = std::make_shared<detail::Buffer>(sizeof(T));
  *static_cast<T*>(data->raw()) = v;
  return data;
}

// What the first element of each level says of the shape; `fill` checks the others.
Shape shape_of(const Tensor::Nested& nested) {
  Shape shape;
  for (const Tensor::Nested* n = &nested; n->is_list; n = &n->list.front()) {
    shape.push_back(static_cast<std::int64_t>(n->list.size()));
    if (n->list.empty()) break;
  }
  return shape;
}

std::string describe(const Tensor::Nested& n) {
  return n.is_list ? "a list of " + std::to_string(n.list.size()) : "a number";
}

void flatten(const Tensor::Nested& n, const Shape& shape, std::size_t depth, std::vector<const Tensor::Nested*>& out) {
  const bool fits =
      depth == shape.size() ? !n.is_list : n.is_list && n.list.size() == static_cast<std::size_t>(shape[depth]);
  if (!fits)
    throw ShapeError("Tensor: the nested lists are ragged: at depth " + std::to_string(depth) + " there is " +
                     (depth == shape.size() ? std::string("a number") : "a list of " + std::to_string(shape[depth])) +
                     " and also " + describe(n) + ". Lists at the same depth need equal lengths.");
  if (!n.is_list) out.push_back(&n);
  for (const auto& child : n.list) flatten(child, shape, depth + 1, out);
}

}  // namespace

namespace detail {

Tensor allocate(const Shape& shape, DType dtype) {
  auto data = std::make_shared<TensorData>();
  data->shape = shape;
  data->dtype = dtype;
  data->buffer = std::make_shared<Buffer>(byte_count(shape, dtype));
  return Tensor(std::move(data));
}

Tensor view(const Tensor& tensor, const Shape& shape) {
  const TensorData& from = readable(tensor.impl(), "view");
  check_count(static_cast<std::size_t>(from.shape.num_elements()), shape);
  auto data = std::make_shared<TensorData>();
  data->shape = shape;
  data->dtype = from.dtype;
  data->buffer = from.buffer;
  data->offset = from.offset;
  return Tensor(std::move(data));
}

Tensor make_weak(const Tensor& scalar) {
  auto data = std::make_shared<TensorData>(checked(scalar.impl(), "make_weak"));
  data->weak = true;
  return Tensor(std::move(data));
}

}  // namespace detail

Tensor::Nested::Nested(bool v) : number(v), integer(v), dtype(DType::boolean) {}
Tensor::Nested::Nested(int v) : number(v), integer(v), dtype(DType::int32) {}
Tensor::Nested::Nested(std::int64_t v) : number(static_cast<double>(v)), integer(v), dtype(DType::int64) {}
Tensor::Nested::Nested(float v) : number(v), dtype(DType::float32) {}
Tensor::Nested::Nested(double v) : number(v), dtype(DType::float64) {}
Tensor::Nested::Nested(std::initializer_list<Nested> v) : list(v), is_list(true) {}
Tensor::Nested::~Nested() = default;
Tensor::Nested::Nested(const Nested&) = default;

Tensor::Tensor() = default;
// bool is the lowest type already, so it has nothing to adapt.
Tensor::Tensor(bool v) : data_(scalar(v, false)) {}
Tensor::Tensor(int v) : data_(scalar<std::int32_t>(v, true)) {}
Tensor::Tensor(std::int64_t v) : data_(scalar(v, true)) {}
Tensor::Tensor(float v) : data_(scalar(v, true)) {}
Tensor::Tensor(double v) : data_(scalar(v, true)) {}
Tensor::Tensor(const Tensor& other) = default;
Tensor& Tensor::operator=(const Tensor& other) & = default;
Tensor::~Tensor() = default;
Tensor::Tensor(std::shared_ptr<const detail::TensorData> data) : data_(std::move(data)) {}

Tensor::Tensor(std::initializer_list<Nested> v) {
  const Nested root(v);
  const Shape shape = shape_of(root);
  std::vector<const Nested*> leaves;
  flatten(root, shape, 0, leaves);
  DType dtype = leaves.empty() ? DType::float32 : DType::boolean;
  for (const Nested* leaf : leaves) dtype = promote(dtype, leaf->dtype);
  const Tensor out = detail::allocate(shape, dtype);
  dispatch_all(dtype, [&]<class T>() {
    T* values = detail::mutable_elements<T>(out);
    for (const Nested* leaf : leaves)
      *values++ = is_integer(leaf->dtype) ? convert<T>(leaf->integer) : convert<T>(leaf->number);
  });
  data_ = out.data_;
}

Tensor Tensor::copy(const void* values, std::size_t count, DType dtype, const Shape& shape) {
  check_count(count, shape);
  Tensor out = detail::allocate(shape, dtype);
  if (count > 0) std::memcpy(out.data_->raw(), values, count * size_of(dtype));
  return out;
}

Tensor Tensor::wrap(const void* values, std::size_t count, DType dtype, const Shape& shape,
                    std::shared_ptr<void> owner) {
  check_count(count, shape);
  auto data = std::make_shared<TensorData>();
  data->shape = shape;
  data->dtype = dtype;
  data->buffer = std::make_shared<detail::Buffer>(values, count * size_of(dtype), std::move(owner));
  return Tensor(std::move(data));
}

Tensor Tensor::copy() const {
  const TensorData& d = readable(data_, "Tensor::copy");
  return copy(d.raw(), static_cast<std::size_t>(d.shape.num_elements()), d.dtype, d.shape);
}

bool Tensor::is_symbolic() const { return !checked(data_, "Tensor::is_symbolic").is_eager(); }
const Shape& Tensor::shape() const { return checked(data_, "Tensor::shape").shape; }
DType Tensor::dtype() const { return checked(data_, "Tensor::dtype").dtype; }
std::int64_t Tensor::size() const { return checked(data_, "Tensor::size").shape.num_elements(); }
std::int64_t Tensor::rank() const { return checked(data_, "Tensor::rank").shape.rank(); }
std::size_t Tensor::bytes() const {
  const TensorData& d = checked(data_, "Tensor::bytes");
  return byte_count(d.shape, d.dtype);
}

namespace {

const TensorData& single(const std::shared_ptr<const TensorData>& data) {
  const TensorData& d = readable(data, "Tensor::item");
  if (d.shape.num_elements() != 1)
    throw ShapeError("Tensor::item: the tensor has " + std::to_string(d.shape.num_elements()) + " elements (shape " +
                     to_string(d.shape) + "), not one. Index it first, e.g. x[0], or read all with to_vector<T>().");
  return d;
}

}  // namespace

double Tensor::item_as_double() const { return element<double>(single(data_), 0); }

std::int64_t Tensor::item_as_integer() const { return element<std::int64_t>(single(data_), 0); }

double Tensor::element_as_double(std::size_t i) const {
  return element<double>(readable(data_, "Tensor::to_vector"), i);
}

const void* Tensor::typed_data(DType dtype) const {
  const TensorData& d = readable(data_, "Tensor::data");
  if (d.dtype != dtype)
    throw DTypeError("Tensor::data: the elements are " + to_string(d.dtype) + ", not " + to_string(dtype) +
                     ". Use to_vector<T>(), which converts, or cast(x, " + to_string(dtype) + ").");
  return d.raw();
}

void Tensor::copy_to(void* out, DType dtype) const {
  const TensorData& d = readable(data_, "Tensor::to_vector");
  const std::int64_t count = d.shape.num_elements();
  dispatch_all(dtype, [&]<class To>() {
    dispatch_all(d.dtype, [&]<class From>() {
      const From* from = static_cast<const From*>(d.raw());
      To* to = static_cast<To*>(out);
      for (std::int64_t i = 0; i < count; ++i) to[i] = convert<To>(from[i]);
    });
  });
}

}  // namespace strata
