#include "kernels/order.h"

#include <algorithm>
#include <numeric>
#include <type_traits>
#include <vector>

#include "core/dispatch.h"
#include "kernels/parallel.h"

namespace strata::kernels {
namespace {

// NaN as the largest makes a strict weak order of all values.
template <class C>
bool precedes(C a, C b) {
  if constexpr (std::is_floating_point_v<C>)
    return a < b || (b != b && a == a);
  else
    return a < b;
}

template <class T, class Row>
void each_row(std::int64_t rows, std::int64_t n, Row row) {
  parallel_for(rows, n * 8, [&](std::int64_t begin, std::int64_t end) {
    std::vector<T> values(static_cast<std::size_t>(n));
    std::vector<std::int32_t> order(static_cast<std::size_t>(n));
    for (std::int64_t r = begin; r < end; ++r) row(r, values.data(), order.data());
  });
}

}  // namespace

void argsort(DType dtype, bool descending, const void* src, std::int64_t outer, std::int64_t n, std::int64_t inner,
             std::int32_t* dst) {
  dispatch_all(dtype, [&]<class T>() {
    using C = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, Compute<T>>;
    const T* from = static_cast<const T*>(src);
    each_row<C>(outer * inner, n, [&](std::int64_t r, C* values, std::int32_t* order) {
      const std::int64_t first = r / inner * n * inner + r % inner;
      for (std::int64_t i = 0; i < n; ++i) values[i] = static_cast<C>(from[first + i * inner]);
      std::iota(order, order + n, 0);
      if (descending)
        std::stable_sort(order, order + n, [&](auto a, auto b) { return precedes(values[b], values[a]); });
      else
        std::stable_sort(order, order + n, [&](auto a, auto b) { return precedes(values[a], values[b]); });
      for (std::int64_t i = 0; i < n; ++i) dst[first + i * inner] = order[i];
    });
  });
}

void top_k(DType dtype, const void* src, std::int64_t rows, std::int64_t n, std::int64_t k, std::int32_t* dst) {
  dispatch_all(dtype, [&]<class T>() {
    using C = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, Compute<T>>;
    const T* from = static_cast<const T*>(src);
    each_row<C>(rows, n, [&](std::int64_t r, C* values, std::int32_t* order) {
      for (std::int64_t i = 0; i < n; ++i) values[i] = static_cast<C>(from[r * n + i]);
      std::iota(order, order + n, 0);
      std::partial_sort(order, order + k, order + n, [&](auto a, auto b) {
        return precedes(values[b], values[a]) || (!precedes(values[a], values[b]) && a < b);
      });
      std::copy_n(order, k, dst + r * k);
    });
  });
}

void cumulate(const Cumulative& what, DType dtype, const void* src, std::int64_t outer, std::int64_t n,
              std::int64_t inner, void* dst) {
  dispatch_numeric("cumulative", dtype, [&]<class T>() {
    // Integers wrap around; in C++ only unsigned ones do.
    using Acc = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;
    using Narrow = std::conditional_t<std::is_integral_v<T>, std::int64_t,
                                      std::conditional_t<std::is_same_v<T, double>, double, float>>;
    const T* from = static_cast<const T*>(src);
    T* to = static_cast<T*>(dst);
    parallel_for(outer * inner, n * 2, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        std::int64_t at = r / inner * n * inner + r % inner;
        if (what.reverse) at += (n - 1) * inner;
        const std::int64_t step = what.reverse ? -inner : inner;
        Acc acc = what.product ? 1 : 0;
        for (std::int64_t i = 0; i < n; ++i, at += step) {
          const Acc before = acc, value = static_cast<Acc>(from[at]);
          acc = what.product ? acc * value : acc + value;
          to[at] = static_cast<T>(static_cast<Narrow>(what.exclusive ? before : acc));
        }
      }
    });
  });
}

void searchsorted(DType dtype, bool right, const void* sorted, std::int64_t sorted_rows, std::int64_t n,
                  const void* values, std::int64_t rows, std::int64_t m, std::int32_t* dst) {
  dispatch_numeric("searchsorted", dtype, [&]<class T>() {
    using C = Compute<T>;
    const T *from = static_cast<const T*>(sorted), *wanted = static_cast<const T*>(values);
    auto less = [](C a, C b) { return precedes(a, b); };
    parallel_for(rows * m, 32, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const T* first = from + (sorted_rows == 1 ? 0 : i / m * n);
        const C value = static_cast<C>(wanted[i]);
        const T* at =
            right ? std::upper_bound(first, first + n, value, less) : std::lower_bound(first, first + n, value, less);
        dst[i] = static_cast<std::int32_t>(at - first);
      }
    });
  });
}

}  // namespace strata::kernels
