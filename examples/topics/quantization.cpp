// Quantization-aware training in a tape loop: the network learns with the rounding that 8 (here 3) bits will bring.
// Then inference with 8-bit integers, and a file for other programs that have it.
#include <strata/strata.h>

#include <iostream>

using namespace strata;
using namespace strata::layers;

class Net : public CustomModel<Net> {
 public:
  Tensor call(const Tensor& x) const { return classify(pool(second(first(x)))); }

 private:
  Conv2D first = track("first", Conv2D(8, 3, {.activation = "relu"}));
  Conv2D second = track("second", Conv2D(8, 3, {.activation = "relu"}));
  GlobalAveragePooling2D pool = track("pool", GlobalAveragePooling2D());
  Dense classify = track("classify", Dense(4, {.activation = "softmax"}));
};

int main() {
  utils::set_random_seed(1);
  // Noise over a slope, whose direction is the class.
  const Tensor labels = random::randint({512}, 0, 4), slope = cast(range(12), float32) / 11.f;
  const Tensor slopes = stack(
      {broadcast_to(reshape(slope, {1, 12}), {12, 12}), broadcast_to(reshape(slope, {12, 1}), {12, 12}),
       broadcast_to(reshape(1.f - slope, {1, 12}), {12, 12}), broadcast_to(reshape(1.f - slope, {12, 1}), {12, 12})},
      0);
  const Tensor x = expand_dims(gather(slopes, labels, 0) + 0.7f * random::normal({512, 12, 12}), -1);

  const Net net;
  const losses::SparseCategoricalCrossentropy loss_fn;
  const auto train = [&](const Model& model, int steps, double rate) {
    model(x[Slice(0, 1)]);
    const optimizers::Adam optimizer(rate);
    const auto weights = model.trainable_weights();
    auto step = function([&](const Tensor& bx, const Tensor& by) {
      GradientTape tape;
      const Tensor loss = loss_fn(by, model(bx, training = true));
      optimizer.apply_gradients(tape.gradient(loss, weights), weights);
    });
    for (int i = 0; i < steps; ++i) {
      const Slice batch(i % 8 * 64, i % 8 * 64 + 64);
      step(x[batch], labels[batch]);
    }
  };
  const auto accuracy = [&](const Model& model) {
    return evaluation::accuracy_score(labels, argmax(Tensor(model(x)), 1));
  };
  train(net, 200, 0.01);
  std::cout << "trained: accuracy " << accuracy(net) << '\n';

  // Any kind of model; its layers are shared. The ranges of what the layers get are moving averages of the training.
  const Model aware = quantization::quantize_model(net, {.num_bits = 3, .momentum = 0.9});
  train(aware, 20, 1e-9);  // so small a rate changes no weight, but the ranges are learned
  std::cout << "rounded to 3 bits: " << accuracy(aware) << '\n';
  train(aware, 200, 0.003);
  std::cout << "trained with the rounding: " << accuracy(aware) << '\n';

  // 8 bits need no training, only the ranges of what the layers get: some samples show them.
  const Model quantized = quantization::quantize_model(net);
  quantization::calibrate(quantized, x[Slice(0, 256)]);
  const FrozenModel fast = quantization::convert(quantized, {64, 12, 12, 1});
  const Tensor batch = x[Slice(0, 64)];
  std::cout << "in integers it differs by " << reduce_max(abs(Tensor(fast(batch)) - net(batch))).item<float>() << '\n';
  onnx::save(quantized, "quantized.onnx");

  // What the grid does to a number; gradients pass where it does not clip.
  const Tensor values = {-0.31f, 0.2f, 0.52f, 7.f};
  std::cout << quantization::fake_quant_with_min_max_args(values, {.min = -1, .max = 1, .num_bits = 3}) << '\n';
}
