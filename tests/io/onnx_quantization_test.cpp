// Models with fake quantization in ONNX files, and back.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "strata/strata.h"

namespace strata::test {
namespace {

using namespace layers;

std::string temporary(const std::string& name) { return (std::filesystem::path(testing::TempDir()) / name).string(); }
double largest_difference(const Tensor& a, const Tensor& b) { return reduce_max(abs(a - b)).item<double>(); }

struct Saved {
  Model model;
  std::string path;
  Tensor x = random::normal({4, 8, 8, 3}, {.seed = 2});
};
Saved quantized_network(bool per_channel) {
  utils::set_random_seed(3);
  const Tensor in = Input({8, 8, 3}, {.name = "image"});
  Tensor y = Conv2D(8, 3, {.padding = "same", .activation = "relu"})(in);
  y = MaxPooling2D(2)(DepthwiseConv2D(3, {.padding = "same"})(y));
  const Model model = Model(in, Dense(3, {.name = "kind"})(Flatten()(y)));
  Saved saved{quantization::quantize_model(model, {.per_channel = per_channel}), temporary("quantized.onnx")};
  quantization::calibrate(saved.model, random::normal({32, 8, 8, 3}, {.seed = 8}));
  onnx::save(saved.model, saved.path);
  return saved;
}

// capability: 8.12
TEST(OnnxQuantization, ComesBackAsFakeQuantization) {
  for (const bool per_channel : {true, false}) {
    SCOPED_TRACE(per_channel);
    const Saved saved = quantized_network(per_channel);
    const Model loaded = onnx::load(saved.path);
    EXPECT_LT(largest_difference(saved.model(saved.x), loaded(saved.x)), 1e-5);
    // The weights are the layers' kernels and biases under their names; no scale is one of them.
    EXPECT_EQ(loaded.trainable_weights().size(), 6u);
    EXPECT_EQ(loaded.non_trainable_weights().size(), 0u);
    EXPECT_EQ(loaded.trainable_weights()[0].shape().size(), 4u);
    for (const Variable& w : loaded.weights()) EXPECT_EQ(w.name().find("_quantized"), std::string::npos) << w.name();
  }
}

TEST(OnnxQuantization, TrainsOnAndConvertsToIntegers) {
  const Saved saved = quantized_network(false);
  const Model loaded = onnx::load(saved.path);
  const FrozenModel fast = quantization::convert(loaded, saved.x.shape());
  EXPECT_NE(fast.explain().find("byte_matmul("), std::string::npos) << fast.explain();
  EXPECT_LT(largest_difference(saved.model(saved.x), fast(saved.x)), 5e-2);
  loaded.compile({.optimizer = "adam", .loss = "mse"});
  const Tensor y = zeros({4, 3});
  const double before = loaded.train_on_batch(saved.x, y).at("loss");
  for (int i = 0; i < 10; ++i) loaded.train_on_batch(saved.x, y);
  EXPECT_LT(loaded.evaluate(saved.x, y, {.verbose = 0}).at("loss"), before);
}

TEST(OnnxQuantization, AScaleThatDoesNotFitIsAnErrorWithItsNode) {
  const Saved saved = quantized_network(true);
  std::ifstream file(saved.path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  // The axis of all nodes, 1 or more, becomes 7.
  const std::string axis = std::string("\x0a\x04") + "axis\x18";
  std::size_t changed = 0;
  for (std::size_t at = bytes.find(axis); at != std::string::npos; at = bytes.find(axis, at + 1), ++changed)
    bytes[at + axis.size()] = 7;
  ASSERT_GT(changed, 0u);
  std::ofstream(saved.path, std::ios::binary) << bytes;
  try {
    onnx::load(saved.path)(saved.x);
    ADD_FAILURE() << "no error";
  } catch (const ValueError& e) {
    EXPECT_NE(std::string(e.what()).find("DequantizeLinear"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("its axis 7"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace strata::test
