// MiniInception, trained by a hand-written loop: what ./demo runs. On CIFAR-10 where it is found, else on the sample of
// MNIST in data/, padded to 32x32 and repeated to three channels.
//
//   train_mini_inception [--epochs 3] [--batch_size 16] [--samples 4000] [--data_dir DIR] [--output DIR] [--eager]
//                        [--policy mixed_bfloat16] [--seed 1]
#include <strata/strata.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "mini_inception.h"

struct Options {
  int epochs = 3, batch_size = 16;
  std::int64_t samples = 4000;
  std::string data_dir, output = "demo-output", policy = "float32";
  unsigned seed = 1;
  bool eager = false;
};

struct Data {
  std::string name;
  Tensor x_train, y_train, x_test, y_test;  // images (n, 32, 32, 3), 0..1; labels (n, 10)
};

Tensor like_cifar(const Tensor& grey) { return repeat(expand_dims(pad(grey, {{0, 0}, {2, 2}, {2, 2}}), -1), 3, -1); }

Data load_data(const Options& options) {
  auto prepared = [&](std::string name, const auto& raw, auto&& images) {
    auto scaled = [&](const Tensor& x) { return cast(images(x), float32) / 255.f; };
    const Slice train(0, options.samples), test(0, std::max<std::int64_t>(options.samples / 4, 1));
    return Data{std::move(name), scaled(raw.x_train[train]), utils::to_categorical(raw.y_train[train], 10),
                scaled(raw.x_test[test]), utils::to_categorical(raw.y_test[test], 10)};
  };
  try {
    const auto cifar = datasets::cifar10::load_data({.path = options.data_dir, .download = false});
    return prepared("CIFAR-10", cifar, [](const Tensor& x) { return x; });
  } catch (const FileError&) {
    if (!options.data_dir.empty()) throw;
  }
  const auto mnist = datasets::mnist::load_data({.path = STRATA_SAMPLE_DIR});
  return prepared("a sample of MNIST", mnist, like_cifar);
}

// Where we are, on stderr: in place on a terminal, else a line now and then.
class Progress {
 public:
  void show(int epoch, const char* what, std::int64_t batch, std::int64_t batches) {
    const auto now = std::chrono::steady_clock::now();
    if (!terminal_ && now - last_ < std::chrono::seconds(10)) return;
    last_ = now;
    std::fprintf(stderr, "%sepoch %d: %s batch %ld of %ld%s", terminal_ ? "\r" : "", epoch, what,
                 static_cast<long>(batch), static_cast<long>(batches), terminal_ ? "\033[K" : "\n");
  }
  void clear() const {
    if (terminal_) std::fprintf(stderr, "\r\033[K");
  }

