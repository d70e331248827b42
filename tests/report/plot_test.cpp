#include "strata/plot.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "strata/array.h"
#include "strata/image.h"
#include "strata/layers/convolution.h"
#include "strata/math.h"
#include "tests/support/errors.h"

namespace strata::plot {
namespace {

namespace fs = std::filesystem;

using test::message_of;

// Compares with tests/golden/plots/<name>.png, within what antialiasing of another Cairo may change: on average 2 grey
// levels. STRATA_UPDATE_PLOTS=1 writes the pictures instead; look at them before they are committed.
void expect_golden(const std::string& name, const Figure& figure) {
  const fs::path path = fs::path(std::getenv("STRATA_GOLDEN_DIR")) / "plots" / (name + ".png");
  if (std::getenv("STRATA_UPDATE_PLOTS") != nullptr) figure.save(path.string());
  ASSERT_TRUE(fs::exists(path)) << path << " is missing; run with STRATA_UPDATE_PLOTS=1";
  const Tensor want = utils::load_img(path.string()).pixels(), got = figure.to_tensor();
  ASSERT_EQ(got.shape(), want.shape());
  const auto a = got.data<std::uint8_t>(), b = want.data<std::uint8_t>();
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(static_cast<double>(a[i]) - b[i]);
  EXPECT_LT(sum / static_cast<double>(a.size()), 2) << name;
  // A picture must not be empty.
  double ink = 0;
  for (std::uint8_t v : a) ink += 255 - v;
  EXPECT_GT(ink / static_cast<double>(a.size()), 3) << name;
}

Tensor ramp(const Shape& shape) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < shape.num_elements(); ++i)
    values.push_back(0.5f + 0.5f * std::sin(0.37f * static_cast<float>(i)));
  return Tensor::from(values, shape);
}

const std::vector<std::string> kNames = {"cat", "dog", "a long name"};

struct Scored {
  Tensor truth, scores;
};
Scored scored() {
  std::vector<std::int64_t> truth;
  std::vector<double> scores;
  for (int i = 0; i < 90; ++i) {
    truth.push_back(i % 3);
    double row[3], sum = 0;
    for (int c = 0; c < 3; ++c) sum += row[c] = std::exp(std::sin(1.7 * i + 2.1 * c) * 2 + (c == i % 3 ? 1.5 : 0));
    for (double v : row) scores.push_back(v / sum);
  }
  return {Tensor::from(truth, {90}), Tensor::from(scores, {90, 3})};
}

// capability: 7.6
TEST(Heatmap, IsGolden) {
  const Tensor counts = {{50, 2, 3}, {1, 40, 9}, {0, 12, 38}};
  expect_golden("heatmap", heatmap(counts, {.title = "Confusion",
                                            .tick_labels = kNames,
                                            .x_label = "predicted",
                                            .y_label = "true",
                                            .annotate = true,
                                            .figure_size = {4, 3.6},
                                            .dpi = 60}));
}

TEST(Heatmap, ChecksItsArguments) {
  const std::string shape = message_of([] { heatmap(Tensor{1, 2, 3}); });
  EXPECT_NE(shape.find("shape (3,), but a matrix"), std::string::npos) << shape;
  const Tensor m = {{1, 2}, {3, 4}};
  EXPECT_NE(message_of([&] { heatmap(m, {.tick_labels = kNames}); }).find("3 labels are given for 2 rows"),
            std::string::npos);
  EXPECT_NE(message_of([&] { heatmap(m, {.colormap = "jet"}); }).find("\"viridis\""), std::string::npos);
  EXPECT_NE(message_of([&] { heatmap(m, {.annotate = true, .format = "q"}); }).find("format \"q\""), std::string::npos);
  EXPECT_NE(message_of([&] { heatmap(m, {.figure_size = {-1, 3}}); }).find("figure_size"), std::string::npos);
}

// capability: 3.6
TEST(ImageGrid, IsGolden) {
  const Tensor labels = {{0}, {1}, {2}, {1}};
  expect_golden(
      "image_grid",
      image_grid(ramp({4, 8, 8, 3}),
                 {.rows = 2, .columns = 2, .labels = labels, .label_names = kNames, .title = "Samples", .dpi = 60}));
}

