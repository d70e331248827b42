// From a run-time DType to a C++ type, for kernels alone: dispatch_all(dtype, [&]<class T>() { ... }).
#pragma once

#include "core/half.h"
#include "strata/error.h"

namespace strata {

[[noreturn]] STRATA_API void throw_unsupported_dtype(const char* where, DType dtype);

template <class F>
decltype(auto) dispatch_all(DType dtype, F&& f) {
  switch (dtype) {
    case DType::boolean: return f.template operator()<bool>();
    case DType::uint8: return f.template operator()<std::uint8_t>();
    case DType::int32: return f.template operator()<std::int32_t>();
    case DType::int64: return f.template operator()<std::int64_t>();
    case DType::float16: return f.template operator()<Float16>();
    case DType::bfloat16: return f.template operator()<BFloat16>();
    case DType::float32: return f.template operator()<float>();
    default: return f.template operator()<double>();
  }
}

template <class F>
decltype(auto) dispatch_numeric(const char* where, DType dtype, F&& f) {
  switch (dtype) {
    case DType::uint8: return f.template operator()<std::uint8_t>();
    case DType::int32: return f.template operator()<std::int32_t>();
    case DType::int64: return f.template operator()<std::int64_t>();
    case DType::float16: return f.template operator()<Float16>();
    case DType::bfloat16: return f.template operator()<BFloat16>();
    case DType::float32: return f.template operator()<float>();
    case DType::float64: return f.template operator()<double>();
    default: throw_unsupported_dtype(where, dtype);
  }
}

template <class F>
decltype(auto) dispatch_floating(const char* where, DType dtype, F&& f) {
  switch (dtype) {
    case DType::float16: return f.template operator()<Float16>();
    case DType::bfloat16: return f.template operator()<BFloat16>();
    case DType::float32: return f.template operator()<float>();
    case DType::float64: return f.template operator()<double>();
    default: throw_unsupported_dtype(where, dtype);
  }
}

// The type in which a kernel computes on elements of type T: float for the 16-bit ones, T otherwise.
template <class T>
struct ComputeType {
  using type = T;
};
template <>
struct ComputeType<Float16> {
  using type = float;
};
template <>
struct ComputeType<BFloat16> {
  using type = float;
};
template <class T>
using Compute = typename ComputeType<T>::type;

}  // namespace strata
