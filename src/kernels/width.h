// Elements that are only moved, by their width.
#pragma once

#include <cstddef>
#include <cstdint>

namespace strata::kernels {

// Calls f(T{}) with the unsigned type of 1, 2, 4 or 8 bytes.
template <class F>
void with_width(std::size_t width, F&& f) {
  switch (width) {
    case 1:
      return f(std::uint8_t{});
    case 2:
      return f(std::uint16_t{});
    case 4:
      return f(std::uint32_t{});
    default:
      return f(std::uint64_t{});
  }
}

}  // namespace strata::kernels
