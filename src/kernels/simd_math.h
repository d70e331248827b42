// Functions of float32 arrays, computed with the vector instructions that the machine has. Errors stay below 1e-6
// relative; each element's result depends on that element alone, not on where it lies.
// Arrays of results may be those of arguments.
#pragma once

#include <cstdint>

namespace strata::kernels {

using FloatFunction = void (*)(const float* src, float* dst, std::int64_t n);

void exp_float(const float* src, float* dst, std::int64_t n);
void expm1_float(const float* src, float* dst, std::int64_t n);
void log_float(const float* src, float* dst, std::int64_t n);
void log1p_float(const float* src, float* dst, std::int64_t n);
void log2_float(const float* src, float* dst, std::int64_t n);
void log10_float(const float* src, float* dst, std::int64_t n);
void sin_float(const float* src, float* dst, std::int64_t n);
void cos_float(const float* src, float* dst, std::int64_t n);
void sinh_float(const float* src, float* dst, std::int64_t n);
void tanh_float(const float* src, float* dst, std::int64_t n);
void sigmoid_float(const float* src, float* dst, std::int64_t n);
void log_sigmoid_float(const float* src, float* dst, std::int64_t n);
void softplus_float(const float* src, float* dst, std::int64_t n);
void erf_float(const float* src, float* dst, std::int64_t n);
void erfc_float(const float* src, float* dst, std::int64_t n);
void sqrt_float(const float* src, float* dst, std::int64_t n);
void rsqrt_float(const float* src, float* dst, std::int64_t n);
void floor_float(const float* src, float* dst, std::int64_t n);
void ceil_float(const float* src, float* dst, std::int64_t n);
void round_float(const float* src, float* dst, std::int64_t n);  // halves to even
void trunc_float(const float* src, float* dst, std::int64_t n);
void relu_float(const float* src, float* dst, std::int64_t n);
// dx = dy where at > threshold, else 0
void relu_grad_float(const float* dy, const float* at, float threshold, float* dx, std::int64_t n);

}  // namespace strata::kernels
