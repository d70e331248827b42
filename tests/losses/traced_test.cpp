// Inside function(), the losses of all golden cases are what they are outside, bit for bit.
#include <gtest/gtest.h>

#include "strata/function.h"
#include "strata/losses.h"
#include "tests/support/golden.h"

namespace strata {
namespace {

TEST(LossesTraced, EqualEager) {
  test::walk_golden("loss", [](const test::GoldenCase& c) {
    const losses::Loss loss = losses::Loss::from_config_value(test::to_object(c, "loss"));
    const Tensors inputs = c.arrays("inputs");
    auto call = [&](const Tensors& x) { return loss(x[0], x[1], x.size() > 2 ? x[2] : Tensor()); };
    EXPECT_EQ(function(call)(inputs).to_vector<float>(), call(inputs).to_vector<float>());
  });
}

}  // namespace
}  // namespace strata
