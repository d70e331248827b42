// Learning-rate schedules: values of Keras 3.15, and the step as a traced tensor.
// capability: 4.18
#include "strata/schedules.h"

#include <gtest/gtest.h>

#include <cmath>

#include "strata/array.h"
#include "strata/function.h"
#include "strata/math.h"

namespace strata {
namespace {

namespace schedules = optimizers::schedules;

std::vector<double> at(const schedules::Schedule& schedule, const std::vector<std::int64_t>& steps) {
  std::vector<double> out;
  auto traced = function([&](const Tensor& step) { return schedule(step); });
  for (std::int64_t step : steps) {
    const Tensor rate = schedule(constant(step, int64));
    EXPECT_EQ(rate.dtype(), float32);
    EXPECT_EQ(rate.shape(), Shape{});
    EXPECT_EQ(traced(constant(step, int64)).item<float>(), rate.item<float>());
    out.push_back(rate.item<double>());
  }
  EXPECT_LE(traced.num_traces(), 1);
  return out;
}

void expect_near(const std::vector<double>& actual, const std::vector<double>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i)
    EXPECT_NEAR(actual[i], expected[i], 1e-5 * std::abs(expected[i]) + 1e-9) << "value " << i;
}

TEST(Schedules, Constant) { expect_near(at(0.25, {0, 100}), {0.25, 0.25}); }

TEST(Schedules, ExponentialDecay) {
  expect_near(at(schedules::ExponentialDecay(0.1, 10, 0.5), {0, 5, 10, 25}),
              {0.1, 0.1 * std::pow(0.5, 0.5), 0.05, 0.1 * std::pow(0.5, 2.5)});
  expect_near(at(schedules::ExponentialDecay(0.1, 10, {.decay_rate = 0.5, .staircase = true}), {0, 9, 10, 25}),
              {0.1, 0.1, 0.05, 0.025});
}

TEST(Schedules, InverseTimeDecay) {
  expect_near(at(schedules::InverseTimeDecay(0.1, 10, 0.5), {0, 10, 20}), {0.1, 0.1 / 1.5, 0.05});
}

TEST(Schedules, PiecewiseConstantDecay) {
  expect_near(at(schedules::PiecewiseConstantDecay({10, 20}, {1.0, 0.5, 0.1}), {0, 10, 11, 20, 21, 1000}),
              {1, 1, 0.5, 0.5, 0.1, 0.1});
  EXPECT_THROW(schedules::PiecewiseConstantDecay({10, 20}, {1.0}), ValueError);
}

TEST(Schedules, PolynomialDecay) {
  expect_near(at(schedules::PolynomialDecay(0.1, 10, {.end_learning_rate = 0.02, .power = 2}), {0, 5, 10, 15}),
              {0.1, 0.02 + 0.08 * 0.25, 0.02, 0.02});
  expect_near(at(schedules::PolynomialDecay(0.1, 10, {.end_learning_rate = 0.02, .cycle = true}), {0, 10, 15, 20}),
              {0.1, 0.02, 0.02 + 0.08 * 0.25, 0.02});
}

TEST(Schedules, CosineDecay) {
  const double half = std::cos(M_PI * 0.25);
  expect_near(at(schedules::CosineDecay(0.1, 100), {0, 25, 50, 100, 200}), {0.1, 0.05 * (1 + half), 0.05, 0, 0});
  expect_near(at(schedules::CosineDecay(0.1, 100, {.alpha = 0.1}), {100}), {0.01});
  expect_near(at(schedules::CosineDecay(0.0, 100, {.warmup_target = 0.2, .warmup_steps = 10}), {0, 5, 10, 60, 110}),
              {0, 0.1, 0.2, 0.1, 0});
}

TEST(Schedules, CosineDecayRestarts) {
  expect_near(at(schedules::CosineDecayRestarts(0.1, 10, {.t_mul = 1, .m_mul = 0.5}), {0, 5, 10, 15, 20}),
              {0.1, 0.05, 0.05, 0.025, 0.025});
  expect_near(at(schedules::CosineDecayRestarts(0.1, 10, {.t_mul = 2}), {0, 5, 20, 50}), {0.1, 0.05, 0.05, 0.05});
}

TEST(Schedules, OfACallable) {
  const schedules::Schedule mine = [](const Tensor& step) { return 1.f / (cast(step, float32) + 1.f); };
  expect_near(at(mine, {0, 1, 3}), {1, 0.5, 0.25});
}

TEST(Schedules, ConfigMakesTheScheduleAgain) {
  for (const schedules::Schedule& schedule :
       {schedules::Schedule(schedules::ExponentialDecay(0.1, 10, 0.5, {.staircase = true})),
        schedules::Schedule(schedules::InverseTimeDecay(0.1, 10, 0.5)),
        schedules::Schedule(schedules::PiecewiseConstantDecay({1, 2}, {0.1, 0.2, 0.3})),
        schedules::Schedule(schedules::PolynomialDecay(0.1, 10, {.power = 2, .cycle = true})),
        schedules::Schedule(schedules::CosineDecay(0.1, 10, {.warmup_target = 0.2, .warmup_steps = 3})),
        schedules::Schedule(schedules::CosineDecayRestarts(0.1, 10, {.t_mul = 3}))}) {
    const Config::Value value = schedule.to_config_value();
    const auto again = schedules::Schedule::from_config_value(
        Config::Value::object(value.class_name(), value.as_map(), nullptr, "schedule"));
    EXPECT_EQ(again.get_config(), schedule.get_config()) << schedule.class_name();
  }
  EXPECT_THROW(schedules::CosineDecay(0.1, 0), ValueError);
}

}  // namespace
}  // namespace strata
