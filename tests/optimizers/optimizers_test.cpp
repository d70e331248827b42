// Handles, slots, options and errors; hand-computed steps.
#include "strata/optimizers.h"

#include <gtest/gtest.h>

#include <cmath>

#include "graph/variable.h"
#include "strata/array.h"
#include "strata/function.h"
#include "strata/math.h"
#include "strata/reduce.h"
#include "strata/tape.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

using optimizers::Optimizer;

using test::message_of;

using test::has;

std::vector<float> values(const Variable& v) { return v.read().to_vector<float>(); }

TEST(Optimizers, GradientDescentByHand) {
  const Variable w(Tensor({1.f, 2.f}), {.name = "w"});
  const optimizers::SGD sgd(0.5);
  sgd.apply_gradients({Tensor({0.2f, -0.4f})}, {w});
  EXPECT_FLOAT_EQ(values(w)[0], 0.9f);
  EXPECT_FLOAT_EQ(values(w)[1], 2.2f);
  EXPECT_EQ(sgd.iterations().read().item<std::int64_t>(), 1);
}

TEST(Optimizers, MomentumByHand) {
  const Variable w(Tensor({1.f}), {.name = "w"}), n(Tensor({1.f}), {.name = "n"});
  const optimizers::SGD plain(0.1, {.momentum = 0.9}), nesterov(0.1, {.momentum = 0.9, .nesterov = true});
  for (int i = 0; i < 2; ++i) {
    plain.apply_gradients({Tensor({1.f})}, {w});
    nesterov.apply_gradients({Tensor({1.f})}, {n});
  }
  // v = -0.1, -0.19; nesterov adds 0.9 v - 0.1
  EXPECT_FLOAT_EQ(values(w)[0], 1 - 0.1f - 0.19f);
  EXPECT_FLOAT_EQ(values(n)[0], 1 - 0.19f - 0.271f);
}

TEST(Optimizers, FirstStepOfAdamIsTheLearningRate) {
  const Variable w(Tensor({1.f, 1.f}), {.name = "w"});
  const optimizers::Adam adam(0.1);
  adam.apply_gradients({Tensor({3.f, -0.01f})}, {w});
  EXPECT_NEAR(values(w)[0], 0.9, 1e-5);
  // Keras adds epsilon before the bias of the second moment is corrected.
  EXPECT_NEAR(values(w)[1], 1 + 0.1 * 0.01 / (0.01 + 1e-7 / std::sqrt(0.001)), 1e-6);
}

TEST(Optimizers, WeightDecayIsApartFromTheGradient) {
  const Variable w(Tensor({10.f}), {.name = "kernel"}), b(Tensor({10.f}), {.name = "bias"});
  const optimizers::SGD sgd(0.1, {.weight_decay = 0.5});
  sgd.exclude_from_weight_decay({}, {"bias"});
  sgd.apply_gradients({zeros({1}), zeros({1})}, {w, b});
  EXPECT_FLOAT_EQ(values(w)[0], 9.5f);
  EXPECT_FLOAT_EQ(values(b)[0], 10.f);
  EXPECT_TRUE(has(message_of([&] { sgd.exclude_from_weight_decay({w}); }), "before"));
  EXPECT_EQ(optimizers::AdamW().get_config().get<double>("weight_decay"), 0.004);
}

TEST(Optimizers, ClippingByHand) {
  const Variable a(Tensor({0.f, 0.f}), {.name = "a"}), b(Tensor({0.f}), {.name = "b"});
  auto step = [&](const optimizers::SGDOptions& options) {
    a.assign(zeros({2})), b.assign(zeros({1}));
    optimizers::SGD(1.0, options).apply_gradients({Tensor({3.f, 4.f}), Tensor({12.f})}, {a, b});
  };
  step({.clipnorm = 1.0});
  EXPECT_NEAR(values(a)[0], -0.6, 1e-6);
  EXPECT_NEAR(values(b)[0], -1, 1e-6);
  step({.clipvalue = 3.5});
  EXPECT_EQ(values(a), (std::vector<float>{-3.f, -3.5f}));
  step({.global_clipnorm = 1.3});
  EXPECT_NEAR(values(a)[1], -0.4, 1e-6);
  EXPECT_NEAR(values(b)[0], -1.2, 1e-6);
  EXPECT_TRUE(has(message_of([] { optimizers::Adam({.clipnorm = 1.0, .clipvalue = 1.0}); }), "only one"));
}

