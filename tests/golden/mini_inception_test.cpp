// Twenty steps of MiniInception, from the same weights and on the same batches, against Keras.
#include "examples/mini_inception.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/golden.h"

namespace strata::test {
namespace {

// Element i of array k, in [0, 2^24): the formula that the golden file documents.
std::uint32_t hashed(std::uint32_t k, std::uint32_t i) {
  std::uint32_t x = 2654435761u * i + 2246822519u * k + 374761393u;
  x ^= x >> 15;
  x *= 2246822519u;
  x ^= x >> 13;
  x *= 3266489917u;
  x ^= x >> 16;
  return x >> 8;
}
double uniform(std::uint32_t k, std::uint32_t i) { return hashed(k, i) / 16777216.0; }

Tensor initial_weight(const Json& described, std::uint32_t k, DType dtype) {
  const Shape shape(ints(described, "shape"));
  std::vector<float> values(static_cast<std::size_t>(shape.num_elements()), described.value("fill", 0.f));
  if (described.contains("limit")) {
    const double limit = described.at("limit");
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>((2 * uniform(k, static_cast<std::uint32_t>(i)) - 1) * limit);
  }
  return cast(Tensor::adopt(std::move(values), shape), dtype);
}

Tensors initial_weights(const GoldenCase& c, DType dtype) {
  Tensors out;
  for (const Json& described : c.json.at("weights"))
    out.push_back(initial_weight(described, static_cast<std::uint32_t>(out.size()), dtype));
  return out;
}

// Noise with a bright square whose place is the label.
std::pair<Tensor, Tensor> batch(int step, int size, DType dtype) {
  const std::uint32_t image_key = 1000 + static_cast<std::uint32_t>(step);
  const std::uint32_t label_key = 2000 + static_cast<std::uint32_t>(step);
  std::vector<float> pixels(static_cast<std::size_t>(size) * 32 * 32 * 3);
  std::vector<std::int64_t> labels;
  for (int n = 0; n < size; ++n) labels.push_back(hashed(label_key, static_cast<std::uint32_t>(n)) % 10);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const std::size_t column = i / 3 % 32, row = i / 96 % 32, n = i / 3072;
    const auto label = static_cast<std::size_t>(labels[n]);
    const bool bright = row / 8 == label % 4 && column / 8 == label / 4;
    pixels[i] = static_cast<float>(uniform(image_key, static_cast<std::uint32_t>(i))) + (bright ? 1.f : 0.f);
  }
  const Tensor x = cast(Tensor::adopt(std::move(pixels), {size, 32, 32, 3}), dtype);
  return {x, one_hot(Tensor::from(labels, {size}), 10, {.dtype = dtype})};
}

// The model as the test sees it: its weights in Keras's order.
struct Subject {
  Model model;
  std::vector<Variable> weights;
};

Subject subclassed() {
  MiniInception model;
  model.build({None, 32, 32, 3});
  return {model, model.weights()};
}

// The same network by functions, in one dtype throughout: the class keeps its classifier in float32.
Subject functional(const std::string& dtype) {
  std::vector<Layer> parts;
  auto unit = [&](const Tensor& x, int filters, int size, int strides, const char* padding) {
    Conv2D conv(filters, size, {.strides = strides, .padding = padding, .dtype = dtype});
    BatchNormalization bn({.dtype = dtype});
    parts.push_back(conv);
    parts.push_back(bn);
    return nn::relu(bn(conv(x)));
  };
  auto join = [&](const Tensors& x) { return Concatenate({.dtype = dtype})(x); };
  auto inception = [&](const Tensor& x, int a, int b) {
    const Tensor narrow = unit(x, a, 1, 1, "same");
    return join({narrow, unit(x, b, 3, 1, "same")});
  };
  auto downsample = [&](const Tensor& x, int filters) {
    const Tensor smaller = unit(x, filters, 3, 2, "valid");
    return join({smaller, MaxPooling2D(3, {.strides = 2, .dtype = dtype})(x)});
  };
  const Tensor input = Input({32, 32, 3}, {.dtype = dtype});
  Tensor x = unit(input, 96, 3, 1, "same");
  x = downsample(inception(inception(x, 32, 32), 32, 48), 80);
  x = inception(inception(inception(inception(x, 112, 48), 96, 64), 80, 80), 48, 96);
  x = inception(inception(downsample(x, 96), 176, 160), 176, 160);
  x = Flatten({.dtype = dtype})(AveragePooling2D(7, {.dtype = dtype})(x));
  Dense classifier(10, {.activation = "softmax", .dtype = dtype});
  parts.push_back(classifier);
  Subject out{Model(input, classifier(x)), {}};
  for (const Layer& part : parts)
    for (const Variable& w : part.weights()) out.weights.push_back(w);
  return out;
}

optimizers::Optimizer optimizer_of(const Json& config) {
  Config known;
  for (const char* key : {"learning_rate", "beta_1", "beta_2", "epsilon"})
    if (config.contains(key)) known.set(key, config.at(key).get<double>());
  return optimizers::Optimizer::from_config_value(
      Config::Value::object(config.at("optimizer").get<std::string>(), known, nullptr, "optimizer"));
}

// What a step's loss may differ by: 1e-3, or where rounding alone moves Keras's own loss by more, four times that.
double allowed(const Tensor& sensitivity, std::size_t step, double otherwise) {
  if (!sensitivity.defined()) return otherwise;
  return std::max(otherwise, 4 * sensitivity.to_vector<double>()[step]);
}

void check_run(const GoldenCase& c, const Subject& subject, bool traced) {
  const Json config = c.config();
  const std::string dtype_name = config.at("dtype");
  const DType dtype = dtype_from_string(dtype_name);
  const int size = config.at("batch_size");
  const Tensors first = initial_weights(c, dtype);
  ASSERT_EQ(subject.weights.size(), first.size());
  for (std::size_t i = 0; i < first.size(); ++i) subject.weights[i].assign(first[i]);

  const Model& model = subject.model;
  const std::vector<Variable> trainable = model.trainable_weights();
  const optimizers::Optimizer optimizer = optimizer_of(config);
  const losses::CategoricalCrossentropy loss_of({.dtype = dtype_name});
  const double tolerance = dtype == float64 ? 1e-6 : 1e-4;
  const Tensor images = batch(0, size, dtype).first;
  expect_close(model(images, training = false), c.array(c.json.at("evaluated")), tolerance, "evaluated");

  auto eager = [&](const Tensor& x, const Tensor& y) {
    GradientTape tape;
    const Tensor p = model(x, training = true);
    const Tensor loss = loss_of(y, p);
    optimizer.apply_gradients(tape.gradient(loss, trainable), trainable);
    return std::pair{loss, p};
  };
  auto compiled = function(eager);
  const std::vector<double> want = c.array(c.json.at("losses")).to_vector<double>();
  const Tensor sensitivity = c.json.contains("sensitivity") ? c.array(c.json.at("sensitivity")) : Tensor();
  for (std::size_t step = 0; step < want.size(); ++step) {
    const auto [x, y] = batch(static_cast<int>(step), size, dtype);
    const auto [loss, p] = traced ? compiled(x, y) : eager(x, y);
    if (step == 0) expect_close(p, c.array(c.json.at("first")), tolerance, "first probabilities");
    EXPECT_NEAR(loss.item<double>(), want[step],
                want[step] * allowed(sensitivity, step, dtype == float64 ? 1e-6 : 1e-3))
        << "loss of step " << step;
  }
}

void check_float32(bool traced) {
  int cases = 0;
  walk_golden("mini_inception", [&](const GoldenCase& c) {
    if (c.config().at("dtype") != "float32") return;
    ++cases;
    check_run(c, subclassed(), traced);
  });
  EXPECT_EQ(cases, 4);
}

TEST(Golden, MiniInceptionTrainsAsInKeras) { check_float32(false); }
TEST(Golden, MiniInceptionTrainsAsInKerasTraced) { check_float32(true); }

// Without rounding that matters, twenty steps agree to six digits at the usual learning rates.
TEST(Golden, MiniInceptionTrainsAsInKerasInFloat64Long) {
  int cases = 0;
  walk_golden("mini_inception", [&](const GoldenCase& c) {
    if (c.config().at("dtype") != "float64") return;
    ++cases;
    check_run(c, functional("float64"), false);
  });
  EXPECT_EQ(cases, 2);
}

}  // namespace
}  // namespace strata::test
