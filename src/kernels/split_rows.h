// Products on tiles (split_gemm.h) whose rows are used as soon as they are made: a gradient of weights, by the update
// of these weights.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/between.h"
#include "kernels/parallel.h"
#include "kernels/split_gemm.h"

namespace strata::kernels {

// Whether such a product is shared among threads by rows, and what a thread needs stays in its cache.
STRATA_API bool split_rows_pays(std::int64_t m, std::int64_t n, std::int64_t k);

// Bytes of a thread.
STRATA_API std::size_t split_rows_room(const SplitGemm& g);

// What becomes of rows: called for up to 32 at a time, of n sums each, side by side. Meanwhile the next ones are made,
// if use() calls `between` as that says; what it leaves is done after it.
class RowsUser {
 public:
  virtual void use(std::int64_t first_row, std::int64_t rows, const float* sums, const Between& between) = 0;

 protected:
  ~RowsUser() = default;
};

// Makes rows of A * B on this thread; `g` says what of dst and of ends of rows does not matter here.
STRATA_API void split_rows(const SplitGemm& g, const float* a, const float* b, Share rows, std::byte* room,
                           RowsUser& user);

}  // namespace strata::kernels
