// Two inputs, two outputs, a loss and a weight for each.
#include <strata/strata.h>

#include <iostream>

using namespace strata;
using namespace strata::layers;

int main() {
  utils::set_random_seed(1);
  const Tensor words = Input({8}, {.name = "words"}), length = Input({1}, {.name = "length"});
  const Tensor joined = Concatenate()({Dense(16, {.activation = "relu"})(words), length});
  const Tensor shared = Dense(16, {.activation = "relu"})(joined);
  Model model(Tensors{words, length}, Tensors{Dense(3, {.activation = "softmax", .name = "kind"})(shared),
                                              Dense(1, {.name = "price"})(shared)});

  model.compile({.optimizer = optimizers::Adam(0.01),
                 .loss = {{"kind", "sparse_categorical_crossentropy"}, {"price", "mse"}},
                 .loss_weights = {{"kind", 1.0}, {"price", 0.2}},
                 .metrics = {{"kind", {"accuracy"}}, {"price", {"mae"}}}});

  const Tensor x = random::normal({300, 8}), n = random::uniform({300, 1});
  const Tensor kind = argmax(x[{Ellipsis, Slice(0, 3)}], 1), price = 2.f * n + reduce_sum(x, 1, {.keepdims = true});
  const History history = model.fit({{"words", x}, {"length", n}}, {{"kind", kind}, {"price", price}},
                                    {.epochs = 20, .verbose = 0, .validation_split = 0.2});
  for (const char* name : {"loss", "kind_loss", "price_loss", "val_kind_accuracy", "val_price_mae"})
    std::cout << name << ' ' << history.history.at(name).front() << " -> " << history.history.at(name).back() << '\n';

  auto [kinds, prices] = model.predict({x, n}, {.verbose = 0}).as<2>();
  std::cout << kinds.shape() << ' ' << prices.shape() << '\n';
}
