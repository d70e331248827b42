// Train for long, keep the best: while it runs, after it ended, and after a crash.
#include <strata/strata.h>

#include <iostream>

using namespace strata;
using namespace strata::layers;

int main() {
  utils::set_random_seed(1);
  const Tensor x = random::normal({60, 20});
  const Tensor y = cast(greater(reduce_sum(x[{Ellipsis, Slice(0, 3)}], 1, {.keepdims = true}), 0.f), float32);
  Sequential model({Input({20}), Dense(64, {.activation = "relu"}), Dense(1, {.activation = "sigmoid"})});
  model.compile({.optimizer = optimizers::Adam(0.01), .loss = "binary_crossentropy", .metrics = {"accuracy"}});

  // So few samples are soon known by heart: the validation loss falls, and rises again.
  callbacks::ModelCheckpoint checkpoint("best.keras", {.monitor = "val_loss", .save_best_only = true});
  callbacks::EarlyStopping stop({.monitor = "val_loss", .patience = 15});
  const History history =
      model.fit(x, y, {.epochs = 200, .verbose = 0, .callbacks = {checkpoint, stop}, .validation_split = 0.4});
  const auto& losses = history.history.at("val_loss");
  std::cout << "stopped after " << losses.size() << " epochs at " << losses.back() << ", best was epoch "
            << stop.best_epoch() + 1 << " at " << stop.best() << '\n';

  // What is in memory are the last weights; the file has the best ones, with the optimizer, ready to train on.
  const Model best = load_model("best.keras");
  const Slice held_out(36, 60);
  const double now = model.evaluate(x[held_out], y[held_out], {.verbose = 0}).at("loss");
  const double then = best.evaluate(x[held_out], y[held_out], {.verbose = 0}).at("loss");
  std::cout << "last " << now << ", best " << then << (then < now ? ": better" : ": no better") << '\n';
  // Weights alone, for a model that exists: .save_weights_only = true, "best.weights.h5", model.load_weights(...).
  // Both at once: EarlyStopping({.patience = 15, .restore_best_weights = true}).
}
