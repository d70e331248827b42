// write_net DIR: a model of a class of its own, trained and saved as the folder DIR/net; the data as DIR/data.npz;
// prints the loss and accuracy, and the losses of five more steps.
#include <strata/strata.h>

#include <iostream>

using namespace strata;
using namespace strata::layers;

namespace {

class Gate : public CustomLayer<Gate> {
 public:
  explicit Gate(int units) : units_(units) {}
  void build(const Shape&) const { gain_.create({units_}, {.initializer = "ones"}); }
  Tensor call(const Tensor& x) const { return gain_ * sigmoid(a_(x)) * b_(x); }

 private:
  int units_;
  Dense a_ = track("a", Dense(units_)), b_ = track("b", Dense(units_));
  Variable gain_ = weight("gain");
};

class Net : public CustomModel<Net> {
 public:
  Tensor call(const Tensor& x, bool training) const { return head_(norm_(gate_(x), training)); }

 private:
  Gate gate_ = track("gate", Gate(12));
  BatchNormalization norm_ = track("norm", BatchNormalization());
  Dense head_ = track("head", Dense(3, {.activation = "softmax"}));
};

}  // namespace

int main(int, char** argv) {
  const std::string directory = argv[1];
  utils::set_random_seed(5);
  const Tensor x = random::normal({60, 6}), y = one_hot(argmax(x[{Slice(), Slice(0, 3)}], 1), 3);
  Net net;
  net.compile({.optimizer = optimizers::SGD(0.1), .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  net.fit(x, y, {.batch_size = 20, .epochs = 3, .verbose = 0});
  net.save(directory + "/net");
  save_npz(directory + "/data.npz", {{"x", x}, {"y", y}});
  const Logs logs = net.evaluate(x, y, {.verbose = 0});
  std::cout << logs.at("loss") << ' ' << logs.at("accuracy");
  for (int i = 0; i < 5; ++i) {
    net.reset_metrics();
    std::cout << ' ' << net.train_on_batch(x, y).at("loss");
  }
  std::cout << '\n';
}
