#include "serialization/calls.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/tensor_data.h"
#include "layers/registry.h"
#include "models/layer_call.h"
#include "models/layer_state.h"
#include "serialization/lookup.h"
#include "serialization/op_writing.h"
#include "serialization/operations.h"
#include "serialization/slice_config.h"
#include "strata/array.h"

namespace strata {

namespace {

using Kind = Config::Value::Kind;
using List = Config::Value::List;
using Argument = CallArguments::Argument;

std::vector<std::string> argument_names(const std::string& class_name) {
  if (const auto* row = layers::find_layer_class(class_name))
    return {row->call_arguments.begin(), row->call_arguments.end()};
  if (const auto custom = find_custom("layer", {class_name, "", {}})) return custom->call_arguments;
  return {};
}

List numbers_of(const Tensor& t) {
  List out;
  if (is_floating(t.dtype()))
    for (const double v : cast(t, float64).to_vector<double>()) out.emplace_back(v);
  else
    for (const std::int64_t v : cast(t, int64).to_vector<std::int64_t>()) out.emplace_back(v);
  return out;
}

// Nested as the shape says.
Config::Value nested(const List& numbers, const Shape& shape, std::size_t axis, std::size_t& next) {
  if (axis == shape.size()) return numbers[next++];
  List out;
  for (std::int64_t i = 0; i < shape[axis]; ++i) out.push_back(nested(numbers, shape, axis + 1, next));
  return out;
}

Config::Value constant_value(const Tensor& t, KerasStyle style) {
  const List numbers = numbers_of(t);
  if (t.rank() == 0) return numbers[0];
  std::size_t next = 0;
  if (style == KerasStyle::keras2) return nested(numbers, t.shape(), 0, next);
  return Config{{"class_name", "__tensor__"},
                {"config", Config{{"value", nested(numbers, t.shape(), 0, next)}, {"dtype", to_string(t.dtype())}}}};
}

class CallWriter {
 public:
  CallWriter(const SymbolicNode& node, const HistoryOf& history, KerasStyle style)
      : node_(node), history_(history), style_(style) {}

  Config::Value write() const {
    if (node_.op) return write_op();
    const CallArguments& call = node_.call->arguments;
    return style_ == KerasStyle::keras3 ? write_keras3(call) : write_keras2(call);
  }

 private:
  Config::Value tensor_value(const Tensor& t) const {
    if (!detail::is_recorded(t)) return constant_value(t, style_);
    if (style_ == KerasStyle::keras2) return history_(t);
    return Config{
        {"class_name", "__keras_tensor__"},
        {"config", Config{{"shape", t.shape()}, {"dtype", to_string(t.dtype())}, {"keras_history", history_(t)}}}};
  }
  List tensor_values(const Tensors& tensors) const {
    List out;
    for (const Tensor& t : tensors) out.push_back(tensor_value(t));
    return out;
  }

  // The arguments one by one; a list of tensors where the layer takes one.
  List values(const CallArguments& call) const {
    if (call.is_flat) {
      const bool by_position = argument_names(node_.call->layer.class_name()).size() > 1;
      if (call.flat.size() == 1 || by_position) return grouped(tensor_values(call.flat));
      return {tensor_values(call.flat)};
    }
    List out;
    for (const Argument& a : call.arguments) {
      if (a.kind == Argument::Kind::tensor)
        out.push_back(tensor_value(a.tensors[0]));
      else if (a.kind == Argument::Kind::tensors)
        out.emplace_back(tensor_values(a.tensors));
      else
        out.push_back(a.kind == Argument::Kind::value ? plain_value(a.value, style_) : Config::Value());
    }
    return grouped(out);
  }

  // "initial_state", "initial_state_1", ... as the list that Keras takes.
  List grouped(const List& all) const {
    const auto names = argument_names(node_.call->layer.class_name());
    List out;
    for (std::size_t i = 0; i < all.size(); ++i) {
      List together = {all[i]};
      std::size_t next = i + 1;
      while (next < all.size() && next < names.size() && names[next] == names[i] + "_" + std::to_string(next - i))
        together.push_back(all[next++]);
      std::erase_if(together, [](const Config::Value& v) { return v.is_none(); });
      const bool is_group = i + 1 < names.size() && names[i + 1] == names[i] + "_1";
      out.push_back(!is_group ? all[i] : together.empty() ? Config::Value() : Config::Value(together));
      i = next - 1;
    }
    return out;
  }

  Config::Value write_keras3(const CallArguments& call) const {
    Config kwargs;
    if (call.training) kwargs.set("training", *call.training);
    return Config{{"args", values(call)}, {"kwargs", kwargs}};
  }

