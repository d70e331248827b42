// Models of several kinds, written for Keras and read from it.
//   model_files write DIR          DIR/<name>.{keras,h5,weights.h5,npz} of each model
//   model_files read MODEL DATA    prints how far the outputs are from those in DATA, then the losses of ten steps
#include <strata/strata.h>

#include <iostream>
#include <string>
#include <vector>

using namespace strata;
using namespace strata::layers;

namespace {

struct Case {
  std::string name;
  Model model;
  Tensors x, y;
};

Tensor classes(std::int64_t n, int count) { return one_hot(range(0, n) % count, count); }

Case mlp() {
  Sequential m({Input({6}), Dense(16, {.activation = "gelu"}), Dense(4, {.activation = "softmax"})}, {.name = "mlp"});
  m.compile({.optimizer = optimizers::Adam(0.01), .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  return {"mlp", m, {random::normal({16, 6})}, {classes(16, 4)}};
}

Case convnet() {
  Sequential m({Input({8, 8, 3}), Conv2D(4, 3, {.padding = "same", .activation = "relu"}), BatchNormalization(),
                MaxPooling2D(), Conv2D(6, {3, 2}, {.strides = 2, .use_bias = false, .kernel_regularizer = "l2"}),
                LeakyReLU({.negative_slope = 0.1}), Flatten(), Dense(3)},
               {.name = "convnet"});
  m.compile({.optimizer = optimizers::SGD(0.05, {.momentum = 0.9, .nesterov = true}),
             .loss = losses::CategoricalCrossentropy({.from_logits = true, .label_smoothing = 0.1})});
  return {"convnet", m, {random::normal({8, 8, 8, 3})}, {classes(8, 3)}};
}

Case branched() {
  Tensor left = Input({8}, {.name = "left"}), right = Input({8}, {.name = "right"});
  Dense shared(16, {.activation = "relu", .name = "shared"});
  Tensor joined = Concatenate()({shared(left), shared(right)});
  Sequential inner({Input({16}), Dense(4, {.kernel_regularizer = "l2"}), BatchNormalization()}, {.name = "inner"});
  Tensor kind = Dense(3, {.activation = "softmax", .name = "kind"})(joined);
  Tensor size = Dense(1, {.name = "size"})(Concatenate()({joined, inner(shared(left))}));
  Model m(Tensors{left, right}, Tensors{kind, size}, {.name = "branched"});
  m.compile({.optimizer = optimizers::SGD(optimizers::schedules::CosineDecay(0.1, 200), {.momentum = 0.9}),
             .loss = {{"kind", losses::CategoricalCrossentropy()}, {"size", "mse"}},
             .loss_weights = {{"kind", 1.0}, {"size", 0.5}},
             .metrics = {{"kind", {"accuracy", metrics::TopKCategoricalAccuracy({.k = 2})}}}});
  return {"branched", m, {random::normal({8, 8}), random::normal({8, 8})}, {classes(8, 3), random::normal({8, 1})}};
}

Case separable() {
  Tensor x = Input({8, 8, 3});
  Tensor y = DepthwiseConv2D(3, {.activation = "relu"})(SeparableConv2D(4, 3, {.padding = "same"})(x));
  Model m(x, Dense(2)(GlobalAveragePooling2D()(y)), {.name = "separable"});
  m.compile({.optimizer = optimizers::RMSprop(0.01, {.momentum = 0.5, .centered = true}), .loss = "mae"});
  return {"separable", m, {random::normal({8, 8, 8, 3})}, {random::normal({8, 2})}};
}

Case residual() {
  Tensor x = Input({5, 6});
  Tensor h = LayerNormalization()(x);
  h = Dense(6, {.activation = "silu", .kernel_initializer = "he_normal"})(h);
  h = Add()({x, h});
  h = Multiply()({h, Activation("sigmoid")(h)});
  Model m(x, Dense(1)(GlobalAveragePooling1D()(h)), {.name = "residual"});
  m.compile({.optimizer = optimizers::AdamW(0.01, {.weight_decay = 0.01}), .loss = losses::Huber({.delta = 0.5})});
  return {"residual", m, {random::normal({8, 5, 6})}, {random::normal({8, 1})}};
}

Case words() {
  Sequential m(
      {Input({7}, {.dtype = "int32"}), Embedding(20, 6), GlobalMaxPooling1D(), Dense(3, {.activation = "softmax"})},
      {.name = "words"});
  // Keras squares the parts of a sparse gradient one by one, so that its Adam differs where a word comes twice.
  m.compile({.optimizer = optimizers::SGD(0.1, {.momentum = 0.9}), .loss = "sparse_categorical_crossentropy"});
  return {"words", m, {cast(random::uniform({8, 7}, {.minval = 0, .maxval = 20}), int32)}, {cast(range(0, 8) % 3, int32)}};
}

Case autoencoder() {
  Sequential m({Input({8, 8, 1}), Conv2D(3, 3, {.strides = 2, .padding = "same", .activation = "relu"}),
                Conv2DTranspose(2, 3, {.strides = 2, .padding = "same", .activation = "elu"}), ZeroPadding2D(1),
                Cropping2D(1), UpSampling2D(), AveragePooling2D(), Conv2D(1, 1, {.activation = "sigmoid"})},
               {.name = "autoencoder"});
  m.compile({.optimizer = optimizers::Adam(0.01, {.clipnorm = 1.0}), .loss = "binary_crossentropy"});
  return {"autoencoder", m, {random::uniform({4, 8, 8, 1})}, {random::uniform({4, 8, 8, 1})}};
}

Case inception() {
  Tensor x = Input({8, 8, 3});
  auto conv = [](const Tensor& t, int filters, int kernel) -> Tensor {
    return ReLU()(BatchNormalization()(Conv2D(filters, kernel, {.padding = "same"})(t)));
  };
  Tensor h = Concatenate()({conv(x, 4, 1), conv(x, 5, 3)});
  h = Concatenate()({conv(h, 3, 3), MaxPooling2D(3, {.strides = 1, .padding = "same"})(h)});
  h = Flatten()(AveragePooling2D(4)(h));
  Model m(x, Dense(4, {.activation = "softmax"})(h), {.name = "inception"});
  m.compile({.optimizer = optimizers::SGD(0.05), .loss = "categorical_crossentropy"});
  return {"inception", m, {random::normal({8, 8, 8, 3})}, {classes(8, 4)}};
}

Case operators() {
  Tensor x = Input({4}, {.name = "x"}), y = Input({4}, {.name = "y"});
  Tensor h = nn::relu(x * 2.0f + y) - y;
  Model m(Tensors{x, y}, Dense(2, {.name = "out"})(h), {.name = "operators"});
  m.compile({.optimizer = optimizers::SGD(0.05), .loss = "mse"});
  return {"operators", m, {random::normal({8, 4}), random::normal({8, 4})}, {random::normal({8, 2})}};
}

Case sequence() {
  Sequential m({Input({9, 3}), Conv1D(4, 3, {.padding = "causal", .activation = "tanh"}), GroupNormalization(2),
                Permute({2, 1}), Reshape({6, 6}), Dense(2, {.kernel_constraint = "max_norm"}), Flatten(), PReLU(),
                RepeatVector(2), Rescaling(0.5, {.offset = 0.1}), Flatten(), Dense(1)},
               {.name = "sequence"});
  m.compile(
      {.optimizer = optimizers::Adam(optimizers::schedules::ExponentialDecay(0.01, 10, 0.9)), .loss = "log_cosh"});
  return {"sequence", m, {random::normal({8, 9, 3})}, {random::normal({8, 1})}};
}

std::vector<Case> cases() {
  return {mlp(),   convnet(),     branched(),  separable(), residual(),
          words(), autoencoder(), inception(), operators(), sequence()};
}

double loss_of_step(const Model& model, const Tensors& x, const Tensors& y) {
  return model.train_on_batch(x, y).at("loss");
}

int write(const std::string& dir) {
  utils::set_random_seed(3);
  for (Case& c : cases()) {
    for (int i = 0; i < 3; ++i) loss_of_step(c.model, c.x, c.y);
    const std::string base = dir + "/" + c.name;
    c.model.save(base + ".keras");
    c.model.save(base + ".h5");
    c.model.save_weights(base + ".weights.h5");
    NamedTensors data;
    for (std::size_t i = 0; i < c.x.size(); ++i) data.emplace_back("x" + std::to_string(i), c.x[i]);
    for (std::size_t i = 0; i < c.y.size(); ++i) data.emplace_back("y" + std::to_string(i), c.y[i]);
    const Tensors out = c.model.predict(c.x, {.verbose = 0});
    for (std::size_t i = 0; i < out.size(); ++i) data.emplace_back("out" + std::to_string(i), out[i]);
    std::vector<float> steps;
    for (int i = 0; i < 10; ++i) steps.push_back(static_cast<float>(loss_of_step(c.model, c.x, c.y)));
    data.emplace_back("losses", Tensor::from(steps, {10}));
    save_npz(base + ".npz", data);
  }
  return 0;
}

Tensors starting_with(const NamedTensors& all, const std::string& prefix) {
  Tensors out;
  for (const auto& [name, tensor] : all)
    if (name.starts_with(prefix) && name.size() == prefix.size() + 1) out.push_back(tensor);
  return out;
}

int read(const std::string& path, const std::string& data, const std::vector<std::string>& copies) {
  const NamedTensors all = load_npz(data);
  const Tensors x = starting_with(all, "x"), y = starting_with(all, "y"), want = starting_with(all, "out");
  const Model model = load_model(path);
  for (const std::string& copy : copies) model.save(copy);
  const Tensors got = model.predict(x, {.verbose = 0});
  double most = 0;
  for (std::size_t i = 0; i < want.size(); ++i) most = std::max(most, reduce_max(abs(got[i] - want[i])).item<double>());
  std::cout << most << '\n';
  if (!y.empty())
    for (int i = 0; i < 10; ++i) std::cout << loss_of_step(model, x, y) << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  std::cout.precision(9);
  if (command == "write" && argc == 3) return write(argv[2]);
  if (command == "read" && argc >= 4) return read(argv[2], argv[3], {argv + 4, argv + argc});
  std::cerr << "usage: model_files write DIR | read MODEL DATA [COPY...]\n";
  return 2;
}
