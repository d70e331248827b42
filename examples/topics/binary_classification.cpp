// Yes or no, where yes is rare: one sigmoid, a threshold, weights of classes, and metrics that are not fooled.
#include <strata/strata.h>

#include <iostream>

using namespace strata;
using namespace strata::layers;

int main() {
  utils::set_random_seed(1);
  // One in twenty is ill, and somewhat to the right.
  const Tensor y = cast(equal(range(0, 2000) % 20, 0), float32);
  const Tensor x = random::normal({2000, 2}) + 1.5f * reshape(y, {2000, 1});
  const auto [x_train, x_test, y_train, y_test] =
      utils::train_test_split(x, reshape(y, {2000, 1}), {.test_size = 0.5, .random_state = 1, .stratify = y});

  const auto train = [&, x = x_train, y = y_train](const ClassWeight& weights) {
    Sequential model({Input({2}), Dense(1, {.activation = "sigmoid"})});
    model.compile({.optimizer = optimizers::Adam(0.05),
                   .loss = "binary_crossentropy",
                   .metrics = {"accuracy", metrics::Precision(), metrics::Recall(), metrics::AUC()}});
    model.fit(x, y, {.epochs = 20, .verbose = 0, .class_weight = weights});
    return model;
  };
  const auto show = [&, x = x_test, y = y_test](const char* what, const Model& model) {
    const Logs logs = model.evaluate(x, y, {.verbose = 0});
    std::cout << what << ':';
    for (const std::string& name : logs.names()) std::cout << ' ' << name << ' ' << logs.at(name);
    std::cout << '\n';
  };
  std::cout << "who says no to all has accuracy " << 1 - reduce_mean(y_test).item<float>() << '\n';
  const Model plain = train({}), weighted = train(utils::balanced_class_weights(cast(y_train, int32)));
  show("plain", plain);
  show("weighted", weighted);

  // The threshold is a choice after training: here the one with the best F1 on the training data.
  const Tensor p = plain.predict(x_train, {.verbose = 0}), p_test = plain.predict(x_test, {.verbose = 0});
  double best = 0, threshold = 0.5;
  for (double t = 0.05; t < 0.95; t += 0.05) {
    const double f1 = evaluation::f1_score(y_train, cast(greater(p, t), int32));
    if (f1 > best) best = f1, threshold = t;
  }
  std::cout << "threshold " << threshold << ": F1 "
            << evaluation::f1_score(y_test, cast(greater(p_test, threshold), int32)) << " instead of "
            << evaluation::f1_score(y_test, cast(greater(p_test, 0.5), int32)) << ", ROC AUC "
            << evaluation::roc_auc_score(y_test, p_test) << '\n';
}
