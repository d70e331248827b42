#include <gtest/gtest.h>

#include "strata/strata.h"

namespace strata {
namespace {

using namespace layers;
using quantization::quantize_model;

double difference(const Tensor& a, const Tensor& b) { return reduce_max(abs(a - b)).item<double>(); }

class Net : public CustomModel<Net> {
 public:
  Tensor call(const Tensor& x) const { return head_(flat_(nn::relu(norm_(conv_(x))))); }
  Conv2D conv_ = track("conv", Conv2D(4, 3, {.padding = "same"}));

 private:
  BatchNormalization norm_ = track("norm", BatchNormalization());
  Flatten flat_ = track("flat", Flatten());
  Dense head_ = track("head", Dense(3, {.activation = "softmax"}));
};

struct Data {
  Tensor x = random::normal({64, 6, 6, 2}, {.seed = 1});
  Tensor y = argmax(reduce_mean(x, {1, 2}) * Tensor{3.f, -3.f}, -1);
};

// capability: 8.12
TEST(QuantizeModel, TrainsASubclassedModelInATapeLoop) {
  utils::set_random_seed(3);
  const Data data;
  const Net net;
  const Model aware = quantize_model(net, {.num_bits = 4});
  aware(data.x);
  const optimizers::Adam optimizer(0.02);
  const losses::SparseCategoricalCrossentropy loss_fn;
  auto step = function([&](const Tensor& x, const Tensor& y) {
    GradientTape tape;
    const Tensor loss = loss_fn(y, aware(x, training = true));
    const auto weights = aware.trainable_weights();
    optimizer.apply_gradients(tape.gradient(loss, weights), weights);
    return loss;
  });
  const float first = step(data.x, data.y).item<float>();
  for (int i = 0; i < 60; ++i) step(data.x, data.y);
  const float last = step(data.x, data.y).item<float>();
  EXPECT_LT(last, first / 4);
  // Its weights are those of the model, which computes without a grid.
  EXPECT_EQ(aware.trainable_weights().size(), net.trainable_weights().size());
  EXPECT_GT(difference(aware(data.x), net(data.x)), 1e-4);
}

TEST(QuantizeModel, KernelsAndInputsLieOnTheirGrids) {
  const Tensor kernel = {{1.f, 0.1f}, {-0.4f, 0.03f}};
  const Sequential model({Input({2}), Dense(2, {.use_bias = false})});
  model.set_weights({kernel});
  const Model aware = quantize_model(model, {.num_bits = 3, .momentum = 0.5});
  const Tensor x = {{1.f, 0.f}, {0.f, 1.f}};
  // Nothing was seen: inputs are taken as they are. Three bits, symmetric: -3 to 3 of each column's largest value.
  EXPECT_LT(difference(aware(x), Tensor{{1.f, 0.1f}, {-1.f / 3, 0.1f / 3}}), 1e-6);
  // Training sees 0 to 1, then 0 to 3; an average of 0 to 2 remains, in steps of 2/7, and 5 is clipped.
  aware(x, training = true);
  aware(x * 3.f, training = true);
  EXPECT_LT(difference(aware(Tensor{{5.f, 0.f}}), Tensor{{2.f, 0.2f}}), 1e-6);
  EXPECT_LT(difference(aware(Tensor{{0.4f, 0.f}}), Tensor{{2.f / 7, 0.2f / 7}}), 1e-6);
  // With one grid for the kernel, what is small in it disappears.
  const Model whole = quantize_model(model, {.num_bits = 3, .per_channel = false});
  EXPECT_LT(difference(whole(x), Tensor{{1.f, 0.f}, {-1.f / 3, 0.f}}), 1e-6);
}

TEST(QuantizeModel, EveryKindOfModelByFit) {
  utils::set_random_seed(1);
  const Data data;
  const Tensor input = Input({6, 6, 2});
  const std::vector<Model> models = {
      Net(), Sequential({Input({6, 6, 2}), DepthwiseConv2D(3), Flatten(), Dense(3, {.activation = "softmax"})}),
      Model(input, Dense(3, {.activation = "softmax"})(Flatten()(Conv2D(2, 3)(input))))};
  for (const Model& model : models) {
    const Model aware = quantize_model(model);
    aware.compile({.optimizer = optimizers::Adam(0.01), .loss = "sparse_categorical_crossentropy"});
    const History h = aware.fit(data.x, data.y, {.epochs = 8, .verbose = 0});
    EXPECT_LT(h.history.at("loss").back(), h.history.at("loss").front());
    // Eight bits are close to the numbers themselves.
    const double far = difference(aware.predict(data.x, {.verbose = 0}), model(data.x));
    EXPECT_GT(far, 0);
    EXPECT_LT(far, 0.1);
  }
}

TEST(QuantizeModel, LayersCanBeLeftOut) {
  const Net net;
  const Model aware = quantize_model(net, {.num_bits = 2, .exclude = {"head"}});
  const Tensor x = random::normal({2, 6, 6, 2}, {.seed = 4});
  EXPECT_GT(difference(aware(x), net(x)), 0);
  const Model by_path = quantize_model(Sequential({Input({6, 6, 2}), net}), {.exclude = {net.name() + "/conv"}});
  by_path(x);
  EXPECT_EQ(by_path.non_trainable_weights().size(), 2u + 2u);  // of the norm, and of the head's input
  const auto message = [&](const quantization::QuantizeOptions& options, const Model& model) -> std::string {
    try {
      quantize_model(model, options);
    } catch (const ValueError& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_NE(message({.exclude = {"tail"}}, net).find("'tail', which is no layer"), std::string::npos);
  EXPECT_NE(message({.exclude = {"conv", "head"}}, net).find("no dense or convolutional layer"), std::string::npos);
  EXPECT_NE(message({.num_bits = 1}, net).find("num_bits is 1"), std::string::npos);
  EXPECT_NE(message({.momentum = 1}, net).find("momentum is 1"), std::string::npos);
}

TEST(QuantizeModel, TapsSeeTheLayersInside) {
  const Net net;
  const Model aware = quantize_model(net, {.num_bits = 2});
  const Tensor x = random::normal({2, 6, 6, 2}, {.seed = 4});
  const Tensor inside = aware.tap("conv")(x);
  EXPECT_EQ(inside.shape(), (Shape{2, 6, 6, 4}));
  EXPECT_GT(difference(inside, net.conv_(x)), 1e-3);
}

TEST(FakeQuant, ErrorsSayWhatToDo) {
  const Tensor x = ones({2, 3});
  EXPECT_THROW(quantization::fake_quant_with_min_max_vars(x, ones({3}), ones({3})), ShapeError);
  EXPECT_THROW(quantization::fake_quant_with_min_max_vars_per_channel(x, ones({2}), ones({2})), ShapeError);
  EXPECT_THROW(quantization::fake_quant_with_min_max_args(x, {.num_bits = 17}), ValueError);
  EXPECT_THROW(quantization::fake_quant_with_min_max_args(x, {.min = 1, .max = 2}), ValueError);
  EXPECT_THROW(quantization::fake_quant_with_min_max_args(ones({2}, int32)), DTypeError);
}

}  // namespace
}  // namespace strata
