// Inference of MiniInception, and its export for the peers that run ONNX files.
#include <vector>

#include "networks.h"

namespace bench {

namespace {

// With ranges for 8 bits from this batch.
strata::Model calibrated(const strata::Model& model, const Batch& batch) {
  const strata::Model quantized = strata::quantization::quantize_model(model);
  strata::quantization::calibrate(quantized, batch.x);
  return quantized;
}

}  // namespace

void add_inference(Works& works) {
  works["inference"] = [](const Options& options) -> Run {
    const std::string mode = options.text("mode", "predict"), policy = policy_of(options);
    const Network network = make_network(options.text("network", "inception"), mode == "frozen" ? "float32" : policy);
    const Batch batch = make_batch(network, options.number("batch", 64));
    const strata::Model model = network.model;
    if (mode == "predict") {
      const int size = static_cast<int>(options.number("batch", 64));
      return [=] { model.predict(batch.x, {.batch_size = size, .verbose = 0}); };
    }
    if (mode == "frozen" || mode == "int8") {
      strata::FreezeOptions how;
      if (policy != "float32") how.dtype = strata::bfloat16;
      const strata::FrozenModel frozen = mode == "frozen"
                                             ? model.freeze(batch.x.shape(), how)
                                             : strata::quantization::convert(calibrated(model, batch), batch.x.shape());
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
    const bool int8 = options.text("precision", "float32") == "int8";
    const strata::Model model = int8 ? calibrated(network.model, make_batch(network, 64)) : network.model;
    return [=] { strata::onnx::save(model, path); };
  };
}

}  // namespace bench
