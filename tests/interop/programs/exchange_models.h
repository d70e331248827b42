// The models that the exchange programs write: of all three kinds, with shared, nested, parallel and rare parts.
#pragma once

#include <strata/strata.h>

#include <string>
#include <vector>

#include "../../../examples/mini_inception.h"

struct ExchangeModel {
  std::string name;
  strata::Model model;
  strata::Tensors inputs;  // of three samples
};

namespace exchange_models {

inline Model small_cnn() {
  return Sequential({Input({12, 12, 3}), Conv2D(8, 3, {.padding = "same", .activation = "relu"}), BatchNormalization(),
                     MaxPooling2D({2, 2}), DepthwiseConv2D({3, 3}), Conv2D(6, 3, {.strides = 2}), LeakyReLU(),
                     GlobalAveragePooling2D(), Dropout(0.5), Dense(4, {.activation = "softmax"})});
}

inline Model dense_stack() {
  return Sequential({Input({7}), Dense(16, {.activation = "gelu"}), LayerNormalization(),
                     Dense(16, {.activation = "silu"}), Dense(8, {.activation = "elu"}), PReLU(),
                     Dense(5, {.activation = "softplus"}), UnitNormalization()});
}

// Two inputs, two outputs, a layer that is used twice, operators between layers.
inline Model branches() {
  Tensor left = Input({8}, {.name = "left"}), right = Input({8}, {.name = "right"});
  Dense shared(16, {.activation = "tanh", .name = "shared"});
  Tensor a = shared(left), b = shared(right);
  Tensor joined = Concatenate()({a, b, Multiply()({a, b}), abs(a - b) * 0.5f});
  Tensor kind = Dense(10, {.activation = "softmax", .name = "kind"})(joined);
  Tensor size = Dense(1, {.name = "size"})(joined);
  return Model(Tensors{left, right}, Tensors{kind, size}, {.name = "branches"});
}

// A residual network whose blocks are models themselves.
inline Model nested_residual() {
  auto block = [](int filters, const char* name) {
    Tensor x = Input({8, 8, filters});
    Tensor y = Conv2D(filters, 3, {.padding = "same", .use_bias = false})(x);
    y = Activation("relu")(BatchNormalization()(y));
    y = Conv2D(filters, 3, {.padding = "same"})(y);
    return Model(x, Add()({x, y}), {.name = name});
  };
  Tensor x = Input({16, 16, 3});
  Tensor y = Conv2D(6, 5, {.strides = 2, .padding = "same"})(x);
  y = block(6, "block_1")(y);
  y = block(6, "block_2")(y);
  Tensor gate = GlobalAveragePooling2D({.keepdims = true})(y);
  y = Multiply()({y, Dense(6, {.activation = "sigmoid"})(gate)});
  y = AveragePooling2D({3, 3}, {.strides = {2, 2}, .padding = "same"})(y);
  return Model(x, Dense(3)(Flatten()(y)), {.name = "residual"});
}

// Down and up again.
inline Model autoencoder() {
  Tensor x = Input({16, 16, 2});
  Tensor down = Conv2D(4, 3, {.strides = 2, .padding = "same", .activation = "relu"})(x);
  Tensor low = SeparableConv2D(8, 3, {.padding = "same", .activation = "selu"})(MaxPooling2D()(down));
  Tensor up = UpSampling2D({2, 2}, {.interpolation = "bilinear"})(low);
  up = Concatenate()({up, down});
  up = Conv2DTranspose(4, 3, {.strides = 2, .padding = "same"})(ZeroPadding2D(1)(Cropping2D(1)(up)));
  return Model(x, Conv2D(2, 1, {.activation = "sigmoid"})(up), {.name = "autoencoder"});
}

// Sequences: embedding, dilated and causal convolutions, pooling over time.
inline Model text_cnn() {
  Tensor x = Input({12}, {.name = "words", .dtype = "int32"});
  Tensor y = Embedding(50, 8)(x);
  y = Conv1D(8, 3, {.padding = "causal", .dilation_rate = 2, .activation = "relu"})(y);
  y = GroupNormalization(2)(y);
  Tensor pooled = Concatenate()({GlobalMaxPooling1D()(y), GlobalAveragePooling1D()(y)});
  return Model(x, Dense(2, {.activation = "softmax"})(pooled), {.name = "text"});
}

// Attention of one head, written with operators; batch norm over sequences; layer norm.
class Attention : public CustomLayer<Attention> {
 public:
  explicit Attention(int units) : units_(units) {}
  Tensor call(const Tensor& x) const {
    Tensor q = query_(x), k = key_(x), v = value_(x);
    Tensor scores = matmul(q, transpose(k, {0, 2, 1})) * (1.f / static_cast<float>(units_));
    return matmul(nn::softmax(scores), v);
  }

