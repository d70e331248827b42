// One layer as a configuration, and back.
#include <fmt/format.h>

#include "graph/symbolic.h"
#include "layers/registry.h"
#include "models/layer_state.h"
#include "models/model_state.h"
#include "models/policy.h"
#include "serialization/keras2.h"
#include "serialization/lookup.h"
#include "serialization/operations.h"
#include "serialization/serialize.h"

namespace strata {

namespace {

using Kind = Config::Value::Kind;

thread_local std::vector<std::string> reading;

const char* module_of(const std::string& role) {
  if (role == "schedule") return "keras.optimizers.schedules";
  if (role == "loss") return "keras.losses";
  if (role == "metric") return "keras.metrics";
  if (role == "optimizer") return "keras.optimizers";
  if (role == "initializer") return "keras.initializers";
  if (role == "regularizer") return "keras.regularizers";
  if (role == "constraint") return "keras.constraints";
  return "keras.layers";
}

// {module, class_name, config, registered_name}, or the last two keys of Keras 2.
Config named_object(const char* module, const std::string& class_name, const Config::Value& config, KerasStyle style) {
  if (style == KerasStyle::keras2) return {{"class_name", class_name}, {"config", config}};
  Config out = {{"module", module != nullptr ? Config::Value(module) : Config::Value()},
                {"class_name", class_name},
                {"config", config}};
  out.set("registered_name", module != nullptr ? Config::Value() : Config::Value(class_name));
  return out;
}

bool is_built_in(const Config::Value& object) {
  // A custom class is one that its role cannot make without help.
  static const CustomObjects none;
  const std::string& role = object.role();
  const Config::Value alone(Config{{"class_name", object.class_name()}, {"config", object.as_map()}});
  try {
    if (role == "loss") losses::Loss::from_config_value(alone);
    if (role == "metric") metrics::Metric::from_config_value(alone);
    if (role == "initializer") Initializer::from_config_value(alone);
    if (role == "regularizer") Regularizer::from_config_value(alone);
    if (role == "constraint") Constraint::from_config_value(alone);
    if (role == "schedule") optimizers::schedules::Schedule::from_config_value(alone);
    return !find_custom(role, {object.class_name(), "", {}});
  } catch (const ValueError&) {
    return false;
  }
}

// A loss or metric made of a callable has the name that it was given as its class.
bool is_function(const Config::Value& object) {
  if (object.role() == "schedule") return object.class_name() == "function";
  if (object.role() != "loss" && object.role() != "metric") return false;
  return object.as_map().get<std::string>("name", "") == object.class_name();
}

Config::Value serialize_object(const Config::Value& object, KerasStyle style) {
  if (object.role() == "layer") return serialize_layer(*static_cast<const Layer*>(object.handle().get()), style);
  const std::string& name = object.class_name();
  if (is_function(object)) {
    if (style == KerasStyle::keras2 || is_built_in(object)) return name;
    return Config{
        {"module", "builtins"}, {"class_name", "function"}, {"config", name}, {"registered_name", "function"}};
  }
  Config config = plain_value(object.as_map(), style).as_map();
  if (style == KerasStyle::keras2) {
    if (object.role() == "loss") config.erase("dtype");
    if (object.role() == "metric" && name.ends_with("IoU")) config.erase("dtype");
    if (name == "SparseCategoricalCrossentropy") config.erase("axis");
    for (const char* of_keras3 : {"loss_scale_factor", "gradient_accumulation_steps"})
      if (const auto* value = config.find(of_keras3); value != nullptr && value->is_none()) config.erase(of_keras3);
    config.erase("input_axes");
    config.erase("output_axes");
  }
  return named_object(is_built_in(object) ? module_of(object.role()) : nullptr, name, config, style);
}

// The shapes of query, value and key of a MultiHeadAttention, from which Keras makes its projections.
Config attention_shapes(const Layer& layer) {
  const auto& shapes = layer.state()->input_shapes;
  if (shapes.size() < 2) return {};
  Shape key = shapes[1];  // a third shape may be that of the mask
  for (const Variable& w : layer.weights())
    if (w.path().ends_with("key/kernel")) key[key.size() - 1] = w.shape()[0];
  return {{"query_shape", shapes[0]}, {"value_shape", shapes[1]}, {"key_shape", key}};
}

// Where Keras 2 has another name for an option, or lacks it.
void to_keras2(const Layer& layer, Config& config) {
  const std::string class_name = layer.class_name();
  for (const char* key : {"activation", "recurrent_activation"})
    if (const auto* given = config.find(key); given != nullptr && given->kind() == Kind::string)
      config.set(key, activation_of_keras2(given->as_string(), class_name + " '" + layer.path() + "'"));
  if (class_name == "MultiHeadAttention") config.update(attention_shapes(layer));
  if (class_name == "MultiHeadAttention" || class_name.find("RNN") != std::string::npos ||
      class_name.starts_with("GRU") || class_name.starts_with("LSTM"))
    config.erase("seed");
  if (class_name == "Resizing" || class_name == "CenterCrop" || class_name.starts_with("Random"))
    config.erase("data_format");
  for (const char* newer : {"pad_to_aspect_ratio", "renorm"})
    if (config.get<bool>(newer, false))
      throw ValueError(class_name + " '" + layer.path() + "': Keras 2 has no " + newer + ". Save the model as .keras.");
  if (class_name == "Resizing") {
    config.erase("pad_to_aspect_ratio");
    config.erase("fill_value");
  }
  if (class_name == "LeakyReLU") {
    config.set("alpha", config.at("negative_slope"));
    config.erase("negative_slope");
  }
}

void from_keras2(const std::string& class_name, Config& config) {
  if (class_name == "LeakyReLU" && config.contains("alpha")) config.set("negative_slope", config.at("alpha"));
  const auto* axis = config.find("axis");
  if (class_name == "BatchNormalization" && axis != nullptr && axis->kind() == Kind::list &&
      axis->as_list().size() == 1)
    config.set("axis", Config::Value(axis->as_list()[0]));
  if (class_name == "UnitNormalization" && axis != nullptr && axis->kind() == Kind::integer)
    config.set("axis", std::vector<std::int64_t>{axis->as_integer()});
}

Config layer_values(const Layer& layer, KerasStyle style) {
  if (is_input_layer(layer)) return input_layer_config(layer.output(), layer.name(), style);
  Config config = plain_value(layer.get_config(), style).as_map();
  if (style == KerasStyle::keras2)
    to_keras2(layer, config);
  else if (layer.class_name().starts_with("SpatialDropout") || layer.class_name() == "Discretization")
    config.erase("trainable");  // Keras 3 does not take it here
  return config;
}

// From what Keras 3 builds the layer before it reads the weights.
Config build_config_of(const Layer& layer) {
  const auto& shapes = layer.state()->input_shapes;
  if (layer.class_name() == "MultiHeadAttention") return {{"shapes_dict", attention_shapes(layer)}};
  const layers::LayerClass* row = layers::find_layer_class(layer.class_name());
  // States and masks that are given as well determine no weights.
  if (shapes.size() == 1 || (row != nullptr && row->call_arguments.size() > 1)) return {{"input_shape", shapes[0]}};
  Config::Value::List list;
  for (const Shape& s : shapes) list.emplace_back(s);
  return {{"input_shape", list}};
}

[[noreturn]] void throw_unknown(const std::string& class_name) {
  throw ValueError(fmt::format(
      "unknown layer '{0}' at '{1}'. If it is a class of your own, name it in custom_objects: load_model(path, "
      "{{.custom_objects = custom_objects().add<{0}>(\"{0}\")}}), or call register_keras_serializable<{0}>() first.",
      class_name, DeserializingScope::path()));
}

void check_supported(const std::string& class_name, const Config& config) {
  const auto* format = config.find("data_format");
  if (format != nullptr && format->kind() == Kind::string && format->as_string() == "channels_first")
    throw ValueError(class_name + " '" + DeserializingScope::path() +
                     "': data_format is 'channels_first', but strata computes on (batch, rows, columns, channels). " +
                     "Save the model with data_format='channels_last'.");
}

Layer make_layer(const NamedConfig& named) {
  if (auto custom = make_custom<Layer>("layer", named)) {
    set_common(*custom, named.config);
    return *custom;
  }
  const layers::LayerClass* row = layers::find_layer_class(named.class_name);
  if (row == nullptr) throw_unknown(named.class_name);
  check_supported(named.class_name, named.config);
  if (named.class_name == "InputLayer") return row->make(named.config);  // its dtype is no policy
  Config config = named.config;
  from_keras2(named.class_name, config);
  Layer layer = row->make(config);
  set_common(layer, config);
  return layer;
}

}  // namespace

DeserializingScope::DeserializingScope(const std::string& name) { reading.push_back(name); }
DeserializingScope::~DeserializingScope() { reading.pop_back(); }
std::string DeserializingScope::path() {
  std::string out;
  for (const std::string& name : reading) out += (out.empty() ? "" : "/") + name;
  return out;
}

Config::Value plain_value(const Config::Value& value, KerasStyle style) {
  switch (value.kind()) {
    case Kind::object:
      return serialize_object(value, style);
    case Kind::map: {
      Config out;
      for (const auto& [key, item] : value.as_map().entries()) out.set(key, plain_value(item, style));
      return out;
    }
    case Kind::list: {
      Config::Value::List out;
      for (const auto& item : value.as_list()) out.push_back(plain_value(item, style));
      return out;
    }
    default:
      return value;
  }
}

Config serialize_layer(const Layer& layer, KerasStyle style) {
  const LayerState& state = *layer.state();
  Config out;
  if (is_sequential(layer)) {
    out = named_object("keras", "Sequential", sequential_config(layer, style), style);
  } else if (has_graph(layer)) {
    out = named_object("keras.src.models.functional", "Functional", functional_config(layer, style), style);
    if (style == KerasStyle::keras3) out.set("registered_name", "Functional");
  } else if (layers::find_layer_class(layer.class_name()) != nullptr) {
    out = named_object("keras.layers", layer.class_name(), layer_values(layer, style), style);
  } else if (dynamic_cast<const Model*>(&layer.object()) != nullptr) {
    // Python's classes of models seldom take name and dtype.
    Config config = layer.get_config();
    for (const char* key : {"name", "trainable", "dtype"}) config.erase(key);
    out = named_object(nullptr, layer.class_name(), plain_value(config, style), style);
  } else {
    out = named_object(nullptr, layer.class_name(), layer_values(layer, style), style);
  }
  if (!state.input_shapes.empty() && !has_graph(layer) && style == KerasStyle::keras3)
    out.set("build_config", build_config_of(layer));
  return out;
}

Layer deserialize_layer(const Config::Value& value) {
  if (value.kind() != Kind::map && value.kind() != Kind::object)
    throw ValueError("'" + DeserializingScope::path() + "': a layer {class_name, config} was expected here.");
  const NamedConfig named = named_config(value);
  const auto* name = named.config.find("name");
  const DeserializingScope scope(name != nullptr && name->kind() == Kind::string ? name->as_string()
                                                                                 : named.class_name);
  if (named.class_name == "Sequential" && !find_custom("layer", named)) {
    const auto* config = value.as_map().find("config");
    return sequential_from_config(config != nullptr ? *config : Config::Value(named.config));
  }
  if ((named.class_name == "Functional" || named.class_name == "Model") && named.config.contains("layers"))
    return functional_from_config(named.config);
  return make_layer(named);
}

void set_common(const Layer& layer, const Config& config) {
  LayerState& state = *layer.state();
  const std::string name = config.get<std::string>("name", "");
  if (!name.empty()) {
    state.name = name;
    state.is_name_given = true;
  }
  const auto* dtype = config.find("dtype");
  if (dtype != nullptr && dtype->kind() == Kind::string) {
    state.policy = policy_of(dtype->as_string()).name;
    for (const Variable& w : state.weights)
      if (!w.created()) w.state()->dtype = layer.variable_dtype();
  }
  const auto* trainable = config.find("trainable");
  if (trainable != nullptr && trainable->kind() == Kind::boolean) layer.trainable = trainable->as_bool();
}

Config input_layer_config(const Tensor& input, const std::string& name, KerasStyle style) {
  return {{style == KerasStyle::keras3 ? "batch_shape" : "batch_input_shape", input.shape()},
          {"dtype", to_string(input.dtype())},
          {"sparse", false},
          {"name", name}};
}

Tensor input_from_config(const Config& config) {
  Shape shape;
  for (const char* key : {"batch_shape", "batch_input_shape"})
    if (const auto* found = config.find(key); found != nullptr && !found->is_none()) shape = config.get<Shape>(key);
  if (shape.empty()) return {};
  InputOptions options{.name = config.get<std::string>("name", ""), .dtype = config.get<std::string>("dtype", "")};
  if (shape[0] != None) options.batch_size = static_cast<int>(shape[0]);
  // A dtype policy is no dtype of a tensor.
  if (options.dtype.starts_with("mixed_")) options.dtype = "float32";
  return Input(shape.sub(1), options);
}

}  // namespace strata
