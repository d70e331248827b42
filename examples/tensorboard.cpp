// Everything that TensorBoard's dashboards show, from a small network on handwritten digits:
//     tensorboard [MNIST_DIR] && tensorboard --logdir logs
#include <strata/strata.h>

#include <iostream>

using namespace strata;
using namespace strata::layers;

namespace {

struct Digits {
  Tensor x, y;  // (n, 28, 28, 1) between 0 and 1, and int64 labels
};

Sequential small_network(const std::string& activation, int units) {
  return Sequential({Input({28, 28, 1}), Conv2D(16, 3, {.activation = activation, .name = "edges"}), MaxPooling2D(2),
                     Conv2D(32, 3, {.activation = activation, .name = "shapes"}), MaxPooling2D(2), Flatten(),
                     Dense(units, {.activation = activation, .name = "features"}),
                     Dense(10, {.activation = "softmax", .name = "digit"})});
}

void compile(const Model& model, double learning_rate) {
  model.compile({.optimizer = optimizers::Adam(learning_rate),
                 .loss = "sparse_categorical_crossentropy",
                 .metrics = {"accuracy"}});
}

// fit() with the callback: scalars of batches and epochs, histograms of the weights, the graph.
Sequential train(const Digits& train, const Digits& test) {
  Sequential model = small_network("relu", 64);
  compile(model, 1e-3);
  model.fit(train.x, train.y,
            {.batch_size = 64,
             .epochs = 6,
             .verbose = 2,
             .callbacks = {callbacks::TensorBoard("logs/fit", {.histogram_freq = 1, .update_freq = "batch"})},
             .validation_data = {test.x, test.y}});
  return model;
}

// What a loop of one's own writes: pictures, the confusion matrix, curves, text.
void write_pictures(const Model& model, const Digits& test) {
  const auto writer = summary::create_file_writer("logs/evaluation");
  const auto scope = writer.as_default(6);
  const Tensor scores = model.predict(test.x, {.verbose = 0}), guesses = argmax(scores, 1);
  const auto confusion = plot::heatmap(evaluation::confusion_matrix(test.y, guesses), {.annotate = true});
  summary::image("confusion matrix", expand_dims(confusion.to_tensor(), 0));
  summary::image("digits", test.x, {.max_outputs = 8});
  summary::pr_curve("is it an eight", cast(test.y == 8, int64), scores[{Ellipsis, 8}]);
  summary::text("report", "```\n" + evaluation::classification_report(test.y, guesses).to_string() + "\n```");
  summary::graph(model, {.ops = true});
}

// A grid of hyper-parameters, one run for each.
void search(const Digits& train, const Digits& test) {
  hparams::search({{"units", {16, 64}}, {"activation", {"relu", "tanh"}}, {"learning_rate", {1e-3, 1e-2}}},
                  [&](const Config& values) {
                    const Sequential model =
                        small_network(values.get<std::string>("activation"), values.get<int>("units"));
                    compile(model, values.get<double>("learning_rate"));
                    model.fit(train.x, train.y, {.batch_size = 64, .epochs = 1, .verbose = 0});
                    return model.evaluate(test.x, test.y, {.verbose = 0}).at("accuracy");
                  },
                  {.logdir = "logs/search"});
}

// What the last layer but one makes of the digits, for the projector.
void write_embedding(const Model& model, const Digits& test) {
  const Slice first(0, 400);
  const Tensor features = model.tap("features")(test.x[first]);
  std::vector<std::string> labels;
  for (const auto label : test.y[first].to_vector<std::int64_t>()) labels.push_back(std::to_string(label));
  projector::add_embedding("logs/projector", "features", features, {.labels = labels, .images = test.x[first]});
}

}  // namespace

int main(int argc, char** argv) {
  utils::set_random_seed(1);
  const auto [x_train, y_train, x_test, y_test] = datasets::mnist::load_data({.path = argc > 1 ? argv[1] : ""});
  auto first = [](const Tensor& x, const Tensor& y, std::int64_t n) {
    const Slice rows(0, n);
    return Digits{expand_dims(cast(x[rows], float32) / 255.f, -1), cast(y[rows], int64)};
  };
  const Digits train_set = first(x_train, y_train, 4000), test_set = first(x_test, y_test, 1000);

  const Sequential model = train(train_set, test_set);
  write_pictures(model, test_set);
  search(train_set, test_set);
  write_embedding(model, test_set);
  std::cout << "tensorboard --logdir logs\n";
}
