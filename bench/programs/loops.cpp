// So many training steps by fit(), by a loop over a data set, and on a batch that stays in memory, that one also with
// two scalars a step for TensorBoard.
#include <filesystem>

#include "networks.h"

namespace bench {
namespace {

using namespace strata;

Run loop(const Options& options) {
  const Network network = make_network(options.text("network", "inception"), policy_of(options));
  const std::int64_t size = options.number("batch", 64), steps = options.number("steps", 10);
  const Batch all = make_batch(network, size * steps), one = make_batch(network, size);
  const auto dataset =
      data::from_tensor_slices(all.x, all.y).shuffle(size * steps, {.seed = 7}).batch(size).prefetch(2);
  const std::string mode = options.text("mode", "fit");
  const Model model = network.model;
  if (mode == "fit") {
    model.compile({.optimizer = optimizers::Adam(), .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
    return [=] { model.fit(dataset, {.verbose = 0}); };
  }
  if (mode == "fit arrays") {
    model.compile({.optimizer = optimizers::Adam(), .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
    return [=] { model.fit(all.x, all.y, {.batch_size = static_cast<int>(size), .verbose = 0}); };
  }
  const TrainStep step{model, {}, {}, {}};
  const metrics::Mean mean;
  const auto compiled = function([=](const Tensor& x, const Tensor& y) { mean.update_state(step(x, y)); });
  if (mode == "loop")
    return [=] {
      for (auto& [x, y] : dataset) compiled(x, y);
      mean.reset_state();
      step.accuracy.reset_state();
    };
  if (mode == "summaries") {
    const auto writer = summary::create_file_writer(std::filesystem::temp_directory_path() / "strata_bench_summaries");
    const auto written = function([=](const Tensor& n, const Tensor& x, const Tensor& y) {
      const auto scope = writer.as_default(n);
      mean.update_state(step(x, y));
      summary::scalar("loss", mean.result());
      summary::scalar("accuracy", step.accuracy.result());
    });
    return [=] {
      for (std::int64_t i = 0; i < steps; ++i) written(constant(i, int64), one.x, one.y);
      mean.reset_state();
      step.accuracy.reset_state();
    };
  }
  return [=] {
    for (std::int64_t i = 0; i < steps; ++i) compiled(one.x, one.y);
    mean.reset_state();
    step.accuracy.reset_state();
  };
}

}  // namespace

void add_loops(Works& works) { works["loop"] = loop; }

}  // namespace bench
