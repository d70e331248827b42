// Softmax and the cross-entropies that contain it. Arrays are (outer, classes, inner).
#pragma once

#include <cstdint>

#include "strata/dtype.h"
#include "strata/export.h"

namespace strata::kernels {

STRATA_API void softmax(DType dtype, std::int64_t outer, std::int64_t classes, std::int64_t inner, const void* src,
                        void* dst);
void log_softmax(DType dtype, std::int64_t outer, std::int64_t classes, std::int64_t inner, const void* src, void* dst);
// diff_src = (diff_dst - sum(diff_dst * dst)) * dst
void softmax_backward(DType dtype, std::int64_t outer, std::int64_t classes, std::int64_t inner, const void* diff_dst,
                      const void* dst, void* diff_src);

// loss[r] = -sum over c of labels[r, c] * log_softmax(logits)[r, c]
STRATA_API void softmax_cross_entropy(DType dtype, std::int64_t rows, std::int64_t classes, const void* labels,
                                      const void* logits, void* loss);
// dlogits[r] = (softmax(logits)[r] * sum(labels[r]) - labels[r]) * dloss[r]
STRATA_API void softmax_cross_entropy_grad(DType dtype, std::int64_t rows, std::int64_t classes, const void* labels,
                                           const void* logits, const void* dloss, void* dlogits);
// loss[r] = -log_softmax(logits)[r, labels[r]]. Gives the first row whose label is out of range, or -1.
std::int64_t sparse_softmax_cross_entropy(DType dtype, DType label_dtype, std::int64_t rows, std::int64_t classes,
                                          const void* labels, const void* logits, void* loss);
// dst = max(x, 0) - x * z + log(1 + exp(-|x|)) for logits x and labels z.
void sigmoid_cross_entropy(DType dtype, std::int64_t size, const void* labels, const void* logits, void* dst);

}  // namespace strata::kernels
