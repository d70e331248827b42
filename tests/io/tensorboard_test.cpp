#include "strata/tensorboard.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "strata/array.h"
#include "strata/layers/core.h"
#include "strata/model.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

namespace fs = std::filesystem;

class TensorBoardTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "strata_board_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string read(const std::string& name) const {
    std::ifstream in(folder_ + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // All event files of a folder, one after the other.
  std::string events(const std::string& name) const {
    std::string out;
    for (const auto& entry : fs::directory_iterator(folder_ + "/" + name))
      if (entry.is_regular_file()) out += read(name + "/" + entry.path().filename().string());
    return out;
  }
  std::string folder_;
};

using test::has;
using test::message_of;

// capability: 5.4
TEST_F(TensorBoardTest, ImagesAreChecked) {
  const auto writer = summary::create_file_writer(folder_);
  const auto scope = writer.as_default(0);
  EXPECT_TRUE(summary::image("a", zeros({1, 2, 2, 3})));
  EXPECT_TRUE(has(message_of([] { summary::image("a", zeros({2, 2, 3})); }), "shape (2, 2, 3), but (n, height"));
  EXPECT_TRUE(has(message_of([] { summary::image("a", zeros({1, 2, 2, 3}, int32)); }), "Give uint8, or floats"));
  EXPECT_TRUE(has(message_of([] { summary::histogram("h", zeros({2}), {.buckets = 0}); }), "buckets is 0"));
  EXPECT_TRUE(has(message_of([] { summary::pr_curve("p", zeros({2}), zeros({3})); }), "(2,) and predictions (3,)"));
  writer.flush();
  EXPECT_TRUE(has(read(fs::path(writer.path()).filename().string()), "\x89PNG"));
}

TEST_F(TensorBoardTest, StatisticsSayWhatWritingCosts) {
  const auto writer = summary::create_file_writer(folder_);
  const auto scope = writer.as_default();
  for (int i = 0; i < 2000; ++i) summary::scalar("x", 1.f, {.step = i});
  const auto s = writer.statistics();
  EXPECT_EQ(s.events, 2000);
  EXPECT_EQ(s.dropped, 0);
  EXPECT_GT(s.bytes, 2000 * 50);
  EXPECT_GT(s.seconds, 0);
  // 1 % of a step of a quarter second is 2.5 ms; a scalar must cost far less, even on a loaded machine.
  EXPECT_LT(s.seconds / 2000, 250e-6);
}

// capability: 5.3
TEST_F(TensorBoardTest, CallbackWritesKerasTags) {
  Sequential model({Input({3}), layers::Dense(2)});
  model.compile({.loss = "mse"});
  model.fit(ones({6, 3}), zeros({6, 2}),
            {.batch_size = 2,
             .epochs = 2,
             .verbose = 0,
             .callbacks = {callbacks::TensorBoard(folder_ + "/logs", {.update_freq = "2"})},
             .validation_split = 0.34});
  const std::string train = events("logs/train"), validation = events("logs/validation");
  for (const char* tag : {"epoch_loss", "epoch_learning_rate", "batch_loss", "graph_keras_model"})
    EXPECT_TRUE(has(train, tag)) << tag;
  EXPECT_FALSE(has(train, "epoch_val_loss"));
  EXPECT_TRUE(has(validation, "epoch_loss"));
  EXPECT_TRUE(has(validation, "evaluation_loss_vs_iterations"));
}

TEST_F(TensorBoardTest, CallbackChecksItsOptions) {
  using callbacks::TensorBoard;
  EXPECT_TRUE(has(message_of([] { TensorBoard("logs", {.update_freq = "often"}); }), "update_freq is \"often\""));
  EXPECT_TRUE(has(message_of([] { TensorBoard("logs", {.profile_batch = {5, 2}}); }), "profile_batch"));
}

