// Element-wise arithmetic, comparisons, casts, activations, reductions.
#include <algorithm>

#include "io/saved_model/import.h"
#include "strata/array.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"
#include "strata/tape.h"

namespace strata::saved_model {

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

Tensors divide_as_given(Call c) {
  const Tensor a = c.in(0), b = c.in(1);
  if (is_floating(a.dtype())) return {divide(a, b)};
  return {cast(trunc(cast(a, float64) / cast(b, float64)), a.dtype())};  // of integers, towards zero
}

template <Tensor (*f)(const Tensor&, const Axes&, const ReduceOptions&)>
Tensors reduction(Call c) {
  const Ints axes = c.ints(1);
  const bool keepdims = c.flag("keep_dims", false);
  // No axes at all means: nothing is reduced.
  if (axes.empty() && c.in(0).rank() > 0) return {identity(c.in(0))};
  return {f(c.in(0), axes, {.keepdims = keepdims})};
}

template <bool largest>
Tensors arg_extreme(Call c) {
  const std::int64_t axis = c.integer(1);
  const Tensor out = largest ? argmax(c.in(0), axis) : argmin(c.in(0), axis);
  return {cast(out, c.type("output_type"))};
}

Tensors top(Call c) {
  const TopK out = top_k(c.in(0), c.integer(1));
  return {out.values, out.indices};
}

template <Tensor (*f)(const Tensor&, std::int64_t, const CumulativeOptions&)>
Tensors cumulative(Call c) {
  return {f(c.in(0), c.integer(1), {.exclusive = c.flag("exclusive", false), .reverse = c.flag("reverse", false)})};
}

void add_binary_rows(ImportTable& t) {
  t["Add"] = t["AddV2"] = {two<add>, {}};
  t["Sub"] = {two<subtract>, {}};
  t["Mul"] = {two<multiply>, {}};
  t["RealDiv"] = {two<divide>, {}};
  t["Div"] = t["TruncateDiv"] = {divide_as_given, {}};
  t["DivNoNan"] = {two<divide_no_nan>, {}};
  t["FloorDiv"] = {two<floor_divide>, {}};
  t["FloorMod"] = {two<mod>, {}};
  t["Pow"] = {two<pow>, {}};
  t["Maximum"] = {two<maximum>, {}};
  t["Minimum"] = {two<minimum>, {}};
  t["SquaredDifference"] = {two<squared_difference>, {}};
  t["Atan2"] = {two<atan2>, {}};
  t["Equal"] = {two<equal>, {}};
  t["NotEqual"] = {two<not_equal>, {}};
  t["Less"] = {two<less>, {}};
  t["LessEqual"] = {two<less_equal>, {}};
  t["Greater"] = {two<greater>, {}};
  t["GreaterEqual"] = {two<greater_equal>, {}};
  t["LogicalAnd"] = {two<logical_and>, {}};
  t["LogicalOr"] = {two<logical_or>, {}};
  t["BitwiseAnd"] = {two<bitwise_and>, {}};
  t["BitwiseOr"] = {two<bitwise_or>, {}};
  t["BitwiseXor"] = {two<bitwise_xor>, {}};
  t["AddN"] = {[](Call c) { return Tensors{add_n(c.all())}; }, {}};
  t["SelectV2"] = {[](Call c) { return Tensors{where(c.in(0), c.in(1), c.in(2))}; }, {}};
  t["Select"] = t["SelectV2"];
  t["ClipByValue"] = {[](Call c) { return Tensors{clip(c.in(0), c.in(1), c.in(2))}; }, {}};
  t["Cast"] = {[](Call c) { return Tensors{cast(c.in(0), c.type("DstT"))}; }, {}};
}

}  // namespace

