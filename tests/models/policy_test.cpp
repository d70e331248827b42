#include "models/policy.h"

#include <gtest/gtest.h>

#include <limits>

#include "strata/strata.h"

namespace strata {
namespace {

using namespace strata::layers;

class PolicyTest : public testing::Test {
 protected:
  void TearDown() override { mixed_precision::set_global_policy("float32"); }
};

// The loss of a float16 layer, whose gradient is not finite where `factor` is too large.
Tensor overflowing_loss(const Dense& layer, float factor) {
  return reduce_mean(cast(layer(ones({4, 3})), float32)) * factor;
}

TEST_F(PolicyTest, LayersKeepThePolicyThatTheyWereMadeUnder) {
  mixed_precision::set_global_policy("mixed_bfloat16");
  const Dense mixed(2), plain(2, {.dtype = "float32"});
  mixed_precision::set_global_policy("float32");
  EXPECT_EQ(mixed.compute_dtype(), bfloat16);
  EXPECT_EQ(mixed.variable_dtype(), float32);
  EXPECT_EQ(Layer(mixed).get_config().get<std::string>("dtype"), "mixed_bfloat16");
  EXPECT_EQ(plain.compute_dtype(), float32);
  EXPECT_EQ(Dense(2).compute_dtype(), float32);
}

TEST_F(PolicyTest, InputsAndVariablesAreCastAndIntegersAreNot) {
  mixed_precision::set_global_policy("mixed_float16");
  const Dense layer(2);
  EXPECT_EQ(Tensor(layer(ones({1, 3}))).dtype(), float16);
  EXPECT_EQ(layer.weights()[0].value().dtype(), float32);  // outside of a call
  EXPECT_EQ(Tensor(Flatten()(ones({1, 3}, int32))).dtype(), int32);
}

TEST_F(PolicyTest, AnUnknownPolicyIsAnError) {
  EXPECT_THROW(mixed_precision::set_global_policy("mixed_float8"), ValueError);
  EXPECT_EQ(mixed_precision::global_policy(), "float32");
  EXPECT_THROW(Dense(2, {.dtype = "half"}), ValueError);
}

TEST_F(PolicyTest, SlowTypesSaySo) {
  EXPECT_EQ(slowness_of(policy_of("mixed_bfloat16"), true), "");
  EXPECT_NE(slowness_of(policy_of("mixed_bfloat16"), false).find("no bfloat16 arithmetic"), std::string::npos);
  EXPECT_NE(slowness_of(policy_of("mixed_float16"), false).find("mixed_bfloat16"), std::string::npos);
}

// capability: 4.16
TEST_F(PolicyTest, TheTapeReturnsGradientsOfTheLossItself) {
  mixed_precision::set_global_policy("mixed_float16");
  const Dense layer(2, {.kernel_initializer = "ones"});
  GradientTape tape;
  // 1e-6 of a gradient is 0 in a float16 (the smallest is 6e-8, and a mean over 8 divides), unless it is scaled.
  const Tensor loss = reduce_mean(cast(layer(ones({4, 3})), float32)) * 1e-7f;
  const Tensor gradient = tape.gradient(loss, layer.trainable_weights())[0];
  EXPECT_EQ(gradient.dtype(), float32);
  for (float g : gradient.to_vector<float>()) EXPECT_NEAR(g, 0.5e-7f, 1e-10f);
}

TEST_F(PolicyTest, StepsWithoutFiniteGradientsAreLeftOutAndCounted) {
  mixed_precision::set_global_policy("mixed_float16");
  for (const bool traced : {false, true}) {
    const Dense layer(2);
    layer.build({None, 3});
    const optimizers::Adam optimizer(0.1);
    auto step = [&](const Tensor& factor) {
      GradientTape tape;
      const Tensor loss = overflowing_loss(layer, 1.f) * factor;
      optimizer.apply_gradients(tape.gradient(loss, layer.trainable_weights()), layer.trainable_weights());
      return loss;
    };
    auto compiled = function(step);
    auto run = [&](float factor) { traced ? compiled(constant(factor)) : step(constant(factor)); };
    run(1.f);
    const Tensors before = layer.get_weights();
    const Tensor slot = optimizer.variables()[2].read();
    run(1e6f);
    EXPECT_EQ(optimizer.skipped_steps().item<std::int64_t>(), 1);
    EXPECT_EQ(optimizer.loss_scale().item<float>(), 16384.f);
    EXPECT_EQ(optimizer.iterations().read().item<std::int64_t>(), 1);
    for (std::size_t i = 0; i < before.size(); ++i)
      EXPECT_TRUE(reduce_all(equal(before[i], layer.get_weights()[i])).item<bool>());
    EXPECT_TRUE(reduce_all(equal(slot, optimizer.variables()[2].read())).item<bool>());
    run(1.f);
    EXPECT_EQ(optimizer.iterations().read().item<std::int64_t>(), 2);
    EXPECT_FALSE(reduce_all(equal(before[0], layer.get_weights()[0])).item<bool>());
  }
}

// Keras's dance and strata's, with and without: the same steps.
TEST_F(PolicyTest, ALossScaleOptimizerTakesScaledAndPlainLosses) {
  mixed_precision::set_global_policy("mixed_float16");
  Tensors results;
  for (const bool by_hand : {false, true}) {
    utils::set_random_seed(3);
    const Dense layer(2);
    layer.build({None, 3});
    const optimizers::LossScaleOptimizer optimizer(optimizers::SGD(0.5), {.initial_scale = 1024});
    for (int i = 0; i < 3; ++i) {
      GradientTape tape;
      const Tensor loss = overflowing_loss(layer, 1.f);
      const Tensor target = by_hand ? optimizer.scale_loss(loss) : loss;
      optimizer.apply_gradients(tape.gradient(target, layer.trainable_weights()), layer.trainable_weights());
    }
    EXPECT_EQ(optimizer.loss_scale().item<float>(), 1024.f);
    results.push_back(layer.get_weights()[0]);
  }
  EXPECT_LT(reduce_max(abs(results[0] - results[1])).item<float>(), 1e-6f);
}

TEST_F(PolicyTest, CompileWrapsForFloat16) {
  utils::set_random_seed(5);
  mixed_precision::set_global_policy("mixed_float16");
  const Sequential model({Input({3}), Dense(4, {.activation = "relu"}), Dense(1, {.dtype = "float32"})});
  model.compile({.optimizer = "adam", .loss = "mse"});
  EXPECT_EQ(model.optimizer().class_name(), "LossScaleOptimizer");
  const Tensor x = random::normal({32, 3}, {.seed = 1}), y = reduce_sum(x, 1, {.keepdims = true});
  const auto history = model.fit(x, y, {.epochs = 3, .verbose = 0});
  EXPECT_LT(history.history.at("loss").back(), history.history.at("loss").front());
  EXPECT_EQ(model.optimizer().iterations().read().item<std::int64_t>(), 3);
  const auto again = optimizers::Optimizer::from_config_value(model.optimizer().to_config_value());
  EXPECT_EQ(again.class_name(), "LossScaleOptimizer");
  EXPECT_EQ(model.optimizer().clone().get_config().to_json(), model.optimizer().get_config().to_json());
}

TEST_F(PolicyTest, ALossScaleOptimizerChecksItsArguments) {
  using optimizers::LossScaleOptimizer;
  EXPECT_THROW(LossScaleOptimizer(optimizers::Optimizer()), ValueError);
  const optimizers::Optimizer wrapped = LossScaleOptimizer("sgd");
  EXPECT_THROW(LossScaleOptimizer{wrapped}, ValueError);
  EXPECT_THROW(LossScaleOptimizer("sgd", {.initial_scale = 0}), ValueError);
  EXPECT_THROW(LossScaleOptimizer("sgd", {.dynamic_growth_steps = 0}), ValueError);
}

}  // namespace
}  // namespace strata
