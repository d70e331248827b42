// Element-wise arithmetic.
#include <cmath>

#include "io/onnx/export.h"
#include "io/onnx/proto.h"

namespace strata::onnx {

namespace {

void rsqrt(NodeExport& c) {
  const Layout l = c.layout();
  c.out(c.op("Reciprocal", {c.op("Sqrt", {c.in(0, l)})}), l);
}
void expm1(NodeExport& c) {
  const Layout l = c.layout();
  c.out(c.op("Sub", {c.op("Exp", {c.in(0, l)}), c.number(1)}), l);
}
void log1p(NodeExport& c) {
  const Layout l = c.layout();
  c.out(c.op("Log", {c.op("Add", {c.in(0, l), c.number(1)})}), l);
}
template <int base>
void log_to_base(NodeExport& c) {
  const Layout l = c.layout();
  c.out(c.op("Mul", {c.op("Log", {c.in(0, l)}), c.number(1 / std::log(base))}), l);
}
void square(NodeExport& c) {
  const Layout l = c.layout();
  c.out(c.op("Mul", {c.in(0, l), c.in(0, l)}), l);
}
void trunc(NodeExport& c) {
  const Layout l = c.layout();
  const std::string x = c.in(0, l);
  c.out(c.op("Mul", {c.op("Sign", {x}), c.op("Floor", {c.op("Abs", {x})})}), l);
}
void erfc(NodeExport& c) {
  const Layout l = c.layout();
  c.out(c.op("Sub", {c.number(1), c.op("Erf", {c.in(0, l)})}), l);
}

void divide_no_nan(NodeExport& c) {
  Layout l;
  const Names in = c.together(l);
  const std::string zero = c.number(0), is_zero = c.op("Equal", {in[1], zero});
  const std::string safe = c.op("Where", {is_zero, c.number(1), in[1]});
  c.out(c.op("Where", {is_zero, zero, c.op("Div", {in[0], safe})}), l);
}

// Python's sign: that of the divisor.
std::string floor_mod(NodeExport& c, const Names& in) {
  if (!is_floating(c.dtype())) return c.op("Mod", in);
  return c.op("Sub", {in[0], c.op("Mul", {c.op("Floor", {c.op("Div", in)}), in[1]})});
}
void floor_divide(NodeExport& c) {
  Layout l;
  const Names in = c.together(l);
  if (is_floating(c.dtype()))
    c.out(c.op("Floor", {c.op("Div", in)}), l);
  else
    c.out(c.op("Div", {c.op("Sub", {in[0], floor_mod(c, in)}), in[1]}), l);
}
void mod(NodeExport& c) {
  Layout l;
  const Names in = c.together(l);
  c.out(floor_mod(c, in), l);
}
void squared_difference(NodeExport& c) {
  Layout l;
  const std::string d = c.op("Sub", c.together(l));
  c.out(c.op("Mul", {d, d}), l);
}
// max(a, b) + log(1 + exp(-|a - b|)), where log(1 + exp(z)) is Softplus.
void logaddexp(NodeExport& c) {
  Layout l;
  const Names in = c.together(l);
  const std::string distance = c.op("Abs", {c.op("Sub", in)});
  c.out(c.op("Add", {c.op("Max", in), c.op("Softplus", {c.op("Neg", {distance})})}), l);
}

void cast(NodeExport& c) {
  const Layout l = c.layout();
  c.out(c.cast_to(c.in(0, l), c.out_spec().dtype), l);
}

}  // namespace

void add_math_rows(ExportTable& t) {
  constexpr const char* kSame[][2] = {{"sqrt", "Sqrt"},
                                      {"reciprocal", "Reciprocal"},
                                      {"exp", "Exp"},
                                      {"log", "Log"},
                                      {"sin", "Sin"},
                                      {"cos", "Cos"},
                                      {"tan", "Tan"},
                                      {"asin", "Asin"},
                                      {"acos", "Acos"},
                                      {"atan", "Atan"},
                                      {"sinh", "Sinh"},
                                      {"cosh", "Cosh"},
                                      {"tanh", "Tanh"},
                                      {"asinh", "Asinh"},
                                      {"acosh", "Acosh"},
                                      {"atanh", "Atanh"},
                                      {"sigmoid", "Sigmoid"},
                                      {"negative", "Neg"},
                                      {"abs", "Abs"},
                                      {"sign", "Sign"},
                                      {"floor", "Floor"},
                                      {"ceil", "Ceil"},
                                      {"round", "Round"},
                                      {"erf", "Erf"},
                                      {"add", "Add"},
                                      {"subtract", "Sub"},
                                      {"multiply", "Mul"},
                                      {"divide", "Div"},
                                      {"pow", "Pow"},
                                      {"maximum", "Max"},
                                      {"minimum", "Min"},
                                      {"identity", "Identity"},
                                      {"stop_gradient", "Identity"}};
  for (const auto& [op, onnx] : kSame) t.add_same(op, onnx);
  t.add("rsqrt", rsqrt);
  t.add("expm1", expm1);
  t.add("log1p", log1p);
  t.add("log2", log_to_base<2>);
  t.add("log10", log_to_base<10>);
  t.add("square", square);
  t.add("trunc", trunc);
  t.add("erfc", erfc);
  t.add("divide_no_nan", divide_no_nan);
  t.add("floor_divide", floor_divide);
  t.add("mod", mod);
  t.add("squared_difference", squared_difference);
  t.add("logaddexp", logaddexp);
  t.add("cast", cast);
}

namespace {

void not_equal(NodeExport& c) {
  Layout l;
  const Names in = c.together(l);
  c.out(c.op("Not", {c.op("Equal", in)}), l);
}

void isfinite(NodeExport& c) {
  const Layout l = c.layout();
  const std::string x = c.in(0, l);
  c.out(c.op("Not", {c.op("Or", {c.op("IsNaN", {x}), c.op("IsInf", {x})})}), l);
}

}  // namespace

void add_compare_rows(ExportTable& t) {
  constexpr const char* kSame[][2] = {{"equal", "Equal"},
                                      {"less", "Less"},
                                      {"less_equal", "LessOrEqual"},
                                      {"greater", "Greater"},
                                      {"logical_and", "And"},
                                      {"logical_or", "Or"},
                                      {"logical_xor", "Xor"},
                                      {"logical_not", "Not"},
                                      {"bitwise_and", "BitwiseAnd"},
                                      {"bitwise_or", "BitwiseOr"},
                                      {"bitwise_xor", "BitwiseXor"},
                                      {"isnan", "IsNaN"},
                                      {"isinf", "IsInf"},
                                      {"where", "Where"},
                                      {"greater_equal", "GreaterOrEqual"}};
  for (const auto& [op, onnx] : kSame) t.add_same(op, onnx);
  t.add("not_equal", not_equal);
  t.add("isfinite", isfinite);
}

}  // namespace strata::onnx
