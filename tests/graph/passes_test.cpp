// Passes: what each rewrites, and that results stay as they were.
#include "graph/passes/passes.h"

#include <gtest/gtest.h>

#include "strata/strata.h"

namespace strata {
namespace {

// Norms the sum of x and a bias; the mean of the batch, and the gradients.
Tensors norm_with_bias(const Tensor& x, const Tensor& bias) {
  GradientTape tape({.persistent = true});
  tape.watch(x);
  tape.watch(bias);
  const auto norm = nn::fused_batch_norm(nn::bias_add(x, bias), Tensor({1.5f, 0.5f, 2.0f}), Tensor({0.1f, 0.2f, 0.3f}));
  const Tensor loss = reduce_sum(norm.y * norm.y * x);
  return {norm.y, stop_gradient(norm.mean), norm.variance, tape.gradient(loss, x), tape.gradient(loss, bias)};
}

std::shared_ptr<Graph> traced_norm() {
  auto graph = std::make_shared<Graph>("g");
  TraceScope scope(graph);
  const Tensor x = graph->add_input({{None, 3}, float32}), bias = graph->add_input({{3}, float32});
  for (const Tensor& t : norm_with_bias(x, bias)) graph->outputs.push_back(graph->value_of(t));
  return graph;
}

TEST(BiasBeforeNorm, IsLeftOutAndMovesTheMean) {
  const auto graph = traced_norm();
  remove_dead_code(*graph);
  EXPECT_NE(to_string(*graph).find("= bias_add("), std::string::npos) << to_string(*graph);
  EXPECT_TRUE(drop_bias_before_norm(*graph));
  verify(*graph);
  const std::string after = to_string(*graph);
  EXPECT_EQ(after.find("bias_add"), std::string::npos) << after;
  EXPECT_NE(after.find("= fused_batch_norm(%0"), std::string::npos) << after;
  EXPECT_NE(after.find("= full_like(%1) value"), std::string::npos) << after;
  EXPECT_FALSE(drop_bias_before_norm(*graph));
}

TEST(BiasBeforeNorm, StaysWhereTheSumIsUsedOtherwise) {
  auto graph = std::make_shared<Graph>("g");
  {
    TraceScope scope(graph);
    const Tensor x = graph->add_input({{None, 3}, float32}), bias = graph->add_input({{3}, float32});
    const Tensor sum = nn::bias_add(x, bias);
    const auto norm = nn::fused_batch_norm(sum, ones({3}), zeros({3}));
    graph->outputs.push_back(graph->value_of(norm.y + sum));
  }
  EXPECT_FALSE(drop_bias_before_norm(*graph));
}

TEST(BiasBeforeNorm, ResultsAreEqualWithAndWithout) {
  auto on = function(norm_with_bias), off = function(norm_with_bias, {.disable = {"bias_before_norm"}});
  const Tensor x = random::normal({16, 3}), bias = Tensor({3.0f, -2.0f, 0.5f});
  const Tensors a = on(x, bias), b = off(x, bias);
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_LT(reduce_max(abs(a[i] - b[i])).item<double>(), 1e-4) << i << ": " << a[i] << b[i];
  EXPECT_EQ(reduce_max(abs(a[4])).item<double>(), 0);
  EXPECT_NE(on.explain().find("bias_before_norm"), std::string::npos);
  EXPECT_EQ(off.explain().find("bias_before_norm"), std::string::npos);
}

TEST(BiasBeforeNorm, IsLeftOutOf16BitSumsToo) {
  auto f = [](const Tensor& x, const Tensor& bias) {
    const auto norm = nn::fused_batch_norm(nn::bias_add(x, cast(bias, bfloat16)), ones({3}), zeros({3}));
    return Tensors{cast(norm.y, float32), norm.mean};
  };
  auto on = function(f), off = function(f, {.disable = {"bias_before_norm"}});
  const Tensor x = cast(random::normal({64, 3}, {.seed = 5}), bfloat16), bias = Tensor({1.0f, -2.0f, 0.5f});
  const Tensors a = on(x, bias), b = off(x, bias);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_LT(reduce_max(abs(a[i] - b[i])).item<double>(), 0.06) << i;
  EXPECT_EQ(on.explain().find("bias_add"), std::string::npos) << on.explain();
}

// Two normalizations with ReLUs, one over the other, and the gradients of all that goes in.
Tensors norms_with_relu(const Tensor& x, const Tensor& scale, const Tensor& offset) {
  GradientTape tape;
  for (const Tensor& t : {x, scale, offset}) tape.watch(t);
  const auto lower = nn::fused_batch_norm(x, scale, offset);
  const Tensor z = nn::relu(lower.y);
  const auto upper = nn::fused_batch_norm(z * z + x, scale, offset);
  const Tensor loss = reduce_sum(square(nn::relu(upper.y)) * x);
  Tensors out = {z, lower.mean, lower.variance, loss};
  for (const Tensor& t : tape.gradient(loss, {x, scale, offset})) out.push_back(t);
  return out;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(NormRelu, BecomesOneOpForwardAndBackward) {
  auto graph = std::make_shared<Graph>("g");
  {
    TraceScope scope(graph);
    const Tensor x = graph->add_input({{None, 3}, float32}), scale = graph->add_input({{3}, float32}),
                 offset = graph->add_input({{3}, float32});
    for (const Tensor& t : norms_with_relu(x, scale, offset)) graph->outputs.push_back(graph->value_of(t));
  }
  remove_dead_code(*graph);
  const std::string before = to_string(*graph);
  EXPECT_EQ(count(before, "= relu("), 2u) << before;
  EXPECT_EQ(count(before, "= relu_grad("), 2u) << before;
  EXPECT_EQ(count(before, "relu={\"v\": true}"), 0u) << before;
  EXPECT_TRUE(fuse_norm_relu(*graph));
  verify(*graph);
  const std::string after = to_string(*graph);
  EXPECT_EQ(count(after, "= relu("), 0u) << after;
  EXPECT_EQ(count(after, "= relu_grad("), 0u) << after;
  EXPECT_EQ(count(after, "relu={\"v\": true}"), 4u) << after;
  EXPECT_FALSE(fuse_norm_relu(*graph));
}

TEST(NormRelu, StaysWhereTheNormIsUsedOtherwiseOrTheReluIsNoPlainOne) {
  auto graph = std::make_shared<Graph>("g");
  {
    TraceScope scope(graph);
    const Tensor x = graph->add_input({{None, 3}, float32});
    const Tensor used_twice = nn::fused_batch_norm(x, ones({3}), zeros({3})).y;
    const Tensor leaky = nn::fused_batch_norm(x * 2.0, ones({3}), zeros({3})).y;
    graph->outputs.push_back(graph->value_of(nn::relu(used_twice) + used_twice + nn::leaky_relu(leaky)));
  }
  EXPECT_FALSE(fuse_norm_relu(*graph));
}

TEST(NormRelu, ResultsAreEqualWithAndWithout) {
  auto on = function(norms_with_relu), off = function(norms_with_relu, {.disable = {"norm_relu"}});
  for (const DType dtype : {float32, bfloat16, float16, float64}) {
    const DType wide = dtype == float64 ? float64 : float32;
    const Tensor x = cast(random::normal({40, 3}, {.seed = 3}), dtype), scale = cast(Tensor({1.5f, 0.5f, 2.0f}), wide),
                 offset = cast(Tensor({0.1f, 0.2f, -0.3f}), wide);
    const Tensors a = on(x, scale, offset), b = off(x, scale, offset);
    for (std::size_t i = 0; i < a.size(); ++i) {
      const Tensor wanted = cast(b[i], float64);
      const double size = reduce_max(abs(wanted)).item<double>();
      EXPECT_LE(reduce_max(abs(cast(a[i], float64) - wanted)).item<double>(), (dtype == wide ? 1e-5 : 0.02) * size)
          << i;
    }
  }
  EXPECT_NE(on.explain().find("norm_relu"), std::string::npos);
  EXPECT_EQ(off.explain().find("norm_relu"), std::string::npos);
}

}  // namespace
}  // namespace strata
