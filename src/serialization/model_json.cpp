// Architectures as JSON, and copies made from configurations.
#include "models/layer_state.h"
#include "serialization/json.h"
#include "serialization/operations.h"
#include "serialization/serialize.h"
#include "strata/saving.h"

namespace strata {

namespace {

Model as_model(const Layer& layer) {
  if (const auto* model = dynamic_cast<const Model*>(&layer.object())) return *model;
  Model out;
  static_cast<Layer&>(out) = layer;
  return out;
}

}  // namespace

std::string Model::to_json() const { return serialize_layer(*this, KerasStyle::keras3).to_json(); }

Model model_from_json(const std::string& json, const CustomObjects& custom_objects) {
  const CustomObjectScope scope(custom_objects);
  return deserialize_model(parse_config_json(json, "model_from_json"));
}

Model deserialize_model(const Config::Value& value) { return as_model(deserialize_layer(value)); }

Model clone_model(const Model& model) { return as_model(model.clone_layer()); }

}  // namespace strata
