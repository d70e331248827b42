// Handles, names, reductions, shapes and errors; hand-computed numbers.
#include "strata/losses.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "strata/array.h"
#include "strata/function.h"
#include "strata/masking.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"
#include "strata/tape.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

using losses::Loss;

using test::message_of;

using test::has;

const Tensor kTruth = {{0.f, 1.f}, {0.f, 0.f}}, kPrediction = {{1.f, 1.f}, {1.f, 0.f}};  // squares: 1 0 1 0

TEST(Losses, MeanSquaredErrorByHand) {
  EXPECT_FLOAT_EQ(losses::MeanSquaredError()(kTruth, kPrediction).item<float>(), 0.5f);
  EXPECT_EQ(losses::mean_squared_error(kTruth, kPrediction).to_vector<float>(), (std::vector<float>{0.5f, 0.5f}));
  EXPECT_FLOAT_EQ(losses::MeanSquaredError({.reduction = "sum"})(kTruth, kPrediction).item<float>(), 1.f);
}

TEST(Losses, WeightsAndReductions) {
  const Tensor weights = {0.7f, 0.3f};
  auto value = [&](const char* reduction) {
    return losses::MeanSquaredError({.reduction = reduction})(kTruth, kPrediction, weights);
  };
  EXPECT_FLOAT_EQ(value("sum_over_batch_size").item<float>(), 0.25f);
  EXPECT_FLOAT_EQ(value("mean").item<float>(), 0.25f);
  EXPECT_FLOAT_EQ(value("sum").item<float>(), 0.5f);
  EXPECT_FLOAT_EQ(value("mean_with_sample_weight").item<float>(), 0.5f);
  const auto each = value("none").to_vector<float>();
  EXPECT_FLOAT_EQ(each[0], 0.35f);
  EXPECT_FLOAT_EQ(each[1], 0.15f);
}

// One value for all samples takes the weights of all, as in Keras.
TEST(Losses, OneValueTakesTheWeightsOfAll) {
  const Tensor y = {{1.f, 0.f}, {0.f, 1.f}}, p = {{0.5f, 0.5f}, {0.f, 1.f}}, weights = {1.f, 0.5f};
  const float plain = losses::Dice()(y, p).item<float>();
  EXPECT_NEAR(losses::Dice()(y, p, weights).item<float>(), plain * 0.75f, 1e-6);
  EXPECT_NEAR(losses::Dice({.reduction = "sum"})(y, p, weights).item<float>(), plain * 1.5f, 1e-6);
  set_mask(p, {true, false});
  EXPECT_NEAR(losses::Dice()(y, p).item<float>(), plain, 1e-6);
}

TEST(Losses, CrossEntropiesByHand) {
  const Tensor one_hot = {{0.f, 1.f, 0.f}, {0.f, 0.f, 1.f}}, p = {{0.05f, 0.95f, 0.f}, {0.1f, 0.8f, 0.1f}};
  const double expected = -(std::log(0.95) + std::log(0.1)) / 2;
  EXPECT_NEAR(losses::CategoricalCrossentropy()(one_hot, p).item<double>(), expected, 1e-6);
  EXPECT_NEAR(losses::SparseCategoricalCrossentropy()({1, 2}, p).item<double>(), expected, 1e-6);
  EXPECT_NEAR(losses::Loss("crossentropy")(one_hot, p).item<double>(), expected, 1e-6);
  EXPECT_NEAR(losses::Loss("crossentropy")({1, 2}, p).item<double>(), expected, 1e-6);
  const Tensor logits = log(p + 1e-12);
  EXPECT_NEAR(losses::CategoricalCrossentropy({.from_logits = true})(one_hot, logits).item<double>(), expected, 1e-5);
  EXPECT_NEAR(losses::BinaryCrossentropy()({{1.f}, {0.f}}, {{0.8f}, {0.3f}}).item<double>(),
              -(std::log(0.8) + std::log(0.7)) / 2, 1e-6);
}

// capability: 4.8
TEST(Losses, ProbabilitiesAreKeptFromZero) {
  const Tensor one_hot = {{1.f, 0.f}}, wrong = {{0.f, 1.f}};
  EXPECT_NEAR(losses::CategoricalCrossentropy()(one_hot, wrong).item<double>(), -std::log(1e-7), 1e-3);
  EXPECT_NEAR(losses::BinaryCrossentropy()({{1.f}}, {{0.f}}).item<double>(), -std::log(1e-7), 1e-3);
}

