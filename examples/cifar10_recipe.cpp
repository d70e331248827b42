// MiniInception on CIFAR-10 by the usual recipe: pictures flipped and moved, a cosine of learning rates with a warm-up,
// label smoothing, weight decay, 16-bit activations. tools/recipe_reference.py does the same in PyTorch.
//
//   cifar10_recipe [--epochs 20] [--batch_size 128] [--policy mixed_bfloat16] [--data_dir DIR] [--seed 1]
//                  [--log FILE.csv] [--logdir DIR] [--optimizer sgd|adamw] [--learning_rate R] [--weight_decay W]
//                  [--cutmix] [--samples N]
#include <strata/strata.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <optional>

#include "mini_inception.h"

struct Options {
  int epochs = 20, batch_size = 128, warmup_epochs = 2;
  std::int64_t seed = 1, samples = 50000;
  std::string policy = "mixed_bfloat16", data_dir, log = "cifar10_recipe.csv", logdir = "cifar10_recipe_logs";
  std::string optimizer = "sgd";
  std::optional<double> learning_rate, weight_decay;
  bool cutmix = false;
};

// The training pictures as the network sees them: flipped, moved by up to four pixels, channels of mean 0 and
// variance 1.
class Preparation {
 public:
  explicit Preparation(bool cutmix) : cutmix_(cutmix) {}
  Tensor scaled(const Tensor& images) const { return (cast(images, float32) - mean_) / deviation_; }
  std::pair<Tensor, Tensor> augmented(const Tensor& images, const Tensor& labels) const {
    const Tensor x = scaled(augment_(images, training = true));
    if (!cutmix_) return {x, labels};
    auto [mixed, mixed_labels] = mix_(x, labels, training = true).as<2>();
    return {mixed, mixed_labels};
  }

 private:
  bool cutmix_;
  Sequential augment_{{RandomFlip("horizontal", {.dtype = "float32"}),
                       RandomTranslation(0.125, 0.125, {.interpolation = "nearest", .dtype = "float32"})}};
  CutMix mix_{{.dtype = "float32"}};
  Tensor mean_ = {125.31f, 122.95f, 113.87f}, deviation_ = {62.99f, 62.09f, 66.70f};
};

// Adds the rate and the time to the logs of each epoch, and so to its line and to the CSV file.
class RateAndTime : public callbacks::Callback {
 public:
  void on_epoch_begin(int, const Logs&) override { start_ = std::chrono::steady_clock::now(); }
  void add_epoch_logs(int, Logs& logs) override {
    logs.set("learning_rate", model().optimizer().learning_rate());
    logs.set("seconds", std::chrono::duration<float>(std::chrono::steady_clock::now() - start_).count());
  }

 private:
  std::chrono::steady_clock::time_point start_;
};

optimizers::Optimizer make_optimizer(const Options& options, std::int64_t steps_per_epoch) {
  const bool sgd = options.optimizer == "sgd";
  if (!sgd && options.optimizer != "adamw") throw ValueError("--optimizer is sgd or adamw, not " + options.optimizer);
  const std::int64_t steps = options.epochs * steps_per_epoch;
  const std::int64_t warmup = std::min<std::int64_t>(options.warmup_epochs * steps_per_epoch, steps / 5 + 1);
  const optimizers::schedules::CosineDecay rate(
      0.0, steps - warmup,
      {.warmup_target = options.learning_rate.value_or(sgd ? 0.1 : 0.003), .warmup_steps = warmup});
  // Decoupled from the gradient: SGD's 0.005 at momentum 0.9 is what others call 0.0005.
  const double decay = options.weight_decay.value_or(sgd ? 0.005 : 0.05);
  optimizers::Optimizer optimizer = optimizers::AdamW({.learning_rate = rate, .weight_decay = decay});
  if (sgd) {
    optimizer = optimizers::SGD({.learning_rate = rate, .momentum = 0.9, .nesterov = true, .weight_decay = decay});
  }
  optimizer.exclude_from_weight_decay({}, {"bias", "gamma", "beta"});
  return optimizer;
}

void run(const Options& options) {
  mixed_precision::set_global_policy(options.policy);
  utils::set_random_seed(options.seed);

  const auto [x_train, y_train, x_test, y_test] = datasets::cifar10::load_data({.path = options.data_dir});
  const Slice part(0, options.samples);
  const Tensor y = utils::to_categorical(y_train[part], 10);
  const Preparation prepare(options.cutmix);
  auto train =
      data::from_tensor_slices(x_train[part], y)
          .shuffle(options.samples)
          .batch(options.batch_size)
          .map([&](const Tensor& bx, const Tensor& by) { return prepare.augmented(bx, by); }, {.num_parallel_calls = 2})
          .prefetch(2);
  auto test = data::from_tensor_slices(x_test, utils::to_categorical(y_test, 10))
                  .batch(250)
                  .map([&](const Tensor& bx, const Tensor& by) { return std::pair(prepare.scaled(bx), by); })
                  .prefetch(2);

  MiniInception model(10);
  model.compile({.optimizer = make_optimizer(options, train.size()),
                 .loss = losses::CategoricalCrossentropy({.label_smoothing = 0.1}),
                 .metrics = {metrics::CategoricalAccuracy({.name = "accuracy"})}});
  const History history = model.fit(
      train, {.epochs = options.epochs,
              .verbose = 2,
              .callbacks = {RateAndTime(), callbacks::CSVLogger(options.log), callbacks::TensorBoard(options.logdir)},
              .validation_data = test});
  const auto& accuracy = history.history.at("val_accuracy");
  std::cout << "test accuracy " << accuracy.back() << ", best " << *std::max_element(accuracy.begin(), accuracy.end())
            << "; log in " << options.log << ", curves: tensorboard --logdir " << options.logdir << '\n';
}

int main(int argc, char** argv) {
  Options options;
  CLI::App app("MiniInception on CIFAR-10 by the usual recipe");
  app.add_option("--epochs", options.epochs)->check(CLI::PositiveNumber);
  app.add_option("--batch_size", options.batch_size)->check(CLI::PositiveNumber);
  app.add_option("--policy", options.policy);
  app.add_option("--data_dir", options.data_dir);
  app.add_option("--seed", options.seed);
  app.add_option("--log", options.log);
  app.add_option("--logdir", options.logdir);
  app.add_option("--optimizer", options.optimizer);
  app.add_option("--learning_rate", options.learning_rate);
  app.add_option("--weight_decay", options.weight_decay);
  app.add_flag("--cutmix", options.cutmix);
  app.add_option("--samples", options.samples, "training pictures")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    run(options);
  } catch (const Error& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
  return 0;
}
