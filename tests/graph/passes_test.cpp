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

}  // namespace
}  // namespace strata
