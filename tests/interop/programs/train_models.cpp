// Models of Keras, evaluated and trained as their files say; for each step a line of JSON with all values.
//   train_models DIR NAME...    DIR/<name>.keras and .npz: x, y and perhaps w, the weights of samples
#include <strata/strata.h>

#include <iostream>
#include <string>

using namespace strata;

namespace {

void print(const std::string& step, const Logs& logs) {
  std::cout << "{\"step\": \"" << step << '"';
  for (const auto& [name, value] : logs.entries()) {
    std::cout << ", \"" << name << "\": [";
    const std::vector<double> values = cast(value, float64).to_vector<double>();
    for (std::size_t i = 0; i < values.size(); ++i) std::cout << (i > 0 ? ", " : "") << values[i];
    std::cout << ']';
  }
  std::cout << "}\n";
}

void train(const std::string& base, const std::string& name) {
  Tensor x, y;
  Inputs w;
  for (const auto& [key, value] : load_npz(base + ".npz")) {
    if (key == "x") x = value;
    if (key == "y") y = value;
    if (key == "w") w = value;
  }
  const Model model = load_model(base + ".keras");
  print(name + " evaluate", model.evaluate(x, y, {.batch_size = 5, .verbose = 0, .sample_weight = w}));
  for (int i = 0; i < 2; ++i) print(name + " train", model.train_on_batch(x, y, w));
  print(name + " test", model.test_on_batch(x, y, w));
}

}  // namespace

int main(int argc, char** argv) {
  std::cout.precision(9);
  for (int i = 2; i < argc; ++i) train(std::string(argv[1]) + "/" + argv[i], argv[i]);
  return 0;
}