TEST(ImageGrid, DrawsBytesAndGrey) {
  const Tensor bytes = cast(ramp({3, 6, 6}) * 255.f, uint8);
  const Tensor a = image_grid(bytes).to_tensor(), b = image_grid(ramp({3, 6, 6, 1})).to_tensor();
  ASSERT_EQ(a.shape(), b.shape());
  double difference = 0;
  for (std::size_t i = 0; i < a.data<std::uint8_t>().size(); ++i)
    difference =
        std::max(difference, std::abs(static_cast<double>(a.data<std::uint8_t>()[i]) - b.data<std::uint8_t>()[i]));
  EXPECT_LE(difference, 2);
}

TEST(ImageGrid, ChecksItsArguments) {
  EXPECT_NE(message_of([] { image_grid(ramp({4, 8})); }).find("shape (4, 8)"), std::string::npos);
  EXPECT_NE(message_of([] {
              image_grid(ramp({2, 4, 4, 3}), {.labels = {0, 7}, .label_names = kNames});
            }).find("label 7 has no name; 3 label_names are given"),
            std::string::npos);
}

History trained() {
  History h;
  for (int i = 0; i < 8; ++i) {
    h.epoch.push_back(i);
    h.history.append("loss", 2 * std::exp(-0.4 * i));
    h.history.append("accuracy", 1 - 0.6 * std::exp(-0.4 * i));
    h.history.append("val_loss", 2 * std::exp(-0.3 * i) + 0.2);
    h.history.append("val_accuracy", 0.9 - 0.5 * std::exp(-0.4 * i));
  }
  return h;
}

TEST(HistoryPlot, IsGolden) { expect_golden("history", history(trained(), {.dpi = 50})); }

TEST(Curves, AreGolden) {
  const auto [truth, scores] = scored();
  const ClassCurveOptions options{.class_names = kNames, .figure_size = {5, 4.4}, .dpi = 50};
  expect_golden("roc_curve", roc_curve(truth, scores, options));
  expect_golden("precision_recall_curve", precision_recall_curve(truth, scores, options));
  expect_golden("calibration_curve", calibration_curve(truth, scores, options));
}

TEST(Histograms, AreGolden) {
  expect_golden("histogram", histogram(ramp({400}), {.bins = 12, .title = "Values", .x_label = "x", .dpi = 50}));
  expect_golden("bars",
                bars({{"conv", 3.5}, {"dense", 1.2}, {"pool", 0}}, {.title = "Time", .x_label = "ms", .dpi = 60}));
}

TEST(Maps, AreGolden) {
  expect_golden("weights", weights(ramp({3, 3, 3, 7}) - 0.5f, {.title = "Kernels", .colormap = "coolwarm", .dpi = 60}));
  expect_golden("feature_maps", feature_maps(ramp({1, 7, 7, 10}), {.title = "Maps", .dpi = 60}));
}

TEST(Maps, OfALayer) {
  layers::Conv2D conv(4, 3);
  EXPECT_NE(message_of([&] { weights(conv); }).find("Is it built?"), std::string::npos);
  conv.build({None, 8, 8, 3});
  EXPECT_GT(weights(conv).to_tensor().size(), 0);
}

TEST(Lines, LeavesGapsAndRefusesUnequalLengths) {
  const double nan = std::nan("");
  lines({{"a", {}, {1, nan, 3, 4}}, {"none", {}, {nan, nan}}}).to_tensor();
  lines({{"flat", {}, {2, 2}}}, {.log_y = true}).to_tensor();
  EXPECT_NE(message_of([] { lines({{"a", {1, 2, 3}, {1, 2}}}); }).find("curve 'a' has 3 x and 2 y"), std::string::npos);
}

TEST(Figure, SavesThreeFormats) {
  const fs::path folder = fs::path(testing::TempDir()) / "strata_plot";
  fs::create_directories(folder);
  const Figure figure = history(trained());
  const auto head_of = [&](const char* name) {
    figure.save((folder / name).string());
    std::ifstream in(folder / name, std::ios::binary);
    std::string head(5, '\0');
    in.read(head.data(), 5);
    return head;
  };
  EXPECT_EQ(head_of("a.png"), "\x89PNG\r");
  EXPECT_EQ(head_of("a.svg"), "<?xml");
  EXPECT_EQ(head_of("a.pdf"), "%PDF-");
  fs::remove_all(folder);
  EXPECT_NE(message_of([&] { figure.save("a.gif"); }).find("'a.gif' ends neither in .png, .svg nor .pdf"),
            std::string::npos);
  EXPECT_THROW(figure.save((folder / "missing" / "a.png").string()), FileError);
}

}  // namespace
}  // namespace strata::plot
