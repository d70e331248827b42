#include "strata/regularizers.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "strata/array.h"
#include "strata/constraints.h"
#include "tests/support/golden.h"

namespace strata {
namespace {

void expect_near(const Tensor& got, const std::vector<double>& want) {
  const std::vector<double> values = got.to_vector<double>();
  ASSERT_EQ(values.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(values[i], want[i], 2e-6) << i;
}

TEST(Regularizers, AndConstraintsAreKerass) {
  const char* folder = std::getenv("STRATA_GOLDEN_DIR");
  ASSERT_NE(folder, nullptr) << "set STRATA_GOLDEN_DIR to tests/golden";
  std::ifstream file(std::string(folder) + "/core/weights.json");
  ASSERT_TRUE(file) << folder << "/core/weights.json is missing; tools/golden/weights.py makes it";
  const auto golden = nlohmann::json::parse(file);
  const Tensor w = cast(Tensor::from(golden.at("w").get<std::vector<double>>(),
                                     Shape(golden.at("shape").get<std::vector<std::int64_t>>())),
                        float32);
  int regularizers = 0, constraints = 0;
  for (const auto& row : golden.at("cases")) {
    const std::string name = row.at("class_name");
    SCOPED_TRACE(name + " " + row.at("config").dump());
    const Config::Value value = Config::Value::object(name, test::to_config(row.at("config")), nullptr, "");
    const std::vector<double> want = row.at("value");
    if (want.size() == 1) {
      const Tensor penalty = Regularizer::from_config_value(value)(w);
      EXPECT_EQ(penalty.shape(), Shape{});
      EXPECT_EQ(penalty.dtype(), float32);
      expect_near(penalty, want);
      ++regularizers;
    } else {
      const Tensor projected = Constraint::from_config_value(value)(w);
      EXPECT_EQ(projected.shape(), w.shape());
      EXPECT_EQ(projected.dtype(), float32);
      expect_near(projected, want);
      ++constraints;
    }
  }
  EXPECT_EQ(regularizers, 9);
  EXPECT_EQ(constraints, 8);
}

TEST(Regularizers, GoThroughTheirConfiguration) {
  for (const char* name : {"l1", "l2", "l1_l2", "l1l2", "orthogonal_regularizer", "L1L2"}) {
    const Regularizer r = name;
    EXPECT_EQ(Regularizer::from_config_value(r.to_config_value()).get_config(), r.get_config());
    EXPECT_EQ(
        Regularizer::from_config_value(Config{{"class_name", r.class_name()}, {"config", r.get_config()}}).get_config(),
        r.get_config());
  }
  EXPECT_EQ(Regularizer("l1_l2").get_config().to_json(), R"({"l1": 0.0, "l2": 0.0})");
  EXPECT_EQ(Regularizer(regularizers::L2(0.5)).get_config().to_json(), R"({"l2": 0.5})");
  EXPECT_FALSE(Regularizer(""));
  EXPECT_THROW(Regularizer("l3"), ValueError);
  EXPECT_THROW(regularizers::L1(-1), ValueError);
  EXPECT_THROW(regularizers::OrthogonalRegularizer(0.1, {.mode = "diagonals"}), ValueError);
  EXPECT_THROW(regularizers::OrthogonalRegularizer()(Tensor{1.f}), ShapeError);
}

TEST(Regularizers, KeepTheDtypeOfTheWeight) {
  const Tensor w = cast(Tensor{{1.f, -2.f}}, float16);
  EXPECT_EQ(regularizers::L1L2(0.1, 0.1)(w).dtype(), float16);
  EXPECT_EQ(constraints::MaxNorm()(w).dtype(), float16);
  EXPECT_EQ(constraints::NonNeg()(cast(w, float64)).dtype(), float64);
}

TEST(Constraints, GoThroughTheirConfiguration) {
  for (const char* name : {"max_norm", "non_neg", "unit_norm", "min_max_norm", "MaxNorm"}) {
    const Constraint c = name;
    EXPECT_EQ(Constraint::from_config_value(c.to_config_value()).get_config(), c.get_config());
  }
  const Constraint filters = constraints::MaxNorm(3, {.axis = {0, 1, 2}});
  EXPECT_EQ(filters.get_config().to_json(), R"({"max_value": 3.0, "axis": [0, 1, 2]})");
  EXPECT_EQ(
      Constraint::from_config_value(Config{{"class_name", "MaxNorm"}, {"config", filters.get_config()}}).get_config(),
      filters.get_config());
  EXPECT_FALSE(Constraint(""));
  EXPECT_THROW(Constraint("max"), ValueError);
  EXPECT_THROW(constraints::MaxNorm(-1), ValueError);
  EXPECT_THROW(constraints::MinMaxNorm({.min_value = 2, .max_value = 1}), ValueError);
}

}  // namespace
}  // namespace strata
