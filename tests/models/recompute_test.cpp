// recompute_grad: the gradients of the block, with less memory.
#include "strata/recompute.h"

#include <gtest/gtest.h>

#include "strata/strata.h"
#include "tests/support/op_samples.h"

namespace strata {
namespace {

using namespace layers;
using test::spread;

bool same(const Tensor& a, const Tensor& b) { return reduce_max(abs(a - b)).item<double>() == 0; }

Tensor block(const Tensor& x, const Tensor& w) { return tanh(matmul(tanh(matmul(x, w)), w)); }

TEST(RecomputeGrad, HasTheGradientsOfTheFunction) {
  auto gradients = [](auto f, const Tensor& x, const Tensor& w) {
    GradientTape tape;
    tape.watch(x);
    tape.watch(w);
    const Tensor loss = reduce_sum(square(f(x, w) + x));
    auto [dx, dw] = tape.gradient(loss, x, w);
    return Tensors{loss, dx, dw};
  };
  const Tensor x = spread({3, 4}), w = spread({4, 4});
  const Tensors plain = gradients(block, x, w), again = gradients(recompute_grad(block), x, w);
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_TRUE(same(plain[i], again[i])) << i;
  auto compiled = function([&](const Tensor& x, const Tensor& w) { return gradients(recompute_grad(block), x, w); });
  const Tensors traced = compiled(x, w);
  for (std::size_t i = 0; i < plain.size(); ++i)
    EXPECT_LT(reduce_max(abs(plain[i] - traced[i])).item<double>(), 1e-5) << i;
  // The same tensor twice has both gradients.
  GradientTape tape;
  const Tensor both = spread({4, 4});
  tape.watch(both);
  const Tensor once = tape.gradient(reduce_sum(recompute_grad(block)(both, both)), both);
  GradientTape other;
  other.watch(both);
  EXPECT_LT(reduce_max(abs(once - other.gradient(reduce_sum(block(both, both)), both))).item<double>(), 1e-6);
}

TEST(RecomputeGrad, KeepsLess) {
  const Tensor x = spread({64, 64}), w = spread({64, 64}, -0.1, 0.1);
  auto deep = [](const Tensor& x, const Tensor& w) {
    Tensor y = x;
    for (int i = 0; i < 6; ++i) y = tanh(matmul(y, w));
    return y;
  };
  auto bytes = [&](auto f) {
    GradientTape tape;
    tape.watch(x);
    tape.watch(w);
    const Tensor y = f(x, w);
    return tape.bytes();
  };
  EXPECT_LT(bytes(recompute_grad(deep)), bytes(deep) / 3);
}

// Blocks of layers with statistics, in training.
struct Deep : CustomModel<Deep> {
  bool again = false;
  explicit Deep(bool again = false) : again(again) {}
  Sequential one = track("one", Sequential({Dense(6, {.activation = "tanh"}), BatchNormalization(), Dense(6)}));
  Sequential two = track("two", Sequential({Dense(6), BatchNormalization(), Dense(2)}));
  Tensor call(const Tensor& x) const {
    if (!again) return two(one(x));
    return recompute_grad(two)(recompute_grad([this](const Tensor& t) { return Tensor(one(t)); })(x));
  }
};

TEST(RecomputeGrad, TrainsModelsAsBefore) {
  const Tensor x = spread({16, 5}), y = spread({16, 2});
  const Deep plain, again(true);
  plain(x), again(x);
  again.set_weights(plain.get_weights());
  for (const Deep& model : {plain, again}) {
    model.compile({.optimizer = optimizers::SGD(0.1), .loss = "mse"});
    model.fit(x, y, {.batch_size = 8, .epochs = 3, .verbose = 0, .shuffle = false});
  }
  const Tensors a = plain.get_weights(), b = again.get_weights();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_LT(reduce_max(abs(a[i] - b[i])).item<double>(), 1e-5) << i;
}

TEST(RecomputeGrad, RefusesRandomNumbersThatWouldDiffer) {
  const Dropout dropout(0.5);
  const Tensor x = spread({4, 4});
  auto run = [&](const Layer& layer) {
    GradientTape tape;
    tape.watch(x);
    const Tensor y = recompute_grad([&](const Tensor& t) { return Tensor(layer(t, training = true)); })(x);
    return tape.gradient(reduce_sum(y), x);
  };
  EXPECT_THROW(run(dropout), ValueError);
  EXPECT_NO_THROW(recompute_grad(dropout)(x));  // without a tape, and without training, it draws none
}

TEST(RecomputeGrad, ReturnsWhatTheBlockReturns) {
  auto pair = recompute_grad([](const Tensor& x) { return std::pair{x * 2.f, cast(x, int32)}; });
  const Tensor x = spread({3}, 1, 9);
  GradientTape tape;
  tape.watch(x);
  auto [twice, whole] = pair(x);
  EXPECT_EQ(whole.dtype(), int32);
  EXPECT_TRUE(same(tape.gradient(reduce_sum(twice), x), full({3}, 2.f)));
}

}  // namespace
}  // namespace strata
