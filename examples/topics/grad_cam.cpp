// Where a network looks: Grad-CAM by one call, and by a tape and a tap.
#include <strata/strata.h>

#include <iostream>

using namespace strata;
using namespace strata::layers;

class Net : public CustomModel<Net> {
 public:
  Tensor call(const Tensor& x) const { return classify(pool(second(first(x)))); }

 private:
  Conv2D first = track("first", Conv2D(8, 3, {.padding = "same", .activation = "relu"}));
  Conv2D second = track("second", Conv2D(8, 3, {.padding = "same", .activation = "relu"}));
  GlobalMaxPooling2D pool = track("pool", GlobalMaxPooling2D());
  Dense classify = track("classify", Dense(2, {.activation = "softmax"}));
};

int main() {
  utils::set_random_seed(1);
  // Noise with a bright square in half of the pictures, in the upper left corner of the first one.
  Tensor x = random::uniform({64, 16, 16, 1}, {.maxval = 0.3}), labels = range(0, 64) % 2;
  const Tensor square = pad(ones({4, 4, 1}), {{2, 10}, {2, 10}, {0, 0}});
  x = x + reshape(cast(equal(labels, 0), float32), {64, 1, 1, 1}) * square;
  Net net;
  net.compile(
      {.optimizer = optimizers::Adam(0.01), .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  const History history = net.fit(x, labels, {.epochs = 15, .verbose = 0});
  std::cout << "accuracy " << history.history.at("accuracy").back() << '\n';

  const auto cam = understanding::grad_cam(net, x[0], {.layer = "second"});
  utils::save_img("grad_cam.png", cam.overlay);
  const std::int64_t hottest = argmax(reshape(cam.heatmap, {256})).item<std::int64_t>();
  std::cout << "class " << cam.class_index << ", hottest at row " << hottest / 16 << ", column " << hottest % 16
            << (hottest / 16 < 8 && hottest % 16 < 8 ? ": in the square's corner" : ": elsewhere") << '\n';

  // The same by hand: the maps of a layer, weighted by the gradient of the score.
  GradientTape tape;
  const auto run = net.tap("second").run(x[Slice(0, 1)]);
  const Tensor maps = run.tapped[0], score = Tensor(run.output)[0][0];
  const Tensor weights = reduce_mean(tape.gradient(log(score), maps), {0, 1, 2});
  const Tensor heat = nn::relu(reduce_sum(maps * weights, -1));
  std::cout << "maps " << maps.shape() << ", heat " << heat.shape() << '\n';
}
