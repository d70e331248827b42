// Handles, names, states and errors; hand-computed numbers.
#include "strata/metrics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "strata/array.h"
#include "strata/function.h"
#include "strata/masking.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

using metrics::Metric;

using test::message_of;

using test::has;

TEST(Metrics, MeanOfValues) {
  metrics::Mean mean;
  EXPECT_EQ(mean.result().item<float>(), 0.f);
  mean.update_state({1.f, 3.f});
  mean.update_state({5.f, 7.f}, {1.f, 0.f});
  EXPECT_FLOAT_EQ(mean.result().item<float>(), 3.f);
  mean.update_state(3.f);
  EXPECT_FLOAT_EQ(mean.result().item<float>(), 3.f);
  mean.reset_state();
  EXPECT_FLOAT_EQ(mean({{1.f, 3.f}, {5.f, 7.f}}).item<float>(), 4.f);
  EXPECT_EQ(mean.name(), "mean");
}

TEST(Metrics, SumOfValues) {
  metrics::Sum sum;
  sum.update_state({1.f, 3.f});
  sum.update_state({5.f, 7.f}, {1.f, 0.5f});
  EXPECT_FLOAT_EQ(sum.result().item<float>(), 12.5f);
}

// capability: 4.9
TEST(Metrics, AccuraciesByHand) {
  const Tensor p = {{0.1f, 0.9f, 0.f}, {0.05f, 0.95f, 0.f}, {0.3f, 0.3f, 0.4f}};
  const Tensor one_hot = {{0.f, 0.f, 1.f}, {0.f, 1.f, 0.f}, {0.f, 0.f, 1.f}}, labels = {2, 1, 2};
  EXPECT_FLOAT_EQ(metrics::CategoricalAccuracy()(one_hot, p).item<float>(), 2.f / 3);
  EXPECT_FLOAT_EQ(metrics::SparseCategoricalAccuracy()(labels, p).item<float>(), 2.f / 3);
  EXPECT_FLOAT_EQ(metrics::SparseCategoricalAccuracy()(expand_dims(labels, -1), p).item<float>(), 2.f / 3);
  EXPECT_FLOAT_EQ(metrics::BinaryAccuracy()({{1.f}, {1.f}, {0.f}}, {{0.9f}, {0.5f}, {0.2f}}).item<float>(), 2.f / 3);
  EXPECT_FLOAT_EQ(metrics::Accuracy()({1, 2, 3, 4}, {0, 2, 3, 4}).item<float>(), 0.75f);
  EXPECT_FLOAT_EQ(metrics::TopKCategoricalAccuracy({.k = 1})(one_hot, p).item<float>(), 2.f / 3);
  EXPECT_FLOAT_EQ(metrics::SparseTopKCategoricalAccuracy({.k = 3})(labels, p).item<float>(), 1.f);
}

TEST(Metrics, InTopKCountsTiesIn) {
  const Tensor p = {{0.5f, 0.5f, 0.f}, {0.1f, 0.2f, 0.7f}, {0.1f, 0.2f, 0.7f}, {0.1f, 0.2f, 0.7f}};
  EXPECT_EQ(nn::in_top_k({1, 2, 0, 5}, p, 1).to_vector<bool>(), (std::vector<bool>{true, true, false, false}));
  EXPECT_EQ(nn::in_top_k({1, 2, 0, 5}, p, 3).to_vector<bool>(), (std::vector<bool>{true, true, true, false}));
  EXPECT_THROW(nn::in_top_k({{1}}, p, 1), ShapeError);
}

// capability: 8.3
TEST(Metrics, AccuracyChoosesByShape) {
  EXPECT_EQ(Metric("accuracy").name(), "accuracy");
  EXPECT_EQ(Metric("acc").name(), "acc");
  const Tensor p = {{0.1f, 0.9f}, {0.6f, 0.4f}};
  EXPECT_FLOAT_EQ(Metric("accuracy")({{0.f, 1.f}, {0.f, 1.f}}, p).item<float>(), 0.5f);
  EXPECT_FLOAT_EQ(Metric("accuracy")({1, 0}, p).item<float>(), 1.f);
  EXPECT_FLOAT_EQ(Metric("accuracy")({{1}, {1}}, p).item<float>(), 0.5f);
  EXPECT_FLOAT_EQ(Metric("acc")({{1.f}, {1.f}}, {{0.7f}, {0.2f}}).item<float>(), 0.5f);
}

