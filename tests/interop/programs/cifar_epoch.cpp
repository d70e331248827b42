// One epoch of MiniInception on CIFAR-10 by a hand-written loop, from the weights and in the order of the images that
// run RUN of tools/golden/keras_reference.py left in REFERENCE_DIR.
//
//   cifar_epoch CIFAR_DIR REFERENCE_DIR RUN eager|compiled OUT.npz
//
// Writes train_loss (one for each batch), train_accuracy and validation_accuracy.
#include <strata/strata.h>

#include <iostream>

#include "../../../examples/mini_inception.h"

namespace {

constexpr std::int64_t kBatch = 64, kValidationBatch = 256;

struct Task {
  Tensor x_train, y_train, x_test, y_test;  // uint8 images, labels (n,)
  Tensor order;                             // of the training images
};

Task load_task(const std::string& cifar, const std::string& order_file) {
  const auto data = datasets::cifar10::load_data({.path = cifar, .download = false});
  return {data.x_train, reshape(data.y_train, {-1}), data.x_test, reshape(data.y_test, {-1}), load_npy(order_file)};
}

MiniInception model_with_weights(const std::string& reference) {
  MiniInception model(10);
  model.build({None, 32, 32, 3});
  Tensors weights;
  const NamedTensors stored = load_npz(reference + "/initial_weights.npz");
  for (std::size_t i = 0; i < stored.size(); ++i)
    for (const auto& [name, tensor] : stored)
      if (name == "arr_" + std::to_string(i)) weights.push_back(tensor);
  model.set_weights(weights);
  return model;
}

Tensor images(const Tensor& raw) { return cast(raw, float32) / 255.f; }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::cerr << "usage: cifar_epoch CIFAR_DIR REFERENCE_DIR RUN eager|compiled OUT.npz\n";
    return 2;
  }
  const std::string reference = argv[2], run = argv[3], mode = argv[4], out = argv[5];
  run_functions_eagerly(mode == "eager");
  const Task task = load_task(argv[1], reference + "/order_" + run + ".npy");
  const MiniInception model = model_with_weights(reference);
  optimizers::Adam optimizer;
  losses::CategoricalCrossentropy loss_fn;
  metrics::CategoricalAccuracy train_accuracy, validation_accuracy;

  auto train_step = function([&](const Tensor& x, const Tensor& y) {
    GradientTape tape;
    Tensor probabilities = model(x, training = true);
    Tensor loss = loss_fn(y, probabilities);
    optimizer.apply_gradients(tape.gradient(loss, model.trainable_weights()), model.trainable_weights());
    train_accuracy.update_state(y, probabilities);
    return loss;
  });
  auto test_step = function([&](const Tensor& x, const Tensor& y) {
    Tensor probabilities = model(x, training = false);
    validation_accuracy.update_state(y, probabilities);
    return loss_fn(y, probabilities);
  });

  std::vector<float> train_loss;
  const std::int64_t samples = task.order.shape()[0];
  for (std::int64_t i = 0; i < samples; i += kBatch) {
    const Tensor rows = task.order[Slice(i, std::min(i + kBatch, samples))];
    const Tensor labels = one_hot(gather(task.y_train, rows), 10);
    train_loss.push_back(train_step(images(gather(task.x_train, rows)), labels).item<float>());
    if (train_loss.size() % 100 == 0) std::cerr << train_loss.size() << ' ' << train_loss.back() << '\n';
  }
  const std::int64_t tests = task.x_test.shape()[0];
  for (std::int64_t i = 0; i < tests; i += kValidationBatch) {
    const Slice rows(i, std::min(i + kValidationBatch, tests));
    test_step(images(task.x_test[rows]), one_hot(task.y_test[rows], 10));
  }
  const Tensor accuracy = train_accuracy.result(), validation = validation_accuracy.result();
  const auto count = static_cast<std::int64_t>(train_loss.size());
  save_npz(out, {{"train_loss", Tensor::adopt(std::move(train_loss), {count})},
                 {"train_accuracy", accuracy},
                 {"validation_accuracy", validation}});
  std::cout << mode << ": train accuracy " << accuracy.item<float>() << ", validation accuracy "
            << validation.item<float>() << '\n';
}
