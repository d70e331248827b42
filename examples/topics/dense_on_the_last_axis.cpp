// Dense is PyTorch's Linear: it works on the last axis, however many come before.
#include <strata/strata.h>

#include <iostream>

using namespace strata;
using namespace strata::layers;

int main() {
  utils::set_random_seed(1);
  Dense dense(5);
  const Tensor sequence = random::normal({2, 7, 3});  // batch, steps, features
  const Tensor y = dense(sequence);
  std::cout << "kernel " << dense.weights()[0].shape() << ", " << sequence.shape() << " -> " << y.shape() << '\n';

  // The same as each step by itself, and as TimeDistributed, which Dense does not need.
  const Tensor by_steps = reshape(dense(reshape(sequence, {14, 3})), {2, 7, 5});
  const Tensor distributed = TimeDistributed(dense)(sequence);
  std::cout << "differences " << (reduce_max(abs(y - by_steps)).item<float>() < 1e-6f) << ' '
            << (reduce_max(abs(y - distributed)).item<float>() < 1e-6f) << '\n';

  // nn.Linear(3, 5) keeps its weight as (out, in): transpose it to take it over.
  const Tensor weight = random::normal({5, 3}), bias = random::normal({5});
  dense.set_weights({transpose(weight), bias});
  const Tensor one = random::normal({1, 3});
  const Tensor by_hand = matmul(one, transpose(weight)) + bias;
  std::cout << "as Linear " << (reduce_max(abs(dense(one) - by_hand)).item<float>() < 1e-6f) << '\n';

  // What comes before a Flatten is one vector; without it, every position is classified.
  std::cout << Tensor(Dense(5)(Flatten()(sequence))).shape() << ' ' << Tensor(Dense(5)(sequence)).shape() << '\n';
}