TEST(Metrics, ConfusionByHand) {
  const Tensor truth = {0, 1, 1, 1}, p = {1.f, 0.f, 1.f, 1.f};
  EXPECT_FLOAT_EQ(metrics::Precision()(truth, p).item<float>(), 2.f / 3);
  EXPECT_FLOAT_EQ(metrics::Recall()(truth, p).item<float>(), 2.f / 3);
  EXPECT_FLOAT_EQ(metrics::TruePositives()(truth, p).item<float>(), 2.f);
  EXPECT_FLOAT_EQ(metrics::FalsePositives()(truth, p).item<float>(), 1.f);
  EXPECT_FLOAT_EQ(metrics::FalseNegatives()(truth, p).item<float>(), 1.f);
  EXPECT_FLOAT_EQ(metrics::TrueNegatives()(truth, p).item<float>(), 0.f);
  metrics::Precision weighted;
  weighted.update_state(truth, p, {0.f, 0.f, 1.f, 0.f});
  EXPECT_FLOAT_EQ(weighted.result().item<float>(), 1.f);
  const metrics::Recall several({.thresholds = {0.3, 0.6}});
  EXPECT_EQ(several({0, 1, 1}, {0.9f, 0.4f, 0.7f}).to_vector<float>(), (std::vector<float>{1.f, 0.5f}));
}

TEST(Metrics, AreaUnderCurveByHand) {
  const Tensor truth = {0, 0, 1, 1}, p = {0.f, 0.5f, 0.3f, 0.9f};
  // Three thresholds: 0, 0.5 and 1.
  EXPECT_NEAR(metrics::AUC({.num_thresholds = 3})(truth, p).item<double>(), 0.75, 1e-6);
  EXPECT_NEAR(metrics::AUC()(truth, p).item<double>(), 0.75, 1e-2);
  const metrics::AUC given({.thresholds = {0.4}});
  EXPECT_NEAR(given(truth, p).item<double>(), 0.5, 1e-6);
  const metrics::AUC labels({.multi_label = true});
  EXPECT_EQ(labels.variables().size(), 0u);
  EXPECT_NEAR(labels({{0, 1}, {1, 0}}, {{0.1f, 0.2f}, {0.8f, 0.7f}}).item<double>(), 0.5, 1e-6);
  EXPECT_EQ(labels.variables().size(), 4u);
}

TEST(Metrics, RatesAtOthers) {
  const metrics::SensitivityAtSpecificity metric(0.5);
  EXPECT_FLOAT_EQ(metric({0, 0, 0, 1, 1}, {0.f, 0.3f, 0.8f, 0.3f, 0.8f}).item<float>(), 0.5f);
  const metrics::PrecisionAtRecall precision(0.5);
  EXPECT_FLOAT_EQ(precision({0, 0, 0, 1, 1}, {0.f, 0.3f, 0.8f, 0.3f, 0.8f}).item<float>(), 0.5f);
}

// capability: 4.9
TEST(Metrics, CopiesShareTheirState) {
  metrics::CategoricalAccuracy first;
  const Metric second = first, cloned = first.clone();
  first.update_state({{1.f, 0.f}}, {{0.9f, 0.1f}});
  EXPECT_EQ(second.result().item<float>(), 1.f);
  EXPECT_EQ(cloned.result().item<float>(), 0.f);
  ASSERT_EQ(second.variables().size(), 2u);
  EXPECT_EQ(second.variables()[0].name(), "total");
  EXPECT_EQ(second.variables()[1].name(), "count");
  EXPECT_FALSE(second.variables()[0].trainable());
}

class Recall5 : public CustomMetric<Recall5> {
 public:
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& /*sample_weight*/ = {}) const {
    hits_.assign_add(reduce_sum(cast(nn::in_top_k(argmax(y_true, -1), y_pred, 5), float32)));
    count_.assign_add(cast(shape(y_true)[0], float32));
  }
  Tensor result() const { return hits_ / count_; }

 private:
  Variable hits_ = state("hits", {}), count_ = state("count", {});
};