TEST(Optimizers, SlotsAreNamedAsInKeras) {
  const Variable w(zeros({2, 3}), {.name = "kernel"}), b(zeros({3}), {.name = "bias"});
  const optimizers::Adam adam({.amsgrad = true});
  EXPECT_EQ(adam.variables().size(), 2u);
  adam.build({w, b});
  std::vector<std::string> names;
  for (const Variable& v : adam.variables()) names.push_back(v.name());
  EXPECT_EQ(names,
            (std::vector<std::string>{"iteration", "learning_rate", "kernel_momentum", "kernel_velocity",
                                      "bias_momentum", "bias_velocity", "kernel_velocity_hat", "bias_velocity_hat"}));
  EXPECT_EQ(adam.variables()[0].dtype(), int64);
  EXPECT_EQ(adam.variables()[2].shape(), (Shape{2, 3}));
}

TEST(Optimizers, LearningRateIsReadAndAssigned) {
  const Variable w(Tensor({1.f}), {.name = "w"});
  optimizers::SGD sgd(0.5);
  const Optimizer copy = sgd;
  auto step = function([&](const Tensor& g) {
    sgd.apply_gradients({g}, {w});
    return w.read();
  });
  EXPECT_FLOAT_EQ(step(Tensor({1.f})).item<float>(), 0.5f);
  copy.learning_rate = 0.1;
  EXPECT_FLOAT_EQ(sgd.learning_rate().item<float>(), 0.1f);
  EXPECT_FLOAT_EQ(step(Tensor({1.f})).item<float>(), 0.4f);
  EXPECT_EQ(step.num_traces(), 1);
  sgd.learning_rate.assign(0.2);
  EXPECT_FLOAT_EQ(copy.learning_rate().item<float>(), 0.2f);
  sgd = optimizers::SGD(0.7);
  EXPECT_FLOAT_EQ(copy.learning_rate().item<float>(), 0.2f);
  EXPECT_FLOAT_EQ(sgd.learning_rate().item<float>(), 0.7f);
}

TEST(Optimizers, SchedulesFollowTheStep) {
  const Variable w(Tensor({0.f}), {.name = "w"});
  const optimizers::SGD sgd(optimizers::schedules::PiecewiseConstantDecay({0, 1}, {1.0, 0.1, 0.01}));
  auto step = function([&](const Tensor& g) { sgd.apply_gradients({g}, {w}); });
  for (int i = 0; i < 3; ++i) step(Tensor({1.f}));
  EXPECT_FLOAT_EQ(values(w)[0], -1.11f);
  EXPECT_EQ(sgd.variables().size(), 1u);
  EXPECT_TRUE(has(message_of([&] { sgd.learning_rate = 0.1; }), "schedule"));
}

TEST(Optimizers, AveragesReplaceTheWeights) {
  const Variable w(Tensor({0.f}), {.name = "w"});
  const optimizers::SGD sgd({.learning_rate = 1, .use_ema = true, .ema_momentum = 0.5});
  sgd.apply_gradients({Tensor({-1.f})}, {w});
  sgd.apply_gradients({Tensor({-2.f})}, {w});
  EXPECT_FLOAT_EQ(values(w)[0], 3.f);
  sgd.finalize_variable_values({w});
  EXPECT_FLOAT_EQ(values(w)[0], 2.f);  // 0.5 * 1 + 0.5 * 3
}

TEST(Optimizers, ConstraintsFollowTheUpdate) {
  struct NonNegative : Constraint::Base {
    Tensor operator()(const Tensor& w) const override { return maximum(w, 0.f); }
    std::string class_name() const override { return "NonNegative"; }
  };
  const Variable w = [] {
    Variable v(Tensor({1.f, 1.f}), {.name = "w"});
    v.state()->constraint = NonNegative();
    return v;
  }();
  optimizers::SGD(1.0).apply_gradients({Tensor({2.f, 0.5f})}, {w});
  EXPECT_EQ(values(w), (std::vector<float>{0.f, 0.5f}));
}

TEST(Optimizers, OtherFloatingTypes) {
  for (DType dtype : {float64, bfloat16, float16}) {
    const Variable w(cast(Tensor({1.f, 2.f}), dtype), {.name = "w"});
    const optimizers::Adam adam(0.5);
    adam.apply_gradients({Tensor({1.f, -1.f})}, {w});
    EXPECT_EQ(w.dtype(), dtype);
    EXPECT_NEAR(cast(w.read(), float32).to_vector<float>()[0], 0.5, 1e-2);
    EXPECT_NEAR(cast(w.read(), float32).to_vector<float>()[1], 2.5, 1e-2);
  }
}

