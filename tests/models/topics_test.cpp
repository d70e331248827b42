// What users ask about most, once each with numbers that can be checked by hand. (A learning rate of 0 keeps weights.)
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "strata/strata.h"

namespace strata {
namespace {

using namespace layers;

float value(const Tensor& t) { return reduce_sum(t).item<float>(); }

// A model that computes x * 1 for each output.
Model copies(const std::vector<std::string>& names, std::int64_t width = 1) {
  const Tensor x = Input({width});
  Tensors outputs;
  for (const std::string& name : names)
    outputs.push_back(Dense(width, {.use_bias = false, .kernel_initializer = "identity", .name = name})(x));
  return Model(Tensors{x}, outputs);
}

// capability: 8.1
TEST(Topics, GradientsByATapeAndStepsByHandOrByAnOptimizer) {
  const Tensor x = {{1.f}, {2.f}}, y = {{2.f}, {4.f}};
  Variable by_hand(Tensor{{0.f}}), by_optimizer(Tensor{{0.f}});
  const optimizers::SGD sgd(0.1);
  for (int step = 0; step < 30; ++step) {
    for (const Variable& w : {by_hand, by_optimizer}) {
      GradientTape tape;
      const Tensor loss = reduce_mean(square(matmul(x, w) - y));
      const Tensor gradient = tape.gradient(loss, w);
      if (w == by_hand)
        w.assign(w - 0.1f * gradient);  // as with PyTorch's autograd, nothing to zero: a tape's gradients are new
      else
        sgd.apply_gradients({gradient}, {w});
    }
    EXPECT_FLOAT_EQ(value(by_hand), value(by_optimizer));
  }
  EXPECT_NEAR(value(by_hand), 2, 1e-5);
}

// capability: 8.2
TEST(Topics, EachOutputHasItsLossWeightAndMetric) {
  const Model model = copies({"kind", "size"});
  model.compile({.optimizer = optimizers::SGD(0.0),
                 .loss = {{"kind", "mse"}, {"size", "mae"}},
                 .loss_weights = {{"kind", 0.5}, {"size", 2.0}},
                 .metrics = {{"kind", {"mae"}}, {"size", {"mse"}}}});
  const Tensor x = {{2.f}, {4.f}}, zero = zeros({2, 1});
  const History h = model.fit(x, {{"size", zero}, {"kind", zero}}, {.verbose = 0});
  EXPECT_EQ(h.history.at("kind_loss")[0], 10);
  EXPECT_EQ(h.history.at("size_loss")[0], 3);
  EXPECT_EQ(h.history.at("loss")[0], 0.5 * 10 + 2 * 3);
  EXPECT_EQ(h.history.at("kind_mae")[0], 3);
  EXPECT_EQ(h.history.at("size_mse")[0], 10);
  const Outputs predicted = model.predict(x, {.verbose = 0});
  EXPECT_EQ(value(predicted["kind"]), 6);
}

// capability: 8.2
TEST(Topics, LossesAndMetricsOfOutputsByPosition) {
  const Tensor x = {{2.f}, {4.f}}, zero = zeros({2, 1});
  const auto logs_with = [&](const MetricsOption& metrics) {
    const Model model = copies({"kind", "size"});
    model.compile({.optimizer = "sgd", .loss = {"mse", "mae"}, .loss_weights = {1.0, 2.0}, .metrics = metrics});
    return model.evaluate(x, {zero, zero}, {.verbose = 0});
  };
  using Names = std::vector<std::string>;
  const Names losses = {"loss", "kind_loss", "size_loss"};
  const auto names_with = [&](const MetricsOption& metrics) {
    const Names all = logs_with(metrics).names();
    EXPECT_EQ(Names(all.begin(), all.begin() + 3), losses);
    return Names(all.begin() + 3, all.end());
  };
  EXPECT_EQ(logs_with({}).at("loss"), 10 + 2 * 3);
  EXPECT_EQ(names_with({"mae", "mse"}), (Names{"kind_mae", "size_mse"}));
  EXPECT_EQ(names_with({{"mae"}, {"mse"}}), (Names{"kind_mae", "size_mse"}));
  EXPECT_EQ(names_with({{"mae", "mse"}, {"mse"}}), (Names{"kind_mae", "kind_mse", "size_mse"}));
  EXPECT_EQ(names_with({{"size", "mse"}}), (Names{"size_mse"}));
  EXPECT_EQ(names_with({{"size", {"mse", "mae"}}, {"kind", "mae"}}), (Names{"kind_mae", "size_mse", "size_mae"}));
  EXPECT_EQ(names_with({"mae"}), (Names{"kind_mae", "size_mae"}));
  EXPECT_THROW(names_with(std::vector<MetricList>(3)), ValueError);
}

// capability: 8.3
TEST(Topics, NamesOfLossesAndMetricsFitTheLabels) {
  struct Case {
    const char* loss;
    Tensor y, scores;
    double want_loss;
  };
  const Tensor p = {{0.5f, 0.25f, 0.25f}, {0.125f, 0.75f, 0.125f}};
  const double loss = (std::log(2.) - std::log(0.75)) / 2;
  const std::vector<Case> cases = {
      {"categorical_crossentropy", Tensor{{1.f, 0.f, 0.f}, {0.f, 1.f, 0.f}}, p, loss},
      {"sparse_categorical_crossentropy", Tensor{0, 1}, p, loss},
      {"binary_crossentropy", Tensor{{1.f}, {1.f}}, Tensor{{0.5f}, {0.75f}}, loss},
  };
  for (const Case& c : cases) {
    const Model model = copies({"p"}, c.scores.shape()[1]);
    model.compile({.optimizer = "sgd", .loss = c.loss, .metrics = {"accuracy"}});
    const Logs logs = model.evaluate(c.scores, c.y, {.verbose = 0});
    EXPECT_NEAR(logs.at("loss"), c.want_loss, 1e-6) << c.loss;
    // 0.5 is not above the threshold of a binary accuracy; the other accuracies look for the largest.
    EXPECT_EQ(logs.at("accuracy"), c.scores.shape()[1] == 1 ? 0.5 : 1.0) << c.loss;
  }
}

// capability: 6.11, 8.4
TEST(Topics, TheBestEpochComesBack) {
  const std::string best = (std::filesystem::path(testing::TempDir()) / "topics_best.keras").string();
  const Sequential model({Input({1}), Dense(1, {.use_bias = false, .kernel_initializer = "zeros"})});
  model.compile({.optimizer = optimizers::SGD(1.0), .loss = "mae"});
  // The weight goes up by 1 in each epoch; validation wants 3.
  const Tensor x = ones({1, 1});
  model.fit(x, full({1, 1}, 100.f),
            {.epochs = 6,
             .verbose = 0,
             .callbacks = {callbacks::ModelCheckpoint(best, {.save_best_only = true})},
             .validation_data = {x, full({1, 1}, 3.f)},
             .doctor = false});
  EXPECT_EQ(value(model(x)), 6);
  const Model again = load_model(best);
  EXPECT_EQ(value(again(x)), 3);
  EXPECT_EQ(again.evaluate(x, full({1, 1}, 3.f), {.verbose = 0}).at("loss"), 0);
}

// capability: 8.11
TEST(Topics, BinaryClassificationBySigmoidThresholdAndClassWeights) {
  utils::set_random_seed(4);
  // One in ten is positive, and lies to the right.
  const Tensor y = cast(equal(range(0, 200) % 10, 0), float32);
  const Tensor x = reshape(random::normal({200}, {.seed = 5}) + 2.f * y, {200, 1});
  const auto recall_with = [&](const ClassWeight& weights) {
    const Sequential model({Input({1}), Dense(1, {.activation = "sigmoid"})});
    model.compile({.optimizer = optimizers::Adam(0.1),
                   .loss = "binary_crossentropy",
                   .metrics = {metrics::Recall({.name = "recall"}), metrics::AUC({.name = "auc"})}});
    model.fit(x, y, {.epochs = 20, .verbose = 0, .class_weight = weights});
    const Tensor p = model.predict(x, {.verbose = 0});
    EXPECT_LE(reduce_max(p).item<float>(), 1);
    const Logs logs = model.evaluate(x, y, {.verbose = 0});
    EXPECT_GT(logs.at("auc"), 0.85);
    // A lower threshold finds more of the positives.
    EXPECT_GE(metrics::Recall({.thresholds = 0.1})(y, p).item<float>(), logs.at("recall"));
    return logs.at("recall");
  };
  const double plain = recall_with({}), weighted = recall_with(utils::balanced_class_weights(cast(y, int32)));
  EXPECT_GT(weighted, plain + 0.2);
}

class WithPenalty : public CustomModel<WithPenalty> {
 public:
  Tensor call(const Tensor& x) const {
    const Tensor y = dense_(x);
    add_loss(reduce_mean(y) * 3.f);
    return y;
  }

