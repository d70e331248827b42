#include "serialization/op_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "serialization/slice_config.h"
#include "strata/array.h"
#include "strata/indexing.h"
#include "strata/linalg.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"
#include "strata/tape.h"

namespace strata {

using Kind = Config::Value::Kind;

const Tensor& OpCall::operand(std::size_t i) const {
  if (i >= operands.size())
    throw ValueError(fmt::format("operator '{}' has {} operands, expected more. The configuration is damaged.", name,
                                 operands.size()));
  return operands[i];
}

std::optional<Config::Value> OpCall::option(std::initializer_list<const char*> names) const {
  for (const char* n : names)
    if (const auto* v = options.find(n); v != nullptr && !v->is_none()) return *v;
  return std::nullopt;
}

std::int64_t OpCall::integer(const char* n, std::int64_t otherwise) const {
  const auto v = option({n});
  return v ? v->as_integer() : otherwise;
}

double OpCall::real(const char* n, double otherwise) const {
  const auto v = option({n});
  return v ? v->as_double() : otherwise;
}

std::vector<std::int64_t> OpCall::integers(std::initializer_list<const char*> names) const {
  const auto v = option(names);
  if (!v) return {};
  std::vector<std::int64_t> out;
  if (v->kind() != Kind::list) return {v->as_integer()};
  for (const auto& item : v->as_list()) out.push_back(item.is_none() ? -1 : item.as_integer());
  return out;
}

namespace {

Axes axes_of(const OpCall& c) {
  if (!c.option({"axis"})) return {};
  return c.integers({"axis"});
}

template <Tensor (*f)(const Tensor&)>
Tensor unary(const OpCall& c) {
  return f(c.operand(0));
}
template <Tensor (*f)(const Tensor&, const Tensor&)>
Tensor binary(const OpCall& c) {
  return f(c.operand(0), c.operand(1));
}
template <Tensor (*f)(const Tensor&, const Axes&, const ReduceOptions&)>
Tensor reduction(const OpCall& c) {
  const auto keep = c.option({"keepdims"});
  return f(c.operand(0), axes_of(c), {.keepdims = keep && keep->as_bool()});
}
template <Tensor (*f)(const Tensor&, std::int64_t), std::int64_t otherwise>
Tensor along_axis(const OpCall& c) {
  return f(c.operand(0), c.integer("axis", otherwise));
}

Tensor clip_row(const OpCall& c) {
  const Tensor& x = c.operand(0);
  const auto low = c.option({"x_min", "clip_value_min"}), high = c.option({"x_max", "clip_value_max"});
  if (!low || !high) throw ValueError("operator 'Clip' has no bounds.");
  return clip(x, cast(Tensor(low->as_double()), x.dtype()), cast(Tensor(high->as_double()), x.dtype()));
}

Tensor transpose_row(const OpCall& c) {
  const auto axes = c.integers({"axes", "perm"});
  return axes.empty() ? transpose(c.operand(0)) : transpose(c.operand(0), axes);
}

Tensor squeeze_row(const OpCall& c) {
  const auto axes = c.integers({"axis"});
  return axes.empty() ? squeeze(c.operand(0)) : squeeze(c.operand(0), axes);
}

Tensor arg_row(const OpCall& c, Tensor (*f)(const Tensor&, std::int64_t)) {
  const auto axis = c.option({"axis"});
  if (!axis) return f(reshape(c.operand(0), {-1}), 0);
  const Tensor y = f(c.operand(0), axis->as_integer());
  const auto keep = c.option({"keepdims"});
  return keep && keep->as_bool() ? expand_dims(y, axis->as_integer()) : y;
}

Tensor repeat_row(const OpCall& c) {
  const auto axis = c.option({"axis"});
  const auto counts = c.integers({"repeats"});
  const std::optional<std::int64_t> along = axis ? std::optional(axis->as_integer()) : std::nullopt;
  return counts.size() == 1 ? repeat(c.operand(0), static_cast<int>(counts[0]), along)
                            : repeat(c.operand(0), counts, along);
}

Tensor pad_row(const OpCall& c) {
  const auto widths = c.option({"pad_width", "paddings"});
  const auto mode = c.option({"mode"});
  if (!widths || (mode && mode->as_string() != "constant" && mode->as_string() != "CONSTANT"))
    throw ValueError("operator 'Pad' is read with mode \"constant\" alone.");
  const Tensor& x = c.operand(0);
  std::vector<std::pair<std::int64_t, std::int64_t>> pairs;
  if (widths->kind() == Kind::integer) {
    pairs.assign(x.rank(), {widths->as_integer(), widths->as_integer()});
  } else {
    for (const auto& pair : widths->as_list()) {
      const auto& both = pair.as_list();
      if (both.size() != 2) throw ValueError("operator 'Pad' has widths that are no pairs.");
      pairs.emplace_back(both[0].as_integer(), both[1].as_integer());
    }
  }
  return pad(x, pairs);
}

Tensor one_hot_row(const OpCall& c) { return one_hot(c.operand(0), c.integer("num_classes", c.integer("depth", 0))); }

Tensor einsum_row(const OpCall& c) {
  const auto equation = c.option({"subscripts", "equation"});
  if (!equation) throw ValueError("operator 'Einsum' has no equation.");
  return einsum(equation->as_string(), c.operands);
}

// The indices are a tensor, or numbers by position or by name.
Tensor take_row(const OpCall& c) {
  const auto axis = c.option({"axis"}), named = c.option({"indices"});
  Tensor indices;
  if (c.operands.size() > 1) {
    indices = c.operand(1);
  } else {
    const Config::Value numbers = named ? *named : c.positions.empty() ? Config::Value() : c.positions.back();
    const auto values = Config{{"indices", numbers}}.get<std::vector<std::int64_t>>("indices");
    indices = Tensor::from(values, {static_cast<std::int64_t>(values.size())});
  }
  return axis ? gather(c.operand(0), indices, axis->as_integer()) : gather(reshape(c.operand(0), {-1}), indices, 0);
}

Tensor matmul_row(const OpCall& c) {
  const auto a = c.option({"transpose_a"}), b = c.option({"transpose_b"});
  return matmul(c.operand(0), c.operand(1), {.transpose_a = a && a->as_bool(), .transpose_b = b && b->as_bool()});
}

Tensor norm_row(const OpCall& c) {
  const auto keep = c.option({"keepdims"});
  return norm(c.operand(0), axes_of(c), {.ord = c.real("ord", 2), .keepdims = keep && keep->as_bool()});
}

Tensor cast_row(const OpCall& c) {
  return cast(c.operand(0), dtype_from_string(c.option({"dtype"}).value_or("float32").as_string()));
}

Tensor normalize_row(const OpCall& c) {
  if (c.integer("order", 2) != 2) throw ValueError("operator 'Normalize' is read with order 2 alone.");
  return nn::l2_normalize(c.operand(0), {c.integer("axis", -1)});
}

// Rows that are written and read come first of their name.
const KerasOp kRows[] = {
    {"add", "numpy", "Add", "__operators__.add", binary<add>},
    {"add", "numpy", "Add", "math.add", binary<add>},
    {"subtract", "numpy", "Subtract", "math.subtract", binary<subtract>},
    {"multiply", "numpy", "Multiply", "math.multiply", binary<multiply>},
    {"divide", "numpy", "Divide", "math.truediv", binary<divide>},
    {"divide", "numpy", "TrueDivide", "math.divide", binary<divide>},
    {"maximum", "numpy", "Maximum", "math.maximum", binary<maximum>},
    {"minimum", "numpy", "Minimum", "math.minimum", binary<minimum>},
    {"pow", "numpy", "Power", "math.pow", binary<pow>},
    {"negative", "numpy", "Negative", "math.negative", unary<negative>},
    {"abs", "numpy", "Absolute", "math.abs", unary<abs>},
    {"square", "numpy", "Square", "math.square", unary<square>},
    {"sqrt", "numpy", "Sqrt", "math.sqrt", unary<sqrt>},
    {"exp", "numpy", "Exp", "math.exp", unary<exp>},
    {"log", "numpy", "Log", "math.log", unary<log>},
    {"tanh", "numpy", "Tanh", "math.tanh", unary<tanh>},
    {"tanh", "nn", "Tanh", "nn.tanh", unary<tanh>},
    {"sigmoid", "nn", "Sigmoid", "math.sigmoid", unary<sigmoid>},
    {"sigmoid", "nn", "Sigmoid", "nn.sigmoid", unary<sigmoid>},
    {"sin", "numpy", "Sin", "math.sin", unary<sin>},
    {"cos", "numpy", "Cos", "math.cos", unary<cos>},
    {"relu", "nn", "Relu", "nn.relu", [](const OpCall& c) { return nn::relu(c.operand(0)); }},
    {"softmax", "nn", "Softmax", "nn.softmax",
     [](const OpCall& c) { return nn::softmax(c.operand(0), c.integer("axis", -1)); }},
    {"reduce_sum", "numpy", "Sum", "math.reduce_sum", reduction<reduce_sum>},
    {"reduce_mean", "numpy", "Mean", "math.reduce_mean", reduction<reduce_mean>},
    {"reduce_max", "numpy", "Max", "math.reduce_max", reduction<reduce_max>},
    {"reduce_min", "numpy", "Min", "math.reduce_min", reduction<reduce_min>},
    {"matmul", "numpy", "Matmul", "linalg.matmul", matmul_row},
    {"concat", "numpy", "Concatenate", "concat",
     [](const OpCall& c) { return concat(c.operands, c.integer("axis", 0)); }},
    {"stack", "numpy", "Stack", "stack", [](const OpCall& c) { return stack(c.operands, c.integer("axis", 0)); }},
    {"expand_dims", "numpy", "ExpandDims", "expand_dims",
     [](const OpCall& c) { return expand_dims(c.operand(0), c.integer("axis", -1)); }},
    {"reshape", "numpy", "Reshape", "reshape",
     [](const OpCall& c) {
       return reshape(c.operand(0), Shape(c.integers({"newshape", "shape"})));
     }},
    {"strided_slice", "numpy", "GetItem", "__operators__.getitem",
     [](const OpCall& c) { return read_slice(c.operand(0), c); }},
    {"equal", "numpy", "Equal", "math.equal", binary<equal>},
    {"not_equal", "numpy", "NotEqual", "math.not_equal", binary<not_equal>},
    {"less", "numpy", "Less", "math.less", binary<less>},
    {"less_equal", "numpy", "LessEqual", "math.less_equal", binary<less_equal>},
    {"greater", "numpy", "Greater", "math.greater", binary<greater>},
    {"greater_equal", "numpy", "GreaterEqual", "math.greater_equal", binary<greater_equal>},
    {"logical_and", "numpy", "LogicalAnd", "math.logical_and", binary<logical_and>},
    {"logical_or", "numpy", "LogicalOr", "math.logical_or", binary<logical_or>},
    {"logical_not", "numpy", "LogicalNot", "math.logical_not", unary<logical_not>},
    {"mod", "numpy", "Mod", "math.floormod", binary<mod>},
    {"floor_divide", "numpy", "FloorDivide", "math.floordiv", binary<floor_divide>},
    {"reduce_any", "numpy", "Any", "math.reduce_any", reduction<reduce_any>},
    {"reduce_all", "numpy", "All", "math.reduce_all", reduction<reduce_all>},
    {"reduce_prod", "numpy", "Prod", "math.reduce_prod", reduction<reduce_prod>},
    {"reduce_variance", "numpy", "Var", "math.reduce_variance", reduction<reduce_variance>},
    {"reduce_std", "numpy", "Std", "math.reduce_std", reduction<reduce_std>},
    {"reduce_logsumexp", "math", "Logsumexp", "math.reduce_logsumexp", reduction<reduce_logsumexp>},
    {"", "linalg", "Norm", "norm", norm_row},
    {"isfinite", "numpy", "Isfinite", "math.is_finite", unary<isfinite>},
    {"isinf", "numpy", "Isinf", "math.is_inf", unary<isinf>},
    {"isnan", "numpy", "Isnan", "math.is_nan", unary<isnan>},
    {"expm1", "numpy", "Expm1", "math.expm1", unary<expm1>},
    {"log1p", "numpy", "Log1p", "math.log1p", unary<log1p>},
    {"log2", "numpy", "Log2", nullptr, unary<log2>},
    {"log10", "numpy", "Log10", nullptr, unary<log10>},
    {"rsqrt", "math", "Rsqrt", "math.rsqrt", unary<rsqrt>},
    {"reciprocal", "numpy", "Reciprocal", "math.reciprocal", unary<reciprocal>},
    {"sign", "numpy", "Sign", "math.sign", unary<sign>},
    {"floor", "numpy", "Floor", "math.floor", unary<floor>},
    {"ceil", "numpy", "Ceil", "math.ceil", unary<ceil>},
    {"round", "numpy", "Round", "math.round", [](const OpCall& c) { return round(c.operand(0)); }},
    {"tan", "numpy", "Tan", "math.tan", unary<tan>},
    {"asin", "numpy", "Arcsin", "math.asin", unary<asin>},
    {"acos", "numpy", "Arccos", "math.acos", unary<acos>},
    {"atan", "numpy", "Arctan", "math.atan", unary<atan>},
    {"atan2", "numpy", "Arctan2", "math.atan2", binary<atan2>},
    {"sinh", "numpy", "Sinh", "math.sinh", unary<sinh>},
    {"cosh", "numpy", "Cosh", "math.cosh", unary<cosh>},
    {"erf", "math", "Erf", "math.erf", unary<erf>},
    {"where", "numpy", "Where", "where",
     [](const OpCall& c) { return where(c.operand(0), c.operand(1), c.operand(2)); }},
    {"squared_difference", "", "", "math.squared_difference", binary<squared_difference>},
    {"softplus", "nn", "Softplus", "math.softplus", unary<nn::softplus>},
    {"softsign", "nn", "Softsign", "nn.softsign", unary<nn::softsign>},
    {"silu", "nn", "Silu", "nn.silu", unary<nn::silu>},
    {"relu6", "nn", "Relu6", "nn.relu6", unary<nn::relu6>},
    {"selu", "nn", "Selu", "nn.selu", unary<nn::selu>},
    {"hard_sigmoid", "nn", "HardSigmoid", nullptr, unary<nn::hard_sigmoid>},
    {"hard_silu", "nn", "HardSilu", nullptr, unary<nn::hard_silu>},
    {"log_sigmoid", "nn", "LogSigmoid", "math.log_sigmoid", unary<nn::log_sigmoid>},
    {"mish", "nn", "Mish", nullptr, unary<nn::mish>},
    {"", "nn", "Gelu", "nn.gelu",
     [](const OpCall& c) {
       const auto approximate = c.option({"approximate"});
       return nn::gelu(c.operand(0), approximate && approximate->as_bool());
     }},
    {"", "nn", "Elu", "nn.elu", [](const OpCall& c) { return nn::elu(c.operand(0), c.real("alpha", 1)); }},
    {"", "nn", "LeakyRelu", "nn.leaky_relu",
     [](const OpCall& c) { return nn::leaky_relu(c.operand(0), c.real("negative_slope", c.real("alpha", 0.2))); }},
    {"", "nn", "LogSoftmax", "nn.log_softmax", along_axis<nn::log_softmax, -1>},
    {"", "nn", "OneHot", "one_hot", one_hot_row},
    {"", "nn", "Normalize", "math.l2_normalize", normalize_row},
    {"", "numpy", "Clip", "clip_by_value", clip_row},
    {"", "numpy", "Transpose", "transpose", transpose_row},
    {"", "numpy", "Squeeze", "squeeze", squeeze_row},
    {"", "numpy", "Argmax", "math.argmax", [](const OpCall& c) { return arg_row(c, argmax); }},
    {"", "numpy", "Argmin", "math.argmin", [](const OpCall& c) { return arg_row(c, argmin); }},
    {"", "numpy", "Repeat", "repeat", repeat_row},
    {"", "numpy", "Tile", "tile",
     [](const OpCall& c) {
       return tile(c.operand(0), c.integers({"repeats", "multiples"}));
     }},
    {"", "numpy", "Flip", "reverse",
     [](const OpCall& c) {
       const auto axes = c.integers({"axis"});
       return axes.empty() ? flip(c.operand(0)) : flip(c.operand(0), axes);
     }},
    {"", "numpy", "Pad", "pad", pad_row},
    {"", "numpy", "Einsum", "einsum", einsum_row},
    {"", "numpy", "Take", "gather", take_row},
    {"", "numpy", "BroadcastTo", "broadcast_to",
     [](const OpCall& c) { return broadcast_to(c.operand(0), Shape(c.integers({"shape"}))); }},
    {"", "numpy", "Swapaxes", nullptr,
     [](const OpCall& c) { return swapaxes(c.operand(0), c.integer("axis1", 0), c.integer("axis2", 1)); }},
    {"", "numpy", "Moveaxis", nullptr,
     [](const OpCall& c) { return moveaxis(c.operand(0), c.integers({"source"}), c.integers({"destination"})); }},
    {"", "numpy", "Cumsum", "math.cumsum", [](const OpCall& c) { return cumsum(c.operand(0), c.integer("axis", 0)); }},
    {"", "numpy", "OnesLike", "ones_like", [](const OpCall& c) { return ones_like(c.operand(0)); }},
    {"", "numpy", "ZerosLike", "zeros_like", [](const OpCall& c) { return zeros_like(c.operand(0)); }},
    {"", "core", "Cast", "cast", cast_row},
    {"", "core", "StopGradient", "stop_gradient", unary<stop_gradient>},
};

}  // namespace

Tensors split_op(const OpCall& c) {
  const std::int64_t axis = c.integer("axis", 0);
  const auto v = c.option({"indices_or_sections", "num_or_size_splits"});
  if (!v) throw ValueError("operator '" + c.name + "' has no number of parts.");
  if (v->kind() == Kind::integer) return split(c.operand(0), static_cast<int>(v->as_integer()), axis);
  Ints sizes = c.integers({"indices_or_sections", "num_or_size_splits"});
  if (!c.options.contains("num_or_size_splits")) {  // Keras gives the positions between the parts
    const std::int64_t last =
        c.operand(0).shape()[static_cast<std::size_t>(axis < 0 ? axis + c.operand(0).rank() : axis)];
    sizes.push_back(last);
    for (std::size_t i = sizes.size(); i-- > 1;) sizes[i] -= sizes[i - 1];
  }
  return split(c.operand(0), sizes, axis);
}

const KerasOp* find_keras_op(std::string_view name) {
  for (const KerasOp& row : kRows)
    if (!name.empty() && name == row.name) return &row;
  return nullptr;
}

const KerasOp* find_keras3_op(const std::string& class_name, const std::string& module) {
  for (const KerasOp& row : kRows)
    if (!class_name.empty() && class_name == row.keras3 &&
        (module.empty() || !module.starts_with("keras.src.ops.") || module.ends_with(row.module)))
      return &row;
  return nullptr;
}

const KerasOp* find_keras2_op(const std::string& function) {
  constexpr std::string_view kOld = "compat.v1.";
  const std::string_view name = function.starts_with(kOld) ? std::string_view(function).substr(kOld.size()) : function;
  for (const KerasOp& row : kRows)
    if (row.keras2 != nullptr && name == row.keras2) return &row;
  return nullptr;
}

}  // namespace strata
