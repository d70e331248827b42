#include <gtest/gtest.h>

#include "strata/strata.h"

namespace strata {
namespace {

using namespace layers;

struct Data {
  Tensor x = random::normal({50, 4}, {.seed = 1});
  Tensor y = one_hot(argmax(x[{Ellipsis, Slice(0, 3)}], 1), 3);
};

Sequential make_model() {
  utils::set_random_seed(3);
  Sequential model({Input({4}), Dense(5, {.activation = "relu"}), Dense(3, {.activation = "softmax"})});
  return model;
}

// The same three epochs by fit(), by the loop object, and by hand.
// capability: 4.13, 4.15
TEST(Loop, GivesTheNumbersOfFitAndOfALoopByHand) {
  const Data d;
  const auto train = data::from_tensor_slices(d.x, d.y).batch(16);
  const Tensor vx = d.x[Slice(0, 20)], vy = d.y[Slice(0, 20)];
  const auto test = data::from_tensor_slices(vx, vy).batch(16);

  Sequential by_fit = make_model();
  by_fit.compile({.optimizer = optimizers::Adam(0.01), .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  const History fitted = by_fit.fit(train, {.epochs = 3, .verbose = 0, .validation_data = test});

  Sequential model = make_model();
  optimizers::Adam optimizer(0.01);
  losses::CategoricalCrossentropy loss_fn;
  metrics::Mean loss({.name = "loss"});
  metrics::CategoricalAccuracy accuracy({.name = "accuracy"});
  auto train_step = function([&](const Tensor& x, const Tensor& y) {
    GradientTape tape;
    const Tensor p = model(x, training = true), value = loss_fn(y, p);
    optimizer.apply_gradients(tape.gradient(value, model.trainable_weights()), model.trainable_weights());
    loss.update_state(value, cast(shape(x)[0], float32));
    accuracy.update_state(y, p);
  });
  auto test_step = function([&](const Tensor& x, const Tensor& y) {
    const Tensor p = model(x);
    loss.update_state(loss_fn(y, p), cast(shape(x)[0], float32));
    accuracy.update_state(y, p);
  });
  TrainingLoop loop(model, {.epochs = 3, .verbose = 0, .metrics = {loss, accuracy}});
  for (auto& epoch : loop) {
    for (auto [step, x, y] : epoch(train)) train_step(x, y);
    for (auto [step, x, y] : epoch.validation(test)) test_step(x, y);
  }
  EXPECT_EQ(loop.global_step(), 12);
  ASSERT_EQ(loop.history().history.size(), fitted.history.size());
  for (const auto& [name, values] : fitted.history) EXPECT_EQ(loop.history().history.at(name), values) << name;

  Sequential hand = make_model();
  optimizers::Adam other(0.01);
  std::vector<double> losses;
  for (int epoch = 0; epoch < 3; ++epoch) {
    metrics::Mean mean;
    for (auto& [x, y] : train) {
      GradientTape tape;
      const Tensor value = loss_fn(y, hand(x, training = true));
      other.apply_gradients(tape.gradient(value, hand.trainable_weights()), hand.trainable_weights());
      mean.update_state(value, cast(shape(x)[0], float32));
    }
    losses.push_back(mean.result().item<double>());
  }
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(losses[i], fitted.history.at("loss")[i], 1e-6);
}

struct Recorder : callbacks::Callback {
  explicit Recorder(std::shared_ptr<std::string> text) : text(std::move(text)) {}
  void on_train_begin(const Logs&) override { *text += "T("; }
  void on_train_end(const Logs&) override { *text += ")"; }
  void on_epoch_begin(int epoch, const Logs&) override { *text += "E" + std::to_string(epoch) + "["; }
  void on_epoch_end(int, const Logs& logs) override { *text += "]" + std::to_string(logs.size()); }
  void on_train_batch_begin(int batch, const Logs&) override { *text += std::to_string(batch) + "<"; }
  void on_train_batch_end(int batch, const Logs&) override { *text += ">" + std::to_string(batch); }
  void on_test_begin(const Logs&) override { *text += "v{"; }
  void on_test_end(const Logs&) override { *text += "}"; }
  std::shared_ptr<std::string> text;
};

TEST(Loop, TellsCallbacksInKerasOrder) {
  const auto text = std::make_shared<std::string>();
  Sequential model = make_model();
  TrainingLoop loop(model, {.epochs = 2, .verbose = 0, .callbacks = {Recorder(text)}, .validation_freq = 2});
  const auto two = data::range(2);
  for (auto& epoch : loop) {
    for (auto [step, i] : epoch(two)) epoch.log("i", i);
    for (auto [step, i] : epoch.validation(two)) epoch.log("i", i);
  }
  EXPECT_EQ(*text, "T(E0[0<>01<>1]1E1[0<>01<>1v{}]2)");
  EXPECT_EQ(loop.history().history.at("val_i"), std::vector<double>{1});
}

TEST(Loop, StepsPerExecutionTellOfSeveralStepsAtOnce) {
  const auto text = std::make_shared<std::string>();
  Sequential model = make_model();
  TrainingLoop loop(model, {.verbose = 0, .callbacks = {Recorder(text)}, .steps_per_execution = 2});
  for (auto& epoch : loop)
    for (auto [step] : epoch.steps(5)) epoch.log("step", step);
  EXPECT_EQ(*text, "T(E0[0<>12<>34<>4]1)");
}

TEST(Loop, StopsBreaksAndGoesOn) {
  Sequential model = make_model();
  {
    const auto text = std::make_shared<std::string>();
    TrainingLoop loop(model, {.epochs = 9, .verbose = 0, .callbacks = {Recorder(text)}});
    for (auto& epoch : loop)
      for (auto [step] : epoch.steps(4))
        if (epoch.number() == 1 && step.item<int>() == 5) model.stop_training = true;
    EXPECT_EQ(loop.global_step(), 6);
    EXPECT_EQ(*text, "T(E0[0<>01<>12<>23<>3]0E1[0<>01<>1]0)");
    EXPECT_THROW(loop.begin(), ValueError);
  }
  const auto text = std::make_shared<std::string>();
  {
    TrainingLoop loop(model, {.epochs = 9, .verbose = 0, .callbacks = {Recorder(text)}});
    for (auto& epoch : loop) {
      for (auto [step] : epoch.steps(4)) break;
      break;
    }
  }
  EXPECT_EQ(*text, "T(E0[0<>0]0)");
}

struct Resume : callbacks::Callback {
  void on_train_begin(const Logs&) override { loop()->start_at(1, 2, 6); }
};
TEST(Loop, StartsInTheMiddleOfAnEpoch) {
  Sequential model = make_model();
  TrainingLoop loop(model, {.epochs = 3, .verbose = 0, .callbacks = {Resume()}});
  std::vector<std::int64_t> seen;
  for (auto& epoch : loop)
    for (auto [step, i] : epoch(data::range(4)))
      seen.push_back(step.item<std::int64_t>() * 10 + i.item<std::int64_t>());
  EXPECT_EQ(seen, (std::vector<std::int64_t>{62, 73, 80, 91, 102, 113}));
}

// capability: 4.15
TEST(Loop, ValidationLeavesRunningMetricsAlone) {
  Sequential model = make_model();
  metrics::Mean mean({.name = "mean"});
  TrainingLoop loop(model, {.verbose = 0, .metrics = {mean}});
  for (auto& epoch : loop) {
    for (auto [step] : epoch.steps(2)) mean.update_state(Tensor(2.f));
    for (auto [step, i] : epoch.validation(data::range(3))) mean.update_state(Tensor(8.f));
    EXPECT_EQ(mean.result().item<float>(), 2.f);
    epoch.log("extra", Tensor(1.f));
  }
  EXPECT_EQ(loop.history().history.at("mean")[0], 2);
  EXPECT_EQ(loop.history().history.at("val_mean")[0], 8);
  EXPECT_EQ(loop.history().history.at("extra")[0], 1);
}

TEST(Loop, ErrorsSayWhatToDo) {
  Sequential model = make_model();
  EXPECT_THROW(TrainingLoop(model, {.validation_freq = 0}), ValueError);
  EXPECT_THROW(TrainingLoop(model, {.epochs = -1}), ValueError);
  EXPECT_THROW(
      {
        TrainingLoop loop(model, {.verbose = 0});
        for (auto& epoch : loop)
          for (auto [step, i] : epoch(data::range(0))) static_cast<void>(i);
      },
      ValueError);
}

TEST(Loop, DrawsTheBarOfKeras) {
  Sequential model = make_model();
  testing::internal::CaptureStdout();
  {
    TrainingLoop loop(model, {.epochs = 2, .verbose = 2});
    for (auto& epoch : loop)
      for (auto [step] : epoch.steps(3)) epoch.log("loss", Tensor(0.5f));
  }
  const std::string out = testing::internal::GetCapturedStdout();
  EXPECT_NE(out.find("Epoch 1/2\n3/3 - 0s - loss: 0.5000 - "), std::string::npos) << out;
}

}  // namespace
}  // namespace strata
