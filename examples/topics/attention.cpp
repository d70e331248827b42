// Attention over the steps of an LSTM: which step decides is seen in the weights.
#include <strata/strata.h>

#include <iostream>

using namespace strata;
using namespace strata::layers;

class Reader : public CustomModel<Reader> {
 public:
  // The last state asks, all steps answer.
  Tensor call(const Tensor& x) const { return classify(read(x).first); }
  std::pair<Tensor, Tensor> read(const Tensor& x) const {
    auto [steps, last, cell] = lstm(x).as<3>();
    auto [answer, weights] = attention({expand_dims(last, 1), steps}).as<2>();
    return {cat({squeeze(answer, 1), last}), squeeze(weights, 1)};
  }

 private:
  LSTM lstm = track("lstm", LSTM(16, {.return_sequences = true, .return_state = true}));
  Attention attention = track("attention", Attention({.use_scale = true, .return_attention_scores = true}));
  Concatenate cat = track("cat", Concatenate());
  Dense classify = track("classify", Dense(1, {.activation = "sigmoid"}));
};

int main() {
  utils::set_random_seed(1);
  // One step in twelve carries a sign of plus or minus; its place varies.
  const Tensor place = one_hot(random::randint({256}, 0, 12), 12);
  const Tensor sign = cast(random::randint({256, 1}, 0, 2), float32);
  const Tensor x = stack({place * (2.f * sign - 1.f), 0.1f * random::normal({256, 12})}, -1);
  Reader reader;
  reader.compile({.optimizer = optimizers::Adam(0.01), .loss = "binary_crossentropy", .metrics = {"accuracy"}});
  const History history = reader.fit(x, sign, {.epochs = 20, .verbose = 0});
  std::cout << "accuracy " << history.history.at("accuracy").back() << '\n';

  const Tensor weights = reader.read(x[Slice(0, 1)]).second;
  std::cout << "weights " << weights.shape() << ", sum " << reduce_sum(weights).item<float>() << '\n';

  // The same with several heads, or with a GRU: each takes (batch, steps, features).
  const Tensor steps = GRU(16, {.return_sequences = true})(x[Slice(0, 2)]);
  const Tensor mixed = MultiHeadAttention(4, 8)(steps, steps);
  std::cout << steps.shape() << " -> " << mixed.shape() << '\n';
}
