#include "kernels/matmul.h"

#include <omp.h>

#include <algorithm>
#include <cstring>
#include <dnnl.hpp>
#include <type_traits>
#include <vector>

#include "core/dispatch.h"
#include "core/tensor_data.h"
#include "kernels/cast.h"
#include "kernels/copy.h"
#include "kernels/one_thread.h"
#include "kernels/parallel.h"
#include "kernels/small_gemm.h"
#include "kernels/split_gemm.h"

namespace strata::kernels {
namespace {

// Products of at most so many steps cost less here than oneDNN needs to start.
constexpr std::int64_t kSmallWork = 2048;
// Up to so many steps our own kernel is as fast as oneDNN's, which packs its operands; where B must be turned it packs
// too.
constexpr std::int64_t kOwnWork = 1 << 23, kOwnWorkTurned = 1 << 19;
// The same for 16-bit operands, where the machine has instructions for them.
constexpr std::int64_t kHalfWork = 1 << 16;
// Products of at most so many steps are spread over threads whole, larger ones are cut into blocks.
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

// The cut of one dimension.
struct Cut {
  Cut(std::int64_t size, std::int64_t smallest, std::int64_t most) : size(size) {
    const std::int64_t parts = std::clamp<std::int64_t>(size / smallest, 1, most);
    block = parts == 1 ? size : ((size + parts - 1) / parts + 15) / 16 * 16;
    count = (size + block - 1) / block;
  }
  std::int64_t begin(std::int64_t i) const { return i * block; }
  std::int64_t length(std::int64_t i) const { return std::min(block, size - begin(i)); }
  std::int64_t size, block, count;
};

// oneDNN cuts sums by the number of threads, which would change results, so it gets one thread here and the product is
// cut into blocks that depend on the sizes alone.
void multiply_float(const MatmulSize& s, const float* a, const float* b, float* dst) {
  constexpr std::int64_t kBlocks = 16;
  const Cut rows(s.m, 128, std::max(kBlocks, s.m / 512)),
      columns(s.n, 256, std::max<std::int64_t>(1, kBlocks / rows.count));
  const Cut depth(s.k, 1024, std::max<std::int64_t>(1, kBlocks / (rows.count * columns.count)));
  const Walk aw = walk_a(s), bw = walk_b(s);
  std::vector<float> partial;  // of each block of the depth, where there are several
  if (depth.count > 1) partial.resize(static_cast<std::size_t>(depth.count * s.m * s.n));
  const std::int64_t blocks = rows.count * columns.count * depth.count;
  parallel_for(blocks, s.m * s.n * s.k / blocks / 16, [&](std::int64_t begin, std::int64_t end) {
    const OneThread guard;
    for (std::int64_t at = begin; at < end; ++at) {
      const std::int64_t l = at % depth.count, j = at / depth.count % columns.count,
                         i = at / depth.count / columns.count;
      const std::int64_t i0 = rows.begin(i), j0 = columns.begin(j), l0 = depth.begin(l);
      float* out = (depth.count > 1 ? partial.data() + l * s.m * s.n : dst) + i0 * s.n + j0;
      dnnl::sgemm(s.transpose_a ? 'T' : 'N', s.transpose_b ? 'T' : 'N', rows.length(i), columns.length(j),
                  depth.length(l), 1.f, a + i0 * aw.rows + l0 * aw.columns, s.transpose_a ? s.m : s.k,
                  b + l0 * bw.rows + j0 * bw.columns, s.transpose_b ? s.k : s.n, 0.f, out, s.n);
    }
  });
  if (depth.count > 1) {
    parallel_for(s.m * s.n, depth.count, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t e = begin; e < end; ++e) {
        float sum = 0;
        for (std::int64_t l = 0; l < depth.count; ++l) sum += partial[static_cast<std::size_t>(l * s.m * s.n + e)];
        dst[e] = sum;
      }
    });
  }
}

bool is_own(const MatmulSize& s) { return s.m * s.n * s.k <= (s.transpose_b ? kOwnWorkTurned : kOwnWork); }

void multiply_own(DType dtype, const MatmulSize& s, const void* a, const void* b, void* dst) {
  const Walk aw = walk_a(s), bw = walk_b(s);
  small_gemm(dtype, {s.m, s.n, s.k, aw.rows, aw.columns, bw.rows, bw.columns}, a, b, dst);
}

void multiply_fastest(const MatmulSize& s, const float* a, const float* b, float* dst, const RowEnd& end = {},
                      std::span<std::byte> scratch = {}) {
  if (split_gemm_pays(s.m, s.n, s.k) && split_gemm(as_split(s, end), a, b, dst, scratch)) return;
  if (s.m * s.n * s.k <= kSmallWork)
    multiply_small(s, a, b, dst);
  else
    is_own(s) ? multiply_own(DType::float32, s, a, b, dst) : multiply_float(s, a, b, dst);
  end.apply_to_all(dst, s.m, s.n);
}

template <class T>
void multiply_half(const MatmulSize& s, const T* a, const T* b, T* dst) {
  constexpr DType dtype = detail::DTypeOf<T>::value;
  if (dtype == DType::bfloat16 && s.m * s.n * s.k > kHalfWork && matmul_onednn(dtype, s, a, b, dst)) return;
  if (is_own(s)) return multiply_own(dtype, s, a, b, dst);
  const detail::Buffer wide_a(s.m * s.k * sizeof(float)), wide_b(s.k * s.n * sizeof(float)),
      wide(s.m * s.n * sizeof(float));
  cast(dtype, a, DType::float32, wide_a.data(), s.m * s.k);
  cast(dtype, b, DType::float32, wide_b.data(), s.k * s.n);
  float* product = static_cast<float*>(wide.data());
  multiply_fastest(s, static_cast<const float*>(wide_a.data()), static_cast<const float*>(wide_b.data()), product);
  cast(DType::float32, product, dtype, dst, s.m * s.n);
}

template <class T>
void multiply(const MatmulSize& s, const T* a, const T* b, T* dst) {
  if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>) {
    multiply_half(s, a, b, dst);
  } else if constexpr (std::is_same_v<T, float>) {
    multiply_fastest(s, a, b, dst);
  } else if (s.m * s.n * s.k <= kSmallWork) {
    multiply_small(s, a, b, dst);
  } else {
    multiply_loops(s, a, b, dst);
  }
}

}  // namespace

SplitGemm as_split(const MatmulSize& s, const RowEnd& end) {
  const Walk aw = walk_a(s), bw = walk_b(s);
  return {s.m, s.n, s.k, aw.rows, aw.columns, bw.rows, bw.columns, s.n, end};
}

std::size_t matmul_rows_scratch(const MatmulSize& size) {
  return split_gemm_pays(size.m, size.n, size.k) ? split_gemm_scratch(as_split(size)) : 0;
}

void matmul_rows(const MatmulSize& size, const float* a, const float* b, float* dst, const RowEnd& end,
                 std::span<std::byte> scratch) {
  if (size.m * size.n == 0) return;
  if (size.k == 0) {
    std::fill_n(dst, size.m * size.n, 0.f);
    return end.apply_to_all(dst, size.m, size.n);
  }
  multiply_fastest(size, a, b, dst, end, scratch);
}

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