 private:
  bool terminal_ = isatty(STDERR_FILENO) != 0;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

void train(const MiniInception& model, const Data& data, const Options& options) {
  auto train_dataset = data::from_tensor_slices(data.x_train, data.y_train)
                           .shuffle(1024, {.seed = 7})
                           .batch(options.batch_size)
                           .prefetch(2);
  auto val_dataset = data::from_tensor_slices(data.x_test, data.y_test).batch(options.batch_size);
  const auto batches_of = [&](const Tensor& x) { return (x.shape()[0] + options.batch_size - 1) / options.batch_size; };

  optimizers::Adam optimizer;
  losses::CategoricalCrossentropy loss_fn;
  metrics::CategoricalAccuracy train_acc, val_acc;
  auto train_writer = summary::create_file_writer(options.output + "/logs/train");
  auto test_writer = summary::create_file_writer(options.output + "/logs/test");

  auto train_step = function([&](const Tensor& step, const Tensor& x, const Tensor& y) {
    GradientTape tape;
    Tensor probabilities = model(x, training = true);
    Tensor loss = loss_fn(y, probabilities);
    optimizer.apply_gradients(tape.gradient(loss, model.trainable_weights()), model.trainable_weights());
    train_acc.update_state(y, probabilities);

    auto scope = train_writer.as_default();
    summary::scalar("loss", loss, {.step = step});
    summary::scalar("accuracy", train_acc.result(), {.step = step});
    return loss;
  });

  auto test_step = function([&](const Tensor& step, const Tensor& x, const Tensor& y) {
    Tensor probabilities = model(x, training = false);
    Tensor loss = loss_fn(y, probabilities);
    val_acc.update_state(y, probabilities);

    auto scope = test_writer.as_default();
    summary::scalar("val loss", loss, {.step = step});
    summary::scalar("val accuracy", val_acc.result(), {.step = step});
    return loss;
  });

  Progress progress;
  std::int64_t train_step_number = 0, test_step_number = 0;  // over all epochs, so that no curve overlaps itself
  for (int epoch = 1; epoch <= options.epochs; ++epoch) {
    const auto start = std::chrono::steady_clock::now();
    Tensor loss, val_loss;
    std::int64_t batch = 0;
    for (auto& [bx, by] : train_dataset) {
      loss = train_step(constant(train_step_number++, int64), bx, by);
      progress.show(epoch, "training", ++batch, batches_of(data.x_train));
    }
    batch = 0;
    for (auto& [bx, by] : val_dataset) {
      val_loss = test_step(constant(test_step_number++, int64), bx, by);
      progress.show(epoch, "validation", ++batch, batches_of(data.x_test));
    }
    progress.clear();
    const std::chrono::duration<double, std::ratio<60>> minutes = std::chrono::steady_clock::now() - start;
    std::cout << "ETA: " << std::round(minutes.count() * 100) / 100 << " - epoch: " << epoch
              << " loss: " << loss.item<float>() << "  acc: " << train_acc.result().item<float>()
              << " val loss: " << val_loss.item<float>() << " val acc: " << val_acc.result().item<float>() << "\n\n"
              << std::flush;
    train_acc.reset_state();
    val_acc.reset_state();
  }
}

int run(const Options& options) {
  std::cout.precision(8);
  utils::set_random_seed(options.seed);
  mixed_precision::set_global_policy(options.policy);
  std::filesystem::create_directories(options.output);
  if (options.eager) run_functions_eagerly(true);

  const Data data = load_data(options);
  std::cout << "Training on " << data.name << ": " << data.x_train.shape() << ' ' << data.y_train.shape()
            << ", testing on " << data.x_test.shape() << ' ' << data.y_test.shape() << '\n';

  MiniInception model(10);
  model.build_graph({32, 32, 3}).summary();
  train(model, data, options);

  // The saved weights, in a model of their own, must be as good as the trained ones.
  const std::string weights = options.output + "/net.npz";
  model.save_weights(weights);
  MiniInception restored(10);
  restored.build({None, 32, 32, 3});
  restored.load_weights(weights);
  metrics::CategoricalAccuracy accuracy;
  for (auto& [bx, by] : data::from_tensor_slices(data.x_test, data.y_test).batch(options.batch_size))
    accuracy.update_state(by, restored(bx, training = false));
  std::cout << "Test accuracy of the saved weights: " << accuracy.result().item<float>() << '\n'
            << "Weights: " << weights << "; curves: tensorboard --logdir " << options.output << "/logs\n";
  return 0;
}

int main(int argc, char** argv) {
  Options options;
  CLI::App app("MiniInception, trained by a hand-written loop");
  app.add_option("--epochs", options.epochs, "how often to go through the training images")->capture_default_str();
  app.add_option("--batch_size", options.batch_size)->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--samples", options.samples, "how many training images to use")->capture_default_str();
  app.add_option("--data_dir", options.data_dir, "a folder with CIFAR-10's binary files, or their archive");
  app.add_option("--output", options.output, "where event files and weights go")->capture_default_str();
  app.add_option("--policy", options.policy, "what the layers compute in")
      ->capture_default_str()
      ->check(CLI::IsMember({"float32", "mixed_bfloat16", "mixed_float16"}));
  app.add_option("--seed", options.seed, "of the weights")->capture_default_str();
  app.add_flag("--eager", options.eager, "do not compile the steps");
  CLI11_PARSE(app, argc, argv);
  try {
    return run(options);
  } catch (const Error& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
