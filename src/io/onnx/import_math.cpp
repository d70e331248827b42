// Element-wise arithmetic, comparisons, activations, reductions.
#include <algorithm>

#include "io/onnx/import.h"
#include "strata/array.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"

namespace strata::onnx {

namespace {

using Call = const ImportCall&;

template <Tensor (*f)(const Tensor&)>
Tensors one(Call c) {
  return {f(c.in(0))};
}
template <Tensor (*f)(const Tensor&, const Tensor&)>
Tensors two(Call c) {
  return {f(c.in(0), c.in(1))};
}
// Any number of inputs.
template <Tensor (*f)(const Tensor&, const Tensor&)>
Tensors many(Call c) {
  Tensor out = c.in(0);
  for (std::size_t i = 1; i < c.size(); ++i) out = f(out, c.in(i));
  return {out};
}

Tensors divided(Call c) {
  const Tensor a = c.in(0), b = c.in(1);
  if (is_floating(a.dtype())) return {divide(a, b)};
  return {cast(trunc(cast(a, float64) / cast(b, float64)), a.dtype())};  // of integers, towards zero
}

Tensors modulo(Call c) {
  const Tensor a = c.in(0), b = c.in(1);
  if (c.integer_attribute("fmod", 0) == 0) return {mod(a, b)};
  return {a - trunc(a / b) * b};  // with the sign of the dividend
}

Tensors clipped(Call c) {
  Tensor x = c.in(0);
  auto bound = [&](std::size_t i, const char* name) {
    if (c.has(i)) return c.in(i);
    const ReadAttribute* a = c.attribute(name);
    return a != nullptr ? cast(Tensor(a->f), x.dtype()) : Tensor();
  };
  const Tensor low = bound(1, "min"), high = bound(2, "max");
  if (low.defined()) x = maximum(x, low);
  if (high.defined()) x = minimum(x, high);
  return {x};
}

Tensors prelu(Call c) {
  const Tensor x = c.in(0), zero = zeros_like(x);
  return {maximum(x, zero) + c.in(1) * minimum(x, zero)};
}

// max(0, min(1, alpha x + beta))
Tensor hard_sigmoid(const Tensor& x, double alpha, double beta) {
  return clip(x * Tensor(alpha) + Tensor(beta), Tensor(0.0), Tensor(1.0));
}

template <Tensor (*f)(const Tensor&, const Axes&, const ReduceOptions&)>
Tensors reduction(Call c) {
  const Ints axes = c.ints_or(1, "axes");
  const bool keepdims = c.integer_attribute("keepdims", 1) != 0;
  if (axes.empty() && c.integer_attribute("noop_with_empty_axes", 0) != 0) return {identity(c.in(0))};
  return {f(c.in(0), axes, {.keepdims = keepdims})};
}
Tensor sum_of_squares(const Tensor& x, const Axes& axes, const ReduceOptions& o) {
  return reduce_sum(square(x), axes, o);
}
Tensor sum_of_sizes(const Tensor& x, const Axes& axes, const ReduceOptions& o) { return reduce_sum(abs(x), axes, o); }
Tensor euclidean(const Tensor& x, const Axes& axes, const ReduceOptions& o) {
  return sqrt(reduce_sum(square(x), axes, o));
}

template <bool largest>
Tensors arg_extreme(Call c) {
  if (c.integer_attribute("select_last_index", 0) != 0) c.fail("the last of equal elements is not supported");
  const std::int64_t axis = c.integer_attribute("axis", 0);
  const Tensor out = largest ? argmax(c.in(0), axis) : argmin(c.in(0), axis);
  return {c.integer_attribute("keepdims", 1) != 0 ? expand_dims(out, axis < 0 ? axis + c.in(0).rank() : axis) : out};
}

Tensors top(Call c) {
  const std::int64_t rank = c.in(0).rank(), given = c.integer_attribute("axis", -1);
  const std::int64_t axis = given < 0 ? given + rank : given;
  const bool largest = c.integer_attribute("largest", 1) != 0;
  const Tensor x = axis == rank - 1 ? c.in(0) : swapaxes(c.in(0), axis, rank - 1);
  const TopK found = top_k(largest ? x : negative(x), c.integer(1));
  auto back = [&](const Tensor& t) { return axis == rank - 1 ? t : swapaxes(t, axis, rank - 1); };
  return {back(largest ? found.values : negative(found.values)), back(cast(found.indices, int64))};
}

Tensors running_sum(Call c) {
  return {cumsum(
      c.in(0), c.integer(1),
      {.exclusive = c.integer_attribute("exclusive", 0) != 0, .reverse = c.integer_attribute("reverse", 0) != 0})};
}

void add_activation_rows(ImportTable& t) {
  t["Relu"] = [](Call c) { return Tensors{nn::relu(c.in(0))}; };
  t["LeakyRelu"] = [](Call c) { return Tensors{nn::leaky_relu(c.in(0), c.real("alpha", 0.01))}; };
  t["PRelu"] = prelu;
  t["Elu"] = [](Call c) { return Tensors{nn::elu(c.in(0), c.real("alpha", 1))}; };
  t["Celu"] = [](Call c) { return Tensors{nn::celu(c.in(0), c.real("alpha", 1))}; };
  t["Selu"] = one<nn::selu>;
  t["Softplus"] = one<nn::softplus>;
  t["Softsign"] = one<nn::softsign>;
  t["Mish"] = one<nn::mish>;
  t["Gelu"] = [](Call c) { return Tensors{nn::gelu(c.in(0), c.text("approximate", "none") == "tanh")}; };
  t["HardSigmoid"] = [](Call c) { return Tensors{hard_sigmoid(c.in(0), c.real("alpha", 0.2), c.real("beta", 0.5))}; };
  t["HardSwish"] = [](Call c) { return Tensors{c.in(0) * hard_sigmoid(c.in(0), 1.0 / 6, 0.5)}; };
  t["Softmax"] = [](Call c) { return Tensors{nn::softmax(c.in(0), c.integer_attribute("axis", -1))}; };
  t["LogSoftmax"] = [](Call c) { return Tensors{nn::log_softmax(c.in(0), c.integer_attribute("axis", -1))}; };
}

void add_reduce_rows(ImportTable& t) {
  t["ReduceSum"] = reduction<reduce_sum>;
  t["ReduceMean"] = reduction<reduce_mean>;
  t["ReduceMax"] = reduction<reduce_max>;
  t["ReduceMin"] = reduction<reduce_min>;
  t["ReduceProd"] = reduction<reduce_prod>;
  t["ReduceSumSquare"] = reduction<sum_of_squares>;
  t["ReduceL1"] = reduction<sum_of_sizes>;
  t["ReduceL2"] = reduction<euclidean>;
  t["ReduceLogSumExp"] = reduction<reduce_logsumexp>;
  t["ArgMax"] = arg_extreme<true>;
  t["ArgMin"] = arg_extreme<false>;
  t["TopK"] = top;
  t["CumSum"] = running_sum;
}

void add_binary_rows(ImportTable& t) {
  t["Add"] = two<add>;
  t["Sub"] = two<subtract>;
  t["Mul"] = two<multiply>;
  t["Div"] = divided;
  t["Mod"] = modulo;
  t["Pow"] = [](Call c) { return Tensors{pow(c.in(0), cast(c.in(1), c.in(0).dtype()))}; };
  t["Max"] = many<maximum>;
  t["Min"] = many<minimum>;
  t["Sum"] = many<add>;
  t["Equal"] = two<equal>;
  t["Less"] = two<less>;
  t["LessOrEqual"] = two<less_equal>;
  t["Greater"] = two<greater>;
  t["GreaterOrEqual"] = two<greater_equal>;
  t["And"] = two<logical_and>;
  t["Or"] = two<logical_or>;
  t["Xor"] = two<logical_xor>;
  t["BitwiseAnd"] = two<bitwise_and>;
  t["BitwiseOr"] = two<bitwise_or>;
  t["BitwiseXor"] = two<bitwise_xor>;
  t["Clip"] = clipped;
  t["Where"] = [](Call c) { return Tensors{where(c.in(0), c.in(1), c.in(2))}; };
}

}  // namespace

void add_math_rows(ImportTable& t) {
  t["Sqrt"] = one<sqrt>;
  t["Reciprocal"] = one<reciprocal>;
  t["Exp"] = one<exp>;
  t["Log"] = one<log>;
  t["Sin"] = one<sin>;
  t["Cos"] = one<cos>;
  t["Tan"] = one<tan>;
  t["Asin"] = one<asin>;
  t["Acos"] = one<acos>;
  t["Atan"] = one<atan>;
  t["Sinh"] = one<sinh>;
  t["Cosh"] = one<cosh>;
  t["Tanh"] = one<tanh>;
  t["Asinh"] = one<asinh>;
  t["Acosh"] = one<acosh>;
  t["Atanh"] = one<atanh>;
  t["Sigmoid"] = one<nn::sigmoid>;
  t["Neg"] = one<negative>;
  t["Abs"] = one<abs>;
  t["Sign"] = one<sign>;
  t["Floor"] = one<floor>;
  t["Ceil"] = one<ceil>;
  t["Round"] = one<round>;
  t["Erf"] = one<erf>;
  t["Not"] = one<logical_not>;
  t["IsNaN"] = one<isnan>;
  t["IsInf"] = one<isinf>;
  t["Identity"] = one<identity>;
  add_binary_rows(t);
  add_activation_rows(t);
  add_reduce_rows(t);
}

}  // namespace strata::onnx
