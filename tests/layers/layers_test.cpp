// What holds for every built-in layer: it runs eagerly and on shapes with the same result shapes, takes an empty batch,
// is the same traced, and can be made again from its configuration.
#include <gtest/gtest.h>

#include "strata/strata.h"

namespace strata {
namespace {

using namespace layers;

struct Case {
  std::string name;
  Layer layer;
  std::vector<Shape> inputs;  // with the batch
  bool integers = false;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

std::vector<Case> computing_layers() {
  return {
      {"Dense", Dense(3, {.activation = "relu"}), {{4, 5}}},
      {"DenseOfRankFour", Dense(3), {{4, 2, 3, 5}}},
      {"Embedding", Embedding(10, 4), {{4, 6}}, true},
      {"Identity", Identity(), {{4, 3}}},
      {"Activation", layers::Activation("tanh"), {{4, 3}}},
      {"ReLU", ReLU({.max_value = 6.0, .negative_slope = 0.1}), {{4, 3}}},
      {"LeakyReLU", LeakyReLU(), {{4, 3}}},
      {"PReLU", PReLU({.shared_axes = {1}}), {{4, 3, 2}}},
      {"ELU", ELU(), {{4, 3}}},
      {"Softmax", layers::Softmax(), {{4, 3}}},
      {"Conv1D", Conv1D(4, 3, {.padding = "causal", .dilation_rate = 2}), {{2, 8, 3}}},
      {"Conv2D", Conv2D(4, {3, 2}, {.strides = 2, .padding = "same", .groups = 2}), {{2, 7, 6, 4}}},
      {"Conv3D", Conv3D(2, 2), {{2, 4, 5, 6, 3}}},
      {"Conv1DTranspose", Conv1DTranspose(4, 3, {.strides = 2}), {{2, 5, 3}}},
      {"Conv2DTranspose", Conv2DTranspose(4, 3, {.strides = 2, .padding = "same"}), {{2, 5, 4, 3}}},
      {"Conv3DTranspose", Conv3DTranspose(2, 2, {.strides = 2}), {{1, 3, 2, 3, 2}}},
      {"DepthwiseConv1D", DepthwiseConv1D(3, {.depth_multiplier = 2}), {{2, 8, 3}}},
      {"DepthwiseConv2D", DepthwiseConv2D(3, {.strides = 2, .padding = "same"}), {{2, 8, 7, 3}}},
      {"SeparableConv1D", SeparableConv1D(4, 3), {{2, 8, 3}}},
      {"SeparableConv2D", SeparableConv2D(4, 3, {.depth_multiplier = 2}), {{2, 8, 7, 3}}},
      {"MaxPooling1D", MaxPooling1D(2), {{2, 9, 3}}},
      {"MaxPooling2D", MaxPooling2D({3, 3}, {.strides = {2, 2}}), {{2, 9, 8, 3}}},
      {"MaxPooling3D", MaxPooling3D(2, {.padding = "same"}), {{2, 5, 4, 3, 2}}},
      {"AveragePooling1D", AveragePooling1D(2), {{2, 9, 3}}},
      {"AveragePooling2D", AveragePooling2D({7, 7}), {{2, 7, 7, 3}}},
      {"AveragePooling3D", AveragePooling3D(2), {{2, 5, 4, 3, 2}}},
      {"GlobalMaxPooling1D", GlobalMaxPooling1D(), {{2, 9, 3}}},
      {"GlobalMaxPooling2D", GlobalMaxPooling2D({.keepdims = true}), {{2, 9, 8, 3}}},
      {"GlobalMaxPooling3D", GlobalMaxPooling3D(), {{2, 5, 4, 3, 2}}},
      {"GlobalAveragePooling1D", GlobalAveragePooling1D(), {{2, 9, 3}}},
      {"GlobalAveragePooling2D", GlobalAveragePooling2D(), {{2, 9, 8, 3}}},
      {"GlobalAveragePooling3D", GlobalAveragePooling3D(), {{2, 5, 4, 3, 2}}},
      {"BatchNormalization", BatchNormalization(), {{4, 5, 3}}},
      {"BatchNormalizationOfAxisOne", BatchNormalization({.axis = 1, .scale = false}), {{4, 3, 5}}},
      {"LayerNormalization", LayerNormalization(), {{4, 5, 3}}},
      {"LayerNormalizationOfTwoAxes", LayerNormalization({.axis = {1, 2}}), {{4, 5, 3}}},
      {"GroupNormalization", GroupNormalization(2), {{4, 5, 6, 4}}},
      {"UnitNormalization", UnitNormalization(), {{4, 5}}},
      {"RMSNormalization", RMSNormalization({.axis = {1, -1}}), {{4, 5, 3}}},
      {"AdaptiveMaxPooling1D", AdaptiveMaxPooling1D(4), {{2, 9, 3}}},
      {"AdaptiveMaxPooling2D", AdaptiveMaxPooling2D({2, 3}), {{2, 9, 8, 3}}},
      {"AdaptiveMaxPooling3D", AdaptiveMaxPooling3D(2), {{2, 5, 4, 3, 2}}},
      {"AdaptiveAveragePooling1D", AdaptiveAveragePooling1D(4), {{2, 9, 3}}},
      {"AdaptiveAveragePooling2D", AdaptiveAveragePooling2D({2, 3}), {{2, 9, 8, 3}}},
      {"AdaptiveAveragePooling3D", AdaptiveAveragePooling3D(2), {{2, 5, 4, 3, 2}}},
  };
}

std::vector<Case> other_layers() {
  return {
      {"Dropout", layers::Dropout(0.3), {{4, 5}}},
      {"SpatialDropout1D", SpatialDropout1D(0.3), {{4, 5, 3}}},
      {"SpatialDropout2D", SpatialDropout2D(0.3), {{4, 5, 3, 2}}},
      {"SpatialDropout3D", SpatialDropout3D(0.3), {{4, 5, 3, 2, 2}}},
      {"GaussianDropout", GaussianDropout(0.3), {{4, 5}}},
      {"GaussianNoise", GaussianNoise(0.3), {{4, 5}}},
      {"AlphaDropout", AlphaDropout(0.3), {{4, 5}}},
      {"ActivityRegularization", ActivityRegularization({.l2 = 0.1}), {{4, 5}}},
      {"Flatten", Flatten(), {{4, 5, 3}}},
      {"Reshape", Reshape({3, -1}), {{4, 5, 3}}},
      {"Permute", Permute({2, 1}), {{4, 5, 3}}},
      {"RepeatVector", RepeatVector(3), {{4, 5}}},
      {"Rescaling", Rescaling(1. / 255, {.offset = -1}), {{4, 5}}},
      {"ZeroPadding1D", ZeroPadding1D({1, 2}), {{2, 5, 3}}},
      {"ZeroPadding2D", ZeroPadding2D({{1, 2}, {0, 3}}), {{2, 5, 4, 3}}},
      {"ZeroPadding3D", ZeroPadding3D(1), {{2, 3, 4, 5, 2}}},
      {"Cropping1D", Cropping1D({1, 2}), {{2, 5, 3}}},
      {"Cropping2D", Cropping2D({{1, 0}, {0, 3}}), {{2, 5, 4, 3}}},
      {"Cropping3D", Cropping3D(1), {{2, 3, 4, 5, 2}}},
      {"UpSampling1D", UpSampling1D(2), {{2, 3, 2}}},
      {"UpSampling2D", UpSampling2D({2, 3}, {.interpolation = "bilinear"}), {{2, 3, 4, 2}}},
      {"UpSampling3D", UpSampling3D(2), {{1, 2, 3, 2, 2}}},
      {"Add", layers::Add(), {{4, 5}, {4, 5}, {4, 5}}},
      {"Subtract", Subtract(), {{4, 5}, {4, 5}}},
      {"Multiply", Multiply(), {{4, 5}, {4, 1}}},
      {"Average", Average(), {{4, 5}, {4, 5}}},
      {"Maximum", Maximum(), {{4, 5}, {4, 5}}},
      {"Minimum", Minimum(), {{4, 5}, {4, 5}}},
      {"Concatenate", Concatenate(), {{4, 5}, {4, 2}}},
      {"Dot", Dot({2, 1}), {{4, 5, 3}, {4, 3, 2}}},
  };
}

std::vector<Case> all_layers() {
  std::vector<Case> all = computing_layers();
  for (const Case& c : other_layers()) all.push_back(c);
  return all;
}

class EveryLayer : public testing::TestWithParam<Case> {
 protected:
  Tensors inputs(std::optional<std::int64_t> batch = {}) const {
    Tensors out;
    for (Shape shape : GetParam().inputs) {
      if (batch) shape[0] = *batch;
      out.push_back(GetParam().integers ? cast(random::uniform(shape) * 9.f, int32) : random::normal(shape));
    }
    return out;
  }
};

TEST_P(EveryLayer, InfersTheShapesThatItReturns) {
  utils::set_random_seed(1);
  const Layer& layer = GetParam().layer;
  std::vector<Shape> shapes;
  for (Shape s : GetParam().inputs) {
    s[0] = None;
    shapes.push_back(s);
  }
  const Tensor y = layer(inputs());
  Shape expected = y.shape(), inferred;
  if (GetParam().integers) {
    inferred = Tensor(layer(Input(shapes[0].sub(1), {.dtype = "int32"}))).shape();
  } else {
    inferred = layer.compute_output_shapes(shapes)[0];
  }
  ASSERT_EQ(inferred.size(), expected.size());
  for (std::size_t i = 1; i < expected.size(); ++i) EXPECT_EQ(inferred[i], expected[i]) << to_string(inferred);
  EXPECT_EQ(inferred[0], None);
}

TEST_P(EveryLayer, TakesAnEmptyBatch) {
  const Tensor y = GetParam().layer(inputs(0));
  EXPECT_EQ(y.shape()[0], 0);
  EXPECT_EQ(y.size(), 0);
}

TEST_P(EveryLayer, IsTheSameTracedAsEager) {
  const Layer& layer = GetParam().layer;
  const Tensors x = inputs();
  auto traced = function([&](const Tensors& x) { return Tensor(layer(x)); }, {.disable = {"all"}});
  EXPECT_EQ(traced(x).to_vector<float>(), Tensor(layer(x)).to_vector<float>());
}

TEST_P(EveryLayer, IsMadeAgainFromItsConfiguration) {
  const Layer& layer = GetParam().layer;
  const Tensors x = inputs();
  const Tensor before = layer(x);
  const Layer copy = layer.clone_layer();
  EXPECT_EQ(copy.class_name(), layer.class_name());
  copy(x);
  copy.set_weights(layer.get_weights());
  EXPECT_EQ(Tensor(copy(x)).to_vector<float>(), before.to_vector<float>());
  Config a = layer.get_config(), b = copy.get_config();
  a.erase("name");
  b.erase("name");
  EXPECT_EQ(a.to_json(), b.to_json());
}

TEST_P(EveryLayer, TrainsAndDifferentiates) {
  utils::set_random_seed(4);
  const Layer& layer = GetParam().layer;
  const Tensors x = inputs();
  layer(x);
  GradientTape tape({.persistent = true});
  for (const Tensor& t : x)
    if (is_floating(t.dtype())) tape.watch(t);
  const Tensor y = layer(x, training = true);
  for (const Tensor& t : x) {
    if (!is_floating(t.dtype())) continue;
    EXPECT_EQ(tape.gradient(y, t).shape(), t.shape());
  }
  for (const Variable& v : layer.trainable_weights()) EXPECT_EQ(tape.gradient(y, v).shape(), v.shape()) << v.path();
}

INSTANTIATE_TEST_SUITE_P(Layers, EveryLayer, testing::ValuesIn(all_layers()),
                         [](const auto& info) { return info.param.name; });

// capability: 1.14
TEST(BatchNormalization, FollowsTheStatisticsOfTheBatch) {
  BatchNormalization layer({.momentum = 0.9});
  const Tensor x = {{1.f, 10.f}, {3.f, 30.f}};
  const Tensor y = layer(x, training = true);
  EXPECT_NEAR(y[0][0].item<float>(), -1, 1e-3);
  const Tensors weights = layer.get_weights();  // gamma, beta, mean, variance
  EXPECT_NEAR(weights[2][0].item<float>(), 0.2, 1e-6);
  EXPECT_NEAR(weights[3][1].item<float>(), 0.9 + 0.1 * 100, 1e-4);
  layer.trainable = false;
  layer(x, training = true);
  EXPECT_EQ(layer.get_weights()[2].to_vector<float>(), weights[2].to_vector<float>());
}

// capability: 1.15
TEST(Dropout, DropsInTrainingAloneAndScales) {
  utils::set_random_seed(9);
  layers::Dropout layer(0.25);
  const Tensor x = ones({100, 100});
  EXPECT_EQ(layer(x).to_vector<float>(), x.to_vector<float>());
  const Tensor y = layer(x, training = true);
  EXPECT_NEAR(reduce_mean(y).item<float>(), 1, 0.02);
  EXPECT_NEAR(reduce_max(y).item<float>(), 1 / 0.75f, 1e-6);
}

TEST(Layers, WrongOptionsAndShapesAreExplained) {
  EXPECT_THROW(AdaptiveMaxPooling2D(0), ValueError);
  EXPECT_THROW(AdaptiveMaxPooling2D(2)(ones({2, 3, 4})), ShapeError);
  EXPECT_THROW(RMSNormalization({.axis = {3}})(ones({2, 3, 4})), ValueError);
  EXPECT_THROW(Dense(0), ValueError);
  EXPECT_THROW(Conv2D(4, 3, {.padding = "full"}), ValueError);
  EXPECT_THROW(Conv2D(4, 3, {.groups = 3}), ValueError);
  EXPECT_THROW(layers::Dropout(1.5), ValueError);
  EXPECT_THROW(Permute({1, 3}), ValueError);
  EXPECT_THROW(Conv2D(4, 3)(ones({2, 5, 5})), ShapeError);
  EXPECT_THROW(Reshape({7})(ones({2, 5})), ShapeError);
  EXPECT_THROW(Concatenate()({ones({2, 3}), ones({3, 4})}), ShapeError);
  EXPECT_THROW(Embedding(3, 2)(Tensor{0, 3}), IndexError);
  try {
    Conv2D(9, 3, {.groups = 3, .name = "conv"})(ones({8, 28, 28, 4}));
    FAIL();
  } catch (const ShapeError& e) {
    EXPECT_STREQ(e.what(),
                 "Conv2D 'conv': input has 4 channels, not divisible by groups=3 (input shape (None, 28, 28, 4)). Use "
                 "groups=1, 2, 4.");
  }
}

}  // namespace
}  // namespace strata
