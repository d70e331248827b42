#include "strata/understanding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "examples/mini_inception.h"
#include "strata/strata.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

namespace fs = std::filesystem;

using test::has;
using test::message_of;

// Looks for brightness in the left half: a convolution that copies, and a pool over the halves.
class LeftOrRight : public CustomModel<LeftOrRight> {
 public:
  Tensor call(const Tensor& x) const {
    const Tensor maps = conv(x);
    const Tensor halves = reshape(reduce_mean(reshape(maps, {-1, 8, 2, 4}), {1, 3}), {-1, 2});
    return nn::softmax(halves * 4.f);
  }
  Conv2D conv = track("conv", Conv2D(1, 1, {.use_bias = false, .kernel_initializer = "ones"}));
};

Tensor left_spot() {
  std::vector<float> pixels(64, 0.f);
  for (int i : {2 * 8 + 1, 2 * 8 + 2, 3 * 8 + 1, 3 * 8 + 2}) pixels[static_cast<std::size_t>(i)] = 1;
  return Tensor::adopt(std::move(pixels), {8, 8, 1});
}

double mean_of(const Tensor& heat, int from, int to) {
  double sum = 0;
  for (int i = 0; i < 8; ++i)
    for (int j = from; j < to; ++j) sum += heat.data<float>()[static_cast<std::size_t>(i * 8 + j)];
  return sum / (8 * (to - from));
}

// capability: 8.8
TEST(GradCam, PointsAtWhatDecided) {
  LeftOrRight model;
  const auto a = understanding::grad_cam(model, left_spot(), {.layer = "conv"});
  EXPECT_EQ(a.class_index, 0);
  EXPECT_GT(a.score, 0.5);
  EXPECT_EQ(a.heatmap.shape(), (Shape{8, 8}));
  EXPECT_EQ(a.heatmap.data<float>()[2 * 8 + 1], 1);
  EXPECT_GT(mean_of(a.heatmap, 0, 4), 10 * mean_of(a.heatmap, 4, 8));
  EXPECT_EQ(a.overlay.shape(), (Shape{8, 8, 3}));
  EXPECT_EQ(a.overlay.dtype(), uint8);
  // Without a name: the last layer with maps, the same one.
  const auto found = understanding::grad_cam(model, left_spot());
  EXPECT_EQ(found.heatmap.to_vector<float>(), a.heatmap.to_vector<float>());
}

TEST(GradCam, ChecksItsArguments) {
  LeftOrRight model;
  model(expand_dims(left_spot(), 0));
  EXPECT_TRUE(has(message_of([&] { understanding::grad_cam(model, ones({8, 8})); }), "shape (8, 8), but (height"));
  EXPECT_TRUE(has(message_of([&] { understanding::grad_cam(model, left_spot(), {.class_index = 2}); }),
                  "class_index is 2, but the model has 2 classes"));
  EXPECT_TRUE(has(message_of([&] { understanding::grad_cam(model, left_spot(), {.layer = "dense"}); }),
                  "none of its layers: conv"));
}

TEST(Occlusion, PointsAtWhatDecided) {
  LeftOrRight model;
  const auto a = understanding::occlusion(model, left_spot(), {.patch = 2, .stride = 2, .fill = 0});
  EXPECT_EQ(a.class_index, 0);
  EXPECT_GT(mean_of(a.heatmap, 0, 4), 10 * mean_of(a.heatmap, 4, 8));
  EXPECT_TRUE(has(message_of([&] { understanding::occlusion(model, left_spot(), {.patch = 0}); }), "patch is 0"));
}

TEST(Cost, OfMiniInception) {
  MiniInception model;
  EXPECT_TRUE(has(message_of([&] { understanding::cost(model); }), "has not yet been built"));
  model.build({None, 32, 32, 3});
  const auto cost = understanding::cost(model, {.measure = false});
  EXPECT_EQ(cost.total.parameters, 1656250);
  EXPECT_NEAR(static_cast<double>(cost.total.multiply_adds), 235e6, 5e6);
  ASSERT_EQ(cost.rows.size(), 14u);
  EXPECT_EQ(cost.rows[0].name, "conv_block");
  EXPECT_EQ(cost.rows[0].multiply_adds, 32 * 32 * 27 * 96);
  EXPECT_EQ(cost.rows.back().multiply_adds, 3360);
  EXPECT_EQ(cost.rows[0].activation_bytes, 32 * 32 * 96 * 4);
  const auto nested = understanding::cost(model, {.batch_size = 2, .expand_nested = true, .measure = false});
  EXPECT_EQ(nested.total.multiply_adds, 2 * cost.total.multiply_adds);
  EXPECT_EQ(nested.total.parameters, cost.total.parameters);
  EXPECT_EQ(nested.rows[0].name, "conv_block/conv");
}

TEST(Cost, MeasuresAndPrints) {
  Sequential model({Input({8}), Dense(4), Dense(2)});
  const auto cost = understanding::cost(model, {.batch_size = 3});
  EXPECT_EQ(cost.total.multiply_adds, 3 * (8 * 4 + 4 * 2));
  EXPECT_GT(cost.total.milliseconds, 0);
  double shares = 0;
  for (const auto& row : cost.rows) shares += row.share;
  EXPECT_NEAR(shares, 1, 1e-9);
  std::ostringstream out;
  out << cost;
  EXPECT_TRUE(has(out.str(), "multiply-adds")) << out.str();
  EXPECT_TRUE(has(out.str(), "(3, 4)")) << out.str();
}

// capability: 2.9
TEST(PlotModel, WritesDotForEveryKindOfModel) {
  MiniInception model;
  model.build({None, 32, 32, 3});
  const std::string flat = utils::model_to_dot(model, {.show_shapes = true, .show_layer_names = true});
  EXPECT_TRUE(has(flat, "<b>inception_block8</b> (InceptionModule)"));
  EXPECT_TRUE(has(flat, "out: (None, 7, 7, 336)"));
  EXPECT_FALSE(has(flat, "subgraph"));
  const std::string nested = utils::model_to_dot(model, {.rankdir = "LR", .expand_nested = true});
  EXPECT_TRUE(has(nested, "label=\"inception_block8/conv1 (ConvModule)\""));
  EXPECT_TRUE(has(nested, "rankdir=LR"));
  const Tensor in = Input({4}, {.name = "in"});
  Model functional(in, Dense(3, {.activation = "relu", .name = "out"})(in));
  EXPECT_TRUE(has(utils::model_to_dot(functional, {.show_layer_activations = true}), "activation: <b>relu</b>"));
  EXPECT_TRUE(has(message_of([&] { utils::model_to_dot(functional, {.rankdir = "up"}); }), "rankdir is \"up\""));
  EXPECT_TRUE(has(message_of([&] { utils::plot_model(functional, {.to_file = "a.gif"}); }), "'a.gif' ends neither"));
}

TEST(PlotModel, DrawsByGraphvizOrSaysThatItIsMissing) {
  const fs::path folder = fs::path(testing::TempDir()) / "strata_plot_model";
  fs::create_directories(folder);
  Sequential model({Input({4}), Dense(3), Dense(2)});
  const std::string file = (folder / "model.png").string();
  utils::plot_model(model, {.to_file = file, .show_shapes = true, .dpi = 50});
  const Image image = utils::load_img(file);
  EXPECT_GT(image.height(), 100);
  const std::string path = std::getenv("PATH");
  setenv("PATH", folder.c_str(), 1);
  EXPECT_TRUE(has(message_of([&] { utils::plot_model(model, {.to_file = file}); }), "apt-get install graphviz"));
  setenv("PATH", path.c_str(), 1);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace strata
