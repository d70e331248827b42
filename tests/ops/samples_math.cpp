// Samples of element-wise ops, comparisons and logic.
#include "strata/array.h"
#include "tests/support/op_samples.h"

namespace strata::test {
namespace {

Tensor like(const Tensor& x, DType dtype) { return cast(x, dtype); }

void unary_samples(std::vector<OpSample>& out) {
  struct Domain {
    const char* name;
    double low, high;
  };
  for (const Domain& d :
       {Domain{"abs", -2, 2},   {"negative", -2, 2},  {"sign", -2, 2},      {"square", -2, 2},    {"floor", -2.1, 2.3},
        {"ceil", -2.1, 2.3},    {"round", -2.2, 2.1}, {"trunc", -2.1, 2.3}, {"sqrt", 0.1, 3},     {"rsqrt", 0.1, 3},
        {"reciprocal", 0.2, 3}, {"exp", -3, 3},       {"expm1", -2, 2},     {"log", 0.1, 4},      {"log1p", -0.8, 4},
        {"log2", 0.1, 4},       {"log10", 0.1, 4},    {"sin", -4, 4},       {"cos", -4, 4},       {"tan", -1.2, 1.2},
        {"asin", -0.9, 0.9},    {"acos", -0.9, 0.9},  {"atan", -3, 3},      {"sinh", -2, 2},      {"cosh", -2, 2},
        {"tanh", -2, 2},        {"asinh", -3, 3},     {"acosh", 1.2, 4},    {"atanh", -0.9, 0.9}, {"erf", -2, 2},
        {"erfc", -2, 2},        {"lgamma", 0.3, 5},   {"digamma", 0.3, 5},  {"trigamma", 0.3, 5}, {"sigmoid", -4, 4}}) {
    const OpPtr op = make_registered_op(d.name);
    out.push_back({op, {spread({3, 4}, d.low, d.high)}});
    out.push_back({op, {spread({0, 2}, d.low, d.high)}});
    out.push_back({op, {like(spread({5}, d.low, d.high), bfloat16)}, false});
  }
  for (const char* name : {"abs", "negative", "sign", "square", "floor"})
    out.push_back({make_registered_op(name), {Tensor{{-3, 0, 2}, {1, 5, -1}}}});
  for (const char* name : {"isnan", "isinf", "isfinite"}) out.push_back({make_registered_op(name), {spread({2, 3})}});
  out.push_back({make_registered_op("logical_not"), {Tensor{true, false, true}}});
  out.push_back({make_registered_op("stop_gradient"), {spread({2, 3})}});
}

void binary_samples(std::vector<OpSample>& out) {
  for (const char* name : {"add", "subtract", "multiply", "divide", "divide_no_nan", "maximum", "minimum",
                           "squared_difference", "atan2", "logaddexp", "pow"}) {
    const OpPtr op = make_registered_op(name);
    const bool positive = std::string_view(name) == "pow";
    const Tensor a = spread({2, 3, 4}, positive ? 0.3 : -2, 2.1), b = spread({2, 3, 4}, 0.4, 3);
    out.push_back({op, {a, b}});
    out.push_back({op, {a, spread({}, 0.7, 0.9)}});                             // a scalar
    out.push_back({op, {a, spread({4}, 0.45, 3.05)}});                          // a row
    out.push_back({op, {a, spread({2, 3, 1}, 0.45, 3.05)}});                    // columns
    out.push_back({op, {spread({2, 1, 4}, 0.35, 2), spread({3, 1}, 0.5, 3)}});  // both stretched
    out.push_back({op, {spread({0, 3}, 1, 2), spread({1, 3}, 1, 2)}});
  }
  for (const char* name : {"floor_divide", "mod"}) {
    out.push_back({make_registered_op(name), {spread({2, 3}, -4.1, 4.2), spread({3}, 0.9, 2.2)}});
    out.push_back({make_registered_op(name), {Tensor{{-7, 7, 5}, {3, -2, 0}}, Tensor{{2, -3, 5}}}});
  }
  for (const char* name : {"add", "multiply", "pow", "maximum"})
    out.push_back({make_registered_op(name), {Tensor{{1, 2, 3}, {4, 5, 6}}, Tensor{2, 3, 1}}});
}

void choice_samples(std::vector<OpSample>& out) {
  for (const char* name : {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"}) {
    const OpPtr op = make_registered_op(name);
    out.push_back({op, {Tensor{{1.f, 2.f}, {3.f, 4.f}}, Tensor{{1.f, 3.f}, {2.f, 4.f}}}});
    out.push_back({op, {Tensor{{1, 2}, {3, 4}}, Tensor{2, 3}}});
  }
  for (const char* name : {"logical_and", "logical_or", "logical_xor"})
    out.push_back({make_registered_op(name), {Tensor{{true, true}, {false, false}}, Tensor{true, false}}});
  for (const char* name : {"bitwise_and", "bitwise_or", "bitwise_xor"})
    out.push_back({make_registered_op(name), {Tensor{{12, 5}, {7, -1}}, Tensor{10, 6}}});
  const OpPtr where = make_registered_op("where");
  const Tensor condition = {{true, false, true}, {false, false, true}};
  out.push_back({where, {condition, spread({2, 3}), spread({2, 3}, 2, 4)}});
  out.push_back({where, {condition, spread({3}), spread({2, 1}, 2, 4)}});
  out.push_back({where, {Tensor{true, false, true}, spread({2, 3}), spread({}, 2, 4)}});
}

}  // namespace

void samples_math(std::vector<OpSample>& out) {
  unary_samples(out);
  binary_samples(out);
  choice_samples(out);
}

}  // namespace strata::test
