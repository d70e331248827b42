// write_saved_models DIR: every model as the folder DIR/<name>, with its inputs and outputs as <name>.npz.
#include "exchange_models.h"

// The small network with fake quantization, before and after its ranges are known.
std::vector<ExchangeModel> quantized_models() {
  std::vector<ExchangeModel> all;
  for (const char* name : {"unseen", "quantized"}) {
    const Model model = exchange_models::small_cnn();
    exchange_models::fill_weights(model);
    const Model quantized = quantization::quantize_model(model);
    quantized(zeros({1, 12, 12, 3}));
    if (std::string(name) == "quantized")
      quantization::calibrate(quantized, random::normal({64, 12, 12, 3}, {.seed = 8}));
    all.push_back({name, quantized, {random::normal({3, 12, 12, 3}, {.seed = 7})}});
  }
  return all;
}

int main(int, char** argv) {
  const std::string directory = argv[1];
  std::vector<ExchangeModel> models = all_exchange_models();
  for (const ExchangeModel& m : quantized_models()) models.push_back(m);
  for (const ExchangeModel& m : models) {
    saved_model::save(m.model, directory + "/" + m.name);
    std::vector<std::pair<std::string, Tensor>> arrays;
    for (std::size_t i = 0; i < m.inputs.size(); ++i) arrays.emplace_back("in" + std::to_string(i), m.inputs[i]);
    const Tensors outputs = m.model(Inputs(m.inputs));
    for (std::size_t i = 0; i < outputs.size(); ++i)
      arrays.emplace_back("out" + std::to_string(i), cast(outputs[i], float32));
    save_npz(directory + "/" + m.name + ".npz", arrays);
  }
}
