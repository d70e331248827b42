// The whole workflow: build, inspect, train by a hand-written loop, watch, save, load, evaluate, predict.
// docs/workflow.md walks through it.
//
//   workflow [--epochs 20] [--batch_size 256] [--policy mixed_bfloat16] [--data_dir DIR] [--samples 50000]
#include <strata/strata.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <iostream>

#include "mini_inception.h"

const std::vector<std::string> kClassNames = {"airplane", "automobile", "bird",  "cat",  "deer",
                                              "dog",      "frog",       "horse", "ship", "truck"};

int main(int argc, char** argv) {
  std::cout.precision(8);
  int epochs = 20, batch_size = 256;
  long samples = 50000;
  std::string policy = "mixed_bfloat16", data_dir;
  CLI::App app("MiniInception on CIFAR-10, trained by a hand-written loop");
  app.add_option("--epochs", epochs);
  app.add_option("--batch_size", batch_size);
  app.add_option("--policy", policy);
  app.add_option("--data_dir", data_dir);
  app.add_option("--samples", samples);
  CLI11_PARSE(app, argc, argv);
  mixed_precision::set_global_policy(policy);

  // A block on its own: its weights come into being at the first call.
  ConvModule cm(96, {3, 3}, {1, 1});
  cm(ones({2, 32, 32, 3}));
  std::cout << "weights: " << cm.weights().size() << '\n';                      // 6
  std::cout << "trainable weights: " << cm.trainable_weights().size() << '\n';  // 4
  ConvModule(96, {3, 3}, {1, 1})(ones({0, 32, 32, 3}));                         // an empty batch builds too

  MiniInception model(10);
  model.build_graph({32, 32, 3}).summary();  // 1,656,250 parameters, 3,424 of them not trainable

  // Data
  auto [x_train, y_train, x_test, y_test] = datasets::cifar10::load_data({.path = data_dir});
  std::cout << x_train.shape() << ' ' << y_train.shape() << '\n';  // (50000, 32, 32, 3) (50000, 1)
  Tensor x = cast(x_train[Slice(0, samples)], float32) / 255.f;
  Tensor y = utils::to_categorical(y_train[Slice(0, samples)], 10);
  Tensor xv = cast(x_test, float32) / 255.f, yv = utils::to_categorical(y_test, 10);

  auto train_dataset = data::from_tensor_slices(x, y).shuffle(1024, {.seed = 7}).batch(batch_size).prefetch(2);
  auto val_dataset = data::from_tensor_slices(xv, yv).batch(batch_size);
  for (auto [i, batch] : enumerate(train_dataset)) {
    auto& [bx, by] = batch;
    std::cout << bx.shape() << ' ' << by.shape() << '\n';  // (256, 32, 32, 3) (256, 10)
    if (i == 2) break;
  }
  for (auto [bx, by] : val_dataset.take(3)) std::cout << bx.shape() << ' ' << by.shape() << '\n';
  plot::image_grid(x_train[Slice(0, 25)],
                   {.rows = 5, .columns = 5, .labels = y_train[Slice(0, 25)], .label_names = kClassNames})
      .save("samples.png");

  // What the loop needs
  optimizers::Adam optimizer;
  losses::CategoricalCrossentropy loss_fn;
  metrics::CategoricalAccuracy train_acc, val_acc;
  auto train_writer = summary::create_file_writer("logs/train");
  auto test_writer = summary::create_file_writer("logs/test");

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

  std::int64_t train_step_number = 0, test_step_number = 0;  // over all epochs, so that no curve overlaps itself
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    const auto start = std::chrono::steady_clock::now();
    Tensor loss, val_loss;
    for (auto& [bx, by] : train_dataset) loss = train_step(constant(train_step_number++, int64), bx, by);
    for (auto& [bx, by] : val_dataset) val_loss = test_step(constant(test_step_number++, int64), bx, by);
    const std::chrono::duration<double, std::ratio<60>> minutes = std::chrono::steady_clock::now() - start;
    std::cout << "ETA: " << std::round(minutes.count() * 100) / 100 << " - epoch: " << epoch
              << " loss: " << loss.item<float>() << "  acc: " << train_acc.result().item<float>()
              << " val loss: " << val_loss.item<float>() << " val acc: " << val_acc.result().item<float>() << "\n\n";
    train_acc.reset_state();
    val_acc.reset_state();
  }

  // Save and load: the program with its weights (no class needed to load it), or the weights alone.
  model.save("net");  // net/assets, net/saved_model.pb, net/variables
  Model restored = load_model("net", {.compile = false});
  model.save_weights("net.h5");
  MiniInception fresh;
  try {
    fresh.load_weights("net.h5");
    return 1;
  } catch (const ValueError& e) {
    std::cout << e.what() << '\n';  // Unable to load weights saved in HDF5 format into a subclassed Model which ...
  }
  fresh.build({None, 32, 32, 3});
  fresh.load_weights("net.h5");

  // Evaluate
  Tensor probabilities = fresh.predict(xv, {.verbose = 1});
  Tensor y_true = argmax(yv, 1), y_pred = argmax(probabilities, 1);
  std::cout << evaluation::classification_report(y_true, y_pred, {.target_names = kClassNames}) << '\n';
  std::cout << "ROC AUC "
            << evaluation::roc_auc_score(y_true, probabilities, {.average = "macro", .multi_class = "ovr"})
            << " (of hard labels "
            << evaluation::roc_auc_score(y_true, utils::to_categorical(y_pred, 10), {.average = "macro"}) << ")\n";
  Tensor cm_table = evaluation::confusion_matrix(y_true, y_pred);
  plot::heatmap(cm_table, {.title = "Confusion matrix",
                           .tick_labels = kClassNames,
                           .annotate = true,
                           .font_size = 12,
                           .figure_size = {10, 10}})
      .save("confusion.png");

  // One image from a file
  utils::save_img("one.png", x_test[0]);
  Image image = utils::load_img("one.png", {.target_size = {32, 32}});
  Tensor one = expand_dims(utils::img_to_array(image) / 255.f, 0);
  Tensor label = argmax(restored.predict(one, {.verbose = 0}), 1);
  std::cout << kClassNames[label.item<std::int64_t>()] << '\n';

  const float difference = reduce_max(abs(restored(xv[Slice(0, 16)]) - fresh(xv[Slice(0, 16)]))).item<float>();
  return difference < 1e-4f ? 0 : 1;
}
