// Loops that turn the words of a random stream into numbers. Element i depends on the stream and on i alone.
#pragma once

#include <cstdint>

#include "core/generator.h"
#include "strata/dtype.h"

namespace strata::kernels {

// Floating dtypes alone.
void random_uniform(const RandomStream& stream, DType dtype, std::int64_t n, double low, double high, void* dst);
void random_normal(const RandomStream& stream, DType dtype, std::int64_t n, double mean, double stddev, void* dst);
void random_truncated_normal(const RandomStream& stream, DType dtype, std::int64_t n, double mean, double stddev,
                             void* dst);
// Integers in [low, high).
void random_integers(const RandomStream& stream, DType dtype, std::int64_t n, std::int64_t low, std::int64_t high,
                     void* dst);
// False with probability `rate`.
void random_keep(const RandomStream& stream, std::int64_t n, double rate, bool* dst);
// 0 ... n-1 in a random order.
void random_permutation(const RandomStream& stream, std::int64_t n, std::int64_t* dst);
// For each row of `classes` logits `samples` class numbers.
void random_categorical(const RandomStream& stream, std::int64_t rows, std::int64_t classes, const float* logits,
                        std::int64_t samples, DType dtype, void* dst);
void random_gamma(const RandomStream& stream, DType dtype, std::int64_t n, const double* alpha, void* dst);
void random_beta(const RandomStream& stream, DType dtype, std::int64_t n, const double* alpha, const double* beta,
                 void* dst);
void random_binomial(const RandomStream& stream, DType dtype, std::int64_t n, const double* counts,
                     const double* probabilities, void* dst);

}  // namespace strata::kernels
