// Layers, models and what compile() was given, as Keras's configurations and back.
#pragma once

#include <string>
#include <vector>

#include "strata/model.h"

namespace strata {

// Keras 3 writes module and registered_name, and calls as {args, kwargs}; Keras 2 neither.
enum class KerasStyle { keras3, keras2 };

// {class_name, config, ...} of a layer or model. Throws ValueError that names the layer where it has no configuration.
STRATA_API Config serialize_layer(const Layer& layer, KerasStyle style);
// The layer or model, unbuilt unless its configuration has inputs. Throws ValueError for an unknown class, with the
// path of the layer.
STRATA_API Layer deserialize_layer(const Config::Value& value);
// The same for a model, whose handle is a Model.
STRATA_API Model deserialize_model(const Config::Value& value);
// Objects inside of a value become maps.
STRATA_API Config::Value plain_value(const Config::Value& value, KerasStyle style);

STRATA_API Config serialize_compile(const CompileOptions& options, KerasStyle style);
// `outputs`: the names of the model's outputs, by which lists are spread.
STRATA_API CompileOptions deserialize_compile(const Config& config, const std::vector<std::string>& outputs);

// The parts of serialize_layer and deserialize_layer for models.
Config functional_config(const Layer& model, KerasStyle style);
Layer functional_from_config(const Config& config);
Config sequential_config(const Layer& model, KerasStyle style);
Layer sequential_from_config(const Config::Value& config);
// Sets name, trainable and dtype as the configuration says.
STRATA_API void set_common(const Layer& layer, const Config& config);
Config input_layer_config(const Tensor& input, const std::string& name, KerasStyle style);
// A symbolic input as the configuration of an InputLayer says; undefined where it says no shape.
Tensor input_from_config(const Config& config);

// Names the layer that is being read, for messages: "model/block/conv".
class DeserializingScope {
 public:
  explicit DeserializingScope(const std::string& name);
  ~DeserializingScope();
  DeserializingScope(const DeserializingScope&) = delete;
  DeserializingScope& operator=(const DeserializingScope&) = delete;
  static std::string path();
};

}  // namespace strata
