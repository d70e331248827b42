/// \file
/// The tensor: an n-dimensional array whose elements never change, or a value of a program that is being traced.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "strata/dtype.h"
#include "strata/error.h"
#include "strata/shape.h"

namespace strata {

namespace detail {
struct TensorData;
}

template <class T>
concept Element = std::same_as<T, bool> || std::same_as<T, std::uint8_t> || std::same_as<T, std::int32_t> ||
    std::same_as<T, std::int64_t> || std::same_as<T, float> || std::same_as<T, double>;

/// A handle on an n-dimensional array. Copies share the elements, which never change; assignment rebinds the handle.
///
/// A number or nested braces make a tensor: `Tensor x = {{1.f, 2.f}, {3.f, 4.f}};`, the dtype from the literals. A
/// tensor made of one bare number adapts its dtype to the tensor it meets in an operation, as Python's numbers do.
/// A symbolic tensor (from Input(), or inside function()) has a shape and a dtype but no elements.
class STRATA_API Tensor {
 public:
  /// A number or a braced list of them.
  struct STRATA_API Nested {
    Nested(bool v);
    Nested(int v);
    Nested(std::int64_t v);
    Nested(float v);
    Nested(double v);
    Nested(std::initializer_list<Nested> v);
    ~Nested();
    Nested(const Nested&);
    std::vector<Nested> list;
    double number = 0;
    std::int64_t integer = 0;
    DType dtype = DType::float32;
    bool is_list = false;
  };

  /// An undefined tensor: `defined()` is false and every use is an error.
  Tensor();
  Tensor(bool v);
  Tensor(int v);
  Tensor(std::int64_t v);
  Tensor(float v);
  Tensor(double v);
  /// Nested lists of equal lengths. Throws ShapeError where they are ragged.
  Tensor(std::initializer_list<Nested> v);
  Tensor(const Tensor& other);
  Tensor& operator=(const Tensor& other) &;
  ~Tensor();

  /// Copies the elements of `values`; their number must be that of `shape`.
  template <Element T>
  static Tensor from(std::span<const T> values, const Shape& shape) {
    return copy(values.data(), values.size(), dtype_of<T>, shape);
  }
  template <Element T>
  static Tensor from(const std::vector<T>& values, const Shape& shape) requires(!std::same_as<T, bool>) {
    return copy(values.data(), values.size(), dtype_of<T>, shape);
  }
  /// Takes a vector over without copying it; it is freed with the last tensor that uses it.
  template <Element T>
  static Tensor adopt(std::vector<T>&& values, const Shape& shape) requires(!std::same_as<T, bool>) {
    auto owner = std::make_shared<std::vector<T>>(std::move(values));
    return wrap(owner->data(), owner->size(), dtype_of<T>, shape, owner);
  }
  /// Uses the caller's memory without copying it. It must outlive every tensor that shares it and must not change
  /// meanwhile; what saves or keeps a tensor for long should copy().
  template <Element T>
  static Tensor borrow(std::span<const T> values, const Shape& shape) {
    return wrap(values.data(), values.size(), dtype_of<T>, shape, nullptr);
  }
  /// A tensor with a buffer of its own.
  Tensor copy() const;

  bool defined() const { return data_ != nullptr; }
  /// True for a tensor without elements: from Input(), or inside function().
  bool is_symbolic() const;
  const Shape& shape() const;
  DType dtype() const;
  /// The number of elements, of dimensions, and the bytes of the elements.
  std::int64_t size() const;
  std::int64_t rank() const;
  std::size_t bytes() const;

  /// The only element, converted to T. Throws ShapeError unless there is exactly one, SymbolicError where there are
  /// no elements to read.
  template <class T>
  requires std::is_arithmetic_v<T> T item()
  const {
    if constexpr (std::floating_point<T>)
      return static_cast<T>(item_as_double());
    else if constexpr (std::same_as<T, bool>)
      return item_as_double() != 0;
    else
      return static_cast<T>(item_as_integer());
  }
  /// The same: `float(loss)`.
  template <class T>
  requires(std::is_arithmetic_v<T> && !std::same_as<T, bool>) explicit operator T() const { return item<T>(); }
  /// The elements in row-major order, without copying. Throws DTypeError unless T is the tensor's type.
  template <Element T>
  std::span<const T> data() const {
    return {static_cast<const T*>(typed_data(dtype_of<T>)), static_cast<std::size_t>(size())};
  }
  /// The elements in row-major order, converted to T.
  template <Element T>
  std::vector<T> to_vector() const {
    std::vector<T> out(static_cast<std::size_t>(size()));
    if constexpr (std::same_as<T, bool>) {
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = element_as_double(i) != 0;
    } else {
      copy_to(out.data(), dtype_of<T>);
    }
    return out;
  }

  /// One row: `x[i]` has one dimension less. Negative counts from the end. Throws IndexError.
  Tensor operator[](std::int64_t i) const;
  Tensor operator[](int i) const { return (*this)[static_cast<std::int64_t>(i)]; }
  Tensor operator[](Slice slice) const;
  /// NumPy's basic indexing: `x[{Slice(0, 2), 1, Ellipsis, NewAxis}]`.
  Tensor operator[](std::initializer_list<Index> indices) const;

  /// For the engine: the shared description behind the handle.
  explicit Tensor(std::shared_ptr<const detail::TensorData> data);
  const std::shared_ptr<const detail::TensorData>& impl() const { return data_; }

 private:
  static Tensor copy(const void* values, std::size_t count, DType dtype, const Shape& shape);
  static Tensor wrap(const void* values, std::size_t count, DType dtype, const Shape& shape,
                     std::shared_ptr<void> owner);
  double item_as_double() const;
  std::int64_t item_as_integer() const;
  double element_as_double(std::size_t i) const;
  const void* typed_data(DType dtype) const;
  void copy_to(void* out, DType dtype) const;

  std::shared_ptr<const detail::TensorData> data_;
};

using Tensors = std::vector<Tensor>;

/// "Tensor(shape=(2,), dtype=float32)" and the elements as NumPy prints them.
STRATA_API std::string to_string(const Tensor& tensor);
STRATA_API std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

}  // namespace strata
