// Sorting, cumulative sums and products, and searches.
#pragma once

#include "strata/dtype.h"

namespace strata::kernels {

// The positions that sort src[o, :, i] for each o and i, in the layout of src. Stable; NaN counts as the largest.
void argsort(DType dtype, bool descending, const void* src, std::int64_t outer, std::int64_t n, std::int64_t inner,
             std::int32_t* dst);

// The positions of the k largest of each row of n, largest first, equal ones by position; NaN counts as the largest.
void top_k(DType dtype, const void* src, std::int64_t rows, std::int64_t n, std::int64_t k, std::int32_t* dst);

struct Cumulative {
  bool product = false, exclusive = false, reverse = false;
};
// Running sums or products along the middle one of three dimensions; accumulated in double.
void cumulate(const Cumulative& what, DType dtype, const void* src, std::int64_t outer, std::int64_t n,
              std::int64_t inner, void* dst);

// For each of the m values of a row: how many of the n sorted ones of its row are smaller (or, with `right`, not
// larger). With sorted_rows = 1 all rows search the same one.
void searchsorted(DType dtype, bool right, const void* sorted, std::int64_t sorted_rows, std::int64_t n,
                  const void* values, std::int64_t rows, std::int64_t m, std::int32_t* dst);

}  // namespace strata::kernels
