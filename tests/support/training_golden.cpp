#include "tests/support/training_golden.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace strata::test {

namespace {

std::string directory() {
  const char* from_environment = std::getenv("STRATA_GOLDEN_DIR");
  return from_environment != nullptr ? from_environment : STRATA_GOLDEN_DIR;
}

Config::Value value_from_json(const nlohmann::json& v) {
  if (v.is_null()) return {};
  if (v.is_boolean()) return v.get<bool>();
  if (v.is_number_integer()) return v.get<std::int64_t>();
  if (v.is_number()) return v.get<double>();
  if (v.is_string()) return v.get<std::string>();
  if (v.is_object()) return config_from_json(v);
  Config::Value::List list;
  for (const auto& e : v) list.push_back(value_from_json(e));
  return list;
}

}  // namespace

Config config_from_json(const nlohmann::json& object) {
  Config config;
  for (const auto& [key, value] : object.items()) config.set(key, value_from_json(value));
  return config;
}

GoldenFamily GoldenFamily::load(const std::string& name) {
  GoldenFamily family;
  std::ifstream file(directory() + "/" + name + ".json");
  if (!file) throw std::runtime_error("cannot read " + directory() + "/" + name + ".json");
  family.cases = nlohmann::json::parse(file).at("cases");
  family.arrays = load_npz(directory() + "/" + name + ".npz");
  return family;
}

const Tensor& GoldenFamily::array(const nlohmann::json& key) const {
  for (const auto& [name, tensor] : arrays)
    if (name == key.get<std::string>()) return tensor;
  throw std::runtime_error("no array " + key.get<std::string>());
}

Tensors GoldenFamily::list(const nlohmann::json& keys) const {
  Tensors out;
  for (const auto& key : keys) out.push_back(array(key));
  return out;
}

std::string class_of(const nlohmann::json& golden_case) {
  const auto target = golden_case.at("target").get<std::string>();
  return target.substr(target.rfind('.') + 1);
}

std::string compare(const Tensor& actual, const Tensor& expected, double tolerance) {
  if (actual.shape() != expected.shape())
    return "shape " + to_string(actual.shape()) + " instead of " + to_string(expected.shape());
  const auto a = actual.to_vector<double>(), e = expected.to_vector<double>();
  double largest = 0;
  for (double v : e)
    if (std::isfinite(v)) largest = std::max(largest, std::abs(v));
  for (std::size_t i = 0; i < e.size(); ++i) {
    if (std::isnan(e[i]) && std::isnan(a[i])) continue;
    if (a[i] == e[i]) continue;
    const double scale = std::max({std::abs(e[i]), largest * 1e-3, 1e-6});
    if (!(std::abs(a[i] - e[i]) <= tolerance * scale))
      return "element " + std::to_string(i) + " is " + std::to_string(a[i]) + " instead of " + std::to_string(e[i]) +
             " (relative error " + std::to_string(std::abs(a[i] - e[i]) / scale) + ")";
  }
  return {};
}

}  // namespace strata::test
