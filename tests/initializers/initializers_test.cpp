#include "strata/initializers.h"

#include <gtest/gtest.h>

#include <cmath>

#include "strata/random.h"
#include "tests/support/errors.h"
#include "tests/support/golden.h"

namespace strata {
namespace {

namespace in = initializers;

using test::message_of;

void check_statistics(const Tensor& t, const test::Json& expected, double tolerance) {
  const std::vector<double> values = t.to_vector<double>();
  double mean = 0, variance = 0, low = INFINITY, high = -INFINITY;
  for (const double v : values) mean += v / static_cast<double>(values.size());
  for (const double v : values) {
    variance += (v - mean) * (v - mean) / static_cast<double>(values.size());
    low = std::min(low, v), high = std::max(high, v);
  }
  const double deviation = expected[1];
  EXPECT_NEAR(mean, expected[0].get<double>(), tolerance * deviation);
  EXPECT_NEAR(std::sqrt(variance), deviation, tolerance * deviation);
  // The bounds hold, up to their rounding to float32, and are nearly reached.
  if (!expected[2].is_null()) {
    EXPECT_GE(low, expected[2].get<double>() - 1e-6);
    EXPECT_NEAR(low, expected[2].get<double>(), 0.05 * deviation);
  }
  if (!expected[3].is_null()) {
    EXPECT_LE(high, expected[3].get<double>() + 1e-6);
    EXPECT_NEAR(high, expected[3].get<double>(), 0.05 * deviation);
  }
}

// The rows, or the columns, of which there are fewer are orthogonal and as long as the gain.
void check_orthogonal(const Tensor& t, double gain, double tolerance) {
  const auto columns = static_cast<std::size_t>(t.shape().back());
  const std::size_t rows = static_cast<std::size_t>(t.size()) / columns;
  const std::vector<double> w = t.to_vector<double>();
  const bool by_columns = columns <= rows;
  const std::size_t count = by_columns ? columns : rows, length = by_columns ? rows : columns;
  auto at = [&](std::size_t vector, std::size_t i) {
    return by_columns ? w[i * columns + vector] : w[vector * columns + i];
  };
  for (std::size_t a = 0; a < count; ++a)
    for (std::size_t b = 0; b < count; ++b) {
      double dot = 0;
      for (std::size_t i = 0; i < length; ++i) dot += at(a, i) * at(b, i);
      EXPECT_NEAR(dot / (gain * gain), a == b ? 1 : 0, tolerance) << a << " " << b;
    }
}

TEST(Initializers, AreKerassInTheGoldenCases) {
  utils::set_random_seed(3);
  test::walk_golden("initializer", [](const test::GoldenCase& c) {
    const Initializer initializer = Initializer::from_config_value(test::to_object(c, "initializer"));
    const Shape shape(c.json.at("shape").get<std::vector<std::int64_t>>());
    const Tensor t = initializer(shape);
    EXPECT_EQ(t.shape(), shape);
    EXPECT_EQ(t.dtype(), float32);
    if (c.json.contains("statistics"))
      check_statistics(t, c.json.at("statistics"), c.json.at("tolerance"));
    else if (c.target() == "initializers.Orthogonal")
      check_orthogonal(t, c.config().value("gain", 1.), c.json.at("tolerance"));
    else
      test::expect_close(t, c.arrays("outputs").at(0), 0, c.name());
  });
}

TEST(Initializers, WideOrthogonalMatricesHaveOrthogonalRows) {
  check_orthogonal(in::Orthogonal({.seed = 1})({5, 30}, float32), 1, 1e-6);
  check_orthogonal(in::Orthogonal({.seed = 1})({2, 3, 40}, float64), 1, 1e-12);
}

TEST(Initializers, HaveKerassNamesAndDefaults) {
  for (const char* name : {"zeros",
                           "ones",
                           "constant",
                           "random_normal",
                           "random_uniform",
                           "truncated_normal",
                           "variance_scaling",
                           "glorot_uniform",
                           "glorot_normal",
                           "he_uniform",
                           "he_normal",
                           "lecun_uniform",
                           "lecun_normal",
                           "orthogonal",
                           "identity",
                           "normal",
                           "uniform",
                           "zero",
                           "one",
                           "GlorotUniform",
                           "OrthogonalInitializer"}) {
    const Initializer by_name = name;
    const Initializer again = Initializer::from_config_value(by_name.to_config_value());
    EXPECT_EQ(again.class_name(), by_name.class_name());
    EXPECT_EQ(again.get_config(), by_name.get_config());
    const Initializer described =
        Initializer::from_config_value(Config{{"class_name", by_name.class_name()}, {"config", by_name.get_config()}});
    EXPECT_EQ(described.get_config(), by_name.get_config()) << name;
    EXPECT_EQ(by_name({4, 4}, float64).dtype(), float64) << name;
  }
  EXPECT_EQ(Initializer("random_normal").get_config().to_json(), R"({"seed": null, "mean": 0.0, "stddev": 0.05})");
  EXPECT_EQ(Initializer("random_uniform").get_config().to_json(), R"({"seed": null, "minval": -0.05, "maxval": 0.05})");
  EXPECT_EQ(Initializer("variance_scaling").get_config().to_json(),
            R"({"seed": null, "scale": 1.0, "mode": "fan_in", "distribution": "truncated_normal", "input_axes": null, )"
            R"("output_axes": null})");
  EXPECT_FALSE(Initializer(""));
  EXPECT_FALSE(Initializer::from_config_value({}));
}

TEST(Initializers, AreCalledWithAShapeAlone) {
  EXPECT_EQ(initializers::HeNormal()({2, 3}).shape(), Shape({2, 3}));
  EXPECT_EQ(initializers::Ones()({2}).dtype(), float32);
}

TEST(Initializers, ASeedRepeatsAndWithoutOneWeightsDiffer) {
  const Initializer seeded = in::HeNormal({.seed = 4}), unseeded = in::HeNormal();
  EXPECT_EQ(seeded({3, 3}).to_vector<float>(), seeded({3, 3}).to_vector<float>());
  EXPECT_NE(unseeded({3, 3}).to_vector<float>(), unseeded({3, 3}).to_vector<float>());
  utils::set_random_seed(2);
  const std::vector<float> first = unseeded({3, 3}).to_vector<float>();
  utils::set_random_seed(2);
  EXPECT_EQ(unseeded({3, 3}).to_vector<float>(), first);
  EXPECT_EQ(seeded.get_config().get<int>("seed"), 4);
}

class Halves final : public Initializer::Base {
 public:
  Tensor operator()(const Shape& shape, DType dtype) const override { return in::Constant(0.5)(shape, dtype); }
  std::string class_name() const override { return "Halves"; }
};

TEST(Initializers, OnesOfAUserWork) {
  const Initializer mine = Halves();
  EXPECT_EQ(mine({2}).to_vector<float>(), (std::vector<float>{0.5f, 0.5f}));
  const Initializer kept = Initializer::from_config_value(mine.to_config_value());
  EXPECT_EQ(kept.class_name(), "Halves");
}

TEST(Initializers, WrongArgumentsSaySo) {
  EXPECT_EQ(message_of([] { Initializer("glorot"); }),
            "unknown initializer 'glorot'. Use one of 'zeros', 'ones', 'constant', 'random_normal', 'random_uniform', "
            "'truncated_normal', 'variance_scaling', 'glorot_uniform', 'glorot_normal', 'he_uniform', 'he_normal', "
            "'lecun_uniform', 'lecun_normal', 'orthogonal', 'identity', or pass an object of a class of your own.");
  EXPECT_THROW(in::VarianceScaling({.scale = 0}), ValueError);
  EXPECT_THROW(in::VarianceScaling({.mode = "fan"}), ValueError);
  EXPECT_THROW(in::VarianceScaling({.distribution = "cauchy"}), ValueError);
  EXPECT_THROW(in::Orthogonal()({3}, float32), ShapeError);
  EXPECT_THROW(in::Identity()({3, 3, 3}, float32), ShapeError);
  EXPECT_THROW(Initializer()({3}), ValueError);
}

}  // namespace
}  // namespace strata
