#include "kernels/matmul.h"

#include <algorithm>
#include <cstring>
#include <dnnl.hpp>
#include <type_traits>
#include <vector>

#include "core/dispatch.h"
#include "kernels/copy.h"
#include "kernels/parallel.h"

namespace strata::kernels {
namespace {

// Products of at most so many steps cost less here than oneDNN needs to start.
constexpr std::int64_t kSmallWork = 2048;
// Products of at most so many steps are spread over threads whole, larger ones are cut by oneDNN itself.
constexpr std::int64_t kWholeWork = 1 << 20;

// Element (i, l) of an operand is at i * rows + l * columns.
struct Walk {
  std::int64_t rows, columns;
};
Walk walk_a(const MatmulSize& s) { return s.transpose_a ? Walk{1, s.m} : Walk{s.k, 1}; }
Walk walk_b(const MatmulSize& s) { return s.transpose_b ? Walk{1, s.k} : Walk{s.n, 1}; }

// Unsigned arithmetic wraps, as NumPy's integers do, where signed overflow would be undefined.
template <class T>
struct Accumulator {
  using type = T;
};
template <>
struct Accumulator<std::int32_t> {
  using type = std::uint32_t;
};
template <>
struct Accumulator<std::int64_t> {
  using type = std::uint64_t;
};
template <>
struct Accumulator<std::uint8_t> {
  using type = std::uint32_t;
};

constexpr std::int64_t kColumns = 64, kDepth = 256;

// Rows [begin, end) of the product; B is (k, n) with unit steps along n, or n is small.
template <class T>
void multiply_rows(const MatmulSize& s, const T* a, const T* b, Walk bw, T* dst, std::int64_t begin, std::int64_t end) {
  using Sum = typename Accumulator<T>::type;
  const Walk aw = walk_a(s);
  Sum sums[kColumns];
  for (std::int64_t j0 = 0; j0 < s.n; j0 += kColumns) {
    const std::int64_t columns = std::min(kColumns, s.n - j0);
    for (std::int64_t i = begin; i < end; ++i) {
      std::fill_n(sums, columns, Sum{0});
      for (std::int64_t l = 0; l < s.k; ++l) {
        const Sum x = static_cast<Sum>(a[i * aw.rows + l * aw.columns]);
        const T* row = b + l * bw.rows + j0 * bw.columns;
        if (bw.columns == 1) {
          for (std::int64_t j = 0; j < columns; ++j) sums[j] += x * static_cast<Sum>(row[j]);
        } else {
          for (std::int64_t j = 0; j < columns; ++j) sums[j] += x * static_cast<Sum>(row[j * bw.columns]);
        }
      }
      for (std::int64_t j = 0; j < columns; ++j) dst[i * s.n + j0 + j] = static_cast<T>(sums[j]);
    }
  }
}

template <class T>
void multiply_small(const MatmulSize& s, const T* a, const T* b, T* dst) {
  multiply_rows(s, a, b, walk_b(s), dst, 0, s.m);
}

// For the types that oneDNN has no product for.
template <class T>
void multiply_loops(const MatmulSize& s, const T* a, const T* b, T* dst) {
  std::vector<T> packed;
  if (s.transpose_b) {
    packed.resize(static_cast<std::size_t>(s.k * s.n));
    strided_copy({s.k, s.n}, b, {1, s.k}, packed.data(), {s.n, 1}, sizeof(T));
    b = packed.data();
  }
  parallel_for(s.m, s.n * s.k, [&](std::int64_t begin, std::int64_t end) {
    multiply_rows(s, a, b, {s.n, 1}, dst, begin, end);
  });
}

void multiply_float(const MatmulSize& s, const float* a, const float* b, float* dst) {
  dnnl::sgemm(s.transpose_a ? 'T' : 'N', s.transpose_b ? 'T' : 'N', s.m, s.n, s.k, 1.f, a, s.transpose_a ? s.m : s.k, b,
              s.transpose_b ? s.k : s.n, 0.f, dst, s.n);
}

template <class T>
void multiply_half(const MatmulSize& s, const T* a, const T* b, T* dst) {
  std::vector<float> wide_a(a, a + s.m * s.k), wide_b(b, b + s.k * s.n), wide(static_cast<std::size_t>(s.m * s.n));
  multiply_float(s, wide_a.data(), wide_b.data(), wide.data());
  std::copy(wide.begin(), wide.end(), dst);
}

template <class T>
void multiply(const MatmulSize& s, const T* a, const T* b, T* dst) {
  if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>) {
    multiply_half(s, a, b, dst);
  } else {
    if (s.m * s.n * s.k <= kSmallWork) return multiply_small(s, a, b, dst);
    if constexpr (std::is_same_v<T, float>)
      multiply_float(s, a, b, dst);
    else
      multiply_loops(s, a, b, dst);
  }
}

}  // namespace

void matmul(DType dtype, const MatmulSize& s, const void* a, std::span<const std::int64_t> a_offsets, const void* b,
            std::span<const std::int64_t> b_offsets, void* dst) {
  const auto batches = static_cast<std::int64_t>(a_offsets.size());
  if (batches * s.m * s.n == 0) return;
  if (s.k == 0) {
    std::memset(dst, 0, static_cast<std::size_t>(batches * s.m * s.n) * size_of(dtype));
    return;
  }
  dispatch_numeric("matmul", dtype, [&]<class T>() {
    auto one = [&](std::int64_t i) {
      const auto at = static_cast<std::size_t>(i);
      multiply(s, static_cast<const T*>(a) + a_offsets[at], static_cast<const T*>(b) + b_offsets[at],
               static_cast<T*>(dst) + i * s.m * s.n);
    };
    const std::int64_t work = s.m * s.n * s.k;
    if (batches > 1 && work <= kWholeWork) {
      parallel_for(batches, work, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) one(i);
      });
    } else {
      for (std::int64_t i = 0; i < batches; ++i) one(i);
    }
  });
}

}  // namespace strata::kernels
