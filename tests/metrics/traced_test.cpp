// Inside function(), the metrics of all golden cases are what they are outside, bit for bit, in one trace.
#include <gtest/gtest.h>

#include "strata/function.h"
#include "strata/metrics.h"
#include "tests/support/golden.h"

namespace strata {
namespace {

TEST(MetricsTraced, EqualEager) {
  test::walk_golden("metric", [](const test::GoldenCase& c) {
    const metrics::Metric eager = metrics::Metric::from_config_value(test::to_object(c, "metric"));
    const metrics::Metric traced = eager.clone();
    auto update = [](const metrics::Metric& metric, const Tensors& x) {
      metric.update_state(x[0], x.size() > 1 ? x[1] : Tensor(), x.size() > 2 ? x[2] : Tensor());
      return metric.result();
    };
    auto step = function([&](const Tensors& x) { return update(traced, x); });
    for (const auto& keys : c.json.at("updates")) {
      Tensors x;
      for (const auto& key : keys) x.push_back(c.array(key));
      EXPECT_EQ(step(x).to_vector<float>(), update(eager, x).to_vector<float>());
    }
    EXPECT_EQ(step.num_traces(), 1);
  });
}

}  // namespace
}  // namespace strata
