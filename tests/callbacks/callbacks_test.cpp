#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "callbacks/monitor.h"
#include "strata/strata.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

using namespace layers;
using test::has;
using test::message_of;

// Runs epochs whose logs are the given values of "val_loss"; the number of epochs that ran.
int run(const std::vector<double>& values, const std::vector<callbacks::AnyCallback>& list, const Model& model,
        const char* name = "val_loss") {
  TrainingLoop loop(model, {.epochs = static_cast<int>(values.size()), .verbose = 0, .callbacks = list});
  for (auto& epoch : loop) {
    for (auto [step] : epoch.steps(1)) epoch.log("step", step);
    epoch.log(name, Tensor(values[static_cast<std::size_t>(epoch.number())]));
  }
  return static_cast<int>(loop.history().epoch.size());
}

Sequential make_model() {
  Sequential model({Input({1}), Dense(1)});
  model.compile({.optimizer = optimizers::SGD(0.5), .loss = "mse"});
  return model;
}

TEST(EarlyStopping, PatienceBaselineAndWarmUp) {
  const Sequential model = make_model();
  callbacks::EarlyStopping stop({.patience = 2});
  EXPECT_EQ(run({5, 4, 4, 4, 1}, {stop}, model), 4);
  EXPECT_EQ(stop.stopped_epoch(), 3);
  EXPECT_EQ(stop.best_epoch(), 1);
  EXPECT_EQ(stop.best(), 4);
  EXPECT_EQ(run({5, 4, 3, 2, 1}, {stop}, model), 5);  // used again
  EXPECT_EQ(run({5, 4.5, 4.4, 4}, {callbacks::EarlyStopping({.min_delta = 0.3})}, model), 3);
  EXPECT_EQ(run({5, 6, 7}, {callbacks::EarlyStopping({.mode = "max"})}, model), 3);
  EXPECT_EQ(run({5, 4, 3, 2}, {callbacks::EarlyStopping({.patience = 1, .baseline = 1})}, model), 4);
  EXPECT_EQ(run({5, 6, 6, 5, 6}, {callbacks::EarlyStopping({.start_from_epoch = 2})}, model), 5);
}

// capability: 8.4
TEST(EarlyStopping, RestoresTheBestWeights) {
  const Sequential model = make_model();
  auto set = callbacks::LambdaCallback({.on_epoch_begin = [&](int epoch, const Logs&) {
    model.weights()[0].assign(full({1, 1}, static_cast<float>(epoch)));
  }});
  run({3, 1, 2, 2}, {set, callbacks::EarlyStopping({.patience = 2, .restore_best_weights = true})}, model);
  EXPECT_EQ(model.get_weights()[0].item<float>(), 1.f);
}

TEST(EarlyStopping, ErrorsAndMissingValues) {
  const Sequential model = make_model();
  EXPECT_THROW(callbacks::EarlyStopping({.mode = "up"}), ValueError);
  EXPECT_THROW(callbacks::EarlyStopping().best(), ValueError);
  EXPECT_THROW(run({1, 2}, {callbacks::EarlyStopping({.monitor = "height"})}, model, "height"), ValueError);
  EXPECT_EQ(run({1, 2, 3}, {callbacks::EarlyStopping({.monitor = "val_accuracy"})}, model, "val_accuracy"), 3);
  testing::internal::CaptureStderr();
  run({1, 2}, {callbacks::EarlyStopping({.monitor = "val_auc"})}, model);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("'val_auc', which is not in the logs"), std::string::npos);
}

TEST(ReduceLROnPlateau, LowersTheRateAndLogsIt) {
  const Sequential model = make_model();
  callbacks::History history;
  run({4, 4, 4, 4, 4},
      {history, callbacks::ReduceLROnPlateau({.factor = 0.5, .patience = 1, .cooldown = 1, .min_lr = 0.2})}, model);
  EXPECT_EQ(history.history().at("learning_rate"), (std::vector<double>{0.5, 0.5, 0.25, 0.2f, 0.2f}));
  EXPECT_EQ(history.epoch().size(), 5u);
  EXPECT_THROW(callbacks::ReduceLROnPlateau({.factor = 1}), ValueError);
}

