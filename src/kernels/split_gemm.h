// Products of float32 matrices on the tile registers of AMX (amx_split.h), where the machine has them: as exact as
// sums of float32, in half the time that the vector units need.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/row_end.h"
#include "kernels/small_gemm.h"
#include "strata/export.h"

namespace strata::kernels {

// Whether split_gemm() takes a product, and needs less time than others for it.
STRATA_API bool split_gemm_pays(const SmallGemm& g);

// Bytes, for the number of threads that OpenMP has now.
std::size_t split_gemm_scratch(const SmallGemm& g);

// dst = A * B and what ends its rows. Steps are as in small_gemm(), one of each matrix 1. Scratch begins at a multiple
// of 64 bytes; where it is not large enough it comes from the pool. False where a factor has an infinity or a NaN: dst
// then holds nothing of use. No element depends on the number of threads.
STRATA_API bool split_gemm(const SmallGemm& g, const float* a, const float* b, float* dst, const RowEnd& end = {},
                           std::span<std::byte> scratch = {});

}  // namespace strata::kernels
