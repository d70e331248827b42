#include "serialization/keras2.h"

#include "strata/error.h"

namespace strata {

namespace {

using Kind = Config::Value::Kind;
constexpr const char* kOfBoth = "hard_sigmoid";
constexpr const char* kOfKeras2 = "keras2_hard_sigmoid";

// Keras 3 has this layer no more.
Config without_thresholded_relu(Config layer) {
  const auto *name = layer.find("class_name"), *config = layer.find("config");
  if (name == nullptr || name->kind() != Kind::string || name->as_string() != "ThresholdedReLU" || config == nullptr ||
      config->kind() != Kind::map)
    return layer;
  Config of_relu = config->as_map();
  if (const auto* theta = of_relu.find("theta")) of_relu.set("threshold", Config::Value(*theta));
  of_relu.erase("theta");
  layer.set("class_name", "ReLU");
  layer.set("config", of_relu);
  return layer;
}

}  // namespace

bool is_keras2(const std::string& keras_version) {
  return keras_version.starts_with("2.") || keras_version.starts_with("1.");
}

Config::Value from_keras2_words(const Config::Value& value) {
  if (value.kind() == Kind::list) {
    Config::Value::List out;
    for (const Config::Value& v : value.as_list()) out.push_back(from_keras2_words(v));
    return out;
  }
  if (value.kind() != Kind::map) return value;
  Config out;
  for (const auto& [key, v] : value.as_map().entries()) {
    const bool is_activation = key == "activation" || key == "recurrent_activation";
    const bool changes = is_activation && v.kind() == Kind::string && v.as_string() == kOfBoth;
    out.set(key, changes ? Config::Value(kOfKeras2) : from_keras2_words(v));
  }
  return without_thresholded_relu(std::move(out));
}

std::string activation_of_keras2(const std::string& name, const std::string& where) {
  if (name == kOfKeras2) return kOfBoth;
  if (name == kOfBoth)
    throw ValueError(where +
                     ": its activation is \"hard_sigmoid\", relu6(x + 3) / 6, but Keras 2 has another function "
                     "under this name. Save the model as .keras, or use \"keras2_hard_sigmoid\".");
  return name;
}

}  // namespace strata
