// Products of float32 matrices on the tile registers of AMX (amx_split.h), where the machine has them: as exact as
// sums of float32, in half the time that the vector units need.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/tensor_data.h"
#include "kernels/row_end.h"
#include "strata/export.h"

namespace strata::kernels {

// dst (m, n) = A (m, k) * B (k, n) and what ends its rows: element (i, l) of A at a[i * a_row + l * a_step], (l, j) of
// B at b[l * b_row + j * b_step], (i, j) of dst at dst[i * dst_row + j]. One step of each factor is 1.
struct SplitGemm {
  std::int64_t m, n, k;
  std::int64_t a_row, a_step, b_row, b_step, dst_row;
  RowEnd end = {};
};

// Whether there are tiles, and other ways take longer.
STRATA_API bool split_gemm_pays(std::int64_t m, std::int64_t n, std::int64_t k);

// How long it takes one thread, in elementary steps of parallel_for().
std::int64_t split_gemm_steps(const SplitGemm& g);

// Bytes, for the number of threads that OpenMP has now.
std::size_t split_gemm_scratch(const SplitGemm& g);

// False where a factor has an infinity or a NaN: dst then holds nothing of use. Scratch begins at a multiple of 64
// bytes; where it is not large enough it comes from the pool. No element depends on the number of threads.
STRATA_API bool split_gemm(const SplitGemm& g, const float* a, const float* b, float* dst,
                           std::span<std::byte> scratch = {});

// The second factor of many products, split once.
class SplitMatrix {
 public:
  // B (k, n): element (l, j) at b[l * row + j * step], where one of the two is 1.
  SplitMatrix(const float* b, std::int64_t k, std::int64_t n, std::int64_t row, std::int64_t step);
  // False where B has an infinity or a NaN.
  bool is_finite() const { return finite_; }
  std::size_t scratch(std::int64_t rows) const;  // bytes
  // dst += A (rows, k) * B by this thread; rows lie a_row and dst_row apart. False where A has an infinity or a NaN:
  // dst is as before.
  bool multiply_add(const float* a, std::int64_t a_row, std::int64_t rows, float* dst, std::int64_t dst_row,
                    std::span<std::byte> scratch) const;

 private:
  std::int64_t k_, n_;
  detail::Buffer strips_;
  bool finite_ = true;
};

}  // namespace strata::kernels
