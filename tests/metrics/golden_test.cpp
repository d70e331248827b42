// Metrics against real Keras: the results after each update, and after a reset.
#include <gtest/gtest.h>

#include "metrics/state.h"
#include "strata/array.h"
#include "strata/function.h"
#include "tests/support/training_golden.h"

namespace strata {
namespace {

void update(const metrics::Metric& metric, const Tensors& inputs) {
  metric.update_state(inputs[0], inputs.size() > 1 ? inputs[1] : Tensor(), inputs.size() > 2 ? inputs[2] : Tensor());
}

TEST(MetricGolden, ResultsAreKeras) {
  const auto family = test::GoldenFamily::load("metric");
  ASSERT_GT(family.cases.size(), 80u);
  for (const auto& c : family.cases) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const metrics::Metric metric = metrics::make_metric(test::class_of(c), test::config_from_json(c.at("config")));
    const Tensors results = family.list(c.at("results"));
    for (std::size_t i = 0; i < c.at("updates").size(); ++i) {
      update(metric, family.list(c.at("updates")[i]));
      EXPECT_EQ(test::compare(metric.result(), results[i]), "") << "after update " << i;
    }
    metric.reset_state();
    update(metric, family.list(c.at("updates")[0]));
    EXPECT_EQ(test::compare(metric.result(), results.back()), "") << "after the reset";
  }
}

TEST(MetricGolden, TracedIsEager) {
  const auto family = test::GoldenFamily::load("metric");
  for (const auto& c : family.cases) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const metrics::Metric eager = metrics::make_metric(test::class_of(c), test::config_from_json(c.at("config")));
    const metrics::Metric traced = eager.clone();
    auto step = function([&](const Tensors& inputs) {
      update(traced, inputs);
      return traced.result();
    });
    for (const auto& keys : c.at("updates")) {
      update(eager, family.list(keys));
      EXPECT_EQ(step(family.list(keys)).to_vector<float>(), eager.result().to_vector<float>());
    }
    EXPECT_EQ(step.num_traces(), 1);
  }
}

}  // namespace
}  // namespace strata
