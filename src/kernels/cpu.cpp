#include "kernels/cpu.h"

namespace strata::kernels {

bool computes_natively(DType dtype) {
  if (dtype == DType::float16) return false;
  if (dtype != DType::bfloat16) return true;
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

}  // namespace strata::kernels
