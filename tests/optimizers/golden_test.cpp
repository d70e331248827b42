// Twenty steps of each optimizer against real Keras, eagerly and traced.
#include <gtest/gtest.h>

#include "optimizers/state.h"
#include "strata/array.h"
#include "strata/function.h"
#include "strata/linalg.h"
#include "strata/math.h"
#include "strata/reduce.h"
#include "strata/tape.h"
#include "tests/support/training_golden.h"

namespace strata {
namespace {

// Mean of squares of a w + b - y.
struct Problem {
  Problem(const test::GoldenFamily& family, const nlohmann::json& c)
      : a(family.array(c.at("inputs")[0])),
        y(family.array(c.at("inputs")[1])),
        w(family.array(c.at("weights")[0]), {.name = "w"}),
        b(family.array(c.at("weights")[1]), {.name = "b"}),
        optimizer(optimizers::make_optimizer(test::class_of(c), test::config_from_json(c.at("config")))) {}
  Tensor step() const {
    GradientTape tape;
    const Tensor loss = reduce_mean(square(matmul(a, w) + b - y));
    optimizer.apply_gradients(tape.gradient(loss, {w, b}), {w, b});
    return loss;
  }
  Tensor a, y;
  Variable w, b;
  optimizers::Optimizer optimizer;
};

TEST(OptimizerGolden, TwentyStepsAreKeras) {
  const auto family = test::GoldenFamily::load("optimizer");
  ASSERT_GE(family.cases.size(), 20u);
  for (const auto& c : family.cases) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const Problem problem(family, c);
    const Tensor losses = family.array(c.at("losses"));
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(test::compare(problem.step(), losses[i]), "") << "loss of step " << i;
      if (i % 5 != 4) continue;
      const Tensors expected = family.list(c.at("variables")[static_cast<std::size_t>(i / 5)]);
      EXPECT_EQ(test::compare(problem.w, expected[0]), "") << "w after step " << i;
      EXPECT_EQ(test::compare(problem.b, expected[1]), "") << "b after step " << i;
    }
    EXPECT_EQ(problem.optimizer.iterations().read().item<std::int64_t>(), 20);
  }
}

TEST(OptimizerGolden, TracedIsEager) {
  const auto family = test::GoldenFamily::load("optimizer");
  for (const auto& c : family.cases) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const Problem eager(family, c), traced(family, c);
    auto step = function([&](const Tensor&) { return traced.step(); });
    for (int i = 0; i < 7; ++i) EXPECT_EQ(step(zeros({1})).item<float>(), eager.step().item<float>());
    EXPECT_EQ(traced.w.read().to_vector<float>(), eager.w.read().to_vector<float>());
    EXPECT_EQ(traced.b.read().to_vector<float>(), eager.b.read().to_vector<float>());
    const auto slots = traced.optimizer.variables(), wanted = eager.optimizer.variables();
    ASSERT_EQ(slots.size(), wanted.size());
    for (std::size_t i = 0; i < slots.size(); ++i)
      EXPECT_EQ(slots[i].read().to_vector<float>(), wanted[i].read().to_vector<float>()) << slots[i].name();
  }
}

}  // namespace
}  // namespace strata
