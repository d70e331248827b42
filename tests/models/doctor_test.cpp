#include <gtest/gtest.h>

#include <cmath>

#include "strata/strata.h"

namespace strata {
namespace {

using namespace layers;

Sequential classifier(const char* activation) {
  return Sequential({Input({70}), Dense(3, {.activation = activation})});
}
const Tensor kX = random::normal({64, 70}, {.seed = 1});
const Tensor kLabels = cast(argmax(kX[{Ellipsis, Slice(0, 3)}], 1), int32);
const Tensor kRows = one_hot(kLabels, 3);

TEST(Doctor, FindsNothingInASoundTraining) {
  Sequential model = classifier("softmax");
  model.compile({.optimizer = "adam", .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  const auto set = data::from_tensor_slices(kX, kRows).batch(16);
  const Tensors before = model.get_weights();
  const DoctorReport report = doctor(model, set, {.validation_data = {kX * 2.f, kRows}});
  EXPECT_TRUE(report.empty()) << report.text();
  EXPECT_EQ(model.optimizer().iterations().value().item<int>(), 0);
  for (std::size_t i = 0; i < before.size(); ++i)
    EXPECT_TRUE(reduce_all(equal(model.get_weights()[i], before[i])).item<bool>());
}

TEST(Doctor, LogitsIntoALossOnProbabilities) {
  Sequential model = classifier("linear");
  EXPECT_TRUE(doctor(model, kX, kRows, losses::CategoricalCrossentropy()).contains("logits"));
  EXPECT_FALSE(doctor(model, kX, kRows, losses::CategoricalCrossentropy({.from_logits = true})).contains("logits"));
}

TEST(Doctor, LabelsOfTheWrongForm) {
  Sequential model = classifier("softmax");
  const DoctorReport sparse = doctor(model, kX, kRows, losses::SparseCategoricalCrossentropy());
  ASSERT_TRUE(sparse.contains("labels"));
  EXPECT_NE(sparse.text().find("Use CategoricalCrossentropy()"), std::string::npos) << sparse.text();
  const DoctorReport rows = doctor(model, kX, kLabels, losses::CategoricalCrossentropy());
  ASSERT_TRUE(rows.contains("labels"));
  EXPECT_NE(rows.text().find("utils::to_categorical(y, 3)"), std::string::npos) << rows.text();
  EXPECT_FALSE(doctor(model, kX, kLabels, losses::SparseCategoricalCrossentropy()).contains("labels"));
}

TEST(Doctor, PicturesThatAreNotScaled) {
  Sequential model = classifier("softmax");
  const Tensor pixels = floor(random::uniform({64, 70}, {.maxval = 256, .seed = 2}));
  EXPECT_TRUE(doctor(model, pixels, kRows, "categorical_crossentropy").contains("input_range"));
  EXPECT_FALSE(doctor(model, pixels / 255.f, kRows, "categorical_crossentropy").contains("input_range"));
}

TEST(Doctor, DataSortedByLabel) {
  Sequential model = classifier("softmax");
  const Tensor order = argsort(kLabels);
  const auto sorted = data::from_tensor_slices(gather(kX, order), one_hot(gather(kLabels, order), 3));
  const DoctorOptions few{.batches = 2};
  const auto same = data::from_tensor_slices(kX, ones({64}, int32)).batch(16);
  EXPECT_TRUE(doctor(model, same, losses::SparseCategoricalCrossentropy()).contains("sorted_labels"));
  EXPECT_FALSE(doctor(model, same, losses::SparseCategoricalCrossentropy(), few).contains("sorted_labels"));
  const auto mixed = sorted.shuffle(64, {.seed = 1}).batch(16);
  EXPECT_FALSE(doctor(model, mixed, losses::CategoricalCrossentropy()).contains("sorted_labels"));
}

// A training step that may forget `training`, or report its batch.
class Slips : public CustomModel<Slips> {
 public:
  Slips(bool trains, bool averages) : trains_(trains), averages_(averages) {}
  Tensor call(const Tensor& x) const {
    unused_(x);
    return out_(norm_(x));
  }
  Logs train_step(const Tensor& x, const Tensor& y) const {
    GradientTape tape;
    const Tensor p = (*this)(x, training = trains_), loss = compute_loss(x, y, p);
    const auto weights = norm_.trainable_weights();
    optimizer().apply_gradients(tape.gradient(loss, weights), weights);
    Logs logs = compute_metrics(x, y, p);
    return averages_ ? logs : Logs{{"loss", loss}};
  }

 private:
  bool trains_, averages_;
  BatchNormalization norm_ = track("norm", BatchNormalization());
  Dense out_ = track("out", Dense(3, {.activation = "softmax"})), unused_ = track("unused", Dense(1));
};

TEST(Doctor, ABatchNormInAFrozenModelIsMeantToStayAsItIs) {
  const Tensor x = Input({4});
  const Sequential base({Input({4}), Dense(3), BatchNormalization()});
  const Model model(x, Dense(3, {.activation = "softmax"})(base(x, training = false)));
  model.compile({.optimizer = "sgd", .loss = "categorical_crossentropy"});
  const auto set = data::from_tensor_slices(random::normal({32, 4}, {.seed = 1}), kRows[Slice(0, 32)]).batch(16);
  EXPECT_TRUE(doctor(model, set).contains("batch_norm"));
  base.trainable = false;
  model.compile({.optimizer = "sgd", .loss = "categorical_crossentropy"});
  EXPECT_FALSE(doctor(model, set).contains("batch_norm"));
}

TEST(Doctor, BatchNormInInferenceModeAndWeightsWithoutGradients) {
  const auto set = data::from_tensor_slices(kX, kRows).batch(16);
  for (bool trains : {false, true}) {
    Slips model(trains, true);
    model.compile({.optimizer = "sgd", .loss = "categorical_crossentropy"});
    const DoctorReport report = doctor(model, set);
    EXPECT_EQ(report.contains("batch_norm"), !trains) << report.text();
    EXPECT_TRUE(report.contains("no_gradient"));
    EXPECT_NE(report.text().find("unused/kernel"), std::string::npos) << report.text();
    EXPECT_FALSE(report.contains("last_batch"));
  }
}

TEST(Doctor, TheLastBatchAsIfItWereTheEpoch) {
  const auto set = data::from_tensor_slices(kX, kRows).batch(16);
  Slips model(true, false);
  model.compile({.optimizer = "sgd", .loss = "categorical_crossentropy"});
  EXPECT_TRUE(doctor(model, set).contains("last_batch"));
}

TEST(Doctor, ValidationOnTheTrainingData) {
  Sequential model = classifier("softmax");
  const losses::Loss loss = losses::CategoricalCrossentropy();
  EXPECT_TRUE(
      doctor(model, kX, kRows, loss, {.validation_data = {kX + 0.f, kRows}}).contains("validation_is_training"));
  EXPECT_FALSE(
      doctor(model, kX, kRows, loss, {.validation_data = {kX * 2.f, kRows}}).contains("validation_is_training"));
}

TEST(Doctor, FitWarnsQuietly) {
  const auto set = data::from_tensor_slices(kX, kRows).batch(16);
  for (bool on : {false, true}) {
    Slips model(false, false);
    model.compile({.optimizer = "sgd", .loss = "categorical_crossentropy"});
    testing::internal::CaptureStderr();
    model.fit(set, {.verbose = 0, .validation_data = set, .doctor = on});
    const std::string said = testing::internal::GetCapturedStderr();
    for (const char* text : {"inference mode", "last batch", "validation data are the training data"})
      EXPECT_EQ(said.find(text) != std::string::npos, on) << text << '\n' << said;
  }
}

// Counts calls that compute, not those that are traced.
class Counted : public CustomModel<Counted> {
 public:
  Tensor call(const Tensor& x) const {
    if (!x.is_symbolic()) ++*calls;
    return out_(x);
  }
  std::shared_ptr<int> calls = std::make_shared<int>(0);

 private:
  Dense out_ = track("out", Dense(3, {.activation = "softmax"}));
};

TEST(Doctor, FitExaminesOutputsOnce) {
  const Counted model;
  model.compile({.optimizer = "sgd", .loss = "categorical_crossentropy"});
  const auto set = data::from_tensor_slices(kX, kRows).batch(16);
  model.fit(set, {.verbose = 0});
  const int once = *model.calls;
  EXPECT_GT(once, 0);
  for (int epoch = 0; epoch < 3; ++epoch) model.fit(set, {.verbose = 0});
  EXPECT_EQ(*model.calls, once);
  // Targets of another form, and another loss, are another matter.
  model.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
  testing::internal::CaptureStderr();
  model.fit(kX, kLabels, {.verbose = 0});
  testing::internal::GetCapturedStderr();
  EXPECT_GT(*model.calls, once);
}

TEST(Doctor, ErrorsSayWhatToDo) {
  Sequential model = classifier("softmax");
  EXPECT_THROW(doctor(model, data::from_tensor_slices(kX, kRows).batch(4)), ValueError);
  EXPECT_THROW(doctor(model, kX, kRows[Slice(0, 3)], losses::CategoricalCrossentropy()), ShapeError);
}

std::string nan_message(const Model& model, const Tensor& x, const Tensor& y) {
  try {
    model.fit(x, y, {.batch_size = 2, .verbose = 0, .shuffle = false, .trace_nan = true});
  } catch (const ValueError& e) {
    return e.what();
  }
  return "";
}

class Logarithm : public CustomLayer<Logarithm> {
 public:
  Tensor call(const Tensor& x) const { return log(x); }
};

TEST(NanTrace, NamesTheFirstOpItsLayerAndItsInputs) {
  Sequential model({Input({1}), Dense(1, {.kernel_initializer = "ones"}), Logarithm()});
  model.compile({.optimizer = optimizers::SGD(0.0), .loss = "mse"});
  const Tensor y = zeros({4, 1});
  EXPECT_EQ(nan_message(model, Tensor{{1.f}, {2.f}, {3.f}, {4.f}}, y), "");
  const std::string said = nan_message(model, Tensor{{1.f}, {2.f}, {3.f}, {-4.f}}, y);
  EXPECT_NE(said.find("the loss became nan"), std::string::npos) << said;
  EXPECT_NE(said.find("'log' in layer 'sequential"), std::string::npos) << said;
  EXPECT_NE(said.find("logarithm'"), std::string::npos) << said;
  EXPECT_NE(said.find("in [-4, 3], mean -0.5"), std::string::npos) << said;
  const std::string bad = nan_message(model, Tensor{{1.f}, {NAN}, {3.f}, {4.f}}, y);
  EXPECT_NE(bad.find("The batch's own x is not finite"), std::string::npos) << bad;
}

TEST(NanTrace, NoticesWeightsThatBreakBeforeTheLoss) {
  Sequential model({Input({1}), Dense(1, {.kernel_initializer = "ones"})});
  model.compile({.optimizer = optimizers::SGD(1e30), .loss = "mse"});
  const std::string said = nan_message(model, full({2, 1}, 1e10f), zeros({2, 1}));
  EXPECT_NE(said.find("is no longer finite"), std::string::npos) << said;
}

}  // namespace
}  // namespace strata
