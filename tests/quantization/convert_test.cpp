// Calibration, and inference with 8-bit integers.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "strata/strata.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

using namespace layers;
using quantization::calibrate;
using quantization::convert;
using quantization::quantize_model;

double difference(const Tensor& a, const Tensor& b) { return reduce_max(abs(a - b)).item<double>(); }

using test::has;
using test::message_of;

// Two branches and a pool that are joined, batch normalization, and dense layers.
Model network() {
  const Tensor in = Input({8, 8, 3});
  auto block = [](const Tensor& x, int filters, int kernel, const char* name) {
    const Conv2D conv(filters, kernel, {.padding = "same", .name = name});
    return Activation("relu")(BatchNormalization()(conv(x)));
  };
  Tensor x = block(in, 16, 3, "first");
  x = Concatenate()(
      {block(x, 8, 1, "one"), block(x, 8, 3, "three"), MaxPooling2D(3, {.strides = 1, .padding = "same"})(x)});
  x = MaxPooling2D(2)(DepthwiseConv2D(3, {.padding = "same", .activation = "relu"})(x));
  return Model(in, Dense(4, {.activation = "softmax"})(Dense(16, {.activation = "relu"})(Flatten()(x))));
}

// The class is the brightest colour, or none; there is noise over it.
struct Data {
  explicit Data(int count, int seed = 1)
      : y(random::randint({count}, 0, 4, {.seed = seed})),
        x(random::normal({count, 8, 8, 3}, {.seed = seed + 1}) * 0.4f + reshape(one_hot(y, 3), {count, 1, 1, 3})) {}
  Tensor y, x;
};

void train(const Model& model, int epochs) {
  model.compile({.optimizer = optimizers::Adam(0.01), .loss = "sparse_categorical_crossentropy"});
  const Data data(128);
  model.fit(data.x, data.y, {.batch_size = 32, .epochs = epochs, .verbose = 0, .shuffle = false});
}
const Model& trained() {
  static const Model only = [] {
    utils::set_random_seed(5);
    const Model model = network();
    train(model, 5);
    return model;
  }();
  return only;
}

double accuracy(const Tensor& y, const Tensor& predictions) {
  return reduce_mean(cast(equal(cast(argmax(predictions, 1), y.dtype()), y), float32)).item<double>();
}

// capability: 8.12
TEST(Convert, ATrainedModelComputesInIntegersAsWellAsInFloat32) {
  const Model model = trained();
  const Data data(256, 9);
  const Model quantized = quantize_model(model);
  calibrate(quantized, Data(64, 21).x);
  const FrozenModel fast = convert(quantized, {256, 8, 8, 3});
  EXPECT_TRUE(has(fast.explain(), ": uint8(256, 8, 8, 32) = concat(")) << fast.explain();
  EXPECT_TRUE(has(fast.explain(), "= byte_matmul(")) << fast.explain();
  EXPECT_FALSE(has(fast.explain(), "= fused_conv(")) << fast.explain();
  const Tensor exact = model(data.x), fake = quantized(data.x), found = fast(data.x);
  EXPECT_GT(accuracy(data.y, exact), 0.9);
  EXPECT_NEAR(accuracy(data.y, found), accuracy(data.y, exact), 0.02);
  EXPECT_LT(difference(found, exact), 0.1);
  // The same rounding as fake quantization, but for values that lie between two bytes.
  EXPECT_LT(reduce_mean(abs(found - fake)).item<double>(), 0.004);
}

TEST(Convert, TakesTheRangesThatTrainingLearnt) {
  const Model model = network(), aware = quantize_model(model, {.momentum = 0.5});
  train(aware, 1);
  const Tensor x = Data(64, 30).x, found = convert(aware, x.shape())(x);
  EXPECT_LT(reduce_mean(abs(found - aware(x))).item<double>(), 0.01);
  EXPECT_GT(difference(found, model(x)), 0);
}

TEST(Convert, EqualsFakeQuantizationWhereBothAreExact) {
  // One dense layer: the sums of products are the same numbers.
  const Sequential model({Input({16}), Dense(8)});
  const Model quantized = quantize_model(model);
  const Tensor x = random::normal({32, 16}, {.seed = 3});
  calibrate(quantized, x);
  EXPECT_LT(difference(convert(quantized, x.shape())(x), quantized(x)), 1e-5);
}