// capability: 4.8
TEST(Losses, ProbabilitiesOfASoftmaxAreSeenThrough) {
  const Tensor logits = {{3.f, -40.f}}, one_hot = {{0.f, 1.f}};
  const losses::CategoricalCrossentropy loss;
  GradientTape tape;
  tape.watch(logits);
  const Tensor value = loss(one_hot, nn::softmax(logits));
  EXPECT_FLOAT_EQ(value.item<float>(), 43.f);
  EXPECT_FLOAT_EQ(tape.gradient(value, logits).to_vector<float>()[1], -1.f);
  EXPECT_FLOAT_EQ(losses::SparseCategoricalCrossentropy()({1}, nn::softmax(logits)).item<float>(), 43.f);
  EXPECT_FLOAT_EQ(losses::BinaryCrossentropy()({{1.f}}, nn::sigmoid({{-40.f}})).item<float>(), 40.f);
  auto traced = function([&](const Tensor& x) { return loss(one_hot, nn::softmax(x)); });
  EXPECT_FLOAT_EQ(traced(logits).item<float>(), 43.f);
  // What was done to the probabilities since is not overlooked.
  EXPECT_NEAR(loss(one_hot, nn::softmax(logits) + 0.f).item<double>(), -std::log(1e-7), 1e-3);
}

TEST(Losses, IgnoredClassesDoNotCount) {
  const Tensor p = {{0.5f, 0.5f}, {0.25f, 0.75f}, {0.9f, 0.1f}};
  const losses::SparseCategoricalCrossentropy loss({.ignore_class = -1});
  EXPECT_NEAR(loss({0, -1, 1}, p).item<double>(), -(std::log(0.5) + std::log(0.1)) / 2, 1e-5);
  EXPECT_NEAR(loss({-1, -1, -1}, p).item<double>(), 0, 1e-7);
  const losses::SparseCategoricalCrossentropy each({.ignore_class = -1, .reduction = "none"});
  EXPECT_EQ(each({0, -1, 1}, p).to_vector<float>()[1], 0.f);
}

TEST(Losses, LabelSmoothing) {
  const losses::CategoricalCrossentropy loss({.label_smoothing = 0.1});
  const double expected = -(0.95 * std::log(0.8) + 0.05 * std::log(0.2));
  EXPECT_NEAR(loss({{1.f, 0.f}}, {{0.8f, 0.2f}}).item<double>(), expected, 1e-6);
}

TEST(Losses, RanksAreFitted) {
  EXPECT_FLOAT_EQ(losses::MeanSquaredError()({1.f, 2.f}, {{1.f}, {4.f}}).item<float>(), 2.f);
  EXPECT_FLOAT_EQ(losses::MeanSquaredError()({{1.f}, {2.f}}, {1.f, 4.f}).item<float>(), 2.f);
  EXPECT_FLOAT_EQ(losses::MeanSquaredError()({1, 2}, {1.f, 4.f}).item<float>(), 2.f);
}

TEST(Losses, SixteenBitsAreReportedInFloat32) {
  for (DType dtype : {float16, bfloat16}) {
    const Tensor value = losses::MeanSquaredError()(cast(kTruth, dtype), cast(kPrediction, dtype));
    EXPECT_EQ(value.dtype(), float32);
    EXPECT_FLOAT_EQ(value.item<float>(), 0.5f);
  }
  EXPECT_EQ(losses::MeanSquaredError({.dtype = "float64"})(kTruth, kPrediction).dtype(), float64);
}

// capability: 8.3
TEST(Losses, NamesOfKeras) {
  for (const char* name : {"mse", "MSE", "mean_squared_error", "MeanSquaredError"})
    EXPECT_FLOAT_EQ(Loss(name)(kTruth, kPrediction).item<float>(), 0.5f) << name;
  EXPECT_EQ(Loss("mse").name(), "mse");
  EXPECT_EQ(Loss("MeanSquaredError").name(), "mean_squared_error");
  EXPECT_EQ(losses::Huber().name(), "huber_loss");
  for (const char* name :
       {"mae", "mape", "msle", "bce", "kld", "poisson", "cosine_similarity", "log_cosh", "huber", "hinge",
        "squared_hinge", "categorical_hinge", "categorical_crossentropy", "binary_crossentropy",
        "sparse_categorical_crossentropy", "dice", "tversky", "binary_focal_crossentropy"})
    EXPECT_EQ(Loss(name).name(), name);
  EXPECT_TRUE(has(message_of([] { Loss("mean_square"); }), "unknown loss 'mean_square'"));
}

TEST(Losses, WhichExpectProbabilities) {
  EXPECT_TRUE(Loss("categorical_crossentropy").expects_probabilities());
  EXPECT_TRUE(losses::SparseCategoricalCrossentropy().expects_probabilities());
  EXPECT_FALSE(losses::BinaryCrossentropy({.from_logits = true}).expects_probabilities());
  EXPECT_FALSE(Loss("mse").expects_probabilities());
}