  Config::Value write_keras2(const CallArguments& call) const {
    const List all = values(call);
    const Layer& layer = node_.call->layer;
    const auto names = argument_names(layer.class_name());
    Config kwargs;
    for (std::size_t i = 1; i < all.size(); ++i) {
      if (all[i].is_none()) continue;
      if (i >= names.size())
        throw ValueError(fmt::format(
            "{} '{}' is called with {} arguments, and the format of Keras 2 keeps all but the first by name. Give the "
            "class `static constexpr std::array call_arguments = {{\"a\", \"b\", ...}};` and name it in "
            "custom_objects or register_keras_serializable, or save as .keras.",
            layer.class_name(), layer.path(), all.size()));
      kwargs.set(names[i], all[i]);
    }
    if (call.training) kwargs.set("training", *call.training);
    List out;
    for (const Config::Value& history : first_histories(all)) {
      List entry = history.as_list();
      entry.emplace_back(kwargs);
      out.emplace_back(entry);
    }
    return out;
  }
  static List first_histories(const List& all) {
    if (all.empty()) return {};
    const List& first = all[0].as_list();
    return first.empty() || first[0].kind() == Kind::list ? first : List{all[0]};
  }

  Config::Value write_op() const {
    const List all = tensor_values(node_.inputs);
    const WrittenOp op = written_op(node_).value_or(WrittenOp());
    if (style_ == KerasStyle::keras3) {
      const List args = op.is_slice  ? List{all[0], slice_key(node_.op->config(), style_)}
                        : op.is_list ? List{all}
                                     : all;
      return Config{{"args", args}, {"kwargs", Config()}};
    }
    Config kwargs = op.keras2.empty() ? Config() : op.options2;
    const std::size_t in_front = op.is_list ? all.size() : 1;
    for (std::size_t i = in_front; i < all.size(); ++i)
      kwargs.set(i < op.operands.size() ? op.operands[i] : "y_" + std::to_string(i), all[i]);
    List entries;
    for (std::size_t i = 0; i < in_front; ++i) {
      const bool is_constant = !detail::is_recorded(node_.inputs[i]);
      List entry = is_constant ? List{"_CONSTANT_VALUE", -1, all[i]} : all[i].as_list();
      entry.emplace_back(kwargs);
      entries.emplace_back(entry);
    }
    return op.is_list ? Config::Value(entries) : entries[0];
  }

  const SymbolicNode& node_;
  const HistoryOf& history_;
  KerasStyle style_;
};

// A tensor of the model, or a constant, as Keras 3 writes them.
bool is_tensor_config(const Config::Value& v) {
  if (v.kind() != Kind::map) return false;
  const std::string name = v.as_map().get<std::string>("class_name", "");
  return name == "__keras_tensor__" || name == "__tensor__" || name == "__numpy__";
}

bool is_history(const Config::Value& v) {
  if (v.kind() != Kind::list || v.as_list().size() != 3) return false;
  const List& list = v.as_list();
  return list[0].kind() == Kind::string && list[1].kind() == Kind::integer && list[2].kind() == Kind::integer;
}

class CallReader {
 public:
  CallReader(const std::string& class_name, const Layer* layer, const ResultOf& result)
      : class_name_(class_name), layer_(layer), result_(result) {}

  std::optional<CallArguments> read(const Config::Value& value) {
    CallArguments out;
    if (value.kind() == Kind::list)
      read_keras2(value.as_list(), out);
    else
      read_keras3(value.as_map(), out);
    if (missing_) return std::nullopt;
    spread_lists(out);
    return layer_ != nullptr ? fitted(out) : with_options(out);
  }

 private:
  Tensor tensor_of(const List& history) {
    const Tensor t = result_(history[0].as_string(), history[1].as_integer(), history[2].as_integer());
    if (!t.defined()) missing_ = true;
    return t;
  }

  Tensor constant_of(const Config& config) {
    const DType dtype = dtype_from_string(config.get<std::string>("dtype", "float32"));
    std::vector<double> numbers;
    std::vector<std::int64_t> shape;
    flatten(config.at("value"), 0, shape, numbers);
    return cast(Tensor::from(numbers, Shape(shape)), dtype);
  }
  void flatten(const Config::Value& v, std::size_t depth, std::vector<std::int64_t>& shape, std::vector<double>& out) {
    if (v.kind() != Kind::list) {
      out.push_back(v.kind() == Kind::boolean ? v.as_bool() : v.as_double());
      return;
    }
    const auto n = static_cast<std::int64_t>(v.as_list().size());
    if (shape.size() == depth) shape.push_back(n);
    for (const auto& item : v.as_list()) flatten(item, depth + 1, shape, out);
  }

