// Models with steps, losses and metrics of their own; what compile() and fit() take.
#include <gtest/gtest.h>

#include "strata/strata.h"

namespace strata {
namespace {

using namespace layers;

class WithSteps : public CustomModel<WithSteps> {
 public:
  Tensor call(const Tensor& x) const { return out_(x); }
  Logs train_step(const Tensor& x, const Tensor& y, const Tensor& sample_weight) const {
    GradientTape tape;
    const Tensor p = (*this)(x, training = true), error = square(y - p) * reshape(sample_weight, {-1, 1});
    const Tensor loss = reduce_mean(error);
    optimizer().apply_gradients(tape.gradient(loss, trainable_weights()), trainable_weights());
    mean_.update_state(loss);
    return {{"mean_loss", mean_.result()}};
  }
  Logs test_step(const Tensor& x, const Tensor& y) const { return {{"error", reduce_max(abs(y - (*this)(x)))}}; }
  Tensor predict_step(const Tensor& x) const { return (*this)(x)*10.f; }
  std::vector<metrics::Metric> metrics() const { return {mean_}; }

 private:
  Dense out_ = track("out", Dense(1, {.kernel_initializer = "ones"}));
  metrics::Mean mean_;
};

// capability: 1.4, 4.13
TEST(CustomSteps, TrainTestAndPredictStepsAreUsed) {
  WithSteps model;
  model.compile({.optimizer = optimizers::SGD(0.0)});
  const Tensor x = {{1.f}, {2.f}, {3.f}}, y = zeros({3, 1}), weight = {1.f, 0.f, 1.f};
  const History h = model.fit(x, y, {.batch_size = 3, .epochs = 2, .verbose = 0, .sample_weight = weight});
  ASSERT_EQ(h.history.at("mean_loss").size(), 2u);
  EXPECT_NEAR(h.history.at("mean_loss")[1], 10. / 3, 1e-6);  // reset between the epochs
  EXPECT_EQ(model.evaluate(x, y, {.verbose = 0}).at("error"), 3);
  EXPECT_EQ(Tensor(model.predict(x, {.verbose = 0}))[1].item<float>(), 20.f);
}

class WithLoss : public CustomModel<WithLoss> {
 public:
  Tensor call(const Tensor& x) const { return out_(x); }
  Tensor compute_loss(const Tensor& x, const Tensor& y, const Tensor& y_pred) const {
    return 2.f * Model::compute_loss(x, y, y_pred);
  }
  Logs compute_metrics(const Tensor& x, const Tensor& y, const Tensor& y_pred) const {
    Logs logs = Model::compute_metrics(x, y, y_pred);
    logs.set("one", Tensor(1.f));
    return logs;
  }