TEST(Losses, ConfigMakesTheLossAgain) {
  const Loss loss = losses::SparseCategoricalCrossentropy({.from_logits = true, .ignore_class = 3, .reduction = "sum"});
  const Config kept = {{"loss", loss}};
  EXPECT_EQ(kept.at("loss").class_name(), "SparseCategoricalCrossentropy");
  EXPECT_EQ(kept.at("loss").as_map(), loss.get_config());
  const Loss again = Loss::from_config_value(
      Config::Value::object(kept.at("loss").class_name(), kept.at("loss").as_map(), nullptr, "loss"));
  EXPECT_EQ(again.get_config(), loss.get_config());
  EXPECT_EQ(again.get_config().get<int>("ignore_class"), 3);
}

class Weighted : public CustomLoss<Weighted> {
 public:
  explicit Weighted(double factor, const losses::LossOptions& options = {}) : CustomLoss(options), factor_(factor) {}
  Tensor call(const Tensor& y_true, const Tensor& y_pred) const {
    return factor_ * reduce_mean(abs(y_true - y_pred), -1);
  }
  Config get_config() const { return {{"factor", factor_}}; }

 private:
  double factor_;
};

// capability: 4.10
TEST(Losses, OwnClassesKeepTheirObject) {
  const Weighted own(3);
  const Loss copied = own;
  EXPECT_FLOAT_EQ(own(kTruth, kPrediction).item<float>(), 1.5f);
  EXPECT_FLOAT_EQ(copied(kTruth, kPrediction).item<float>(), 1.5f);
  Loss assigned;
  EXPECT_FALSE(assigned.defined());
  assigned = Weighted(2, {.reduction = "sum", .name = "twice"});
  EXPECT_FLOAT_EQ(assigned(kTruth, kPrediction).item<float>(), 2.f);
  EXPECT_EQ(assigned.name(), "twice");
  EXPECT_EQ(copied.name(), "weighted");
  EXPECT_EQ(copied.class_name(), "Weighted");
  EXPECT_EQ(copied.get_config().get<double>("factor"), 3);
}

// capability: 4.10
TEST(Losses, CallablesAreLosses) {
  const Loss cubed = losses::custom(
      [](const Tensor& y_true, const Tensor& y_pred) { return reduce_mean(pow(abs(y_true - y_pred), 3.f), -1); },
      "mean_cubed");
  EXPECT_EQ(cubed.name(), "mean_cubed");
  EXPECT_FLOAT_EQ(cubed({{0, 0}}, {{2.f, 0.f}}).item<float>(), 4.f);
  const Loss function = losses::mean_squared_error;
  EXPECT_FLOAT_EQ(function(kTruth, kPrediction).item<float>(), 0.5f);
}

TEST(Losses, ErrorsSayWhatToDo) {
  const Tensor p = {{0.5f, 0.5f}, {0.2f, 0.8f}, {0.1f, 0.9f}};
  auto text = message_of([&] { losses::CategoricalCrossentropy()({0, 1, 1}, p); });
  EXPECT_TRUE(has(text, "(3,)") && has(text, "(3, 2)") && has(text, "SparseCategoricalCrossentropy")) << text;
  text = message_of([&] { losses::SparseCategoricalCrossentropy()(p, p); });
  EXPECT_TRUE(has(text, "CategoricalCrossentropy")) << text;
  text = message_of([&] { losses::SparseCategoricalCrossentropy()({0, 1, 2}, p); });
  EXPECT_TRUE(has(text, "2")) << text;
  EXPECT_THROW(losses::SparseCategoricalCrossentropy()({0, 1, -1}, p), ValueError);
  text = message_of([&] { losses::MeanSquaredError()(p, ones({3, 5})); });
  EXPECT_TRUE(has(text, "mean_squared_error") && has(text, "(3, 5)")) << text;
  text = message_of([&] { losses::MeanSquaredError()(p, p, ones({4})); });
  EXPECT_TRUE(has(text, "sample_weight") && has(text, "(4,)")) << text;
  text = message_of([] { losses::MeanSquaredError({.reduction = "average"}); });
  EXPECT_TRUE(has(text, "average") && has(text, "sum_over_batch_size")) << text;
  text = message_of([&] { Loss()(p, p); });
  EXPECT_TRUE(has(text, "empty")) << text;
  text = message_of([&] { losses::MeanSquaredError()(Tensor(), p); });
  EXPECT_TRUE(has(text, "y_true")) << text;
}

TEST(Losses, GradientFlowsToThePrediction) {
  const Variable w(Tensor({{1.f, 3.f}}));
  GradientTape tape;
  const Tensor loss = losses::MeanSquaredError()({{0.f, 1.f}}, w);
  EXPECT_EQ(tape.gradient(loss, w).to_vector<float>(), (std::vector<float>{1.f, 2.f}));
}

}  // namespace
}  // namespace strata