TEST(LearningRateScheduler, BothForms) {
  const Sequential model = make_model();
  callbacks::History history;
  run({1, 1, 1},
      {callbacks::LearningRateScheduler([](int epoch, double rate) { return epoch < 1 ? rate : rate / 2; }), history},
      model);
  EXPECT_EQ(history.history().at("learning_rate"), (std::vector<double>{0.5, 0.25, 0.125}));
  run({1, 1}, {callbacks::LearningRateScheduler([](int epoch) { return 1.0 / (1 + epoch); })}, model);
  EXPECT_EQ(model.optimizer().learning_rate().item<float>(), 0.5f);
}

TEST(CSVLogger, WritesALineForEachEpochAndAppends) {
  const Sequential model = make_model();
  const std::string path = testing::TempDir() + "log.csv";
  run({0.5, 2}, {callbacks::CSVLogger(path)}, model);
  run({3}, {callbacks::CSVLogger(path, {.append = true})}, model);
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_EQ(text.str(), "epoch,step,val_loss\r\n0,0.0,0.5\r\n1,1.0,2.0\r\n0,0.0,3.0\r\n");
  EXPECT_THROW(run({1}, {callbacks::CSVLogger("/no/such/folder/log.csv")}, model), FileError);
}

// As Keras: the bar shows their mean, files have them all.
TEST(Logs, SeveralValuesOfOneMetric) {
  const Sequential model({Input({2}), Dense(2, {.activation = "softmax"})});
  model.compile({.optimizer = optimizers::SGD(0.0), .loss = "mse", .metrics = {metrics::F1Score(), "AUC"}});
  model.set_weights({Tensor{{1.f, 0.f}, {0.f, 1.f}}, Tensor{0.f, 0.f}});
  const Tensor x = {{1.f, 0.f}, {0.f, 1.f}, {1.f, 0.f}, {0.f, 1.f}},
               y = {{1.f, 0.f}, {0.f, 1.f}, {1.f, 0.f}, {1.f, 0.f}};
  const std::string path = testing::TempDir() + "several.csv";
  const History history = model.fit(x, y, {.epochs = 2, .verbose = 0, .callbacks = {callbacks::CSVLogger(path)}});
  EXPECT_NEAR(history.history["f1_score[0]"][1], 0.8, 1e-6);
  EXPECT_NEAR(history.history["f1_score[1]"][1], 2. / 3, 1e-6);
  EXPECT_NEAR(history.history["f1_score"][1], (0.8 + 2. / 3) / 2, 1e-6);
  EXPECT_TRUE(history.history.contains("AUC"));  // the word that was given is the name
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_TRUE(has(text.str(), "\"\"\"[0.79999995, 0.66666657]\"\"\"")) << text.str();
  const Logs logs = model.evaluate(x, y, {.verbose = 0});
  text.str("");
  text << logs;
  EXPECT_TRUE(has(text.str(), "'f1_score': [0.79999995, 0.66666657]")) << text.str();
  EXPECT_TRUE(has(message_of([&] { logs.at("f1_score"); }), "has 2 values (shape (2,)), not one"));
}

TEST(TerminateOnNaN, StopsOrThrows) {
  const Sequential model = make_model();
  auto bad = [&](const callbacks::AnyCallback& c) {
    TrainingLoop loop(model, {.epochs = 3, .verbose = 0, .callbacks = {c}});
    for (auto& epoch : loop)
      for (auto [step] : epoch.steps(4)) epoch.log("loss", Tensor(step.item<int>() == 5 ? INFINITY : 1.f));
    return loop.global_step();
  };
  EXPECT_EQ(bad(callbacks::TerminateOnNaN()), 6);
  EXPECT_THROW(bad(callbacks::TerminateOnNaN({.raise_error = true})), ValueError);
}

TEST(SwapEMAWeights, EvaluatesWithTheAverages) {
  Sequential model({Input({1}), Dense(1, {.kernel_initializer = "ones"})});
  model.compile(
      {.optimizer = optimizers::SGD({.learning_rate = 0.1, .use_ema = true, .ema_momentum = 0.5}), .loss = "mae"});
  const Tensor x = ones({1, 1}), y = zeros({1, 1});
  model.train_on_batch(x, y);
  model.train_on_batch(x, y);
  const double plain = model.evaluate(x, y, {.verbose = 0}).at("loss");
  const double averaged = model.evaluate(x, y, {.verbose = 0, .callbacks = {callbacks::SwapEMAWeights()}}).at("loss");
  EXPECT_NEAR(averaged - plain, 0.1, 1e-6);  // half a step of 0.2 behind
  EXPECT_NEAR(model.evaluate(x, y, {.verbose = 0}).at("loss"), plain, 1e-7);
  const Sequential other = make_model();
  EXPECT_THROW(other.evaluate(x, y, {.verbose = 0, .callbacks = {callbacks::SwapEMAWeights()}}), ValueError);
}

