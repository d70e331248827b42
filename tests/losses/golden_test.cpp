// Losses and their gradients against real Keras.
#include <gtest/gtest.h>

#include "losses/registry.h"
#include "strata/array.h"
#include "strata/function.h"
#include "strata/math.h"
#include "strata/reduce.h"
#include "strata/tape.h"
#include "tests/support/training_golden.h"

namespace strata {
namespace {

Tensor call(const losses::Loss& loss, const Tensors& inputs) {
  return inputs.size() == 3 ? loss(inputs[0], inputs[1], inputs[2]) : loss(inputs[0], inputs[1]);
}

TEST(LossGolden, ValuesAndGradientsAreKeras) {
  const auto family = test::GoldenFamily::load("loss");
  ASSERT_GT(family.cases.size(), 100u);
  for (const auto& c : family.cases) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const losses::Loss loss = losses::make_loss(test::class_of(c), test::config_from_json(c.at("config")));
    const Tensors inputs = family.list(c.at("inputs"));
    const Tensor expected = family.array(c.at("outputs")[0]);
    const Tensor value = call(loss, inputs);
    EXPECT_EQ(test::compare(value, expected), "");
    if (!c.contains("cotangents")) continue;
    std::vector<Source> sources;
    std::vector<Tensor> wanted;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (!c.at("grads")[i].is_null()) {
        sources.emplace_back(inputs[i]);
        wanted.push_back(family.array(c.at("grads")[i]));
      }
    GradientTape tape({.persistent = true});
    for (const Tensor& x : inputs)
      if (is_floating(x.dtype())) tape.watch(x);
    const Tensor target = reduce_sum(call(loss, inputs) * family.array(c.at("cotangents")[0]));
    for (std::size_t i = 0; i < sources.size(); ++i)
      EXPECT_EQ(test::compare(tape.gradient(target, sources[i], {.unconnected_gradients = "zero"}), wanted[i]), "")
          << "gradient " << i;
  }
}

TEST(LossGolden, TracedIsEager) {
  const auto family = test::GoldenFamily::load("loss");
  for (const auto& c : family.cases) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const losses::Loss loss = losses::make_loss(test::class_of(c), test::config_from_json(c.at("config")));
    const Tensors inputs = family.list(c.at("inputs"));
    auto step = function([&](const Tensors& x) { return call(loss, x); });
    EXPECT_EQ(step(inputs).to_vector<float>(), call(loss, inputs).to_vector<float>());
  }
}

}  // namespace
}  // namespace strata
