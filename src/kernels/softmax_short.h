// Softmax and cross-entropy of lines of few classes, of which a vector register holds a whole one.
#pragma once

#include <cstdint>

namespace strata::kernels {

// The most classes of such a line on this machine.
std::int64_t short_softmax_classes();

// Lines [begin, end), side by side. As softmax(), softmax_cross_entropy() and softmax_cross_entropy_grad() say.
void short_softmax(std::int64_t classes, const float* x, float* y, std::int64_t begin, std::int64_t end);
void short_cross_entropy(std::int64_t classes, const float* labels, const float* x, float* loss, std::int64_t begin,
                         std::int64_t end);
void short_cross_entropy_grad(std::int64_t classes, const float* labels, const float* x, const float* dloss, float* dx,
                              std::int64_t begin, std::int64_t end);

}  // namespace strata::kernels
