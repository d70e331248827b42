// Normalization over rows: arrays are (rows, channels), and each channel has statistics of its own.
#pragma once

#include <cstdint>

#include "strata/dtype.h"

namespace strata::kernels {

// The type of scale, offset, mean and variance for data of this type: float64 for float64, else float32.
inline DType statistics_dtype(DType dtype) { return dtype == DType::float64 ? DType::float64 : DType::float32; }

// Mean and biased variance of each channel; NaN where there are no rows.
void channel_moments(DType dtype, std::int64_t rows, std::int64_t channels, const void* src, void* mean,
                     void* variance);

// dst = (src - mean) * scale / sqrt(variance + epsilon) + offset.
void normalize_channels(DType dtype, std::int64_t rows, std::int64_t channels, const void* src, const void* scale,
                        const void* offset, const void* mean, const void* variance, double epsilon, void* dst);

struct BatchNormGrads {
  void *diff_src, *diff_scale, *diff_offset;
};
// The gradients of normalize_channels after channel_moments of the same src.
void batch_norm_backward(DType dtype, std::int64_t rows, std::int64_t channels, const void* diff_dst, const void* src,
                         const void* scale, const void* mean, const void* variance, double epsilon,
                         const BatchNormGrads& out);

// dst = src + bias, for each row; all of one type.
void add_bias(DType dtype, std::int64_t rows, std::int64_t channels, const void* src, const void* bias, void* dst);
// dst[c] = the sum of src over the rows.
void sum_rows(DType dtype, std::int64_t rows, std::int64_t channels, const void* src, void* dst);

}  // namespace strata::kernels
