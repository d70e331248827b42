// The same training three times: by fit(), by the loop object, and by hand. The numbers are the same.
#include <strata/strata.h>

#include <iostream>

using namespace strata;
using namespace strata::layers;

namespace {

constexpr int kEpochs = 4;

struct Data {
  Tensor x = random::normal({512, 8}, {.seed = 1});
  Tensor y = one_hot(argmax(x[{Ellipsis, Slice(0, 4)}], 1), 4);
  data::Dataset<Tensor, Tensor> train = data::from_tensor_slices(x[Slice(0, 400)], y[Slice(0, 400)]).batch(64);
  data::Dataset<Tensor, Tensor> test = data::from_tensor_slices(x[Slice(400, 512)], y[Slice(400, 512)]).batch(64);
};

Sequential make_model() {
  utils::set_random_seed(7);  // the same weights each time
  return Sequential({Input({8}), Dense(32, {.activation = "relu"}), Dense(4, {.activation = "softmax"})});
}

// What the two loops of our own share: a compiled training step, a compiled test step, and what they measure.
struct Steps {
  Sequential model = make_model();
  optimizers::Adam optimizer{0.01};
  losses::CategoricalCrossentropy loss_fn;
  metrics::Mean loss{{.name = "loss"}};
  metrics::CategoricalAccuracy accuracy{{.name = "accuracy"}};

  void train(const Tensor& x, const Tensor& y) const {
    GradientTape tape;
    Tensor p = model(x, training = true), value = loss_fn(y, p);
    optimizer.apply_gradients(tape.gradient(value, model.trainable_weights()), model.trainable_weights());
    measure(y, p, value);
  }
  void test(const Tensor& x, const Tensor& y) const {
    Tensor p = model(x);
    measure(y, p, loss_fn(y, p));
  }
  void measure(const Tensor& y, const Tensor& p, const Tensor& value) const {
    loss.update_state(value, cast(shape(y)[0], float32));  // the last batch is smaller
    accuracy.update_state(y, p);
  }
};

History by_fit(const Data& d) {
  Sequential model = make_model();
  model.compile({.optimizer = optimizers::Adam(0.01), .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  return model.fit(d.train, {.epochs = kEpochs, .verbose = 2, .validation_data = d.test});
}

History by_loop(const Data& d) {
  const Steps s;
  auto train_step = function([&](const Tensor& x, const Tensor& y) { s.train(x, y); });
  auto test_step = function([&](const Tensor& x, const Tensor& y) { s.test(x, y); });
  TrainingLoop loop(s.model, {.epochs = kEpochs, .verbose = 2, .metrics = {s.loss, s.accuracy}});
  for (auto& epoch : loop) {
    for (auto [step, x, y] : epoch(d.train)) train_step(x, y);
    for (auto [step, x, y] : epoch.validation(d.test)) test_step(x, y);
  }
  return loop.history();
}

History by_hand(const Data& d) {
  const Steps s;
  auto train_step = function([&](const Tensor& x, const Tensor& y) { s.train(x, y); });
  auto test_step = function([&](const Tensor& x, const Tensor& y) { s.test(x, y); });
  History history;
  auto note = [&](const char* loss_name, const char* accuracy_name) {
    history.history.append(loss_name, s.loss.result().item<double>());
    history.history.append(accuracy_name, s.accuracy.result().item<double>());
    s.loss.reset_state();
    s.accuracy.reset_state();
  };
  for (int epoch = 0; epoch < kEpochs; ++epoch) {
    for (auto& [x, y] : d.train) train_step(x, y);
    note("loss", "accuracy");
    for (auto& [x, y] : d.test) test_step(x, y);
    note("val_loss", "val_accuracy");
  }
  return history;
}

}  // namespace

int main() {
  const Data d;
  const History fit = by_fit(d), loop = by_loop(d), hand = by_hand(d);
  for (const auto& [name, values] : fit.history) {
    if (values != loop.history.at(name) || values != hand.history.at(name)) {
      std::cout << name << " differs\n";
      return 1;
    }
  }
  std::cout << "the same numbers, three times\n";
  return 0;
}