 private:
  int units_;
  Dense query_ = track("query", Dense(units_)), key_ = track("key", Dense(units_)),
        value_ = track("value", Dense(units_));
};

class Transformer : public CustomModel<Transformer> {
 public:
  Tensor call(const Tensor& x, bool training) const {
    Tensor y = norm1_(x + attention_(x));
    y = norm2_(y + dropout_(out_(nn::gelu(hidden_(y))), training));
    return head_(reduce_mean(y, 1));
  }

 private:
  Attention attention_ = track("attention", Attention(6));
  LayerNormalization norm1_ = track("norm1", LayerNormalization()), norm2_ = track("norm2", LayerNormalization());
  Dense hidden_ = track("hidden", Dense(12)), out_ = track("out", Dense(6)), head_ = track("head", Dense(3));
  Dropout dropout_ = track("dropout", Dropout(0.3));
};

inline Model volume() {
  return Sequential({Input({6, 6, 6, 2}), Conv3D(4, 3, {.padding = "same", .activation = "relu"}), BatchNormalization(),
                     MaxPooling3D(), Flatten(), Reshape({27, 4}), Permute({2, 1}), Dense(2), Flatten(), Dense(3)});
}

// A loop of two steps over time, unrolled: slices, stacks, splits.
class Cells : public CustomModel<Cells> {
 public:
  Tensor call(const Tensor& x) const {
    Tensor state = zeros_like(x[{Slice(), 0}]);
    Tensors all;
    for (int t = 0; t < 3; ++t) {
      Tensors gates = split(gates_(concat({x[{Slice(), t}], state}, 1)), 2, 1);
      state = sigmoid(gates[0]) * state + (1.f - sigmoid(gates[0])) * tanh(gates[1]);
      all.push_back(state);
    }
    return stack(all, 1);
  }

 private:
  Dense gates_ = track("gates", Dense(8));
};

// A state, noise and a flattening whose sizes are those of the batch.
class Sized : public CustomModel<Sized> {
 public:
  Tensor call(const Tensor& x) const {
    Tensor state = zeros({shape(x)[0], 4});
    for (int t = 0; t < 2; ++t) state = tanh(step_(concat({x[{Slice(), t}], state}, 1)));
    const Tensor noise = random::normal({shape(x)[0], 4});
    const Tensor flat = out_(reshape(x, {shape(x)[0], -1}));
    return concat({state, ones({shape(x)[0], 2}) * flat, minimum(abs(noise), 0.f)}, 1);  // the noise is there, as zeros
  }

 private:
  Dense step_ = track("step", Dense(4)), out_ = track("out", Dense(2));
};

// Varied weights in place of the initial ones, so that every bias and statistic counts.
inline void fill_weights(const Model& model) {
  std::int64_t seed = 1;
  for (const Variable& w : model.weights()) {
    Tensor noise = random::normal(w.shape(), {.seed = seed++});
    const bool is_variance = w.name() == "moving_variance";
    w.assign(is_variance ? square(noise) + 0.5f : noise * 0.3f + (w.name() == "gamma" ? 1.f : 0.f));
  }
}

}  // namespace exchange_models

inline std::vector<ExchangeModel> all_exchange_models() {
  using namespace exchange_models;
  auto normal = [](const Shape& shape) { return random::normal(shape, {.seed = 77}); };
  Transformer transformer;
  Cells cells;
  MiniInception inception;
  transformer(normal({2, 5, 6}));
  cells(normal({2, 3, 4}));
  inception(normal({1, 32, 32, 3}));
  Sized sized;
  sized(normal({2, 3, 4}));
  Tensor words = cast(random::uniform({3, 12}, {.maxval = 50, .seed = 5}), int32);
  std::vector<ExchangeModel> all = {
      {"small_cnn", small_cnn(), {normal({3, 12, 12, 3})}},
      {"dense_stack", dense_stack(), {normal({3, 7})}},
      {"branches", branches(), {normal({3, 8}), normal({3, 8}) * 2.f}},
      {"nested_residual", nested_residual(), {normal({3, 16, 16, 3})}},
      {"autoencoder", autoencoder(), {normal({3, 16, 16, 2})}},
      {"text_cnn", text_cnn(), {words}},
      {"transformer", transformer, {normal({3, 5, 6})}},
      {"volume", volume(), {normal({3, 6, 6, 6, 2})}},
      {"cells", cells, {normal({3, 3, 4})}},
      {"sized", sized, {normal({3, 3, 4})}},
      {"mini_inception", inception, {normal({3, 32, 32, 3})}},
  };
  for (const ExchangeModel& m : all) fill_weights(m.model);
  return all;
}
