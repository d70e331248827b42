// write_onnx DIR: every model as DIR/<name>.onnx, with its inputs and outputs as <name>.npz; a mixed one, too.
#include "exchange_models.h"

int main(int, char** argv) {
  const std::string directory = argv[1];
  auto write = [&](const ExchangeModel& m) {
    onnx::save(m.model, directory + "/" + m.name + ".onnx");
    std::vector<std::pair<std::string, Tensor>> arrays;
    for (std::size_t i = 0; i < m.inputs.size(); ++i) arrays.emplace_back("in" + std::to_string(i), m.inputs[i]);
    const Outputs outputs = m.model(Inputs(m.inputs));
    for (std::size_t i = 0; i < outputs.size(); ++i)
      arrays.emplace_back("out" + std::to_string(i), cast(outputs[static_cast<int>(i)], float32));
    save_npz(directory + "/" + m.name + ".npz", arrays);
  };
  for (const ExchangeModel& m : all_exchange_models()) write(m);
  for (const char* policy : {"mixed_float16", "mixed_bfloat16"}) {
    mixed_precision::set_global_policy(policy);
    ExchangeModel m{policy, exchange_models::small_cnn(), {random::normal({3, 12, 12, 3}, {.seed = 7})}};
    exchange_models::fill_weights(m.model);
    write(m);
  }
}
