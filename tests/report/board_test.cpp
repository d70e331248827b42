#include "strata/board.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "strata/array.h"
#include "strata/layers/core.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/random.h"
#include "strata/report.h"
#include "strata/summary.h"
#include "strata/utils.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

namespace fs = std::filesystem;

class Board : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "strata_board_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string write_logs() {
    for (const char* run : {"train", "validation"}) {
      const auto writer = summary::create_file_writer(folder_ + "/logs/" + run);
      const auto scope = writer.as_default();
      for (int i = 0; i < 50; ++i) {
        summary::scalar("loss", std::exp(-0.1 * i) + (run[0] == 'v' ? 0.2 : 0), {.step = i});
        summary::scalar("accuracy", 1 - std::exp(-0.1 * i), {.step = i});
      }
      summary::text("note", "no scalar");
    }
    return folder_ + "/logs";
  }
  static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string folder_;
};

using test::has;
using test::message_of;

TEST_F(Board, ReadsScalarsBack) {
  const auto curves = board::read_scalars(write_logs());
  ASSERT_EQ(curves.size(), 4u);
  EXPECT_EQ(curves[0].tag, "accuracy");
  EXPECT_EQ(curves[2].tag + " " + curves[2].run, "loss train");
  ASSERT_EQ(curves[2].points.size(), 50u);
  EXPECT_EQ(curves[2].points[49].step, 49);
  EXPECT_NEAR(curves[2].points[49].value, std::exp(-4.9), 1e-6);
}

TEST_F(Board, ReadsUpToTheDamage) {
  const std::string logs = write_logs();
  fs::path file;
  for (const auto& entry : fs::directory_iterator(logs + "/train")) file = entry.path();
  const std::string bytes = read(file.string());
  for (std::size_t cut : {bytes.size() - 3, bytes.size() / 2}) {
    std::ofstream(file, std::ios::binary) << bytes.substr(0, cut);
    const auto curves = board::read_scalars(logs);
    EXPECT_LE(curves[2].points.size(), 50u);
    EXPECT_GE(curves[2].points.size(), 20u);
  }
  std::string broken = bytes;
  broken[broken.size() / 2] ^= 0x40;
  std::ofstream(file, std::ios::binary) << broken;
  EXPECT_LT(board::read_scalars(logs)[2].points.size(), 50u);
}

// capability: 5.8
TEST_F(Board, DrawsWhileTheRunGoesOn) {
  const auto writer = summary::create_file_writer(folder_ + "/logs/live");
  const auto scope = writer.as_default();
  summary::scalar("loss", 2.f, {.step = 0});
  writer.flush();
  EXPECT_TRUE(has(board::draw(folder_ + "/logs"), "loss"));
  summary::scalar("loss", 1.f, {.step = 7});
  writer.flush();
  const std::string text = board::draw(folder_ + "/logs");
  EXPECT_TRUE(has(text, "live: 1 at step 7")) << text;
  EXPECT_TRUE(has(text, "step 0 to 7")) << text;
}

TEST_F(Board, DrawsCurvesAndAPage) {
  const std::string logs = write_logs();
  const std::string text = board::draw(logs, {.filter = "loss", .width = 60, .height = 8});
  EXPECT_TRUE(has(text, "validation: 0.207447 at step 49")) << text;
  EXPECT_FALSE(has(text, "accuracy"));
  EXPECT_TRUE(has(text, "⠤") || has(text, "⣀") || has(text, "⠒")) << text;
  board::write_html(logs, folder_ + "/page.html");
  const std::string page = read(folder_ + "/page.html");
  EXPECT_TRUE(has(page, "<svg") && has(page, "Last values"));
  EXPECT_FALSE(has(page, "http://localhost") || has(page, "<script"));
}

TEST_F(Board, SaysWhatIsMissing) {
  EXPECT_TRUE(has(message_of([&] { board::draw(folder_ + "/none"); }), "there is no folder"));
  EXPECT_TRUE(has(message_of([&] { board::draw(folder_); }), "holds no event file"));
  EXPECT_EQ(board::main({}), 2);
  EXPECT_EQ(board::main({"--what"}), 2);
  EXPECT_EQ(board::main({folder_}), 1);
  EXPECT_EQ(board::main({write_logs(), "--html", folder_ + "/a.html"}), 0);
}

TEST_F(Board, ReportCardShowsTheRunAndWhatChanged) {
  const Tensor y = cast(range(0.f, 60.f), int64) % 3;
  const Tensor p = nn::softmax(random::normal({60, 3}, {.seed = 1}) + 2.f * utils::to_categorical(y, 3));
  History history;
  for (int i = 0; i < 3; ++i) {
    history.epoch.push_back(i);
    history.history.append("loss", 1.0 / (i + 1));
    history.history.append("val_loss", 1.2 / (i + 1));
  }
  Sequential model({Input({4}), layers::Dense(3)});
  const std::string path = folder_ + "/report.html";
  report::ReportOptions options{.title = "Run <1>",
                                .history = history,
                                .y_true = y,
                                .y_score = p,
                                .class_names = {"cat", "dog", "eel"},
                                .images = random::uniform({60, 4, 4, 3}, {.seed = 2}),
                                .model = model,
                                .seed = 7,
                                .settings = {{"rate", "0.1"}}};
  report::write(path, options);
  const std::string first = read(path);
  for (const char* part : {"Run &lt;1&gt;", "Training", "weighted avg", "Confusion", "Worst mistakes", "multiply-adds",
                           "processor", "seed", "ROC AUC"})
    EXPECT_TRUE(has(first, part)) << part;
  EXPECT_FALSE(has(first, "Against the run before"));
  options.settings = {{"rate", "0.2"}};
  options.history.history.append("loss", 0.1);
  options.history.history.append("val_loss", 0.2);
  report::write(path, options);
  const std::string second = read(path);
  EXPECT_TRUE(has(second, "<tr><td>rate</td><td>0.1</td><td>0.2</td>"));
  EXPECT_TRUE(has(second, "<span class=\"better\">-0.2333</span>"));
}

TEST_F(Board, ReportCardChecksItsArguments) {
  const std::string path = folder_ + "/report.html";
  EXPECT_TRUE(has(message_of([&] { report::write(path, {.y_true = zeros({3}, int64)}); }), "one of them is missing"));
  EXPECT_TRUE(has(message_of([&] {
                    report::write(path, {.y_true = zeros({3}, int64), .y_score = ones({2, 2})});
                  }),
                  "y_true has 3 samples and y_score 2"));
  std::ofstream(folder_ + "/report.json") << "{";
  EXPECT_TRUE(has(message_of([&] { report::write(path, {}); }), "is no report's JSON"));
}

}  // namespace
}  // namespace strata
