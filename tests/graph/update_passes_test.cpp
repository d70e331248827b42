// Passes over the updates of optimizers: what each rewrites, and that results stay as they were.
#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/split_rows.h"
#include "strata/strata.h"
#include "tests/support/text.h"

namespace strata {
namespace {

using test::count;

// Two optimizers with settings of their own, weights of several sizes, a reading between the steps.
struct TwoOptimizers {
  explicit TwoOptimizers(const optimizers::Optimizer& first)
      : first(first), second(optimizers::Adam({.learning_rate = 0.1})) {
    for (const Shape& shape : {Shape{3, 5}, Shape{200, 7}, Shape{1}})
      weights.emplace_back(random::normal(shape, {.seed = 1}));
  }
  Tensors operator()(const Tensor& x) const {
    GradientTape tape({.persistent = true});
    Tensor loss = reduce_sum(x);
    for (const Variable& w : weights) loss = loss + reduce_mean(square(w.read() - 1.0)) * reduce_sum(x);
    const Tensors gradients = tape.gradient(loss, weights);
    first.apply_gradients(gradients, weights);
    const Tensor between = weights[0].read() * 1.0;
    second.apply_gradients(gradients, weights);
    return {loss, between};
  }
  optimizers::Optimizer first, second;
  std::vector<Variable> weights;
};

TEST(JoinUpdates, OneOpMakesAllUpdatesOfAnOptimizer) {
  const auto make = [](int kind) -> optimizers::Optimizer {
    if (kind == 0) return optimizers::SGD({.learning_rate = 0.1, .momentum = 0.9});
    if (kind == 1) return optimizers::Adam({.weight_decay = 0.01});
    return optimizers::RMSprop();
  };
  for (const int kind : {0, 1, 2}) {
    SCOPED_TRACE(kind);
    const TwoOptimizers eager(make(kind)), one(make(kind)), several(make(kind));
    auto on = function([&](const Tensor& x) { return one(x); });
    auto off = function([&](const Tensor& x) { return several(x); }, {.disable = {"join_updates"}});
    const Tensor x = Tensor({0.5f, 1.0f});
    for (int step = 0; step < 3; ++step) {
      const Tensors wanted = eager(x);
      for (const Tensors& found : {on(x), off(x)})
        for (std::size_t i = 0; i < found.size(); ++i)
          EXPECT_EQ(reduce_max(abs(found[i] - wanted[i])).item<float>(), 0) << step;
    }
    for (std::size_t i = 0; i < eager.weights.size(); ++i)
      EXPECT_EQ(reduce_max(abs(one.weights[i].read() - eager.weights[i].read())).item<float>(), 0);
    const std::string after = on.explain(), before = off.explain();
    EXPECT_EQ(count(after, "adam_updates("), kind == 1 ? 2u : 1u) << after;
    EXPECT_EQ(count(after, "_update("), 0u) << after;
    EXPECT_EQ(count(before, "_update("), 6u) << before;
  }
}

TEST(JoinUpdates, AccumulatedGradientsWaitForTheirStep) {
  auto train = [](const std::vector<std::string>& disable) {
    const Variable a(Tensor({1.0f, 2.0f})), b(Tensor({3.0f}));
    const optimizers::SGD sgd({.learning_rate = 0.5, .gradient_accumulation_steps = 2});
    auto step = function(
        [&](const Tensor& x) {
          sgd.apply_gradients({x, slice(x, {0}, {1})}, {a, b});
          return x;
        },
        {.disable = disable});
    for (int i = 1; i <= 3; ++i) step(Tensor({1.0f * static_cast<float>(i), 2.0f}));
    return concat({a.read(), b.read()}, 0);
  };
  EXPECT_EQ(reduce_max(abs(train({}) - train({"all"}))).item<float>(), 0);
  EXPECT_EQ(reduce_max(abs(train({}) - Tensor({0.25f, 1.0f, 2.25f}))).item<float>(), 0);
}

// A layer whose gradient is a product that its update makes, and one of which something else reads it.
struct TwoLayers {
  explicit TwoLayers(const optimizers::Optimizer& optimizer) : optimizer(optimizer) {}
  Tensors operator()(const Tensor& x, const Tensor& y) const {
    GradientTape tape;
    const Tensor loss = reduce_mean(square(matmul(tanh(matmul(x, first.read())), second.read()) - y));
    const Tensors gradients = tape.gradient(loss, {first, second});
    optimizer.apply_gradients({gradients[0], gradients[1], reduce_sum(y, {0})}, {first, second, bias});
    return {loss, reduce_sum(gradients[1])};
  }
  optimizers::Optimizer optimizer;
  Variable first{random::normal({160, 96}, {.seed = 1})}, second{random::normal({96, 48}, {.seed = 2})},
      bias{zeros({48})};
};

std::int64_t products_of(const Profile& p) {
  return std::count_if(p.rows.begin(), p.rows.end(), [](const ProfileRow& r) { return r.op == "matmul"; });
}

TEST(GradientsInUpdates, AreTheProductsThatNothingElseReads) {
  const bool pays = kernels::split_rows_pays(160, 96, 60);
  const auto make = [](int kind) -> optimizers::Optimizer {
    if (kind == 0) return optimizers::SGD({.learning_rate = 0.1, .momentum = 0.9});
    if (kind == 1) return optimizers::AdamW({.learning_rate = 0.01});
    return optimizers::RMSprop();
  };
  const Tensor x = random::normal({60, 160}, {.seed = 3}), y = random::normal({60, 48}, {.seed = 4});
  for (const int kind : {0, 1, 2}) {
    SCOPED_TRACE(kind);
    const TwoLayers one(make(kind)), other(make(kind));
    auto on = function([&](const Tensor& x, const Tensor& y) { return one(x, y); });
    auto off =
        function([&](const Tensor& x, const Tensor& y) { return other(x, y); }, {.disable = {"gradients_in_updates"}});
    for (int step = 0; step < 3; ++step) {
      const Tensors found = on(x, y), wanted = off(x, y);
      for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].item<float>(), wanted[i].item<float>()) << step;
    }
    for (const auto& [a, b] : {std::pair{one.first, other.first}, {one.second, other.second}, {one.bias, other.bias}})
      EXPECT_TRUE(reduce_all(equal(a.read(), b.read())).item<bool>());
    EXPECT_EQ(count(on.profile().to_string(), "gradients on tiles"), pays ? 1u : 0u);
    EXPECT_EQ(products_of(off.profile()) - products_of(on.profile()), pays ? 1 : 0) << on.profile().to_string();
  }
}

