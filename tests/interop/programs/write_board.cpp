// write_board LOGDIR: everything that TensorBoard's dashboards show, for test_tensorboard_dashboards.py.
//   custom/    image, histogram, text, PR curve, op graph and conceptual graph, from eager code and a traced program
//   fit/       callbacks::TensorBoard with every option
//   hparams/   a grid search with two hyper-parameters
//   projector/ six rows with labels and pictures
#include <strata/strata.h>

#include <iostream>

using namespace strata;
using namespace strata::layers;

namespace {

class Block : public CustomLayer<Block> {
 public:
  Tensor call(const Tensor& x) const { return nn::relu(dense(x)) + x; }

 private:
  Dense dense = track("dense", Dense(4));
};
class Net : public CustomModel<Net> {
 public:
  Tensor call(const Tensor& x) const { return head(block2(block1(x))); }

 private:
  Block block1 = track("block1", Block()), block2 = track("block2", Block());
  Dense head = track("head", Dense(2, {.activation = "softmax"}));
};

Tensor ramp(const Shape& shape) {
  return reshape(range(0.f, static_cast<float>(shape.num_elements())), shape) /
         static_cast<float>(shape.num_elements());
}

void write_custom(const std::string& logdir) {
  const auto writer = summary::create_file_writer(logdir + "/custom");
  auto step = function([&](const Tensor& n, const Tensor& x) {
    auto scope = writer.as_default(n);
    summary::histogram("weights", x);
    summary::image("picture", reshape(x, {2, 4, 5, 3}), {.max_outputs = 2});
    return reduce_sum(x);
  });
  for (std::int64_t i = 0; i < 3; ++i) step(constant(i, int64), ramp({120}));
  auto scope = writer.as_default(1);
  summary::text("note", "**bold** text");
  summary::text("lines", std::vector<std::string>{"first", "second"});
  summary::pr_curve("pr", Tensor{0, 1, 1, 0}, Tensor{0.1f, 0.9f, 0.6f, 0.4f}, {.num_thresholds = 11});
  summary::graph(step);
  Net net;
  net.build({None, 4});
  summary::graph(net);
}

void write_fit(const std::string& logdir) {
  Sequential model({Input({4}), Dense(8, {.activation = "relu"}), Dense(2, {.activation = "softmax"})});
  model.compile({.optimizer = optimizers::Adam(), .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  const Tensor x = ramp({24, 4}), y = utils::to_categorical(cast(range(0.f, 24.f), int64) % 2, 2);
  model.fit(x, y,
            {.batch_size = 8,
             .epochs = 2,
             .verbose = 0,
             .callbacks = {callbacks::TensorBoard(logdir + "/fit", {.histogram_freq = 1,
                                                                    .write_images = true,
                                                                    .write_steps_per_second = true,
                                                                    .update_freq = "batch",
                                                                    .profile_batch = {2, 3}})},
             .validation_data = {x, y}});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: write_board LOGDIR\n";
    return 2;
  }
  const std::string logdir = argv[1];
  write_custom(logdir);
  write_fit(logdir);
  const auto trials =
      hparams::search({{"units", {16, 32}}, {"optimizer", {"adam", "sgd"}}},
                      [](const Config& values) {
                        return values.get<int>("units") / 100. + (values.get<std::string>("optimizer") == "sgd");
                      },
                      {.logdir = logdir + "/hparams"});
  std::cout << trials[0].values.to_json() << '\n';
  projector::add_embedding(logdir + "/projector", "digits", ramp({6, 3}),
                           {.labels = {"a", "b", "c", "d", "e", "f"}, .images = ramp({6, 4, 4, 1})});
}
