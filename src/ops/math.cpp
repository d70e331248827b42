// Clipping, norms and what else is a composition of element-wise ops.
#include "strata/math.h"

#include <limits>

#include "core/dispatch.h"
#include "graph/op.h"
#include "graph/registry.h"
#include "ops/broadcast.h"
#include "strata/array.h"
#include "strata/reduce.h"
#include "strata/tape.h"

namespace strata {

void register_unary(Registry& r);
void register_special(Registry& r);
void register_binary(Registry& r);

namespace {

// The same elements, where the gradient ends.
struct StopGradient final : OpBase<StopGradient> {
  std::string_view name() const override { return "stop_gradient"; }
  Specs infer(const Specs& in) const override { return {in[0]}; }
  void run(RunContext&) const override {}
  bool is_view() const override { return true; }
};

}  // namespace

Tensor stop_gradient(const Tensor& x) {
  static const OpPtr op = std::make_shared<StopGradient>();
  return apply1(op, {x});
}

Tensor clip(const Tensor& x, const Tensor& low, const Tensor& high) { return minimum(maximum(x, low), high); }
Tensor clip_by_value(const Tensor& x, const Tensor& low, const Tensor& high) { return clip(x, low, high); }

Tensor clip_by_norm(const Tensor& x, const Tensor& max_norm) {
  const Tensor in = detail::as_floating(x), limit = cast(max_norm, in.dtype());
  const Tensor squares = reduce_sum(square(in));
  // The root of 0 has no derivative; what does not reach the result must not make it NaN.
  const Tensor some = greater(squares, zeros_like(squares));
  const Tensor length = where(some, sqrt(where(some, squares, ones_like(squares))), squares);
  return in * limit / maximum(length, limit);
}

Tensor global_norm(const Tensors& tensors) {
  Tensors squares;
  for (const Tensor& t : tensors)
    if (t.defined()) squares.push_back(reduce_sum(square(t)));
  if (squares.empty()) throw ValueError("global_norm: the list holds no tensors.");
  return sqrt(add_n(squares));
}

std::pair<Tensors, Tensor> clip_by_global_norm(const Tensors& tensors, const Tensor& max_norm) {
  const Tensor had = global_norm(tensors);
  const Tensor limit = cast(max_norm, had.dtype());
  const Tensor factor = limit / maximum(had, limit) + (had - had);  // the last is 0, or NaN
  Tensors out;
  for (const Tensor& t : tensors) out.push_back(t.defined() ? t * cast(factor, t.dtype()) : t);
  return {out, had};
}

Tensor add_n(const Tensors& tensors) {
  if (tensors.empty()) throw ValueError("add_n: the list of tensors is empty.");
  Tensor sum = tensors[0];
  for (std::size_t i = 1; i < tensors.size(); ++i) sum = add(sum, tensors[i]);
  return sum;
}

Tensor nan_to_num(const Tensor& x) {
  if (!is_floating(x.dtype())) return x;
  const double largest = x.dtype() == DType::float64    ? std::numeric_limits<double>::max()
                         : x.dtype() == DType::float16  ? 65504.0
                         : x.dtype() == DType::bfloat16 ? 3.3895313892515355e38
                                                        : static_cast<double>(std::numeric_limits<float>::max());
  const Tensor high = cast(Tensor(largest), x.dtype()), low = cast(Tensor(-largest), x.dtype());
  const Tensor finite = where(isnan(x), zeros_like(x), x);
  return where(isinf(finite), where(greater(finite, zeros_like(x)), high, low), finite);
}

void register_math(Registry& r) {
  register_unary(r);
  register_special(r);
  register_binary(r);
  r.add<StopGradient>();
}

}  // namespace strata
