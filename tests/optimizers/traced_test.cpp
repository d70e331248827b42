// Inside function(), the optimizers of all golden cases take the steps that they take outside, bit for bit.
#include <gtest/gtest.h>

#include "strata/array.h"
#include "strata/function.h"
#include "strata/linalg.h"
#include "strata/math.h"
#include "strata/optimizers.h"
#include "strata/reduce.h"
#include "strata/tape.h"
#include "tests/support/golden.h"

namespace strata {
namespace {

// The mean of squares of a w + b - y.
struct Problem {
  explicit Problem(const test::GoldenCase& c)
      : a(c.arrays("inputs")[0]),
        y(c.arrays("inputs")[1]),
        variables{Variable(c.arrays("weights")[0], {.name = "w"}), Variable(c.arrays("weights")[1], {.name = "b"})},
        optimizer(optimizers::Optimizer::from_config_value(test::to_object(c, "optimizer"))) {}
  Tensor step() const {
    GradientTape tape;
    // Golden cases of rows have their numbers in `a`.
    const Tensor product = is_floating(a.dtype()) ? matmul(a, variables[0]) : gather(variables[0], a);
    const Tensor loss = reduce_mean(square(product + variables[1] - y));
    optimizer.apply_gradients(tape.gradient(loss, variables), variables);
    return loss;
  }
  Tensor a, y;
  std::vector<Variable> variables;
  optimizers::Optimizer optimizer;
};

TEST(OptimizersTraced, EqualEager) {
  test::walk_golden("optimizer", [](const test::GoldenCase& c) {
    const Problem eager(c), traced(c);
    auto step = function([&](const Tensor&) { return traced.step(); });
    for (int i = 0; i < 7; ++i) EXPECT_EQ(step(zeros({1})).item<float>(), eager.step().item<float>());
    EXPECT_EQ(step.num_traces(), 1);
    for (std::size_t i = 0; i < 2; ++i)
      EXPECT_EQ(traced.variables[i].read().to_vector<float>(), eager.variables[i].read().to_vector<float>());
    const auto slots = traced.optimizer.variables(), wanted = eager.optimizer.variables();
    ASSERT_EQ(slots.size(), wanted.size());
    for (std::size_t i = 0; i < slots.size(); ++i)
      EXPECT_EQ(slots[i].read().to_vector<float>(), wanted[i].read().to_vector<float>()) << slots[i].name();
  });
}

}  // namespace
}  // namespace strata
