#include "tests/support/golden.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "strata/npy.h"
#include "strata/tape.h"

namespace strata::test {

namespace {

std::string golden_directory() {
  const char* from_environment = std::getenv("STRATA_GOLDEN_DIR");
  return from_environment != nullptr ? from_environment : STRATA_GOLDEN_DIR;
}

std::vector<double> to_doubles(const Tensor& x) { return x.to_vector<double>(); }

// The first difference beyond the tolerance, in words; empty where there is none.
std::string difference(const Tensor& got, const Tensor& want, double tolerance) {
  const std::vector<double> a = to_doubles(got), b = to_doubles(want);
  double scale = 1;
  for (double v : b)
    if (std::isfinite(v)) scale = std::max(scale, std::abs(v));
  double largest = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const bool same = a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]));
    const double error = same ? 0 : std::abs(a[i] - b[i]);
    if (!(error <= largest)) largest = std::isnan(error) ? std::numeric_limits<double>::infinity() : error, at = i;
  }
  if (largest <= tolerance * scale) return "";
  std::ostringstream text;
  text.precision(9);
  text << "element " << at << " is " << a[at] << ", but should be " << b[at] << " (difference " << largest
       << ", allowed " << tolerance * scale << ')';
  return text.str();
}

Config::Value to_value(const Json& json) {
  if (json.is_null()) return {};
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_object()) return to_config(json);
  Config::Value::List list;
  for (const Json& element : json) list.push_back(to_value(element));
  return list;
}

void check_gradients(const GoldenCase& c, GradientTape& tape, const Tensors& inputs, const Tensors& outputs) {
  const Tensors want = c.arrays("grads"), cotangents = c.arrays("cotangents");
  Tensors targets;
  GradientOptions options{.unconnected_gradients = "zero"};
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (i >= cotangents.size() || !cotangents[i].defined()) continue;
    targets.push_back(outputs[i]);
    options.output_gradients.push_back(cotangents[i]);
  }
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (!want[i].defined()) continue;
    const Tensor got = tape.gradient(targets, {Source(inputs[i])}, options).at(0);
    expect_close(got, want[i], golden_tolerance(want[i].dtype()), "gradient of input " + std::to_string(i));
  }
}

}  // namespace

Tensor GoldenCase::array(const std::string& key) const {
  const auto found = stored->find(key);
  if (found == stored->end()) throw ValueError("the golden file has no array '" + key + "'.");
  return found->second;
}

Tensors GoldenCase::arrays(const char* field) const {
  Tensors out;
  if (!json.contains(field)) return out;
  for (const Json& key : json.at(field)) out.push_back(key.is_null() ? Tensor() : array(key.get<std::string>()));
  return out;
}

void walk_golden(const std::string& family, const std::function<void(const GoldenCase&)>& check) {
  const std::string path = golden_directory() + '/' + family;
  std::ifstream file(path + ".json");
  ASSERT_TRUE(file.good()) << path << ".json cannot be read";
  const Json document = Json::parse(file);
  std::map<std::string, Tensor> stored;
  for (const auto& [key, tensor] : load_npz(path + ".npz")) stored.emplace(key, tensor);
  ASSERT_FALSE(document.at("cases").empty());
  for (const Json& json : document.at("cases")) {
    const GoldenCase c{&stored, json};
    SCOPED_TRACE(c.name());
    try {
      check(c);
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

double golden_tolerance(DType dtype) {
  switch (dtype) {
    case DType::float64:
      return 1e-9;
    case DType::float32:
      return 1e-5;
    case DType::float16:
      return 1e-3;
    case DType::bfloat16:
      return 1e-2;
    default:
      return 0;
  }
}

void expect_close(const Tensor& got, const Tensor& want, double tolerance, const std::string& what) {
  if (!got.defined()) {
    ADD_FAILURE() << what << " is undefined";
    return;
  }
  EXPECT_EQ(got.dtype(), want.dtype()) << what;
  EXPECT_EQ(got.shape(), want.shape()) << what;
  if (got.shape() != want.shape()) return;
  const std::string text = difference(got, want, is_floating(want.dtype()) ? tolerance : 0);
  EXPECT_TRUE(text.empty()) << what << ": " << text;
}

void check_function(const GoldenCase& c, const GoldenFunction& function) {
  const Tensors inputs = c.arrays("inputs"), want = c.arrays("outputs");
  bool differentiable = false;
  for (const Tensor& g : c.arrays("grads")) differentiable |= g.defined();
  GradientTape tape({.persistent = true});
  for (const Tensor& x : inputs)
    if (differentiable && is_floating(x.dtype())) tape.watch(x);
  const Tensors got = function(c.config(), inputs);
  ASSERT_EQ(got.size(), want.size()) << "number of outputs";
  for (std::size_t i = 0; i < want.size(); ++i)
    expect_close(got[i], want[i], golden_tolerance(want[i].dtype()), "output " + std::to_string(i));
  if (differentiable) check_gradients(c, tape, inputs, got);
}

void check_family(const std::string& family, const GoldenTable& table) {
  walk_golden(family, [&](const GoldenCase& c) {
    const auto found = table.find(c.target());
    if (found == table.end()) {
      ADD_FAILURE() << "no test knows how to call '" << c.target() << "'";
      return;
    }
    check_function(c, found->second);
  });
}

Config to_config(const Json& json) {
  Config out;
  for (const auto& [key, value] : json.items()) out.set(key, to_value(value));
  return out;
}

Config::Value to_object(const GoldenCase& c, const char* role) {
  const std::string target = c.target();
  return Config::Value::object(target.substr(target.find('.') + 1), to_config(c.config()), nullptr, role);
}

std::vector<std::int64_t> ints(const Json& config, const char* key) {
  const Json value = config.value(key, Json());
  if (value.is_null()) return {};
  if (value.is_number()) return {value.get<std::int64_t>()};
  return value.get<std::vector<std::int64_t>>();
}

bool flag(const Json& config, const char* key) { return config.value(key, false); }

}  // namespace strata::test
