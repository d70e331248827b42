// Functional models and Sequentials as configurations: layers with the calls that connect them.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/tensor_data.h"
#include "layers/registry.h"
#include "models/layer_call.h"
#include "models/layer_state.h"
#include "serialization/call_options.h"
#include "serialization/calls.h"
#include "serialization/lookup.h"
#include "serialization/op_config.h"
#include "serialization/operations.h"
#include "serialization/serialize.h"

namespace strata {

namespace {

using Kind = Config::Value::Kind;
using List = Config::Value::List;

// Where each tensor of the graph comes from: the operation's name, the number of its call, the number of the output.
class Histories {
 public:
  Histories(const ModelState& model, const std::vector<Operation>& operations, KerasStyle style) {
    for (const Operation& o : operations) {
      if (o.kind == Operation::Kind::input) {
        const auto& data = *model.inputs[o.input].impl();
        places_[data.node.get()] = {o.name, 0};
        continue;
      }
      // Keras 2 counts the call by which a model inside was made.
      int call = style == KerasStyle::keras2 && o.kind == Operation::Kind::layer && has_graph(o.layer) ? 1 : 0;
      for (const auto& node : o.nodes) places_.try_emplace(node.get(), o.name, call++);
    }
  }
  List of(const Tensor& t) const {
    const auto& [name, call] = places_.at(t.impl()->node.get());
    return {name, call, t.impl()->output};
  }

 private:
  std::map<const SymbolicNode*, std::pair<std::string, int>> places_;
};

List histories_of(const Tensors& tensors, const Histories& histories) {
  List out;
  for (const Tensor& t : tensors) out.emplace_back(histories.of(t));
  return out;
}

Config operation_config(const Operation& o, const ModelState& model, const Histories& histories, KerasStyle style) {
  Config out;
  List nodes;
  const HistoryOf history = {&histories,
                             [](const void* h, const Tensor& t) { return static_cast<const Histories*>(h)->of(t); }};
  switch (o.kind) {
    case Operation::Kind::input:
      if (style == KerasStyle::keras3) out.set("module", "keras.layers");
      out.set("class_name", "InputLayer");
      out.set("config", input_layer_config(model.inputs[o.input], o.name, style));
      if (style == KerasStyle::keras3) out.set("registered_name", Config::Value());
      break;
    case Operation::Kind::layer:
      out = serialize_layer(o.layer, style);
      for (const auto& node : o.nodes) nodes.push_back(serialize_call(*node, history, style));
      give_call_options(out, nodes);
      break;
    case Operation::Kind::op:
      out = serialize_op(*o.nodes[0], o.name, style);
      nodes.push_back(serialize_call(*o.nodes[0], history, style));
      break;
  }
  out.set("name", o.name);
  out.set("inbound_nodes", nodes);
  return out;
}

// Keras 3 makes a list of one tensor where the file has a list, which its Sequential does not take from a layer.
Config::Value ends_of(const Tensors& tensors, const Histories& histories, KerasStyle style) {
  List list = histories_of(tensors, histories);
  if (style == KerasStyle::keras3 && list.size() == 1) return list[0];
  return list;
}

// A layer or op of the file, and its calls that are still to be made.
struct Pending {
  std::string name, class_name;
  Config data;
  std::optional<Layer> layer;  // none for inputs and ops
  bool is_input = false;
  List calls;
  std::size_t next = 0;
  std::int64_t first = 0;  // the number of its first call in the file
};

class FunctionalReader {
 public:
  explicit FunctionalReader(const Config& config) : config_(config), masks_(config.at("layers").as_list()) {
    for (const Config::Value& value : config.at("layers").as_list()) add(value);
    // Each round makes the calls whose inputs are there; a layer may be called again on what comes later.
    for (bool progress = true; progress;) {
      progress = false;
      for (Pending& p : pending_) progress = advance(p) || progress;
    }
    for (const Pending& p : pending_)
      if (p.next < p.calls.size())
        throw ValueError(
            fmt::format("'{}': call {} of layer '{}' takes what no layer of the model gives. The "
                        "configuration has a loop, or is damaged.",
                        DeserializingScope::path(), p.next, p.name));
  }

  Model model() const {
    Model out(ends("input_layers"), ends("output_layers"), {.name = config_.get<std::string>("name", "")});
    set_common(out, config_);
    return out;
  }

 private:
  void add(const Config::Value& value) {
    const NamedConfig named = named_config(value);
    Pending p;
    p.class_name = named.class_name;
    p.data = value.as_map();
    take_call_options(p.data);
    p.name = p.data.get<std::string>("name", named.config.get<std::string>("name", named.class_name));
    if (const auto* nodes = p.data.find("inbound_nodes"); nodes != nullptr && nodes->kind() == Kind::list)
      for (const auto& call : nodes->as_list()) p.calls.push_back(masks_.without(call));
    if (named.class_name == "InputLayer") {
      p.is_input = true;
      p.calls.clear();
      Config config = named.config;
      config.set("name", p.name);
      const Tensor input = input_from_config(config);
      if (!input.defined())
        throw ValueError("'" + DeserializingScope::path() + "/" + p.name + "': the InputLayer has no batch_shape.");
      results_[p.name] = {{input}};
    } else if (!is_op_config(p.data)) {
      p.layer = deserialize_layer(p.data);
      if (has_graph(*p.layer) && !p.calls.empty() && p.calls[0].kind() == Kind::list)
        p.first = first_call(config_, p.name);
    }
    pending_.push_back(std::move(p));
  }