// capability: 5.7
TEST_F(TensorBoardTest, GraphsOfEveryKindOfModel) {
  const auto writer = summary::create_file_writer(folder_);
  const auto scope = writer.as_default();
  Sequential sequential({layers::Dense(3, {.name = "only"})});
  EXPECT_TRUE(has(message_of([&] { summary::graph(sequential); }), "has not yet been built"));
  sequential.build({None, 2});
  summary::graph(sequential, {.ops = true});
  const Tensor in = Input({2}, {.name = "left"});
  summary::graph(Model(in, layers::Dense(1, {.name = "right"})(in)));
  writer.flush();
  const std::string bytes = read(fs::path(writer.path()).filename().string());
  for (const char* name : {"only", "left", "right", "matmul", "_output_shapes"}) EXPECT_TRUE(has(bytes, name)) << name;
}

// capability: 5.5
TEST_F(TensorBoardTest, SearchTriesEveryChoiceAndSorts) {
  std::set<std::string> seen;
  const auto trials = hparams::search({{"units", {8, 16}}, hparams::HParam::reals("rate", 1e-4, 1e-2, true)},
                                      [&](const Config& values, const std::string& logdir) {
                                        seen.insert(values.to_json());
                                        EXPECT_TRUE(logdir.starts_with(folder_));
                                        return values.get<double>("rate") * values.get<int>("units");
                                      },
                                      {.logdir = folder_ + "/search", .steps = 3, .maximize = false});
  EXPECT_EQ(seen.size(), 6u);
  ASSERT_EQ(trials.size(), 6u);
  EXPECT_NEAR(trials[0].score, 8e-4, 1e-9);
  EXPECT_NEAR(trials.back().score, 0.16, 1e-9);
  EXPECT_TRUE(has(events("search/trial-000"), "_hparams_/session_start_info"));
  const auto again = [&] {
    return hparams::search({hparams::HParam::integers("n", 1, 100)}, [](const Config& v) { return v.get<int>("n"); },
                           {.logdir = folder_ + "/random", .method = "random", .trials = 5, .seed = 3});
  };
  EXPECT_EQ(again()[0].score, again()[0].score);
}

TEST_F(TensorBoardTest, SearchChecksItsArguments) {
  const auto trial = [](const Config&) { return 0.; };
  EXPECT_TRUE(has(message_of([&] { hparams::search({{"a", {1}}}, trial, {.method = "bayes"}); }), "\"bayes\""));
  EXPECT_TRUE(has(message_of([] { hparams::HParam::reals("rate", 2, 1); }), "from 2 to 1 is empty"));
  EXPECT_TRUE(has(message_of([] { hparams::HParam("a", {}); }), "no values"));
}

// capability: 5.6
TEST_F(TensorBoardTest, ProjectorKeepsOtherEmbeddings) {
  projector::add_embedding(folder_, "one", ones({2, 3}), {.labels = {"a\tb", "c"}});
  projector::add_embedding(folder_, "two", ones({2, 2}), {.images = zeros({2, 4, 4, 3})});
  projector::add_embedding(folder_, "one", zeros({1, 3}));
  EXPECT_EQ(read("projector_config.pbtxt"),
            "embeddings {\n  tensor_name: \"two\"\n  tensor_path: \"two.tsv\"\n  sprite {\n"
            "    image_path: \"two_sprite.png\"\n    single_image_dim: 4\n    single_image_dim: 4\n  }\n}\n"
            "embeddings {\n  tensor_name: \"one\"\n  tensor_path: \"one.tsv\"\n}\n");
  EXPECT_EQ(read("one.tsv"), "0\t0\t0\n");
  EXPECT_TRUE(has(message_of([&] { projector::add_embedding(folder_, "x", ones({3})); }), "shape (3,)"));
  EXPECT_TRUE(has(message_of([&] {
                    projector::add_embedding(folder_, "x", ones({3, 2}), {.labels = {"a"}});
                  }),
                  "1 labels are given for 3 rows"));
}

}  // namespace
}  // namespace strata
