// Loops of element-wise ops over one and two operands, broadcast or not.
#pragma once

#include <array>
#include <cstdint>

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

// One row of the innermost dimension.
template <class S, class D, class F>
void binary_row(const S* a, const S* b, D* dst, std::int64_t n, std::int64_t sa, std::int64_t sb, F f) {
  if (sa == 1 && sb == 1) {
    for (std::int64_t i = 0; i < n; ++i) dst[i] = f(a[i], b[i]);
  } else if (sa == 1 && sb == 0) {
    const S y = *b;
    for (std::int64_t i = 0; i < n; ++i) dst[i] = f(a[i], y);
  } else if (sa == 0 && sb == 1) {
    const S x = *a;
    for (std::int64_t i = 0; i < n; ++i) dst[i] = f(x, b[i]);
  } else {
    for (std::int64_t i = 0; i < n; ++i) dst[i] = f(a[i * sa], b[i * sb]);
  }
}

// dst = f(a, b) over the layout; dst is dense.
template <class S, class D, class F>
void map_binary(const BinaryLayout& l, const S* a, const S* b, D* dst, std::int64_t cost, F f) {
  if (l.size == 0) return;
  if (l.rank <= 1) {
    const std::int64_t sa = l.rank ? l.a[0] : 0, sb = l.rank ? l.b[0] : 0;
    parallel_for(l.size, cost, [&](std::int64_t begin, std::int64_t end) {
      binary_row(a + begin * sa, b + begin * sb, dst + begin, end - begin, sa, sb, f);
    });
    return;
  }
  const auto last = static_cast<std::size_t>(l.rank - 1);
  const std::int64_t inner = l.dims[last], rows = l.size / inner;
  parallel_for(rows, cost * inner, [&](std::int64_t begin, std::int64_t end) {
    std::array<std::int64_t, Shape::kMaxRank> index{};
    std::int64_t rest = begin, oa = 0, ob = 0;
    for (std::size_t d = last; d-- > 0;) {
      index[d] = rest % l.dims[d];
      rest /= l.dims[d];
      oa += index[d] * l.a[d];
      ob += index[d] * l.b[d];
    }
    for (std::int64_t r = begin; r < end; ++r) {
      binary_row(a + oa, b + ob, dst + r * inner, inner, l.a[last], l.b[last], f);
      for (std::size_t d = last; d-- > 0;) {
        oa += l.a[d];
        ob += l.b[d];
        if (++index[d] < l.dims[d]) break;
        oa -= l.a[d] * l.dims[d];
        ob -= l.b[d] * l.dims[d];
        index[d] = 0;
      }
    }
  });
}

}  // namespace strata::kernels
