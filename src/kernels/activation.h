// Activations, element by element.
#pragma once

#include <cstdint>

#include "strata/dtype.h"

namespace strata::kernels {

// y = max_value where x >= max_value, x where x > threshold, negative_slope * (x - threshold) elsewhere.
struct Relu {
  double negative_slope = 0, threshold = 0, max_value = 0;
  bool has_max = false;
};
// All numeric types.
void relu(DType dtype, const Relu& relu, std::int64_t size, const void* src, void* dst);
// diff_src = diff_dst times the slope at `at`: at the result where threshold is 0, else at the argument.
void relu_backward(DType dtype, const Relu& relu, std::int64_t size, const void* diff_dst, const void* at,
                   void* diff_src);

enum class Smooth { elu, selu, celu, gelu, gelu_tanh, silu, softplus, log_sigmoid, softsign, mish };
// The floating types; `alpha` is that of elu and celu.
void smooth(DType dtype, Smooth kind, double alpha, std::int64_t size, const void* src, void* dst);

// dst = keep ? src * scale : 0
void apply_mask(DType dtype, std::int64_t size, const void* src, const bool* keep, double scale, void* dst);

}  // namespace strata::kernels
