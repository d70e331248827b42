#include "serialization/op_config.h"

#include <fmt/format.h>

#include "graph/registry.h"
#include "serialization/lookup.h"
#include "serialization/op_rows.h"
#include "serialization/op_writing.h"
#include "strata/array.h"

namespace strata {

namespace {

using Kind = Config::Value::Kind;

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

// Of a list of numbers, or of such lists; undefined for anything else.
Tensor numbers_of(const Config::Value& value) {
  if (value.kind() != Kind::list || value.as_list().empty()) return {};
  Tensors rows;
  bool all_whole = true;
  std::vector<double> numbers;
  for (const auto& item : value.as_list()) {
    if (item.kind() == Kind::integer || item.kind() == Kind::real) {
      numbers.push_back(item.as_double());
      all_whole = all_whole && item.kind() == Kind::integer;
    } else if (const Tensor row = numbers_of(item); row.defined()) {
      rows.push_back(row);
    } else {
      return {};
    }
  }
  if (rows.empty())
    return cast(Tensor::from(numbers, {static_cast<std::int64_t>(numbers.size())}), all_whole ? int64 : float32);
  for (const Tensor& row : rows)
    if (row.shape() != rows[0].shape() || row.dtype() != rows[0].dtype() || !numbers.empty()) return {};
  return stack(rows);
}

OpCall call_of(const std::string& name, const Config& config, const CallArguments& arguments) {
  OpCall out;
  out.name = name;
  out.options = config;
  for (std::size_t i = 0; i < arguments.arguments.size(); ++i) {
    const auto& a = arguments.arguments[i];
    const bool is_last = i + 1 == arguments.arguments.size();
    if (!is_last && a.kind == CallArguments::Argument::Kind::value) out.positions.push_back(a.value);
    if (is_last)  // the options of the call
      for (const auto& [key, value] : a.value.as_map().entries()) out.options.set(key, value);
    else if (!a.tensors.empty())
      out.operands.insert(out.operands.end(), a.tensors.begin(), a.tensors.end());
    else if (a.kind == CallArguments::Argument::Kind::value && a.value.kind() == Kind::integer)
      out.operands.push_back(constant(a.value.as_integer(), int64));
    else if (a.kind == CallArguments::Argument::Kind::value && a.value.kind() == Kind::real)
      out.operands.push_back(constant(a.value.as_double(), float32));
    else if (const Tensor t = numbers_of(a.value); t.defined())
      out.operands.push_back(t);
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
  const std::optional<WrittenOp> op = written_op(node);
  if (!op || (style == KerasStyle::keras2 ? op->keras2 : op->keras3).empty()) return own_op(node, name);
  if (style == KerasStyle::keras2)
    return {{"class_name", op->is_slice ? "SlicingOpLambda" : "TFOpLambda"},
            {"config", Config{{"name", name}, {"trainable", true}, {"dtype", "float32"}, {"function", op->keras2}}}};
  Config config = {{"name", name}};
  config.update(op->options3);
  return {{"module", "keras.src.ops." + op->module},
          {"class_name", op->keras3},
          {"config", config},
          {"registered_name", op->keras3}};
}

bool is_op_config(const Config& data) {
  const std::string class_name = data.get<std::string>("class_name", "");
  if (class_name == "TFOpLambda" || class_name == "SlicingOpLambda") return true;
  const std::string module = data.get<std::string>("module", "");
  if (module == "strata.ops" || module.starts_with("keras.src.ops") || module == "keras.ops") return true;
  // Without modules (HDF5 of Keras 3), "Add" of the ops differs from the layer by its configuration alone.
  if (data.contains("module") || !data.contains("inbound_nodes")) return false;
  const Config config = data.get<Config>("config", Config());
  return (class_name == "Split" || find_keras3_op(class_name, "") != nullptr) && !config.contains("trainable") &&
         !config.contains("dtype");
}

Tensors call_op(const Config& data, const CallArguments& arguments) {
  const NamedConfig named = named_config(data);
  const std::string module = data.get<std::string>("module", "");
  const bool keras2 = named.class_name == "TFOpLambda" || named.class_name == "SlicingOpLambda";
  const std::string name = keras2 ? named.config.get<std::string>("function", "") : named.class_name;
  const OpCall call = call_of(name, named.config, arguments);
  if (module == "strata.ops") {
    const auto* row = registry().find(named.class_name);
    if (row != nullptr && row->from_config != nullptr)
      return strata::apply(row->from_config(named.config), call.operands);
  } else if (name == "Split" || name == "split") {
    return split_op(call);
  } else if (const KerasOp* row = keras2 ? find_keras2_op(name) : find_keras3_op(name, module); row != nullptr) {
    return {row->call(call)};
  }
  throw ValueError(
      fmt::format("'{}': strata does not know the operator '{}' outside of a layer. Put it into a layer of the model, "
                  "and name that layer in custom_objects.",
                  DeserializingScope::path(), name));
}

}  // namespace strata
