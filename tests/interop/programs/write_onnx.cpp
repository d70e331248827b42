// write_onnx DIR: every model as DIR/<name>.onnx, with its inputs and outputs as <name>.npz; a mixed one, too. Each
// file is loaded again and must give the same.
#include <iostream>

#include "exchange_models.h"

// The small network with ranges for 8 bits: as DequantizeLinear and QuantizeLinear say it.
int write_quantized(const std::string& directory) {
  int wrong = 0;
  const Model model = exchange_models::small_cnn();
  exchange_models::fill_weights(model);
  const Tensor x = random::normal({3, 12, 12, 3}, {.seed = 7});
  for (const bool per_channel : {true, false}) {
    const Model quantized = quantization::quantize_model(model, {.per_channel = per_channel});
    quantization::calibrate(quantized, random::normal({64, 12, 12, 3}, {.seed = 8}));
    const std::string path = directory + (per_channel ? "/quantized" : "/quantized_whole");
    onnx::save(quantized, path + ".onnx");
    const Tensor want = quantized(x), again = onnx::load(path + ".onnx").predict(x, {.verbose = 0});
    save_npz(path + ".npz", {{"in0", x}, {"out0", want}, {"exact", model(x)}});
    const float difference = reduce_max(abs(want - again)).item<float>();
    if (difference < 1e-5f) continue;
    std::cerr << path << ": loaded again it differs by " << difference << '\n';
    ++wrong;
  }
  return wrong;
}

// With its weights in a second file.
void write_outside(const std::string& directory) {
  const Model model = exchange_models::small_cnn();
  exchange_models::fill_weights(model);
  const Tensor x = random::normal({3, 12, 12, 3}, {.seed = 7});
  onnx::save(model, directory + "/outside.onnx", {.external_data = true});
  save_npz(directory + "/outside.npz", {{"in0", x}, {"out0", model(x)}});
}

int main(int, char** argv) {
  const std::string directory = argv[1];
  int wrong = write_quantized(directory);
  write_outside(directory);
  auto write = [&](const ExchangeModel& m) {
    const std::string path = directory + "/" + m.name + ".onnx";
    onnx::save(m.model, path);
    std::vector<std::pair<std::string, Tensor>> arrays;
    for (std::size_t i = 0; i < m.inputs.size(); ++i) arrays.emplace_back("in" + std::to_string(i), m.inputs[i]);
    const Tensors outputs = m.model(Inputs(m.inputs));
    for (std::size_t i = 0; i < outputs.size(); ++i)
      arrays.emplace_back("out" + std::to_string(i), cast(outputs[i], float32));
    const Tensors again = onnx::load(path).predict(Inputs(m.inputs), {.verbose = 0});
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const Tensor want = arrays[m.inputs.size() + i].second, got = cast(again[i], float32);
      const float scale = std::max(1.f, reduce_max(abs(want)).item<float>());
      const float difference = reduce_max(abs(want - got)).item<float>() / scale;
      if (difference < (m.name.starts_with("mixed") ? 3e-2f : 1e-5f)) continue;
      std::cerr << m.name << ": loaded again it differs by " << difference << '\n';
      ++wrong;
    }
    save_npz(directory + "/" + m.name + ".npz", arrays);
  };
  for (const ExchangeModel& m : all_exchange_models()) write(m);
  for (const char* policy : {"mixed_float16", "mixed_bfloat16"}) {
    mixed_precision::set_global_policy(policy);
    ExchangeModel m{policy, exchange_models::small_cnn(), {random::normal({3, 12, 12, 3}, {.seed = 7})}};
    exchange_models::fill_weights(m.model);
    write(m);
  }
  return wrong;
}
