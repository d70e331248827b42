// Rounding up of sizes.
#pragma once

#include <type_traits>

namespace strata::kernels {

template <class T>
constexpr T parts_of(T n, std::type_identity_t<T> unit) {
  return (n + unit - 1) / unit;
}
template <class T>
constexpr T rounded(T n, std::type_identity_t<T> unit) {
  return parts_of(n, unit) * unit;
}

}  // namespace strata::kernels
