// Products of float32 matrices on the tile registers of AMX (amx_split.h), where the machine has them: as exact as
// sums of float32, in half the time that the vector units need.
#pragma once

#include "kernels/small_gemm.h"

namespace strata::kernels {

// Whether split_gemm() takes a product, and needs less time than others for it.
bool split_gemm_pays(const SmallGemm& g);

// dst = A * B, whose steps are as in small_gemm(), one of each matrix 1. False where a factor has an infinity or a NaN:
// dst then holds nothing of use. No element depends on the number of threads.
bool split_gemm(const SmallGemm& g, const float* a, const float* b, float* dst);

}  // namespace strata::kernels