 private:
  Dense dense_ = track("dense", Dense(1, {.use_bias = false,
                                          .kernel_initializer = "ones",
                                          .kernel_regularizer = regularizers::L2(0.25),
                                          .activity_regularizer = regularizers::L1(0.5)}));
};

// capability: 8.13
TEST(Topics, AddedLossesCountInFitAndInLoopsOfOnesOwn) {
  const WithPenalty model;
  const Tensor x = {{2.f}, {4.f}}, y = zeros({2, 1});
  model.compile({.optimizer = optimizers::SGD(0.0), .loss = "mae"});
  // The error, the mean, L2 of the weight, and L1 of the activity for each sample.
  const double want = 3 + 3 * 3 + 0.25 + 0.5 * 3;
  EXPECT_NEAR(model.fit(x, y, {.verbose = 0}).history.at("loss")[0], want, 1e-6);
  EXPECT_NEAR(model.evaluate(x, y, {.verbose = 0}).at("loss"), want, 1e-6);
  const Tensor prediction = model(x, training = true);
  EXPECT_EQ(model.losses().size(), 3u);
  Tensor total = reduce_mean(abs(prediction - y));
  for (const Tensor& loss : model.losses()) total = total + loss;
  EXPECT_NEAR(value(total), want, 1e-6);
}

}  // namespace
}  // namespace strata
