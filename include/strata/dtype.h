/// \file
/// Element types of tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

#include "strata/export.h"

namespace strata {

/// The element type of a tensor.
enum class DType : std::uint8_t { boolean, uint8, int32, int64, float16, bfloat16, float32, float64 };

inline constexpr DType boolean = DType::boolean, uint8 = DType::uint8, int32 = DType::int32, int64 = DType::int64,
                       float16 = DType::float16, bfloat16 = DType::bfloat16, float32 = DType::float32,
                       float64 = DType::float64;

/// Bytes of one element.
STRATA_API std::size_t size_of(DType dtype);
/// Keras's name: "float32", "bool", ...
STRATA_API std::string to_string(DType dtype);
/// The type of a name as `to_string` gives it. Throws ValueError that lists the known names.
STRATA_API DType dtype_from_string(std::string_view name);
STRATA_API bool is_floating(DType dtype);
/// uint8, int32 and int64; bool is no integer.
STRATA_API bool is_integer(DType dtype);
/// The type that Keras gives to an operation on two tensors: float wins over integer, the wider over the narrower.
/// bfloat16 with float16 gives float32.
STRATA_API DType promote(DType a, DType b);
STRATA_API std::ostream& operator<<(std::ostream& out, DType dtype);

namespace detail {
/// The DType of a C++ element type; bool, std::uint8_t, std::int32_t, std::int64_t, float and double have one.
template <class T>
struct DTypeOf;
template <>
struct DTypeOf<bool> {
  static constexpr DType value = DType::boolean;
};
template <>
struct DTypeOf<std::uint8_t> {
  static constexpr DType value = DType::uint8;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType value = DType::int32;
};
template <>
struct DTypeOf<std::int64_t> {
  static constexpr DType value = DType::int64;
};
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::float32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::float64;
};
}  // namespace detail

template <class T>
inline constexpr DType dtype_of = detail::DTypeOf<T>::value;

}  // namespace strata
