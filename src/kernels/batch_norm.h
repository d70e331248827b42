// Batch normalization in training with the ReLU that follows it, for rows of channels that may be slices of wider rows.
// float32 and bfloat16 data; statistics and arithmetic in float32. Results do not depend on the number of threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "strata/dtype.h"

namespace strata::kernels {

struct BatchNormTask {
  DType dtype = DType::float32;
  std::int64_t rows = 0, channels = 0;
  double epsilon = 1e-3;
  bool relu = false;
  // Elements from one row to the next; 0 where rows are dense. dst_stride is that of dst and of its gradient.
  std::int64_t src_stride = 0, dst_stride = 0, second_stride = 0, diff_src_stride = 0;
};

STRATA_API std::size_t batch_norm_scratch(const BatchNormTask& t);  // bytes

// Writes mean and biased variance of the batch, and dst = relu((src - mean) * scale / sqrt(variance + epsilon) +
// offset).
STRATA_API void batch_norm_train(const BatchNormTask& t, const void* src, const float* scale, const float* offset,
                                 void* dst, float* mean, float* variance, void* scratch);

struct BatchNormGradient {
  const void* diff_dst;
  const void* second;  // another gradient of dst that is added on the way, or null
  const void* src;
  const float *scale, *offset, *mean, *variance;  // as given to and written by batch_norm_train
  void* diff_src;                                 // may be diff_dst, where they have one stride
  float *diff_scale, *diff_offset;
};
STRATA_API void batch_norm_train_backward(const BatchNormTask& t, const BatchNormGradient& g, void* scratch);

// dst = relu(src * factor + shift), channel by channel: batch norm at inference where no convolution takes it over.
STRATA_API void scale_shift(const BatchNormTask& t, const void* src, const float* factor, const float* shift,
                            void* dst);

// Folds a batch norm into the weights (taps, in, channels) and the bias (may be null) of the convolution in front of
// it.
struct BatchNormFold {
  std::int64_t inner = 0, channels = 0;  // inner: taps * in
  double epsilon = 1e-3;
  const float *scale, *offset, *mean, *variance;  // scale and offset may be null: 1 and 0
};
STRATA_API void fold_batch_norm(const BatchNormFold& f, const float* weights, const float* bias, float* folded_weights,
                                float* folded_bias);

}  // namespace strata::kernels