// capability: 4.10
TEST(Metrics, OwnClassesKeepTheirObject) {
  const Recall5 own;
  const Metric erased = own, cloned = erased.clone();
  const Tensor truth = one_hot({0, 5}, 6), p = {{9.f, 1.f, 2.f, 3.f, 4.f, 5.f}, {9.f, 1.f, 2.f, 3.f, 4.f, 0.f}};
  own.update_state(truth, p);
  EXPECT_FLOAT_EQ(erased.result().item<float>(), 0.5f);
  erased.update_state(truth, p);
  EXPECT_FLOAT_EQ(own.result().item<float>(), 0.5f);
  EXPECT_EQ(own.variables()[1].read().item<float>(), 4.f);
  EXPECT_EQ(cloned.variables()[1].read().item<float>(), 0.f);
  EXPECT_EQ(erased.name(), "recall5");
  EXPECT_EQ(erased.class_name(), "Recall5");
  erased.reset_state();
  EXPECT_EQ(own.variables()[1].read().item<float>(), 0.f);
  EXPECT_FLOAT_EQ(own(truth, p).item<float>(), 0.5f);
}

class Above : public CustomMetric<Above> {
 public:
  explicit Above(double limit) : limit_(limit) {}
  void update_state(const Tensor& y_true, const Tensor& y_pred) const {
    total_.assign_add(reduce_sum(cast(y_pred - y_true > limit_, float32)));
  }
  Tensor result() const { return total_; }

 private:
  double limit_;
  Variable total_ = state("total", {});
};

TEST(Metrics, OwnClassesWithArgumentsNeedAConfigToBeCloned) {
  const Metric metric = Above(0.5);
  EXPECT_FLOAT_EQ(metric({0.f, 0.f}, {1.f, 0.25f}).item<float>(), 1.f);
  EXPECT_TRUE(has(message_of([&] { metric.clone(); }), "from_config"));
}

TEST(Metrics, CallablesAreAveraged) {
  const Metric metric = metrics::custom(
      [](const Tensor& y_true, const Tensor& y_pred) { return reduce_max(abs(y_true - y_pred), -1); }, "worst");
  EXPECT_FLOAT_EQ(metric({{0.f, 0.f}, {0.f, 0.f}}, {{1.f, 2.f}, {4.f, 0.f}}).item<float>(), 3.f);
  EXPECT_EQ(metric.name(), "worst");
  EXPECT_EQ(metric.clone().result().item<float>(), 0.f);
}

// capability: 4.12
TEST(Metrics, UpdatesInsideAFunction) {
  const Metric accuracy = "accuracy", area = metrics::AUC({.multi_label = true}), own = Recall5();
  auto step = function([&](const Tensor& y, const Tensor& p) {
    accuracy.update_state(y, p);
    area.update_state(y, p);
    own.update_state(y, p);
    return accuracy.result();
  });
  const Tensor y = {{0.f, 1.f}, {1.f, 0.f}, {0.f, 1.f}}, p = {{0.2f, 0.8f}, {0.4f, 0.6f}, {0.1f, 0.9f}};
  EXPECT_FLOAT_EQ(step(y, p).item<float>(), 2.f / 3);
  EXPECT_FLOAT_EQ(step(y[Slice(0, 1)], p[Slice(0, 1)]).item<float>(), 0.75f);
  EXPECT_EQ(step.num_traces(), 1);
  EXPECT_FLOAT_EQ(accuracy.result().item<float>(), 0.75f);
  EXPECT_EQ(own.variables()[1].read().item<float>(), 4.f);
  accuracy.reset_state();
  EXPECT_FLOAT_EQ(step(y, p).item<float>(), 2.f / 3);
}

TEST(Metrics, FilesOfKerasNameWholeTypesAndArrays) {
  // The counts of an IoU are integers there; with a floating type they are not.
  const Config named = metrics::MeanIoU(2).get_config();
  EXPECT_EQ(named.get<std::string>("dtype"), "int64");
  EXPECT_EQ(metrics::MeanIoU(2, {.dtype = "float32"}).get_config().get<std::string>("dtype"), "float32");
  const metrics::Metric whole =
      metrics::Metric::from_config_value(Config{{"class_name", "MeanIoU"}, {"config", named}});
  EXPECT_NEAR(whole({0, 1}, {0, 1}, {0.5f, 2.f}).item<float>(), 1, 1e-6);
  EXPECT_EQ(whole.variables()[0].read().to_vector<float>()[0], 0.f);
  const Config array = {{"class_name", "__tensor__"},
                        {"config", Config{{"value", std::vector<double>{1, 0}}, {"dtype", "float32"}}}};
  const Config auc = {{"multi_label", true}, {"num_labels", 2}, {"label_weights", array}};
  const auto read = metrics::Metric::from_config_value(Config{{"class_name", "AUC"}, {"config", auc}});
  EXPECT_EQ(read.get_config().get<std::vector<double>>("label_weights"), (std::vector<double>{1, 0}));
}