  Argument argument_of(const Config::Value& v) {
    using K = Argument::Kind;
    if (v.is_none()) return {};
    if (is_tensor_config(v)) {
      const std::string name = v.as_map().get<std::string>("class_name");
      const Config config = v.as_map().get<Config>("config", Config());
      if (name == "__keras_tensor__") return {K::tensor, {tensor_of(config.at("keras_history").as_list())}, {}};
      return {K::tensor, {constant_of(config)}, {}};
    }
    if (is_history(v)) return {K::tensor, {tensor_of(v.as_list())}, {}};
    if (v.kind() == Kind::list && !v.as_list().empty()) {
      Argument out{K::tensors, {}, {}};
      for (const auto& item : v.as_list()) {
        if (!is_history(item) && !is_tensor_config(item)) return {K::value, {}, v};
        out.tensors.push_back(argument_of(item).tensors.at(0));
      }
      return out;
    }
    return {K::value, {}, v};
  }

  // Keras gives all states as one list, "initial_state"; strata's layers take "initial_state", "initial_state_1", ...
  void spread_lists(CallArguments& call) const {
    const auto names = argument_names(class_name_);
    for (std::size_t i = 0; i < call.arguments.size(); ++i) {
      if (call.arguments[i].kind != Argument::Kind::tensors || i + 1 >= names.size() || names[i + 1] != names[i] + "_1")
        continue;
      const Tensors all = call.arguments[i].tensors;
      call.arguments.resize(std::max(call.arguments.size(), i + all.size()));
      for (std::size_t k = 0; k < all.size(); ++k) call.arguments[i + k] = {Argument::Kind::tensor, {all[k]}, {}};
    }
  }

  void read_keras3(const Config& map, CallArguments& out) {
    for (const auto& v : map.at("args").as_list()) out.arguments.push_back(argument_of(v));
    read_kwargs(map.get<Config>("kwargs", Config()), out);
  }

  void read_keras2(const List& list, CallArguments& out) {
    if (list.empty()) return;
    const bool single = list[0].kind() == Kind::string;
    Argument first{Argument::Kind::tensors, {}, {}};
    const List entries = single ? List{Config::Value(list)} : list;
    for (const auto& item : entries) {
      const List& entry = item.as_list();
      if (entry.size() < 3) throw ValueError("'" + DeserializingScope::path() + "': an inbound node is damaged.");
      if (entry[0].as_string() == "_CONSTANT_VALUE")
        first = {Argument::Kind::value, {}, entry[2]};
      else
        first.tensors.push_back(tensor_of(entry));
    }
    if (first.tensors.size() == 1) first.kind = Argument::Kind::tensor;
    out.arguments.push_back(first);
    const List& last = entries.back().as_list();
    if (last.size() > 3 && last[3].kind() == Kind::map) read_kwargs(last[3].as_map(), out);
  }

  void read_kwargs(const Config& kwargs, CallArguments& out) {
    const auto names = argument_names(class_name_);
    for (const auto& [name, value] : kwargs.entries()) {
      if (name == "training") {
        // Of layers that change pictures Keras writes the argument's default, true, which the model's own value
        // overrides.
        const bool is_default = class_name_.starts_with("Random") || class_name_ == "MixUp" || class_name_ == "CutMix";
        if (value.kind() == Kind::boolean && !is_default) out.training = value.as_bool();
        continue;
      }
      if (layer_ == nullptr) {
        const Argument a = argument_of(value);
        if (a.kind == Argument::Kind::tensor || name == "y" || name == "x2" || name == "x1" || name == "b")
          out.arguments.push_back(a);
        else
          options_.set(name, value);
        continue;
      }
      if (value.is_none()) continue;
      const auto it = std::find(names.begin(), names.end(), name);
      if (it == names.end()) {
        const Argument a = argument_of(value);
        if (a.kind == Argument::Kind::value && value.kind() == Kind::boolean && !value.as_bool()) continue;
        throw ValueError(
            fmt::format("{} '{}': its call in the file has an argument '{}' that strata's {} does not "
                        "take.",
                        class_name_, DeserializingScope::path(), name, class_name_));
      }
      const auto at = static_cast<std::size_t>(it - names.begin());
      if (out.arguments.size() <= at) out.arguments.resize(at + 1);
      out.arguments[at] = argument_of(value);
    }
  }

  // Tensors that come as one argument are spread as the layer takes them.
  CallArguments fitted(const CallArguments& call) const {
    if (call.arguments.size() != 1 || call.arguments[0].kind == Argument::Kind::value) {
      if (!has_graph(*layer_)) return call;
    }
    return CallArguments(call.all_tensors(), call.training);
  }
  CallArguments with_options(CallArguments call) const {
    call.arguments.push_back({Argument::Kind::value, {}, options_});
    return call;
  }

  std::string class_name_;
  const Layer* layer_;
  const ResultOf& result_;
  Config options_;
  bool missing_ = false;
};

}  // namespace

Config::Value serialize_call(const SymbolicNode& node, const HistoryOf& history, KerasStyle style) {
  return CallWriter(node, history, style).write();
}

std::optional<CallArguments> deserialize_call(const Config::Value& value, const std::string& class_name,
                                              const Layer* layer, const ResultOf& result) {
  return CallReader(class_name, layer, result).read(value);
}

}  // namespace strata