 private:
  Dense out_ = track("out", Dense(1, {.kernel_initializer = "ones"}));
};

// capability: 1.4, 4.10
TEST(CustomSteps, OwnLossAndMetricsInStratasStep) {
  WithLoss model;
  model.compile({.optimizer = optimizers::SGD(0.0), .loss = "mae"});
  const Tensor x = {{1.f}, {2.f}, {3.f}}, y = zeros({3, 1});
  const History h = model.fit(x, y, {.verbose = 0});
  EXPECT_EQ(h.history.at("loss")[0], 4);
  EXPECT_EQ(h.history.at("one")[0], 1);
  EXPECT_EQ(model.evaluate(x, y, {.verbose = 0}).at("loss"), 4);
  EXPECT_THROW(model.fit(x, y, {.verbose = 0, .sample_weight = ones({3})}), ValueError);
}

TEST(Fit, DataSetsAndGeneratorsWithValidation) {
  Sequential model({Input({1}), Dense(1)});
  model.compile({.optimizer = optimizers::SGD(0.01), .loss = "mse", .steps_per_execution = 2});
  auto made = data::from_generator([] {
    return [i = 0]() mutable -> std::optional<std::pair<Tensor, Tensor>> {
      if (i++ == 5) return std::nullopt;
      return std::pair(full({2, 1}, static_cast<float>(i)), zeros({2, 1}));
    };
  });
  const auto test = data::from_tensor_slices(ones({4, 1}), zeros({4, 1})).batch(2);
  const History h = model.fit(made, {.epochs = 2, .verbose = 0, .validation_data = test, .validation_steps = 1});
  EXPECT_EQ(h.history.at("val_loss").size(), 2u);
  EXPECT_THROW(model.fit(test, {.batch_size = 2, .verbose = 0}), ValueError);
}

TEST(Fit, OneSampleWeightForEachOutput) {
  const Tensor x = Input({1});
  Model model(Tensors{x}, Tensors{Dense(1, {.kernel_initializer = "ones", .name = "a"})(x),
                                  Dense(1, {.kernel_initializer = "ones", .name = "b"})(x)});
  model.compile({.optimizer = optimizers::SGD(0.0), .loss = "mae"});
  const Tensor data = {{1.f}, {3.f}}, zero = zeros({2, 1});
  const Logs logs =
      model.evaluate(data, {zero, zero}, {.verbose = 0, .sample_weight = {Tensor{2.f, 0.f}, Tensor{0.f, 2.f}}});
  EXPECT_EQ(logs.at("a_loss"), 1);
  EXPECT_EQ(logs.at("b_loss"), 3);
  EXPECT_THROW(model.test_on_batch(data, {zero, zero}, {ones({2}), ones({2}), ones({2})}), ValueError);
  EXPECT_THROW(model.fit(data, {zero, zero}, {.verbose = 0, .class_weight = {{0, 2.0}}}), ValueError);
}

TEST(Fit, BatchMethodsGiveTheMetricsOfTheirBatch) {
  Sequential model({Input({1}), Dense(1, {.kernel_initializer = "ones"})});
  model.compile({.optimizer = optimizers::SGD(0.0), .loss = "mae"});
  const Tensor one = ones({1, 1}), zero = zeros({1, 1});
  model.train_on_batch(one, zero);
  EXPECT_EQ(model.train_on_batch(one * 3.f, zero).at("loss"), 3);
  EXPECT_EQ(model.test_on_batch(one * 3.f, zero).at("loss"), 3);
  EXPECT_EQ(Tensor(model.predict_on_batch(one)).item<float>(), 1);
}

struct EvaluateInside : callbacks::Callback {
  void on_train_batch_end(int, const Logs&) override {
    model().evaluate(full({3, 1}, 9.f), zeros({3, 1}), {.verbose = 0});
  }
};
TEST(Fit, AnEvaluationInsideLeavesRunningMetricsAlone) {
  Sequential model({Input({1}), Dense(1, {.kernel_initializer = "ones"})});
  model.compile({.optimizer = optimizers::SGD(0.0), .loss = "mae", .metrics = {"mse"}});
  const Tensor x = {{1.f}, {3.f}};
  const History h = model.fit(x, zeros({2, 1}), {.batch_size = 1, .verbose = 0, .callbacks = {EvaluateInside()}});
  EXPECT_EQ(h.history.at("loss")[0], 2);
  EXPECT_EQ(h.history.at("mse")[0], 5);
}

TEST(Fit, WeightsWithoutAGradientStayWithAWarning) {
  class Unused : public CustomModel<Unused> {
   public:
    Tensor call(const Tensor& x) const {
      spare_(x);
      return out_(x);
    }

   private:
    Dense out_ = track("out", Dense(1)), spare_ = track("spare", Dense(1));
  };
  Unused model;
  model.compile({.optimizer = "sgd", .loss = "mse"});
  testing::internal::CaptureStderr();
  model.fit(ones({2, 1}), zeros({2, 1}), {.epochs = 2, .verbose = 0});
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("spare/kernel"), std::string::npos) << said;
  EXPECT_EQ(said.find("spare/kernel"), said.rfind("spare/kernel"));
}

class WithoutTargets : public CustomModel<WithoutTargets> {
 public:
  Tensor call(const Tensor& x) const { return out_(x); }
  Logs train_step(const Tensor& x) const {
    GradientTape tape;
    const Tensor loss = reduce_mean(square((*this)(x, training = true) - x));
    optimizer().apply_gradients(tape.gradient(loss, trainable_weights()), trainable_weights());
    return {{"loss", loss}};
  }
  Logs test_step(const Tensor& x) const { return {{"error", reduce_max(abs((*this)(x)-x))}}; }

 private:
  Dense out_ = track("out", Dense(2));
};

// capability: 1.4
TEST(CustomSteps, WithoutTargets) {
  WithoutTargets model;
  model.compile({.optimizer = optimizers::SGD(0.1)});
  const Tensor x = random::uniform({32, 2}, {.seed = 1});
  const History h = model.fit(x, {.batch_size = 32, .epochs = 3, .verbose = 0});
  EXPECT_LT(h.history.at("loss")[2], h.history.at("loss")[0]);
  EXPECT_GT(model.evaluate(x, {.verbose = 0}).at("error"), 0);
  EXPECT_EQ(model.fit(data::from_tensor_slices(x).batch(8), {.verbose = 0}).history.at("loss").size(), 1u);
  try {
    model.fit(x, x, {.verbose = 0});
    FAIL() << "y was dropped without a word";
  } catch (const ValueError& e) {
    EXPECT_NE(std::string(e.what()).find("train_step(x) where there is no y"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace strata
