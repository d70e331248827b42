// Matrix products of sizes at which preparing a library's kernel costs as much as the product.
#pragma once

#include <cstdint>

#include "strata/dtype.h"

namespace strata::kernels {

// dst (m, n) = A (m, k) * B (k, n): element (i, l) of A at a[i * a_row + l * a_step], (l, j) of B at
// b[l * b_row + j * b_step]; dst has dense rows. float32, bfloat16 or float16, summed in float32: in the order of l,
// and sums of 512 products and more in two halves. No element depends on the number of threads or on the other rows and
// columns.
struct SmallGemm {
  std::int64_t m, n, k;
  std::int64_t a_row, a_step, b_row, b_step;
};
void small_gemm(DType dtype, const SmallGemm& g, const void* a, const void* b, void* dst);

}  // namespace strata::kernels
