// Matrix products.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/row_end.h"
#include "kernels/split_gemm.h"
#include "strata/dtype.h"

namespace strata::kernels {

// dst (m, n) = A (m, k) * B (k, n), all row-major. A is kept as (k, m) where `transpose_a`, B as (n, k) where
// `transpose_b`.
struct MatmulSize {
  std::int64_t m, n, k;
  bool transpose_a = false, transpose_b = false;
};

// The same product for split_gemm.h.
STRATA_API SplitGemm as_split(const MatmulSize& size, const RowEnd& end = {});

// By oneDNN, for bfloat16; false where it has no kernel for it.
bool matmul_onednn(DType dtype, const MatmulSize& size, const void* a, const void* b, void* dst);

// One product for each entry of the offsets, which count elements; product i goes to dst + i * m * n.
STRATA_API void matmul(DType dtype, const MatmulSize& size, const void* a, std::span<const std::int64_t> a_offsets,
                       const void* b, std::span<const std::int64_t> b_offsets, void* dst);

// dst = A * B in float32 and what ends its rows. Scratch of matmul_rows_scratch() bytes, from a multiple of 64 on,
// saves asking the pool.
std::size_t matmul_rows_scratch(const MatmulSize& size);
void matmul_rows(const MatmulSize& size, const float* a, const float* b, float* dst, const RowEnd& end,
                 std::span<std::byte> scratch);

}  // namespace strata::kernels