  bool advance(Pending& p) {
    bool progress = false;
    while (p.next < p.calls.size()) {
      const ResultOf result = {this,
                               [](const void* self, const std::string& name, std::int64_t call, std::int64_t output) {
                                 return static_cast<const FunctionalReader*>(self)->find(name, call, output);
                               }};
      const auto call = deserialize_call(p.calls[p.next], p.class_name, p.layer ? &*p.layer : nullptr, result);
      if (!call) break;  // an input is not there yet
      const DeserializingScope scope(p.name);
      results_[p.name].push_back(p.layer ? p.layer->call_with(*call) : call_op(p.data, *call));
      ++p.next;
      progress = true;
    }
    return progress;
  }

  // Undefined where that call has not been made.
  Tensor find(const std::string& name, std::int64_t call, std::int64_t output) const {
    const auto it = results_.find(name);
    if (it == results_.end() || call < 0) return {};
    const auto& calls = it->second;
    call -= first_of(name);
    if (call < 0) return {};
    if (static_cast<std::size_t>(call) >= calls.size()) return {};
    const Tensors& outputs = calls[static_cast<std::size_t>(call)];
    if (output < 0 || static_cast<std::size_t>(output) >= outputs.size())
      throw ValueError(fmt::format("'{}': output {} of layer '{}' is used, but it has {}.", DeserializingScope::path(),
                                   output, name, outputs.size()));
    return outputs[static_cast<std::size_t>(output)];
  }

  std::int64_t first_of(const std::string& name) const {
    for (const Pending& p : pending_)
      if (p.name == name) return p.first;
    return 0;
  }

  // [["a", 0, 0], ["b", 0, 0]], or one without the outer list, or by names.
  Tensors ends(const char* key) const {
    Tensors out;
    collect(config_.at(key), key, out);
    return out;
  }
  void collect(const Config::Value& value, const char* key, Tensors& out) const {
    if (value.kind() == Kind::map) {  // Keras takes the values of a dict in the order of its keys
      auto entries = value.as_map().entries();
      std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
      for (const auto& [name, item] : entries) collect(item, key, out);
      return;
    }
    const List& list = value.as_list();
    if (list.empty() || list[0].kind() != Kind::string) {
      for (const auto& item : list) collect(item, key, out);
      return;
    }
    if (list.size() < 3) throw ValueError("'" + DeserializingScope::path() + "': " + key + " is damaged.");
    const Tensor t = find(list[0].as_string(), list[1].as_integer(), list[2].as_integer());
    if (!t.defined())
      throw ValueError(fmt::format("'{}': {} names '{}', of which there is no call {}.", DeserializingScope::path(),
                                   key, list[0].as_string(), list[1].as_integer()));
    out.push_back(t);
  }
  const Config& config_;
  const AutomaticMasks masks_;
  std::vector<Pending> pending_;
  std::map<std::string, std::vector<Tensors>> results_;
};

}  // namespace

Config functional_config(const Layer& model, KerasStyle style) {
  const ModelState& state = *model.state()->model;
  const std::vector<Operation> operations = operations_in_order(state);
  const Histories histories(state, operations, style);
  List layers;
  for (const Operation& o : operations) layers.push_back(operation_config(o, state, histories, style));
  return {{"name", model.name()},
          {"trainable", static_cast<bool>(model.trainable)},
          {"layers", layers},
          {"input_layers", ends_of(state.inputs, histories, style)},
          {"output_layers", ends_of(state.outputs, histories, style)}};
}

Layer functional_from_config(const Config& config) { return FunctionalReader(config).model(); }

Config sequential_config(const Layer& model, KerasStyle style) {
  const ModelState& state = *model.state()->model;
  List layers;
  if (!state.inputs.empty()) {
    Config input = {{"class_name", "InputLayer"},
                    {"config", input_layer_config(state.inputs[0], state.input_names[0], style)}};
    if (style == KerasStyle::keras3) {
      input.set("module", "keras.layers");
      input.set("registered_name", Config::Value());
    }
    layers.push_back(input);
  }
  for (const Layer& layer : model.layers()) layers.push_back(serialize_layer(layer, style));
  Config out = {{"name", model.name()}, {"layers", layers}};
  if (style == KerasStyle::keras3) out.set("trainable", static_cast<bool>(model.trainable));
  const auto& shapes = model.state()->input_shapes;
  if (!shapes.empty()) out.set("build_input_shape", shapes[0]);
  return out;
}

Layer sequential_from_config(const Config::Value& value) {
  // Old files have the list of layers alone.
  const bool is_list = value.kind() == Kind::list;
  const Config config = is_list ? Config{{"layers", value}} : value.as_map();
  const Sequential model({}, {.name = config.get<std::string>("name", "")});
  bool has_input = false;
  for (const Config::Value& item : config.at("layers").as_list()) {
    const NamedConfig named = named_config(item);
    if (!has_input) {
      const Tensor input = input_from_config(named.config);
      if (input.defined()) model.add(input);
      has_input = true;
    }
    if (named.class_name != "InputLayer") model.add(deserialize_layer(item));
  }
  set_common(model, config);
  const auto* shape = config.find("build_input_shape");
  if (!model.built() && shape != nullptr && shape->kind() == Kind::list && !model.layers().empty())
    model.build(config.get<Shape>("build_input_shape"));
  return model;
}

}  // namespace strata
