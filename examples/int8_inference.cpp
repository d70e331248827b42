// A trained MiniInception with 8-bit integers: its accuracy on the test pictures of CIFAR-10 and its speed, beside
// those in float32. Without a file of weights (such as net.h5 of examples/workflow.cpp) it trains first.
//
//   int8_inference [--weights net.h5] [--epochs 2] [--data_dir DIR] [--calibration 500] [--percentile 100]
#include <strata/strata.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <iostream>

#include "mini_inception.h"

constexpr std::int64_t kBatch = 64;

// Share of the pictures that are put into their class, the last incomplete batch left out.
double accuracy(const FrozenModel& model, const Tensor& x, const Tensor& y) {
  const std::int64_t used = x.shape()[0] / kBatch * kBatch;
  Tensors predictions;
  for (std::int64_t i = 0; i < used; i += kBatch)
    predictions.push_back(argmax(Tensor(model(x[Slice(i, i + kBatch)])), 1));
  return evaluation::accuracy_score(reshape(y[Slice(0, used)], {used}), concat(predictions, 0));
}

// Pictures in a second: the median of 40 batches, after 10 to warm up.
double speed(const FrozenModel& model, const Tensor& x) {
  const std::vector<float> in = x[Slice(0, kBatch)].to_vector<float>();
  std::vector<float> out(model.output_size());
  std::vector<double> seconds;
  for (int i = 0; i < 50; ++i) {
    const auto start = std::chrono::steady_clock::now();
    model(in, out);
    if (i >= 10) seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(seconds.begin(), seconds.begin() + 20, seconds.end());
  return kBatch / seconds[20];
}

int main(int argc, char** argv) {
  std::string weights, data_dir;
  int epochs = 2;
  std::int64_t calibration = 500;
  double percentile = 100;
  CLI::App app("MiniInception with 8-bit integers");
  app.add_option("--weights", weights, "a file of weights; without one the network is trained");
  app.add_option("--epochs", epochs)->check(CLI::PositiveNumber);
  app.add_option("--data_dir", data_dir);
  app.add_option("--calibration", calibration, "training pictures that give the ranges")->check(CLI::PositiveNumber);
  app.add_option("--percentile", percentile);
  CLI11_PARSE(app, argc, argv);

  auto [x_train, y_train, x_test, y_test] = datasets::cifar10::load_data({.path = data_dir});
  const Tensor x = cast(x_test, float32) / 255.f, samples = cast(x_train[Slice(0, calibration)], float32) / 255.f;
  const Shape shape = {kBatch, 32, 32, 3};
  MiniInception model(10);
  model.build({None, 32, 32, 3});
  if (!weights.empty()) {
    model.load_weights(weights);
  } else {
    model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
    model.fit(cast(x_train, float32) / 255.f, y_train, {.batch_size = 64, .epochs = epochs, .verbose = 2});
  }

  const Model quantized = quantization::quantize_model(model);
  quantization::calibrate(quantized, samples, {.percentile = percentile});
  const FrozenModel exact = model.freeze(shape), half = model.freeze(shape, {.dtype = bfloat16});
  const FrozenModel fast = quantization::convert(quantized, shape);

  const double exact_speed = speed(exact, x);
  auto report = [&](const char* name, const FrozenModel& frozen) {
    const double images = speed(frozen, x);
    std::cout << name << ": accuracy " << accuracy(frozen, x, y_test) << ", " << images << " images/s, "
              << images / exact_speed << " times as fast as float32\n";
  };
  report("float32", exact);
  report("bfloat16", half);
  report("int8", fast);
}
