// Which loss and which metric: the form of the labels and the last activation decide.
#include <strata/strata.h>

#include <iostream>

using namespace strata;
using namespace strata::layers;

int main() {
  utils::set_random_seed(1);
  const Tensor x = random::normal({200, 4});
  const Tensor score = x[{Ellipsis, Slice(0, 3)}], classes = argmax(score, 1);

  struct Task {
    const char* what;
    Dense last;
    losses::Loss loss;
    metrics::Metric metric;
    Tensor labels;
  };
  const std::vector<Task> tasks = {
      {"one of 3, numbers", Dense(3, {.activation = "softmax"}), "sparse_categorical_crossentropy", "accuracy",
       classes},
      {"one of 3, one-hot", Dense(3, {.activation = "softmax"}), "categorical_crossentropy", "accuracy",
       one_hot(classes, 3)},
      {"one of 3, logits", Dense(3), losses::SparseCategoricalCrossentropy({.from_logits = true}), "accuracy", classes},
      {"yes or no", Dense(1, {.activation = "sigmoid"}), "binary_crossentropy", metrics::AUC(),
       cast(greater(score[{Ellipsis, Slice(0, 1)}], 0.f), float32)},
      {"any of 3", Dense(3, {.activation = "sigmoid"}), "binary_crossentropy", "binary_accuracy",
       cast(greater(score, 0.f), float32)},
      {"a number", Dense(1), "mse", "mae", reduce_sum(x, 1, {.keepdims = true})},
  };
  for (const Task& task : tasks) {
    Sequential model({Input({4}), task.last});
    model.compile({.optimizer = optimizers::Adam(0.1), .loss = task.loss, .metrics = {task.metric}});
    const Logs logs = [&] {
      model.fit(x, task.labels, {.epochs = 20, .verbose = 0});
      return model.evaluate(x, task.labels, {.verbose = 0});
    }();
    std::cout << task.what << ": " << task.loss.name() << ' ' << logs[0] << ", " << logs.names()[1] << ' ' << logs[1]
              << '\n';
  }
}
