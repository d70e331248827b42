// Losses, metrics, optimizers, schedules and initializers against Keras, made from Keras's names and arguments.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "strata/array.h"
#include "strata/initializers.h"
#include "strata/linalg.h"
#include "strata/losses.h"
#include "strata/math.h"
#include "strata/metrics.h"
#include "strata/optimizers.h"
#include "strata/random.h"
#include "strata/reduce.h"
#include "strata/tape.h"
#include "tests/support/golden.h"

namespace strata::test {
namespace {

// capability: 4.8
TEST(Golden, Losses) {
  walk_golden("loss", [](const GoldenCase& c) {
    const losses::Loss loss = losses::Loss::from_config_value(to_object(c, "loss"));
    check_function(
        c, [&](const Json&, const Tensors& x) { return Tensors{loss(x[0], x[1], x.size() > 2 ? x[2] : Tensor())}; });
  });
}

// Updates with (values, weight) or (y_true, y_pred, weight).
void update(const metrics::Metric& metric, const Tensors& x, bool is_mean) {
  if (is_mean)
    metric.update_state(x[0], {}, x.size() > 1 ? x[1] : Tensor());
  else
    metric.update_state(x[0], x[1], x.size() > 2 ? x[2] : Tensor());
}

void check_metric(const GoldenCase& c) {
  const metrics::Metric metric = metrics::Metric::from_config_value(to_object(c, "metric"));
  const bool is_mean = c.target() == "metrics.Mean" || c.target() == "metrics.Sum";
  std::vector<Tensors> updates;
  for (const Json& keys : c.json.at("updates")) {
    Tensors x;
    for (const Json& key : keys) x.push_back(c.array(key));
    updates.push_back(x);
  }
  const Tensors want = c.arrays("results");
  ASSERT_EQ(want.size(), updates.size() + 1);
  for (std::size_t i = 0; i < updates.size(); ++i) {
    update(metric, updates[i], is_mean);
    expect_close(metric.result(), want[i], 1e-5, "result after update " + std::to_string(i));
  }
  metric.reset_state();
  update(metric, updates[0], is_mean);
  expect_close(metric.result(), want.back(), 1e-5, "result after reset_state");
}

// capability: 4.9
TEST(Golden, Metrics) { walk_golden("metric", check_metric); }

void check_optimizer(const GoldenCase& c) {
  const auto optimizer = optimizers::Optimizer::from_config_value(to_object(c, "optimizer"));
  const Tensors inputs = c.arrays("inputs"), first = c.arrays("weights");
  const std::vector<float> want = c.array(c.json.at("losses")).to_vector<float>();
  const std::vector<Variable> variables = {Variable(first[0], {.name = "w"}), Variable(first[1], {.name = "b"})};
  const Json& checkpoints = c.json.at("variables");
  const bool rows = c.json.at("rows");
  for (std::size_t step = 0; step < want.size(); ++step) {
    GradientTape tape;
    const Tensor product = rows ? gather(variables[0], inputs[0]) : matmul(inputs[0], variables[0]);
    const Tensor loss = reduce_mean(square(product + variables[1] - inputs[1]));
    EXPECT_NEAR(loss.item<float>(), want[step], 1e-5 * std::max(1.f, want[step])) << "step " << step;
    optimizer.apply_gradients(tape.gradient(loss, variables), variables);
    if (step % 5 != 4) continue;
    for (std::size_t i = 0; i < variables.size(); ++i)
      expect_close(variables[i].value(), c.array(checkpoints[step / 5][i]), 1e-5,
                   variables[i].name() + " after step " + std::to_string(step));
  }
  // After the iteration and the learning rate, the slots in Keras's order.
  const Tensors slots = c.arrays("slots");
  const std::vector<Variable> own = optimizer.variables();
  ASSERT_EQ(own.size(), slots.size() + 2);
  for (std::size_t i = 0; i < slots.size(); ++i)
    expect_close(own[i + 2].read(), slots[i], 1e-5, "slot " + own[i + 2].name());
}

// capability: 4.6, 4.7
TEST(Golden, Optimizers) { walk_golden("optimizer", check_optimizer); }

// capability: 4.18
TEST(Golden, Schedules) {
  using optimizers::schedules::Schedule;
  walk_golden("schedule", [](const GoldenCase& c) {
    const Schedule schedule = Schedule::from_config_value(to_object(c, "schedule"));
    std::vector<float> rates;
    for (std::int64_t step : c.arrays("inputs")[0].to_vector<std::int64_t>())
      rates.push_back(schedule(Tensor(step)).item<float>());
    expect_close(Tensor::from(rates, {static_cast<std::int64_t>(rates.size())}), c.arrays("outputs")[0], 1e-6, "rates");
  });
}

// The largest |W^T W / gain^2 - 1| of a kernel, as a matrix of as many columns as output channels.
double distance_from_orthogonal(const Tensor& w, double gain) {
  const Tensor m = reshape(w, {-1, w.shape().back()});
  const Tensor product = matmul(m, m, {.transpose_a = true}) / static_cast<float>(gain * gain);
  return reduce_max(abs(product - eye(w.shape().back()))).item<double>();
}

void check_initializer(const GoldenCase& c) {
  const Initializer initializer = Initializer::from_config_value(to_object(c, "initializer"));
  const Tensor draw = initializer(Shape(ints(c.json, "shape")));
  if (c.json.contains("outputs")) {
    expect_close(draw, c.arrays("outputs")[0], 0, "value");
    return;
  }
  const double tolerance = c.json.at("tolerance");
  if (!c.json.contains("statistics")) {
    EXPECT_LE(distance_from_orthogonal(draw, c.config().value("gain", 1.0)), tolerance);
    return;
  }
  const Json& s = c.json.at("statistics");
  const double mean = s[0], deviation = s[1];
  // Both means are of samples: five standard errors of their difference.
  const double chance = 5 * std::sqrt(2.0 / static_cast<double>(draw.size()));
  EXPECT_NEAR(reduce_mean(draw).item<double>(), mean, std::max(tolerance, chance) * deviation);
  EXPECT_NEAR(reduce_std(draw).item<double>(), deviation, tolerance * deviation);
  if (s[2].is_null()) return;
  EXPECT_GE(reduce_min(draw).item<double>(), s[2].get<double>() * (1 + 1e-6 * (s[2] < 0 ? 1 : -1)));
  EXPECT_LE(reduce_max(draw).item<double>(), s[3].get<double>() * (1 + 1e-6));
}

TEST(Golden, Initializers) {
  utils::set_random_seed(1);
  walk_golden("initializer", check_initializer);
}

}  // namespace
}  // namespace strata::test
