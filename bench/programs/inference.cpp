// Inference of MiniInception, and its export for the peers that run ONNX files.
#include <vector>

#include "networks.h"

namespace bench {

void add_inference(Works& works) {
  works["inference"] = [](const Options& options) -> Run {
    const Network network = make_network(options.text("network", "inception"), policy_of(options));
    const Batch batch = make_batch(network, options.number("batch", 64));
    const strata::Model model = network.model;
    const std::string mode = options.text("mode", "predict");
    if (mode == "predict") {
      const int size = static_cast<int>(options.number("batch", 64));
      return [=] { model.predict(batch.x, {.batch_size = size, .verbose = 0}); };
    }
    if (mode == "frozen") {
      const strata::FrozenModel frozen = model.freeze(batch.x.shape());
      const strata::Tensor x = batch.x;
      std::vector<float> out(frozen.output_size());
      return [=]() mutable { frozen(x.data<float>(), out); };
    }
    if (mode == "call") return [=] { model(batch.x); };
    const auto compiled = strata::function([=](const strata::Tensor& x) { return strata::Tensor(model(x)); });
    return [=] { compiled(batch.x); };
  };
  works["export"] = [](const Options& options) -> Run {
    const Network network = make_network(options.text("network", "inception"), "float32");
    const std::string path = options.text("path", "model.onnx");
    return [=] { strata::onnx::save(network.model, path); };
  };
}

}  // namespace bench