TEST(Optimizers, ATensorReadBeforeAStepStays) {
  const Variable w(Tensor({1.f}), {.name = "w"});
  const Tensor before = w;
  const optimizers::Adam adam;
  adam.apply_gradients({w.read()}, {w});  // the gradient shares the variable's buffer
  EXPECT_EQ(before.item<float>(), 1.f);
  EXPECT_NEAR(values(w)[0], 0.999, 1e-6);
}

TEST(Optimizers, NamesAndConfig) {
  EXPECT_EQ(Optimizer("adam").class_name(), "Adam");
  EXPECT_EQ(Optimizer("SGD").name(), "sgd");
  EXPECT_EQ(Optimizer("AdamW").name(), "adam_w");
  EXPECT_EQ(Optimizer("rmsprop").class_name(), "RMSprop");
  EXPECT_TRUE(has(message_of([] { Optimizer("adams"); }), "unknown optimizer 'adams'"));
  const Optimizer sgd =
      optimizers::SGD(optimizers::schedules::CosineDecay(0.1, 200, {.warmup_target = 0.3, .warmup_steps = 5}),
                      {.momentum = 0.9, .clipvalue = 2.0});
  const Config::Value value = sgd.to_config_value();
  const Optimizer again =
      Optimizer::from_config_value(Config::Value::object(value.class_name(), value.as_map(), nullptr, "optimizer"));
  EXPECT_EQ(again.get_config().get<double>("momentum"), 0.9);
  EXPECT_EQ(again.get_config().at("learning_rate").class_name(), "CosineDecay");
  EXPECT_FLOAT_EQ(again.learning_rate().item<float>(), 0.1f);
  const Optimizer cloned = sgd.clone();
  EXPECT_FALSE(cloned.state() == sgd.state());
  EXPECT_EQ(cloned.get_config().to_json(), sgd.get_config().to_json());
}

TEST(Optimizers, ErrorsNameTheVariable) {
  const Variable w(zeros({2}), {.name = "kernel"}), other(zeros({2}), {.name = "other"}), none;
  const optimizers::Adam adam;
  auto text = message_of([&] { adam.apply_gradients({Tensor()}, {w}); });
  EXPECT_TRUE(has(text, "'kernel'") && has(text, "no gradient")) << text;
  text = message_of([&] { adam.apply_gradients({zeros({3})}, {w}); });
  EXPECT_TRUE(has(text, "'kernel'") && has(text, "(3,)")) << text;
  text = message_of([&] { adam.apply_gradients({zeros({2}), zeros({2})}, {w}); });
  EXPECT_TRUE(has(text, "2 gradients for 1 variables")) << text;
  text = message_of([&] { adam.apply_gradients({zeros({2})}, {other}); });
  EXPECT_TRUE(has(text, "'other'") && has(text, "built with")) << text;
  EXPECT_EQ(values(w), (std::vector<float>{0.f, 0.f}));
  EXPECT_EQ(adam.iterations().read().item<std::int64_t>(), 0);
  EXPECT_THROW(optimizers::SGD(0.1, {.momentum = 2}), ValueError);
  EXPECT_TRUE(has(message_of([] { Optimizer().iterations(); }), "empty"));
}

TEST(Optimizers, ManySteps) {
  // A parabola with its minimum at (3, -1).
  for (const Optimizer& optimizer :
       {Optimizer(optimizers::SGD(0.05, {.momentum = 0.9})), Optimizer(optimizers::Adam(0.1)),
        Optimizer(optimizers::RMSprop(0.02)), Optimizer(optimizers::AdamW(0.1, {.weight_decay = 0}))}) {
    const Variable w(zeros({2}), {.name = "w"});
    auto step = function([&](const Tensor& target) {
      GradientTape tape;
      const Tensor loss = reduce_sum(square(w - target));
      optimizer.apply_gradients(tape.gradient(loss, {w}), {w});
      return loss;
    });
    for (int i = 0; i < 400; ++i) step(Tensor({3.f, -1.f}));
    EXPECT_NEAR(values(w)[0], 3, 0.05) << optimizer.name();
    EXPECT_NEAR(values(w)[1], -1, 0.05) << optimizer.name();
  }
}

}  // namespace
}  // namespace strata
