// Golden cases of losses, metrics and optimizers: values that real Keras gave.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "strata/config.h"
#include "strata/npy.h"

namespace strata::test {

struct GoldenFamily {
  nlohmann::json cases;
  NamedTensors arrays;

  // From tests/golden/<name>.json and .npz.
  static GoldenFamily load(const std::string& name);
  const Tensor& array(const nlohmann::json& key) const;
  Tensors list(const nlohmann::json& keys) const;
};

Config config_from_json(const nlohmann::json& object);

// "losses.Huber" to "Huber".
std::string class_of(const nlohmann::json& golden_case);

// Empty where |a - e| <= tolerance * max(|e|, the largest |e| * 1e-3, 1e-6) for all elements and the shapes agree, else
// what does not.
std::string compare(const Tensor& actual, const Tensor& expected, double tolerance = 1e-5);

}  // namespace strata::test
