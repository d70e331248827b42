// use_net DIR: loads DIR/net, whose class this program does not contain, evaluates it on DIR/data.npz and trains it on;
// prints the loss and accuracy, and the losses of five steps.
#include <strata/strata.h>

#include <iostream>

using namespace strata;

int main(int, char** argv) {
  const std::string directory = argv[1];
  const Model net = load_model(directory + "/net", {.compile = false});
  const NamedTensors data = load_npz(directory + "/data.npz");
  const Tensor x = data.at(0).second, y = data.at(1).second;
  net.compile({.optimizer = optimizers::SGD(0.1), .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  const Logs logs = net.evaluate(x, y, {.verbose = 0});
  std::cout << logs.at("loss") << ' ' << logs.at("accuracy");
  for (int i = 0; i < 5; ++i) {
    net.reset_metrics();
    std::cout << ' ' << net.train_on_batch(x, y).at("loss");
  }
  std::cout << '\n';
}