// Keras's root of the mean square, unlike its mean square, counts masked steps, too.
TEST(Metrics, RootMeanSquaredErrorTakesNoMask) {
  const Tensor y = {{0.f, 0.f}}, p = {{3.f, 4.f}};
  set_mask(p, {{true, false}});
  EXPECT_NEAR(metrics::RootMeanSquaredError()(y, p).item<float>(), std::sqrt(12.5f), 1e-6);
}

TEST(Metrics, NamesOfKeras) {
  EXPECT_EQ(Metric("mae").name(), "mae");
  EXPECT_EQ(Metric("mae").class_name(), "MeanAbsoluteError");
  EXPECT_EQ(Metric("AUC").name(), "AUC");  // what was given to compile()
  EXPECT_EQ(metrics::LogCoshError().name(), "logcosh");
  EXPECT_EQ(metrics::CategoricalAccuracy({.name = "top"}).name(), "top");
  for (const char* name :
       {"mse", "mape", "msle", "auc", "precision", "recall", "categorical_accuracy", "binary_accuracy",
        "sparse_categorical_accuracy", "top_k_categorical_accuracy", "root_mean_squared_error", "cosine_similarity",
        "kl_divergence", "poisson", "hinge", "binary_crossentropy"})
    EXPECT_EQ(Metric(name).name(), name);
  EXPECT_TRUE(has(message_of([] { Metric("accurate"); }), "unknown metric 'accurate'"));
}

TEST(Metrics, ConfigMakesTheMetricAgain) {
  for (const Metric& metric :
       {Metric(metrics::AUC({.num_thresholds = 20, .curve = "PR", .name = "area"})),
        Metric(metrics::Precision({.thresholds = {0.1, 0.2}, .class_id = 2})),
        Metric(metrics::Recall({.thresholds = 0.4})), Metric(metrics::TopKCategoricalAccuracy({.k = 2})),
        Metric(metrics::PrecisionAtRecall(0.7, {.num_thresholds = 10})), Metric("mse")}) {
    const Config::Value value = metric.to_config_value();
    const Metric again =
        Metric::from_config_value(Config::Value::object(value.class_name(), value.as_map(), nullptr, "metric"));
    EXPECT_EQ(again.get_config(), metric.get_config()) << metric.name();
  }
  EXPECT_EQ(Metric("accuracy").to_config_value().as_string(), "accuracy");
}

TEST(Metrics, ErrorsSayWhatToDo) {
  const Tensor p = {{0.5f, 0.5f}, {0.2f, 0.8f}, {0.1f, 0.9f}};
  auto text = message_of([&] { metrics::CategoricalAccuracy()({0, 1, 1}, p); });
  EXPECT_TRUE(has(text, "(3,)") && has(text, "(3, 2)") && has(text, "sparse")) << text;
  text = message_of([&] { metrics::SparseCategoricalAccuracy()(p, p); });
  EXPECT_TRUE(has(text, "one-hot")) << text;
  text = message_of([&] { metrics::Precision()(p, ones({3, 4})); });
  EXPECT_TRUE(has(text, "precision") && has(text, "(3, 4)")) << text;
  text = message_of([] { metrics::Precision({.thresholds = 1.5}); });
  EXPECT_TRUE(has(text, "[0, 1]")) << text;
  text = message_of([] { metrics::AUC({.curve = "ROCK"}); });
  EXPECT_TRUE(has(text, "ROCK") && has(text, "PR")) << text;
  text = message_of([&] { metrics::CategoricalAccuracy()(p); });
  EXPECT_TRUE(has(text, "y_pred")) << text;
  text = message_of([] { metrics::Mean()({1.f, 2.f}, {1.f, 2.f, 3.f}); });
  EXPECT_TRUE(has(text, "sample_weight") && has(text, "(3,)")) << text;
  text = message_of([] { Metric().result(); });
  EXPECT_TRUE(has(text, "empty")) << text;
}

}  // namespace
}  // namespace strata
