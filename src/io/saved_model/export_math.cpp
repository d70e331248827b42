// Element-wise arithmetic, comparisons, casts, activations, reductions.
#include <algorithm>
#include <cmath>

#include "io/saved_model/export.h"

namespace strata::saved_model {

namespace {

std::string unary(NodeExport& c, const char* tf, const std::string& x) { return c.op(tf, {x}, "y"); }

void logical(NodeExport& c) { c.out(c.op(c.tf, c.all_in(), c.result, {})); }

template <int base>
void log_to_base(NodeExport& c) {
  c.out(c.binary("Mul", unary(c, "Log", c.in(0)), c.number(1 / std::log(base))));
}
void trunc(NodeExport& c) {
  const std::string x = c.in(0);
  c.out(c.binary("Mul", unary(c, "Sign", x), unary(c, "Floor", unary(c, "Abs", x))));
}
void trigamma(NodeExport& c) { c.out(c.op("Polygamma", {c.number(1), c.in(0)}, "z")); }
void logaddexp(NodeExport& c) {
  const std::string a = c.in(0), b = c.in(1), distance = unary(c, "Abs", c.binary("Sub", a, b));
  c.out(c.binary("AddV2", c.binary("Maximum", a, b), c.op("Softplus", {unary(c, "Neg", distance)}, "activations")));
}
void equality(NodeExport& c) {
  c.out(c.op(c.tf, c.all_in(), "z", {c.T(), {"incompatible_shape_error", attr::boolean(true)}}));
}
void where(NodeExport& c) { c.out(c.op("SelectV2", c.all_in(), "output", {{"T", attr::type(c.dtype(1))}})); }
void cast(NodeExport& c) { c.out(c.cast_to(c.in(0), c.dtype(), c.out_spec().dtype)); }

// ---- Activations

std::string less(NodeExport& c, const std::string& a, const std::string& b) { return c.op("Less", {a, b}, "z"); }

void relu(NodeExport& c) {
  const double slope = c.config.get<double>("negative_slope"), threshold = c.config.get<double>("threshold");
  const std::string x = c.in(0);
  std::string y;
  if (threshold != 0) {
    const std::string below = c.binary("Mul", c.binary("Sub", x, c.number(threshold)), c.number(slope));
    y = c.op("SelectV2", {less(c, c.number(threshold), x), x, below}, "output");
  } else if (slope != 0) {
    y = c.op("LeakyRelu", {x}, "activations", {c.T(), {"alpha", attr::real(slope)}});
  } else {
    y = c.op("Relu", {x}, "activations");
  }
  const bool has_max = c.config.get<bool>("has_max");
  c.out(has_max ? c.binary("Minimum", y, c.number(c.config.get<double>("max_value"))) : y);
}

// x where it is positive; otherwise alpha (exp(x / alpha) - 1).
void scaled_elu(NodeExport& c, double alpha, double scale) {
  const std::string x = c.in(0), zero = c.number(0);
  if (alpha == 1) return c.out(c.op("Elu", {x}, "activations"));
  const std::string low = c.binary("Minimum", x, zero);
  const std::string bent = unary(c, "Expm1", scale == 1 ? low : c.binary("Mul", low, c.number(scale)));
  c.out(c.binary("AddV2", c.op("Relu", {x}, "activations"), c.binary("Mul", bent, c.number(alpha))));
}
void elu(NodeExport& c) { scaled_elu(c, c.config.get<double>("alpha"), 1); }
void celu(NodeExport& c) {
  const double alpha = c.config.get<double>("alpha");
  scaled_elu(c, alpha, 1 / alpha);
}

void gelu(NodeExport& c) {
  const std::string x = c.in(0), tail = unary(c, "Erfc", c.binary("Mul", x, c.number(-0.70710678118654752)));
  c.out(c.binary("Mul", c.binary("Mul", x, c.number(0.5)), tail));
}
void gelu_tanh(NodeExport& c) {
  const std::string x = c.in(0), x2 = unary(c, "Square", x);
  const std::string bend = c.binary("AddV2", c.binary("Mul", x2, c.number(0.044715)), c.number(1));
  const std::string inner = c.binary("Mul", c.binary("Mul", x, bend), c.number(0.79788456080286536));
  const std::string gate = c.binary("AddV2", unary(c, "Tanh", inner), c.number(1));
  c.out(c.binary("Mul", c.binary("Mul", x, c.number(0.5)), gate));
}
void silu(NodeExport& c) { c.out(c.binary("Mul", c.in(0), unary(c, "Sigmoid", c.in(0)))); }
void log_sigmoid(NodeExport& c) { c.out(unary(c, "Neg", c.op("Softplus", {unary(c, "Neg", c.in(0))}, "activations"))); }
void mish(NodeExport& c) {
  c.out(c.binary("Mul", c.in(0), unary(c, "Tanh", c.op("Softplus", {c.in(0)}, "activations"))));
}

// ---- Reductions

void reduce(NodeExport& c) {
  Ints axes = c.config.get<Ints>("axis");
  if (axes.empty())
    for (std::size_t i = 0; i < c.rank(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  Attributes attributes = {{"Tidx", attr::type(DType::int32)},
                           {"keep_dims", attr::boolean(c.config.get<bool>("keepdims"))}};
  const bool logical = std::string(c.tf) == "All" || std::string(c.tf) == "Any";
  if (!logical) attributes.push_back(c.T());
  const std::string x =
      logical && c.dtype() != DType::boolean ? c.cast_to(c.in(0), c.dtype(), DType::boolean) : c.in(0);
  c.out(c.op(c.tf, {x, c.ints(axes)}, "output", attributes));
}

void arg_extreme(NodeExport& c) {
  c.out(c.op(c.tf, {c.in(0), c.integer(c.config.get<std::int64_t>("axis"))}, "output",
             {c.T(), {"Tidx", attr::type(DType::int32)}, {"output_type", attr::type(DType::int64)}}));
}

std::string positions(NodeExport& c, const std::string& x, const std::string& k) {
  return c.w.add("TopKV2", {x, k}, {c.T(), {"sorted", attr::boolean(true)}}) + ":indices:0";
}
void top_k(NodeExport& c) { c.out(positions(c, c.in(0), c.integer(c.config.get<std::int64_t>("k")))); }
void argsort(NodeExport& c) {
  const std::int64_t axis = c.axis(c.config.get<std::int64_t>("axis"));
  const std::int64_t n = c.in_spec(0).shape[static_cast<std::size_t>(axis)];
  if (axis != static_cast<std::int64_t>(c.rank()) - 1 || n == None)
    c.fail("TensorFlow sorts along a last axis of known size");
  const std::string x = c.config.get<bool>("descending") ? c.in(0) : unary(c, "Neg", c.in(0));
  c.out(positions(c, x, c.integer(n)));
}
void cumulative(NodeExport& c) {
  c.out(c.op(c.tf, {c.in(0), c.integer(c.config.get<std::int64_t>("axis"))}, "out",
             {c.T(),
              {"Tidx", attr::type(DType::int32)},
              {"exclusive", attr::boolean(c.config.get<bool>("exclusive"))},
              {"reverse", attr::boolean(c.config.get<bool>("reverse"))}}));
}

}  // namespace

namespace {

void add_composed_rows(ExportTable& t) {
  t.add_same("identity", "Identity", "output");
  t.add_same("stop_gradient", "StopGradient", "output");
  t.add("equal", equality, "Equal");
  t.add("not_equal", equality, "NotEqual");
  t.add("logical_and", logical, "LogicalAnd", "z");
  t.add("logical_or", logical, "LogicalOr", "z");
  t.add("logical_xor", [](NodeExport& c) {
    c.out(c.op("NotEqual", c.all_in(), "z", {c.T(), {"incompatible_shape_error", attr::boolean(true)}}));
  });
  t.add("logical_not", logical, "LogicalNot", "y");
  t.add("log2", log_to_base<2>);
  t.add("log10", log_to_base<10>);
  t.add("trunc", trunc);
  t.add("trigamma", trigamma);
  t.add("logaddexp", logaddexp);
  t.add("where", where);
  t.add("cast", cast);
  t.add("relu", relu);
  t.add("elu", elu);
  t.add("celu", celu);
  t.add_same("selu", "Selu", "activations");
  t.add_same("softplus", "Softplus", "activations");
  t.add_same("softsign", "Softsign", "activations");
  t.add("gelu", gelu);
  t.add("gelu_tanh", gelu_tanh);
  t.add("silu", silu);
  t.add("log_sigmoid", log_sigmoid);
  t.add("mish", mish);
  constexpr const char* kReductions[][2] = {{"reduce_sum", "Sum"}, {"reduce_mean", "Mean"}, {"reduce_max", "Max"},
                                            {"reduce_min", "Min"}, {"reduce_prod", "Prod"}, {"reduce_any", "Any"},
                                            {"reduce_all", "All"}};
  for (const auto& [op, tf] : kReductions) t.add(op, reduce, tf);
  t.add("argmax", arg_extreme, "ArgMax");
  t.add("argmin", arg_extreme, "ArgMin");
  t.add("top_k", top_k);
  t.add("argsort", argsort);
  t.add("cumsum", cumulative, "Cumsum");
  t.add("cumprod", cumulative, "Cumprod");
}

}  // namespace

void add_math_rows(ExportTable& t) {
  constexpr const char* kUnary[][2] = {{"sqrt", "Sqrt"},        {"rsqrt", "Rsqrt"},     {"reciprocal", "Reciprocal"},
                                       {"exp", "Exp"},          {"expm1", "Expm1"},     {"log", "Log"},
                                       {"log1p", "Log1p"},      {"sin", "Sin"},         {"cos", "Cos"},
                                       {"tan", "Tan"},          {"asin", "Asin"},       {"acos", "Acos"},
                                       {"atan", "Atan"},        {"sinh", "Sinh"},       {"cosh", "Cosh"},
                                       {"tanh", "Tanh"},        {"asinh", "Asinh"},     {"acosh", "Acosh"},
                                       {"atanh", "Atanh"},      {"sigmoid", "Sigmoid"}, {"negative", "Neg"},
                                       {"abs", "Abs"},          {"sign", "Sign"},       {"square", "Square"},
                                       {"floor", "Floor"},      {"ceil", "Ceil"},       {"round", "Round"},
                                       {"erf", "Erf"},          {"erfc", "Erfc"},       {"lgamma", "Lgamma"},
                                       {"digamma", "Digamma"},  {"isnan", "IsNan"},     {"isinf", "IsInf"},
                                       {"isfinite", "IsFinite"}};
  for (const auto& [op, tf] : kUnary) t.add_same(op, tf, "y");
  constexpr const char* kBinary[][2] = {{"add", "AddV2"},
                                        {"subtract", "Sub"},
                                        {"multiply", "Mul"},
                                        {"divide", "RealDiv"},
                                        {"pow", "Pow"},
                                        {"maximum", "Maximum"},
                                        {"minimum", "Minimum"},
                                        {"divide_no_nan", "DivNoNan"},
                                        {"atan2", "Atan2"},
                                        {"mod", "FloorMod"},
                                        {"floor_divide", "FloorDiv"},
                                        {"less", "Less"},
                                        {"less_equal", "LessEqual"},
                                        {"greater", "Greater"},
                                        {"greater_equal", "GreaterEqual"},
                                        {"bitwise_and", "BitwiseAnd"},
                                        {"bitwise_or", "BitwiseOr"},
                                        {"bitwise_xor", "BitwiseXor"},
                                        {"squared_difference", "SquaredDifference"}};
  for (const auto& [op, tf] : kBinary) t.add_same(op, tf, "z");
  add_composed_rows(t);
}

}  // namespace strata::saved_model
