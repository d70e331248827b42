// write_saved_models DIR: every model as the folder DIR/<name>, with its inputs and outputs as <name>.npz.
#include "exchange_models.h"

int main(int, char** argv) {
  const std::string directory = argv[1];
  for (const ExchangeModel& m : all_exchange_models()) {
    saved_model::save(m.model, directory + "/" + m.name);
    std::vector<std::pair<std::string, Tensor>> arrays;
    for (std::size_t i = 0; i < m.inputs.size(); ++i) arrays.emplace_back("in" + std::to_string(i), m.inputs[i]);
    const Outputs outputs = m.model(Inputs(m.inputs));
    for (std::size_t i = 0; i < outputs.size(); ++i)
      arrays.emplace_back("out" + std::to_string(i), cast(outputs[static_cast<int>(i)], float32));
    save_npz(directory + "/" + m.name + ".npz", arrays);
  }
}
