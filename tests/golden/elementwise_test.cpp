// Element-wise ops and comparisons against TensorFlow and Keras.
#include <gtest/gtest.h>

#include "strata/array.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/tape.h"
#include "tests/support/golden.h"

namespace strata::test {
namespace {

using UnaryFunction = Tensor (*)(const Tensor&);
using BinaryFunction = Tensor (*)(const Tensor&, const Tensor&);

GoldenFunction unary(UnaryFunction f) {
  return [f](const Json&, const Tensors& x) { return Tensors{f(x.at(0))}; };
}
GoldenFunction binary(BinaryFunction f) {
  return [f](const Json&, const Tensors& x) { return Tensors{f(x.at(0), x.at(1))}; };
}

GoldenTable unary_table() {
  return {
      {"abs", unary(abs)},
      {"negative", unary(negative)},
      {"sign", unary(sign)},
      {"square", unary(square)},
      {"sqrt", unary(sqrt)},
      {"rsqrt", unary(rsqrt)},
      {"exp", unary(exp)},
      {"expm1", unary(expm1)},
      {"log", unary(log)},
      {"log1p", unary(log1p)},
      {"log2", unary(log2)},
      {"log10", unary(log10)},
      {"sin", unary(sin)},
      {"cos", unary(cos)},
      {"tan", unary(tan)},
      {"asin", unary(asin)},
      {"acos", unary(acos)},
      {"atan", unary(atan)},
      {"sinh", unary(sinh)},
      {"cosh", unary(cosh)},
      {"tanh", unary(tanh)},
      {"asinh", unary(asinh)},
      {"acosh", unary(acosh)},
      {"atanh", unary(atanh)},
      {"sigmoid", unary(sigmoid)},
      {"erf", unary(erf)},
      {"erfc", unary(erfc)},
      {"lgamma", unary(lgamma)},
      {"floor", unary(floor)},
      {"digamma", unary(digamma)},
      {"ceil", unary(ceil)},
      {"round", unary(round)},
      {"trunc", unary(trunc)},
      {"reciprocal", unary(reciprocal)},
      {"isnan", unary(isnan)},
      {"isinf", unary(isinf)},
      {"isfinite", unary(isfinite)},
      {"nan_to_num", unary(nan_to_num)},
      {"logical_not", unary(logical_not)},
      {"bitwise_not", unary(bitwise_not)},
      {"stop_gradient", unary(stop_gradient)},
  };
}

GoldenTable binary_table() {
  return {
      {"add", binary(add)},
      {"subtract", binary(subtract)},
      {"multiply", binary(multiply)},
      {"divide", binary(divide)},
      {"divide_no_nan", binary(divide_no_nan)},
      {"floor_divide", binary(floor_divide)},
      {"mod", binary(mod)},
      {"maximum", binary(maximum)},
      {"minimum", binary(minimum)},
      {"squared_difference", binary(squared_difference)},
      {"atan2", binary(atan2)},
      {"logaddexp", binary(logaddexp)},
      {"equal", binary(equal)},
      {"not_equal", binary(not_equal)},
      {"less", binary(less)},
      {"less_equal", binary(less_equal)},
      {"greater", binary(greater)},
      {"greater_equal", binary(greater_equal)},
      {"logical_and", binary(logical_and)},
      {"logical_or", binary(logical_or)},
      {"logical_xor", binary(logical_xor)},
      {"bitwise_and", binary(bitwise_and)},
      {"bitwise_or", binary(bitwise_or)},
      {"bitwise_xor", binary(bitwise_xor)},
      {"pow",
       [](const Json& c, const Tensors& x) {
         return Tensors{pow(x[0], x.size() > 1 ? x[1] : Tensor(c.at("exponent").get<double>()))};
       }},
  };
}

GoldenTable other_table() {
  auto number = [](const Json& c, const char* key) { return Tensor(c.at(key).get<double>()); };
  return {
      {"clip_by_value",
       [=](const Json& c, const Tensors& x) {
         return Tensors{clip_by_value(x[0], number(c, "clip_value_min"), number(c, "clip_value_max"))};
       }},
      {"clip",
       [=](const Json& c, const Tensors& x) { return Tensors{clip(x[0], number(c, "x_min"), number(c, "x_max"))}; }},
      {"clip_by_norm",
       [=](const Json& c, const Tensors& x) { return Tensors{clip_by_norm(x[0], number(c, "clip_norm"))}; }},
      {"clip_by_global_norm",
       [=](const Json& c, const Tensors& x) { return clip_by_global_norm(x, number(c, "clip_norm")).first; }},
      {"global_norm", [](const Json&, const Tensors& x) { return Tensors{global_norm(x)}; }},
      {"add_n", [](const Json&, const Tensors& x) { return Tensors{add_n(x)}; }},
      {"where", [](const Json&, const Tensors& x) { return Tensors{where(x[0], x[1], x[2])}; }},
      {"cast",
       [](const Json& c, const Tensors& x) {
         return Tensors{cast(x[0], dtype_from_string(c.at("dtype").get<std::string>()))};
       }},
      {"l2_normalize",
       [](const Json& c, const Tensors& x) { return Tensors{nn::l2_normalize(x[0], ints(c, "axis"))}; }},
  };
}

GoldenTable table() {
  GoldenTable all = unary_table();
  all.merge(binary_table());
  all.merge(other_table());
  return all;
}

TEST(Golden, Math) { check_family("math", table()); }
TEST(Golden, Comparisons) { check_family("compare", table()); }

}  // namespace
}  // namespace strata::test
