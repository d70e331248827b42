// Losses that are no comparison with labels: add_loss in a layer, regularizers of weights and of activities.
#include <strata/strata.h>

#include <iostream>

using namespace strata;
using namespace strata::layers;

// An auto-encoder's middle whose values should be few: it adds what it wants to be small.
class Sparse : public CustomLayer<Sparse> {
 public:
  explicit Sparse(double rate) : rate_(rate) {}
  Tensor call(const Tensor& x) const {
    add_loss(rate_ * reduce_mean(abs(x)));
    return x;
  }

 private:
  double rate_;
};

Model autoencoder(double rate) {
  utils::set_random_seed(1);
  const Tensor x = Input({16});
  const Tensor code = Sparse(rate)(Dense(8, {.activation = "relu"})(x));
  return Model(x, Dense(16, {.kernel_regularizer = regularizers::L2(1e-4)})(code));
}

int main() {
  utils::set_random_seed(2);
  const Tensor x = matmul(random::normal({256, 3}), random::normal({3, 16}));

  // fit() counts them in; `loss` is the sum, a metric shows the error alone.
  for (const double rate : {0.0, 1.0}) {
    const Model model = autoencoder(rate);
    model.compile({.optimizer = optimizers::Adam(0.01), .loss = "mse", .metrics = {"mse"}});
    const History history = model.fit(x, x, {.epochs = 30, .verbose = 0});
    const Tensor code = model.tap(model.layers()[1].name())(x);
    std::cout << "rate " << rate << ": loss " << history.history.at("loss").back() << ", error "
              << history.history.at("mse").back() << ", mean activity " << reduce_mean(code).item<float>() << '\n';
  }

  // In a loop of one's own they are in model.losses(), those of the last call first.
  const Model model = autoencoder(1.0);
  const optimizers::Adam optimizer(0.01);
  auto step = function([&](const Tensor& batch) {
    GradientTape tape;
    const Tensor error = reduce_mean(square(model(batch, training = true) - batch));
    Tensor loss = error;
    for (const Tensor& added : model.losses()) loss = loss + added;
    optimizer.apply_gradients(tape.gradient(loss, model.trainable_weights()), model.trainable_weights());
    return std::pair(error, loss);
  });
  for (int i = 0; i < 100; ++i) step(x);
  const auto [error, loss] = step(x);
  std::cout << model.losses().size() << " losses; error " << error.item<float>() << ", with them " << loss.item<float>()
            << '\n';
}
