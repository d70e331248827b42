#include "serialization/op_config.h"

#include <fmt/format.h>

#include <optional>
#include <span>

#include "graph/registry.h"
#include "serialization/lookup.h"
#include "strata/array.h"
#include "strata/linalg.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"

namespace strata {

namespace {

using Kind = Config::Value::Kind;

// What reads an operator: its operands as tensors, its options by name.
struct OpCall {
  Tensors operands;
  Config options;
};

std::optional<Config::Value> option(const OpCall& c, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const auto* v = c.options.find(name); v != nullptr && !v->is_none()) return *v;
  return std::nullopt;
}

std::int64_t integer(const OpCall& c, const char* name, std::int64_t otherwise) {
  const auto v = option(c, {name});
  return v ? v->as_integer() : otherwise;
}

Axes axes_of(const OpCall& c) {
  const auto v = option(c, {"axis"});
  if (!v) return {};
  if (v->kind() == Kind::integer) return v->as_integer();
  return c.options.get<std::vector<std::int64_t>>("axis");
}

template <Tensor (*f)(const Tensor&)>
Tensor unary(const OpCall& c) {
  return f(c.operands.at(0));
}
template <Tensor (*f)(const Tensor&, const Tensor&)>
Tensor binary(const OpCall& c) {
  return f(c.operands.at(0), c.operands.at(1));
}
template <Tensor (*f)(const Tensor&, const Axes&, const ReduceOptions&)>
Tensor reduction(const OpCall& c) {
  const auto keep = option(c, {"keepdims"});
  return f(c.operands.at(0), axes_of(c), {.keepdims = keep && keep->as_bool()});
}

struct Row {
  const char* name;    // strata's
  const char* module;  // of Keras 3, below keras.src.ops
  const char* keras3;  // class
  const char* keras2;  // function of TensorFlow; null where TFOpLambda is not written
  Tensor (*call)(const OpCall& c);
};

const Row kRows[] = {
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
    {"relu", "nn", "Relu", "nn.relu", [](const OpCall& c) { return nn::relu(c.operands.at(0)); }},
    {"softmax", "nn", "Softmax", "nn.softmax",
     [](const OpCall& c) { return nn::softmax(c.operands.at(0), integer(c, "axis", -1)); }},
    {"reduce_sum", "numpy", "Sum", "math.reduce_sum", reduction<reduce_sum>},
    {"reduce_mean", "numpy", "Mean", "math.reduce_mean", reduction<reduce_mean>},
    {"reduce_max", "numpy", "Max", "math.reduce_max", reduction<reduce_max>},
    {"reduce_min", "numpy", "Min", "math.reduce_min", reduction<reduce_min>},
    {"matmul", "numpy", "Matmul", "linalg.matmul",
     [](const OpCall& c) { return matmul(c.operands.at(0), c.operands.at(1)); }},
    {"concat", "numpy", "Concatenate", "concat",
     [](const OpCall& c) { return concat(c.operands, integer(c, "axis", 0)); }},
    {"stack", "numpy", "Stack", "stack", [](const OpCall& c) { return stack(c.operands, integer(c, "axis", 0)); }},
    {"expand_dims", "numpy", "ExpandDims", "expand_dims",
     [](const OpCall& c) { return expand_dims(c.operands.at(0), integer(c, "axis", -1)); }},
    {"reshape", "numpy", "Reshape", "reshape",
     [](const OpCall& c) {
       std::vector<std::int64_t> shape;
       for (const auto& d : option(c, {"newshape", "shape"}).value().as_list())
         shape.push_back(d.is_none() ? -1 : d.as_integer());
       return reshape(c.operands.at(0), Shape(shape));
     }},
};

// Ops without options, which have the same operands in TensorFlow's function.
bool is_plain(const Config& config, const SymbolicNode& node) {
  for (const auto& [name, value] : config.entries()) {
    // What relu and softmax have as a rule.
    const bool usual = (value.kind() == Kind::real && value.as_double() == 0) ||
                       (value.kind() == Kind::integer && value.as_integer() == -1) || value.is_none() ||
                       (value.kind() == Kind::boolean && !value.as_bool());
    if (!usual) return false;
  }
  return node.inputs.size() <= 2;
}

bool takes_axis(const std::string_view name) {
  return name.starts_with("reduce_") || name == "concat" || name == "stack" || name == "expand_dims";
}

Config own_op(const SymbolicNode& node, const std::string& name) {
  const auto* row = registry().find(node.op->name());
  if (row == nullptr || row->from_config == nullptr)
    throw ValueError("operator '" + std::string(node.op->name()) + "' outside of a layer cannot be saved. Put it " +
                     "into the call of a CustomLayer.");
  Config config = node.op->config();
  config.set("name", name);
  return {{"module", "strata.ops"},
          {"class_name", std::string(node.op->name())},
          {"config", config},
          {"registered_name", "strata>" + std::string(node.op->name())}};
}

const Row* find_keras3(const std::string& class_name) {
  for (const Row& row : kRows)
    if (class_name == row.keras3) return &row;
  return nullptr;
}
const Row* find_keras2(const std::string& function) {
  for (const Row& row : kRows)
    if (row.keras2 != nullptr && function == row.keras2) return &row;
  return nullptr;
}

OpCall call_of(const Config& config, const CallArguments& arguments) {
  OpCall out;
  out.options = config;
  for (std::size_t i = 0; i < arguments.arguments.size(); ++i) {
    const auto& a = arguments.arguments[i];
    if (i + 1 == arguments.arguments.size())  // the options of the call
      for (const auto& [key, value] : a.value.as_map().entries()) out.options.set(key, value);
    else if (!a.tensors.empty())
      out.operands.insert(out.operands.end(), a.tensors.begin(), a.tensors.end());
    else if (a.kind == CallArguments::Argument::Kind::value && a.value.kind() == Kind::integer)
      out.operands.push_back(constant(a.value.as_integer(), int64));
    else if (a.kind == CallArguments::Argument::Kind::value && a.value.kind() == Kind::real)
      out.operands.push_back(constant(a.value.as_double(), float32));
  }
  // A plain number takes the dtype of the tensor beside it.
  if (out.operands.size() == 2)
    for (std::size_t i : {0, 1})
      if (out.operands[i].rank() == 0 && !out.operands[i].is_symbolic())
        out.operands[i] = cast(out.operands[i], out.operands[1 - i].dtype());
  return out;
}

}  // namespace

