// One sample at a time: predict() is made for data sets; call the model, or a compiled function, for small inputs.
#include <strata/strata.h>

#include <chrono>
#include <iostream>

using namespace strata;
using namespace strata::layers;

double microseconds(const auto& f) {
  for (int i = 0; i < 10; ++i) f();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 200; ++i) f();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count() / 200;
}

int main() {
  utils::set_random_seed(1);
  Sequential model({Input({16}), Dense(32, {.activation = "relu"}), Dropout(0.5), Dense(4, {.activation = "softmax"})});
  const Tensor one = random::normal({1, 16});

  // All three leave dropout out and give the same numbers.
  auto compiled = function([&](const Tensor& x) -> Tensor { return model(x, training = false); });
  const Tensor by_predict = model.predict(one, {.verbose = 0}), by_call = model(one), by_function = compiled(one);
  std::cout << "equal " << (reduce_max(abs(by_predict - by_call)).item<float>() < 1e-6f) << ' '
            << (reduce_max(abs(by_predict - by_function)).item<float>() < 1e-6f) << '\n';

  std::cout << "microseconds: predict " << microseconds([&] { model.predict(one, {.verbose = 0}); }) << ", call "
            << microseconds([&] { model(one); }) << ", function " << microseconds([&] { compiled(one); }) << '\n';

  // A function traces once for all batch sizes.
  compiled(random::normal({3, 16}));
  compiled(random::normal({64, 16}));
  std::cout << "traces " << compiled.num_traces() << '\n';
}
