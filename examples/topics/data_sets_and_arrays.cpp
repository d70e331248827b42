// What fit() takes: arrays, data sets, generators, and folders of pictures.
#include <strata/strata.h>

#include <filesystem>
#include <iostream>

using namespace strata;
using namespace strata::layers;

Sequential make_model() {
  utils::set_random_seed(1);
  Sequential model({Input({8, 8, 3}), Rescaling(1 / 127.5, {.offset = -1}), Flatten(), Dense(2, {.activation = "softmax"})});
  model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  return model;
}

void show(const char* what, const History& history) {
  std::cout << what << ": accuracy " << history.history.at("accuracy").back() << '\n';
}

int main() {
  // Dark pictures are of class 0, bright ones of class 1.
  const Tensor y = range(0, 64) % 2;
  const Tensor x =
      random::uniform({64, 8, 8, 3}, {.maxval = 100, .seed = 1}) + 150.f * reshape(cast(y, float32), {64, 1, 1, 1});

  // Arrays in memory: fit() shuffles and batches.
  show("arrays", make_model().fit(x, y, {.batch_size = 16, .epochs = 10, .verbose = 0}));

  // A data set: what happens to the elements is written down; batches are made by threads while the model trains.
  auto dataset = data::from_tensor_slices(x, y)
                     .shuffle(64, {.seed = 2})
                     .batch(16)
                     .map([](const Tensor& bx, const Tensor& by) { return std::pair(flip(bx, 2), by); },
                          {.num_parallel_calls = data::AUTOTUNE});
  show("data set", make_model().fit(dataset.prefetch(2), {.epochs = 10, .verbose = 0}));

  // A generator: one call a sample; without an end, so that an epoch is a number of steps.
  auto endless = data::from_generator([&] {
    return [&, i = 0]() mutable {
      const int row = i++ % 64;
      return std::optional(std::pair(x[row], y[row]));
    };
  });
  show("generator", make_model().fit(endless.batch(16), {.epochs = 10, .verbose = 0, .steps_per_epoch = 4}));

  // Pictures in folders, whose names are the classes; they are read when they are needed.
  for (int i = 0; i < 64; ++i) {
    const std::string folder = i % 2 == 0 ? "pictures/dark" : "pictures/bright";
    std::filesystem::create_directories(folder);
    utils::save_img(folder + "/" + std::to_string(i) + ".png", x[i], {.scale = false});
  }
  auto [pictures, class_names, files] =
      utils::image_dataset_from_directory("pictures", {.batch_size = 16, .image_size = {8, 8}, .seed = 3});
  std::cout << files.size() << " files of " << class_names[0] << " and " << class_names[1] << '\n';
  show("folders", make_model().fit(pictures, {.epochs = 10, .verbose = 0}));
}
