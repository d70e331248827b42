#include "networks.h"

#include <stdexcept>

#include "../../examples/mini_inception.h"

namespace bench {
namespace {

Tensor conv_norm_relu(const Tensor& x, int filters, int kernel, int strides = 1) {
  Tensor y = Conv2D(filters, kernel, {.strides = strides, .padding = "same", .use_bias = false})(x);
  return Activation("relu")(BatchNormalization()(y));
}

Tensor head(const Tensor& x, int classes) {
  return Dense(classes, {.activation = "softmax", .dtype = "float32"})(GlobalAveragePooling2D()(x));
}

Model residual(const Shape& input) {
  Tensor in = Input(input), x = conv_norm_relu(in, 32, 3);
  for (const int filters : {32, 64, 128})
    for (int block = 0; block < 2; ++block) {
      const int strides = filters > 32 && block == 0 ? 2 : 1;
      Tensor y = conv_norm_relu(x, filters, 3, strides);
      y = BatchNormalization()(Conv2D(filters, 3, {.padding = "same", .use_bias = false})(y));
      Tensor shortcut = x;
      if (strides == 2) shortcut = Conv2D(filters, 1, {.strides = 2, .use_bias = false})(x);
      x = Activation("relu")(Add()({y, shortcut}));
    }
  return Model(in, head(x, 10));
}

Model depthwise(const Shape& input) {
  Tensor in = Input(input), x = conv_norm_relu(in, 32, 3);
  for (const auto& [filters, strides] : {std::pair{64, 1}, {128, 2}, {128, 1}, {256, 2}, {256, 1}}) {
    x = DepthwiseConv2D(3, {.strides = strides, .padding = "same", .use_bias = false})(x);
    x = Activation("relu")(BatchNormalization()(x));
    x = conv_norm_relu(x, filters, 1);
  }
  return Model(in, head(x, 10));
}

// Each layer sees all before it, joined.
Model densely_connected(const Shape& input) {
  Tensor in = Input(input), x = Conv2D(48, 3, {.padding = "same", .use_bias = false})(in);
  for (int block = 0; block < 3; ++block) {
    for (int layer = 0; layer < 4; ++layer) {
      Tensor y = Activation("relu")(BatchNormalization()(x));
      y = Conv2D(24, 3, {.padding = "same", .use_bias = false})(y);
      x = Concatenate()({x, y});
    }
    if (block == 2) break;
    x = Activation("relu")(BatchNormalization()(x));
    x = AveragePooling2D(2)(Conv2D(static_cast<int>(x.shape()[3] / 2), 1, {.use_bias = false})(x));
  }
  return Model(in, head(Activation("relu")(BatchNormalization()(x)), 10));
}

Model mnist(const Shape& input) {
  return Sequential({Input(input), Conv2D(32, 3, {.strides = 2, .activation = "relu"}), MaxPooling2D(3),
                     BatchNormalization(), Conv2D(64, 3, {.activation = "relu"}), BatchNormalization(), Dropout(0.3),
                     GlobalMaxPooling2D(), Dense(10, {.activation = "softmax", .dtype = "float32"})});
}

Model mlp() {
  return Sequential(
      {Input({784}), Dense(128, {.activation = "relu"}), Dense(10, {.activation = "softmax", .dtype = "float32"})});
}

Model lstm() {
  return Sequential({Input({50}, {.dtype = "int32"}), Embedding(5000, 64), LSTM(128),
                     Dense(10, {.activation = "softmax", .dtype = "float32"})});
}

Network make(const std::string& name) {
  const Shape picture{32, 32, 3};
  if (name == "inception") {
    MiniInception model;
    model.build({None, 32, 32, 3});
    return {model, picture, 10};
  }
  if (name == "mlp") return {mlp(), {784}, 10};
  if (name == "mnist") return {mnist({28, 28, 3}), {28, 28, 3}, 10};
  if (name == "residual") return {residual(picture), picture, 10};
  if (name == "depthwise") return {depthwise(picture), picture, 10};
  if (name == "dense") return {densely_connected(picture), picture, 10};
  if (name == "lstm") return {lstm(), {50}, 10, 5000};
  throw std::invalid_argument("no network '" + name + "'");
}

}  // namespace

std::string policy_of(const Options& options) {
  return options.text("dtype", "f32") == "bf16" ? "mixed_bfloat16" : "float32";
}

Network make_network(const std::string& name, const std::string& policy) {
  utils::set_random_seed(1);
  mixed_precision::set_global_policy(policy);
  return make(name);
}

Batch make_batch(const Network& network, std::int64_t size) {
  std::vector<std::int64_t> sizes{size};
  for (int i = 0; i < network.input.rank(); ++i) sizes.push_back(network.input[i]);
  const Shape shape(sizes);
  return {network.num_words ? random::randint(shape, 0, network.num_words) : random::uniform(shape),
          one_hot(random::randint({size}, 0, network.num_classes), network.num_classes)};
}

Tensor TrainStep::operator()(const Tensor& x, const Tensor& y) const {
  GradientTape tape;
  Tensor probabilities = model(x, training = true);
  Tensor loss = loss_fn(y, probabilities);
  optimizer.apply_gradients(tape.gradient(loss, model.trainable_weights()), model.trainable_weights());
  accuracy.update_state(y, probabilities);
  return loss;
}

}  // namespace bench