// capability: 6.11
TEST(ModelCheckpoint, SavesTheBestAndFormatsPaths) {
  const Sequential model = make_model();
  const std::string folder = testing::TempDir() + "checkpoints";
  std::filesystem::remove_all(folder);
  callbacks::ModelCheckpoint best(folder + "/{epoch:02d}-{val_loss:.2f}.npz",
                                  {.save_best_only = true, .save_weights_only = true});
  run({3, 4, 2}, {best}, model);
  EXPECT_TRUE(std::filesystem::exists(folder + "/01-3.00.npz"));
  EXPECT_FALSE(std::filesystem::exists(folder + "/02-4.00.npz"));
  EXPECT_EQ(best.last_file(), folder + "/03-2.00.npz");
  EXPECT_THROW(run({1}, {callbacks::ModelCheckpoint(folder + "/{height}.npz", {.save_weights_only = true})}, model),
               ValueError);
  EXPECT_THROW(run({1}, {callbacks::ModelCheckpoint(folder + "/{epoch:q}.npz", {.save_weights_only = true})}, model),
               ValueError);
  EXPECT_THROW(run({1}, {callbacks::ModelCheckpoint(folder, {.save_weights_only = true})}, model), FileError);
  EXPECT_THROW(callbacks::ModelCheckpoint("a.npz", {.save_weights_only = true, .save_freq = 0}), ValueError);
  callbacks::ModelCheckpoint whole(folder + "/{epoch}.keras");
  run({1}, {whole}, model);
  EXPECT_EQ(Model(load_model(whole.last_file())).get_weights()[0].item<float>(), model.get_weights()[0].item<float>());
  callbacks::ModelCheckpoint often(folder + "/{epoch}_{batch}.npz", {.save_weights_only = true, .save_freq = 3});
  TrainingLoop loop(model, {.epochs = 2, .verbose = 0, .callbacks = {often}});
  for (auto& epoch : loop)
    for (auto [step] : epoch.steps(4)) static_cast<void>(step);
  EXPECT_TRUE(std::filesystem::exists(folder + "/1_3.npz"));
  EXPECT_TRUE(std::filesystem::exists(folder + "/2_2.npz"));
}

TEST(Callbacks, NumbersAsPythonPrintsThem) {
  EXPECT_EQ(callbacks::python_number(0.1), "0.1");
  EXPECT_EQ(callbacks::python_number(2), "2.0");
  EXPECT_EQ(callbacks::python_number(INFINITY), "inf");
  EXPECT_EQ(callbacks::format_path("a{b", 0, {}, {}), "a{b");
}

struct CountsBatches : callbacks::Callback {
  int batches = 0, last = -1;
  void on_train_batch_end(int batch, const Logs&) override { ++batches, last = batch; }
};

TEST(Callbacks, ANamedObjectIsUsedItself) {
  const Sequential model = make_model();
  CountsBatches counts;
  model.fit(zeros({6, 1}), zeros({6, 1}), {.batch_size = 2, .epochs = 2, .verbose = 0, .callbacks = {counts}});
  EXPECT_EQ(counts.batches, 6);
  EXPECT_EQ(counts.last, 2);
  const auto shared = std::make_shared<CountsBatches>();
  run({1, 2}, {shared, CountsBatches()}, model);
  EXPECT_EQ(shared->batches, 2);
}

TEST(Callbacks, AnObjectThatIsGoneIsAnError) {
  std::vector<callbacks::AnyCallback> list;
  {
    CountsBatches counts;
    list = {counts};
  }
  EXPECT_TRUE(has(message_of([&] { run({1}, list, make_model()); }), "was destroyed before the list was used"));
  EXPECT_THROW(callbacks::AnyCallback(std::shared_ptr<callbacks::Callback>()), ValueError);
}

}  // namespace
}  // namespace strata