Config serialize_op(const SymbolicNode& node, const std::string& name, KerasStyle style) {
  const std::string_view own = node.op->name();
  Config options = node.op->config();
  for (const Row& row : kRows) {
    if (row.name != own) continue;
    const bool with_axis = takes_axis(own);
    if (!with_axis && !is_plain(options, node)) break;
    if (style == KerasStyle::keras2) {
      if (with_axis) break;  // as keywords of the call, which strata does not write
      return {{"class_name", "TFOpLambda"},
              {"config", Config{{"name", name}, {"trainable", true}, {"dtype", "float32"}, {"function", row.keras2}}}};
    }
    Config config = {{"name", name}};
    if (with_axis || own == "softmax") config.update(options);
    return {{"module", std::string("keras.src.ops.") + row.module},
            {"class_name", row.keras3},
            {"config", config},
            {"registered_name", row.keras3}};
  }
  return own_op(node, name);
}

bool is_op_config(const Config& data) {
  const std::string class_name = data.get<std::string>("class_name", "");
  if (class_name == "TFOpLambda" || class_name == "SlicingOpLambda") return true;
  const std::string module = data.get<std::string>("module", "");
  if (module == "strata.ops" || module.starts_with("keras.src.ops") || module == "keras.ops") return true;
  // Without modules (HDF5 of Keras 3), "Add" of the ops differs from the layer by its configuration alone.
  if (data.contains("module") || !data.contains("inbound_nodes")) return false;
  const Config config = data.get<Config>("config", Config());
  return find_keras3(class_name) != nullptr && !config.contains("trainable") && !config.contains("dtype");
}

Tensors call_op(const Config& data, const CallArguments& arguments) {
  const NamedConfig named = named_config(data);
  const OpCall call = call_of(named.config, arguments);
  if (data.get<std::string>("module", "") == "strata.ops") {
    const auto* row = registry().find(named.class_name);
    if (row != nullptr && row->from_config != nullptr)
      return strata::apply(row->from_config(named.config), call.operands);
  } else {
    const bool keras2 = named.class_name == "TFOpLambda";
    const Row* row =
        keras2 ? find_keras2(named.config.get<std::string>("function", "")) : find_keras3(named.class_name);
    if (row != nullptr) return {row->call(call)};
  }
  throw ValueError(
      fmt::format("'{}': strata does not know the operator '{}' outside of a layer. Put it into a layer of the model, "
                  "and name that "
                  "layer in custom_objects.",
                  DeserializingScope::path(),
                  named.class_name == "TFOpLambda" ? named.config.get<std::string>("function", "") : named.class_name));
}

}  // namespace strata
