// Loops of element-wise ops over one and two operands, broadcast or not.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/parallel.h"
#include "kernels/simd_math.h"
#include "strata/shape.h"

namespace strata::kernels {

// dst[i] = f(src[i])
template <class S, class D, class F>
void map_unary(const S* src, D* dst, std::int64_t n, std::int64_t cost, F f) {
  parallel_for(n, cost, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) dst[i] = f(src[i]);
  });
}

inline void map_float(FloatFunction f, const float* src, float* dst, std::int64_t n, std::int64_t cost) {
  parallel_for(n, cost, [&](std::int64_t begin, std::int64_t end) { f(src + begin, dst + begin, end - begin); });
}

// Two operands broadcast to one shape, with neighbouring dimensions merged where their strides allow.
struct BinaryLayout {
  int rank = 0;
  std::array<std::int64_t, Shape::kMaxRank> dims{}, a{}, b{};  // outermost first; strides in elements
  std::int64_t size = 1;
};
BinaryLayout binary_layout(const Shape& out, const Shape& a, const Shape& b);

// What computes n elements side by side.
using BinaryLoop = void (*)(const void* a, const void* b, void* dst, std::int64_t n);

// dst = loop(a, b) over the layout; dst is dense. Elements of a and b take `item` bytes, 8 at most, those of dst
// `result`. What is stretched or lies apart is put side by side first, so that each op has one loop for each type.
void binary_rows(const BinaryLayout& layout, std::size_t item, std::size_t result, std::int64_t cost, const void* a,
                 const void* b, void* dst, BinaryLoop loop);

// dst = f(a, b) over the layout, for an f without state. F::has_squares: a loop of its own is worth its
// while where all b are 2.
template <class S, class D, class F>
void map_binary(const BinaryLayout& layout, const S* a, const S* b, D* dst, std::int64_t cost, F) {
  static_assert(std::is_empty_v<F>);
  const BinaryLoop loop = [](const void* a_row, const void* b_row, void* dst_row, std::int64_t n) {
    const S *x = static_cast<const S*>(a_row), *y = static_cast<const S*>(b_row);
    D* out = static_cast<D*>(dst_row);
    if constexpr (requires { requires F::has_squares; }) {
      const S two(2);
      if (std::all_of(y, y + n, [&](const S& v) { return std::memcmp(&v, &two, sizeof(S)) == 0; })) {
        for (std::int64_t i = 0; i < n; ++i) out[i] = F{}(x[i], S(2));
        return;
      }
    }
    for (std::int64_t i = 0; i < n; ++i) out[i] = F{}(x[i], y[i]);
  };
  binary_rows(layout, sizeof(S), sizeof(D), cost, a, b, dst, loop);
}

}  // namespace strata::kernels
