// Golden files: cases that real TensorFlow and Keras computed (tools/golden), walked and compared.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "strata/config.h"
#include "strata/tensor.h"

namespace strata::test {

using Json = nlohmann::json;

// One case of a family, with its arrays by key.
struct GoldenCase {
  const std::map<std::string, Tensor>* stored = nullptr;
  Json json;

  std::string name() const { return json.at("name"); }
  std::string target() const { return json.at("target"); }
  Json config() const { return json.value("config", Json::object()); }
  Tensor array(const std::string& key) const;
  // The arrays that a field lists; undefined tensors where it lists null, nothing where the field is missing.
  Tensors arrays(const char* field) const;
};

// Calls check(case) for each case of the family, which must have some; what it throws is a failure that names the case.
void walk_golden(const std::string& family, const std::function<void(const GoldenCase&)>& check);

// Adds a failure unless `got` has the shape and dtype of `want` and differs by at most tolerance * max(1, |want|_max).
// Numbers that are not finite must be equal; integers and bools, too.
void expect_close(const Tensor& got, const Tensor& want, double tolerance, const std::string& what);
// The tolerance for the dtype of golden values: 1e-5 for float32.
double golden_tolerance(DType dtype);

using GoldenFunction = std::function<Tensors(const Json& config, const Tensors& inputs)>;
using GoldenTable = std::map<std::string, GoldenFunction>;

// Outputs, and gradients of the inputs, of a case {config, inputs, outputs, grads, cotangents}.
void check_function(const GoldenCase& c, const GoldenFunction& function);
// All cases of a family of functions; a target that the table lacks is a failure.
void check_family(const std::string& family, const GoldenTable& table);

// The configuration of a case as strata's, and an object's description for from_config_value().
Config to_config(const Json& json);
Config::Value to_object(const GoldenCase& c, const char* role);

// Optional and list-valued fields of a configuration.
std::vector<std::int64_t> ints(const Json& config, const char* key);
bool flag(const Json& config, const char* key);

}  // namespace strata::test
