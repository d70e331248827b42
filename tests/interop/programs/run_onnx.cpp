// run_onnx FILE...: loads each, runs it on the arrays in0, in1, ... of FILE.npz and writes its results as out0, ... to
// FILE.strata.npz.
#include <strata/strata.h>

using namespace strata;

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string path = argv[i];
    const Model model = onnx::load(path);
    Tensors inputs;
    for (const auto& [key, value] : load_npz(path + ".npz"))
      if (key.starts_with("in")) inputs.push_back(value);
    std::vector<std::pair<std::string, Tensor>> results;
    const Tensors outputs = model.predict(Inputs(inputs), {.verbose = 0});
    for (std::size_t k = 0; k < outputs.size(); ++k) results.emplace_back("out" + std::to_string(k), outputs[k]);
    save_npz(path + ".strata.npz", results);
  }
}