TEST(GradientsInUpdates, FactorsAreNeverVariablesThatTheUpdateChanges) {
  const Variable a(random::normal({160, 96}, {.seed = 1})), b(random::normal({96, 64}, {.seed = 2}));
  const optimizers::SGD sgd;
  auto step = function([&](const Tensor& y) {
    GradientTape tape;
    const Tensor loss = reduce_sum(square(matmul(a.read(), b.read()) - y));
    sgd.apply_gradients(tape.gradient(loss, {a, b}), {a, b});
    return loss;
  });
  for (int i = 0; i < 4; ++i) step(zeros({160, 64}));
  EXPECT_EQ(products_of(step.profile()), 3);
}

TEST(GradientsInUpdates, ProductsOfAnotherShapeAreErrors) {
  const Variable w(zeros({160, 64})), b(zeros({96}));
  const optimizers::SGD sgd;
  auto step = function([&](const Tensor& x, const Tensor& y) {
    sgd.apply_gradients({matmul(x, y, {.transpose_a = true}), reduce_sum(y, {0})}, {w, b});
    return reduce_sum(x);
  });
  EXPECT_THROW(step(ones({60, 160}), ones({60, 96})), ShapeError);
  EXPECT_EQ(reduce_max(abs(w.read())).item<float>(), 0);
}

}  // namespace
}  // namespace strata