void add_math_rows(ImportTable& t) {
  t["Sqrt"] = {one<sqrt>, {}};
  t["Rsqrt"] = {one<rsqrt>, {}};
  t["Reciprocal"] = {one<reciprocal>, {}};
  t["Inv"] = {one<reciprocal>, {}};
  t["Exp"] = {one<exp>, {}};
  t["Expm1"] = {one<expm1>, {}};
  t["Log"] = {one<log>, {}};
  t["Log1p"] = {one<log1p>, {}};
  t["Sin"] = {one<sin>, {}};
  t["Cos"] = {one<cos>, {}};
  t["Tan"] = {one<tan>, {}};
  t["Asin"] = {one<asin>, {}};
  t["Acos"] = {one<acos>, {}};
  t["Atan"] = {one<atan>, {}};
  t["Sinh"] = {one<sinh>, {}};
  t["Cosh"] = {one<cosh>, {}};
  t["Tanh"] = {one<tanh>, {}};
  t["Asinh"] = {one<asinh>, {}};
  t["Acosh"] = {one<acosh>, {}};
  t["Atanh"] = {one<atanh>, {}};
  t["Sigmoid"] = {one<nn::sigmoid>, {}};
  t["Neg"] = {one<negative>, {}};
  t["Abs"] = {one<abs>, {}};
  t["Sign"] = {one<sign>, {}};
  t["Square"] = {one<square>, {}};
  t["Floor"] = {one<floor>, {}};
  t["Ceil"] = {one<ceil>, {}};
  t["Round"] = {one<round>, {}};
  t["Rint"] = {one<round>, {}};
  t["Erf"] = {one<erf>, {}};
  t["Erfc"] = {one<erfc>, {}};
  t["Lgamma"] = {one<lgamma>, {}};
  t["Digamma"] = {one<digamma>, {}};
  t["IsNan"] = {one<isnan>, {}};
  t["IsInf"] = {one<isinf>, {}};
  t["IsFinite"] = {one<isfinite>, {}};
  t["LogicalNot"] = {one<logical_not>, {}};
  t["Identity"] = {one<identity>, {}};
  t["PreventGradient"] = {one<identity>, {}};
  t["CheckNumerics"] = {one<identity>, {}};
  t["StopGradient"] = {one<stop_gradient>, {}};
  t["IdentityN"] = {[](Call c) { return c.all(); }, {}};
  t["Polygamma"] = {[](Call c) {
                      // Only the first derivative of digamma is there.
                      return Tensors{trigamma(c.in(1))};
                    },
                    {}};
  add_binary_rows(t);
}

void add_activation_rows(ImportTable& t) {
  t["Relu"] = {[](Call c) { return Tensors{nn::relu(c.in(0))}; }, {}};
  t["Relu6"] = {one<nn::relu6>, {}};
  t["LeakyRelu"] = {[](Call c) { return Tensors{nn::leaky_relu(c.in(0), c.real("alpha", 0.2))}; }, {}};
  t["Elu"] = {[](Call c) { return Tensors{nn::elu(c.in(0))}; }, {}};
  t["Selu"] = {one<nn::selu>, {}};
  t["Softplus"] = {one<nn::softplus>, {}};
  t["Softsign"] = {one<nn::softsign>, {}};
  t["Softmax"] = {[](Call c) { return Tensors{nn::softmax(c.in(0))}; }, {}};
  t["LogSoftmax"] = {[](Call c) { return Tensors{nn::log_softmax(c.in(0))}; }, {}};
}

void add_reduce_rows(ImportTable& t) {
  t["Sum"] = {reduction<reduce_sum>, {}};
  t["Mean"] = {reduction<reduce_mean>, {}};
  t["Max"] = {reduction<reduce_max>, {}};
  t["Min"] = {reduction<reduce_min>, {}};
  t["Prod"] = {reduction<reduce_prod>, {}};
  t["All"] = {reduction<reduce_all>, {}};
  t["Any"] = {reduction<reduce_any>, {}};
  t["ArgMax"] = {arg_extreme<true>, {}};
  t["ArgMin"] = {arg_extreme<false>, {}};
  t["TopKV2"] = {top, {"values", "indices"}};
  t["Cumsum"] = {cumulative<cumsum>, {}};
  t["Cumprod"] = {cumulative<cumprod>, {}};
}

}  // namespace strata::saved_model