TEST(Convert, LeavesOutWhatWasExcluded) {
  const Model model = network(), quantized = quantize_model(model, {.exclude = {"first"}});
  const Tensor x = Data(4).x;
  calibrate(quantized, x);
  const FrozenModel fast = convert(quantized, x.shape());
  EXPECT_TRUE(has(fast.explain(), ": float32(4, 8, 8, 16) = fused_conv(%0, ")) << fast.explain();
  EXPECT_LT(difference(fast(x), model(x)), 0.1);
}

TEST(Convert, TakesAnyNumberOfCallersAtOnce) {
  const Model quantized = quantize_model(network());
  calibrate(quantized, Data(32).x);
  const FrozenModel f = convert(quantized, {1, 8, 8, 3}, {.threads = 1});
  constexpr std::size_t kThreads = 6;
  std::vector<std::vector<float>> in, expected;
  for (std::size_t t = 0; t < kThreads; ++t) {
    in.push_back(Data(1, static_cast<int>(t)).x.to_vector<float>());
    expected.emplace_back(f.output_size());
    f(in.back(), expected.back());
  }
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      std::vector<float> out(f.output_size());
      for (int i = 0; i < 20; ++i) {
        f(in[t], out);
        wrong += out != expected[t];
      }
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Convert, ErrorsSayWhatToDo) {
  const Sequential model({Input({4}), Dense(3)});
  const Model unseen = quantize_model(model), few = quantize_model(model, {.num_bits = 4});
  unseen(ones({1, 4}));
  calibrate(few, ones({2, 4}));
  const std::string hint = "call quantization::calibrate() with samples";
  EXPECT_TRUE(has(message_of<ValueError>([&] { convert(unseen, {1, 4}); }), hint));
  EXPECT_TRUE(has(message_of<ValueError>([&] { convert(few, {1, 4}); }), "num_bits = 8"));
  EXPECT_TRUE(has(message_of<ValueError>([&] { convert(model, {1, 4}); }), "quantization::quantize_model()"));
  EXPECT_TRUE(has(message_of<ValueError>([&] { convert(few, {1, 4}, {.dtype = bfloat16}); }), ".dtype is bfloat16"));
  EXPECT_THROW(convert(unseen, {None, 4}), ShapeError);
}

TEST(Calibrate, RangesAreThoseOfTheSamples) {
  const Sequential model({Input({2}), Dense(2, {.use_bias = false, .name = "only"})});
  const Model quantized = quantize_model(model);
  auto range = [&] {
    const auto weights = quantized.non_trainable_weights();
    return std::pair(weights[0].read().item<float>(), weights[1].read().item<float>());
  };
  calibrate(quantized, Tensor{{1.f, -0.5f}, {3.f, 0.25f}, {0.f, 2.f}}, {.batch_size = 2});
  EXPECT_EQ(range(), std::pair(-0.5f, 3.f));
  // Zero is always part of it; what was there before is not.
  calibrate(quantized, Tensor{{1.f, 0.5f}});
  EXPECT_EQ(range(), std::pair(0.f, 1.f));
  // An outlier of 100 values is left out by 98 percent: 1 percent at each end.
  std::vector<float> values(200);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) - 100;
  values[3] = 1e6f;
  calibrate(quantized, Tensor::from(values, {100, 2}), {.batch_size = 100, .percentile = 98});
  EXPECT_EQ(range(), std::pair(-99.f, 99.f));
  // The model computes as before, and its other variables stay.
  EXPECT_EQ(model.get_weights().size(), 1u);
}

TEST(Calibrate, ErrorsSayWhatToDo) {
  const Sequential model({Input({2}), Dense(2)});
  const Model quantized = quantize_model(model);
  EXPECT_TRUE(has(message_of<ValueError>([&] { calibrate(model, ones({1, 2})); }), "has no quantized layers"));
  EXPECT_TRUE(has(message_of<ValueError>([&] { calibrate(quantized, zeros({0, 2})); }), "there are no samples"));
  EXPECT_TRUE(has(message_of<ValueError>([&] { calibrate(quantized, ones({1, 2}) / 0.f); }), "not finite"));
  EXPECT_TRUE(has(message_of<ValueError>([&] {
                    calibrate(quantized, ones({1, 2}), {.batch_size = 0});
                  }),
                  "batch_size"));
  EXPECT_TRUE(has(message_of<ValueError>([&] {
                    calibrate(quantized, ones({1, 2}), {.percentile = 20});
                  }),
                  "percentile is 20"));
}

}  // namespace
}  // namespace strata
