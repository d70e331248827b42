// run_saved_model DIR NAME...: loads DIR/NAME, runs it on the arrays in0, in1, ... of DIR/NAME.npz, writes its results
// as out0, ... to DIR/NAME.strata.npz; then trains it for some steps by plain gradient descent towards 0.25 and prints
// the losses.
#include <strata/strata.h>

#include <iostream>

using namespace strata;

int main(int argc, char** argv) {
  const std::string directory = argv[1];
  for (int i = 2; i < argc; ++i) {
    const std::string name = argv[i];
    const Model model = saved_model::load(directory + "/" + name);
    Tensors inputs;
    for (const auto& [key, value] : load_npz(directory + "/" + name + ".npz"))
      if (key.starts_with("in")) inputs.push_back(value);
    std::vector<std::pair<std::string, Tensor>> results;
    const Tensors outputs = model.predict(Inputs(inputs), {.verbose = 0});
    for (std::size_t k = 0; k < outputs.size(); ++k) results.emplace_back("out" + std::to_string(k), outputs[k]);
    save_npz(directory + "/" + name + ".strata.npz", results);
    std::cout << name;
    for (int step = 0; step < 5; ++step) {
      GradientTape tape;
      Tensor loss(0.f);
      const Outputs called = model(Inputs(inputs), training = true);
      for (const Tensor& t : called.tensors()) loss = loss + reduce_mean(square(t - 0.25f));
      const auto weights = model.trainable_weights();
      const Tensors gradients = tape.gradient(loss, weights);
      for (std::size_t k = 0; k < weights.size(); ++k) weights[k].assign_sub(gradients[k] * 0.005f);
      std::cout << ' ' << loss.item<float>();
    }
    std::cout << '\n';
  }
}
