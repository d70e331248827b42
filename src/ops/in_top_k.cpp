// nn::in_top_k, composed of other ops.
#include "strata/array.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"

namespace strata::nn {

Tensor in_top_k(const Tensor& targets, const Tensor& predictions, std::int64_t k) {
  if (!targets.defined() || !predictions.defined())
    throw ValueError("in_top_k: targets or predictions are an undefined tensor (Tensor{}).");
  if (targets.rank() != 1 || predictions.rank() != 2)
    throw ShapeError("in_top_k: targets have shape " + to_string(targets.shape()) + " and predictions " +
                     to_string(predictions.shape()) + "; they must be (batch) and (batch, classes).");
  if (!is_integer(targets.dtype()))
    throw DTypeError("in_top_k: targets have dtype " + to_string(targets.dtype()) +
                     ". Give class numbers as integers.");
  const Tensor classes = range(strata::shape(predictions, int64)[1]);
  const Tensor chosen = equal(expand_dims(cast(targets, int64), -1), classes);
  const Tensor score = reduce_sum(strata::where(chosen, predictions, zeros_like(predictions)), -1, {.keepdims = true});
  const Tensor better = reduce_sum(cast(greater(predictions, score), int64), -1);
  // A target that is no class is in no top, and numbers that are not finite have no order.
  const Tensor valid = logical_and(reduce_any(chosen, -1), reduce_all(isfinite(predictions), -1));
  return logical_and(less(better, constant(k, int64)), valid);
}

}  // namespace strata::nn
