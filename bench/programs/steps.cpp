// One training step on a batch that stays in memory.
#include <memory>

#include "networks.h"

namespace bench {

void add_steps(Works& works) {
  works["step"] = [](const Options& options) -> Run {
    const Network network = make_network(options.text("network", "inception"), policy_of(options));
    const Batch batch = make_batch(network, options.number("batch", 64));
    const TrainStep step{network.model, {}, {}, {}};
    if (options.text("mode", "compiled") == "eager") return [=] { step(batch.x, batch.y); };
    const auto compiled =
        strata::function([=](const strata::Tensor& x, const strata::Tensor& y) { return step(x, y); });
    return [=] { compiled(batch.x, batch.y).item<float>(); };
  };
}

}  // namespace bench
