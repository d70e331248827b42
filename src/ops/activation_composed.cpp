// Activations that are made of other ops. Formulas and defaults are Keras's.
#include "graph/op.h"
#include "strata/array.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"

namespace strata::nn {

Tensor swish(const Tensor& x) { return silu(x); }
Tensor sigmoid(const Tensor& x) {
  Tensor y = strata::sigmoid(x);
  if (is_floating(x.dtype())) y.impl()->logits = x.impl();
  return y;
}
Tensor tanh(const Tensor& x) { return strata::tanh(x); }
Tensor exponential(const Tensor& x) { return exp(x); }
Tensor linear(const Tensor& x) { return x; }
Tensor hard_sigmoid(const Tensor& x) { return relu6(x + Tensor(3.0)) / Tensor(6.0); }
Tensor hard_silu(const Tensor& x) { return x * hard_sigmoid(x); }
Tensor hard_swish(const Tensor& x) { return hard_silu(x); }
Tensor hard_tanh(const Tensor& x) { return clip(x, Tensor(-1.0), Tensor(1.0)); }
Tensor hard_shrink(const Tensor& x, double threshold) {
  return where(greater(abs(x), Tensor(threshold)), x, zeros_like(x));
}
Tensor soft_shrink(const Tensor& x, double threshold) {
  const Tensor below = where(less(x, Tensor(-threshold)), x + Tensor(threshold), zeros_like(x));
  return where(greater(x, Tensor(threshold)), x - Tensor(threshold), below);
}
Tensor tanh_shrink(const Tensor& x) { return x - strata::tanh(x); }
Tensor threshold(const Tensor& x, double threshold, double default_value) {
  return where(greater(x, Tensor(threshold)), x, Tensor(default_value));
}
Tensor squareplus(const Tensor& x, double b) { return (x + sqrt(square(x) + Tensor(b))) / Tensor(2.0); }
Tensor sparse_plus(const Tensor& x) {
  const Tensor middle = where(less(x, Tensor(1.0)), square(x + Tensor(1.0)) * Tensor(0.25), x);
  return where(less_equal(x, Tensor(-1.0)), zeros_like(x), middle);
}
Tensor sparse_sigmoid(const Tensor& x) { return clip((x + Tensor(1.0)) * Tensor(0.5), Tensor(0.0), Tensor(1.0)); }

Tensor glu(const Tensor& x, std::int64_t axis) {
  check_defined("glu", {&x, 1});
  const std::int64_t size = x.shape().at(axis);
  if (size != None && size % 2 != 0)
    throw ShapeError("glu: axis " + std::to_string(axis) + " of input shape " + to_string(x.shape()) + " has " +
                     std::to_string(size) + " elements. It is cut into halves and must be even.");
  const Tensors halves = split(x, 2, axis);
  return halves[0] * strata::sigmoid(halves[1]);
}

// Martins and Astudillo, https://arxiv.org/abs/1602.02068.
Tensor sparsemax(const Tensor& x, std::int64_t axis) {
  check_defined("sparsemax", {&x, 1});
  const Tensor sorted = sort(x, axis, {.direction = "DESCENDING"});
  const Tensor sums = cumsum(sorted, axis), position = cumsum(ones_like(sorted), axis);
  const Tensor in_support = greater(sorted * position, sums - Tensor(1.0));
  const Tensor count = reduce_sum(cast(in_support, x.dtype()), axis, {.keepdims = true});
  const Tensor total = reduce_sum(where(in_support, sorted, zeros_like(sorted)), axis, {.keepdims = true});
  return maximum(x - (total - Tensor(1.0)) / count, Tensor(0.0));
}

}  // namespace strata::nn
