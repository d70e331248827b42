// Passes: what each rewrites, and that results stay as they were.
#include "graph/passes/passes.h"

#include <gtest/gtest.h>
#include <omp.h>

#include "graph/plan.h"
#include "strata/strata.h"
#include "tests/support/text.h"

namespace strata {
namespace {

using test::count;

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

// The loss of a convolution with bias, ReLU and max pooling, and its gradients.
Tensors pooled_relu(const Tensor& x, const Tensor& w, const Tensor& b) {
  GradientTape tape;
  tape.watch(w);
  tape.watch(b);
  const Tensor y = nn::relu(nn::bias_add(nn::conv2d(x, w, {.padding = "same"}), b));
  const Tensor loss = reduce_sum(square(nn::max_pool2d(y, {3}, {.strides = {2}, .padding = "same"})));
  Tensors out = tape.gradient(loss, {w, b});
  out.push_back(loss);
  return out;
}

TEST(PooledGradients, MasksAndSumsTakeTheSmallerGradient) {
  auto graph = std::make_shared<Graph>("g");
  {
    TraceScope scope(graph);
    const Tensor x = graph->add_input({{None, 9, 9, 3}, float32}), w = graph->add_input({{3, 3, 3, 5}, float32}),
                 b = graph->add_input({{5}, float32});
    for (const Tensor& t : pooled_relu(x, w, b)) graph->outputs.push_back(graph->value_of(t));
  }
  remove_dead_code(*graph);
  auto taken_by = [&](const char* op) {
    for (const Node& node : graph->nodes)
      if (node.op->name() == op) return graph->values[static_cast<std::size_t>(node.in[0])].shape;
    return Shape{};
  };
  EXPECT_EQ(taken_by("relu_grad"), (Shape{None, 9, 9, 5}));
  EXPECT_EQ(taken_by("bias_add_grad"), (Shape{None, 9, 9, 5}));
  EXPECT_TRUE(move_before_pools(*graph));
  verify(*graph);
  EXPECT_EQ(taken_by("relu_grad"), (Shape{None, 5, 5, 5}));
  EXPECT_EQ(taken_by("bias_add_grad"), (Shape{None, 5, 5, 5}));
  EXPECT_EQ(taken_by("max_pool_grad"), (Shape{None, 9, 9, 5}));
  EXPECT_FALSE(move_before_pools(*graph));
}

TEST(PooledGradients, ResultsAreEqualWithAndWithout) {
  auto on = function(pooled_relu), off = function(pooled_relu, {.disable = {"pooled_gradients"}});
  const Tensor x = random::normal({2, 9, 9, 3}, {.seed = 1}), w = random::normal({3, 3, 3, 5}, {.seed = 2}),
               b = random::normal({5}, {.seed = 3});
  const Tensors a = on(x, w, b), wanted = off(x, w, b);
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_LE(reduce_max(abs(a[i] - wanted[i])).item<float>(), 1e-5 * reduce_max(abs(wanted[i])).item<float>()) << i;
  EXPECT_NE(on.explain().find("pooled_gradients"), std::string::npos);
}

// The graph of f for inputs of these shapes, rewritten by the passes for known shapes but those that are disabled.
template <class F>
std::shared_ptr<const Graph> specialized(F f, const Specs& inputs, const std::vector<std::string>& disable) {
  auto graph = std::make_shared<Graph>("g");
  {
    TraceScope scope(graph);
    Tensors symbolic;
    for (Spec s : inputs) {
      s.shape[0] = None;
      symbolic.push_back(graph->add_input(s));
    }
    for (const Tensor& t : f(symbolic)) graph->outputs.push_back(graph->value_of(t));
  }
  remove_dead_code(*graph);
  fuse_norm_relu(*graph);
  const auto known = specialize(graph, inputs, disable);
  verify(*known);
  return known;
}

// A mean, its gradient, and what counts elements.
Tensors mean_and_counts(const Tensors& in) {
  GradientTape tape;
  tape.watch(in[0]);
  const Tensor mean = reduce_mean(square(in[0]));
  return {mean, tape.gradient(mean, in[0]), cast(shape(in[0])[0], float32) * 2.0f, ones_like(in[0])};
}

TEST(FoldShapes, CountsBecomeConstants) {
  const Specs small = {{{4, 3}, float32}}, large = {{{64, 32}, float32}};
  const std::string before = to_string(*specialized(mean_and_counts, small, {"all"})),
                    after = to_string(*specialized(mean_and_counts, small, {"elementwise_chains"}));
  for (const char* op : {"= size(", "= shape(", "= strided_slice(", "= full_like("}) {
    EXPECT_GE(count(before, op), 1u) << op << before;
    EXPECT_EQ(count(after, op), 0u) << op << after;
  }
  // Large ones are not kept.
  EXPECT_EQ(count(to_string(*specialized(mean_and_counts, large, {})), "= full_like("), 1u);
}

TEST(FoldShapes, ResultsAreEqualBitForBit) {
  auto f = [](const Tensor& x) { return mean_and_counts({x}); };
  auto on = function(f, {.disable = {"elementwise_chains"}}),
       off = function(f, {.disable = {"elementwise_chains", "fold_shapes"}});
  for (const std::int64_t rows : {5, 1, 8}) {
    const Tensor x = random::normal({rows, 3});
    const Tensors a = on(x), b = off(x);
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(reduce_max(abs(a[i] - b[i])).item<float>(), 0) << i;
  }
}

TEST(Identities, SumsToTheShapeThatIsThereGoAway) {
  auto f = [](const Tensors& in) {
    GradientTape tape;
    tape.watch(in[0]);
    tape.watch(in[1]);
    return tape.gradient(tanh(in[0] + in[1]), {in[0], in[1]});
  };
  const Specs same = {{{4, 3}, float32}, {{4, 3}, float32}}, broadcast = {{{4, 3}, float32}, {{1, 3}, float32}};
  EXPECT_EQ(count(to_string(*specialized(f, same, {"all"})), "= sum_to_like("), 2u);
  EXPECT_EQ(count(to_string(*specialized(f, same, {})), "= sum_to_like("), 0u);
  EXPECT_EQ(count(to_string(*specialized(f, broadcast, {})), "= sum_to_like("), 1u);
  auto compiled = function([&](const Tensor& a, const Tensor& b) { return f({a, b}); });
  for (const std::int64_t rows : {4, 1}) {
    const Tensor a = random::normal({4, 3}), b = random::normal({rows, 3});
    const Tensors found = compiled(a, b), wanted = f({a, b});
    for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(reduce_max(abs(found[i] - wanted[i])).item<float>(), 0);
  }
}

// Two branches that are concatenated and used twice, and the gradients.
Tensors two_branches(const Tensors& in) {
  GradientTape tape;
  tape.watch(in[0]);
  auto norm = [](const Tensor& x) {
    return nn::relu(nn::fused_batch_norm(x, ones({x.shape().back()}), zeros({x.shape().back()})).y);
  };
  const Tensor both =
      concat({norm(in[0]), norm(in[0] * 2.0), nn::max_pool2d(in[0], {3}, {.strides = {1}, .padding = "same"})}, -1);
  const Tensor loss = reduce_sum(exp(both) + square(both));
  return {loss, tape.gradient(loss, in[0])};
}
const Specs kPicture = {{{2, 4, 4, 5}, float32}};

TEST(ConcatInPlace, BranchesAreWrittenAndReadWhereTheyBelong) {
  const std::string before = to_string(*specialized(two_branches, kPicture, {"concat_in_place", "join_gradients"}));
  EXPECT_EQ(count(before, " lies in "), 0u) << before;
  const std::string after = to_string(*specialized(two_branches, kPicture, {"join_gradients"}));
  EXPECT_EQ(count(after, " lies in "), 6u) << after;
  EXPECT_EQ(count(after, "from channel 5 on"), 2u) << after;
  EXPECT_EQ(count(after, "from channel 10 on"), 2u) << after;
}

TEST(ConcatInPlace, ValuesThatOthersWantDenseAreCopied) {
  auto f = [](const Tensors& in) {
    const Tensor sum = in[0] + in[0], other = in[0] * 3.0;
    return Tensors{concat({sum, other, in[0], sum}, -1), concat({sum + in[0], sum}, -1), tanh(sum)};
  };
  const auto graph = specialized(f, {{{2, 3}, float32}}, {});
  ASSERT_EQ(graph->slices.size(), 1u) << to_string(*graph);
  auto compiled = function([&](const Tensor& x) { return f({x}); });
  const Tensor x = random::normal({2, 3});
  const Tensors found = compiled(x), wanted = f({x});
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(reduce_max(abs(found[i] - wanted[i])).item<float>(), 0) << i;
}

TEST(JoinGradients, NormsAddTwoGradientsThemselves) {
  const std::string before = to_string(*specialized(two_branches, kPicture, {"join_gradients", "elementwise_chains"})),
                    after = to_string(*specialized(two_branches, kPicture, {"elementwise_chains"}));
  EXPECT_EQ(count(before, "= split("), 1u) << before;
  EXPECT_EQ(count(after, "= split("), 2u) << after;
  // The pool's part is added for itself; the norms' parts are not added anywhere else.
  EXPECT_EQ(count(after, "= add("), count(before, "= add(")) << before << after;
  EXPECT_EQ(count(after, " lies in "), 9u) << after;
}

TEST(JoinGradients, ResultsAreEqualWithAndWithout) {
  auto f = [](const Tensor& x) { return two_branches({x}); };
  auto on = function(f), some = function(f, {.disable = {"join_gradients"}}), off = function(f, {.disable = {"all"}});
  for (const DType dtype : {float32, bfloat16, float16}) {
    const Tensor x = cast(random::normal({2, 4, 4, 5}, {.seed = 4}), dtype);
    const Tensors wanted = off(x);
    for (auto* g : {&on, &some}) {
      const Tensors found = (*g)(x);
      for (std::size_t i = 0; i < found.size(); ++i) {
        const double size = reduce_max(abs(cast(wanted[i], float32))).item<double>();
        EXPECT_LE(reduce_max(abs(cast(found[i], float32) - cast(wanted[i], float32))).item<double>(),
                  (dtype == float32 ? 1e-5 : 0.03) * size)
            << to_string(dtype) << i;
      }
    }
  }
}

// Element-wise ops of several types with whole, vector and single operands; one result is wanted twice.
Tensors smooth_steps(const Tensors& in) {
  const Tensor& x = in[0];
  const Tensor row = Tensor({0.5f, 1.0f, -2.0f}), twice = exp(x * row - 1.0);
  const Tensor y = nn::relu(nn::gelu(twice + x) * cast(x > row, float32));
  return {sqrt(abs(y + twice)) / 3.0, reduce_sum(twice * x)};
}

TEST(ElementwiseChains, OpsWithOneUserJoinIt) {
  const Specs shape = {{{700, 3}, float32}};
  const std::string before = to_string(*specialized(smooth_steps, shape, {"elementwise_chains"})),
                    after = to_string(*specialized(smooth_steps, shape, {}));
  EXPECT_EQ(count(before, "= elementwise("), 0u) << before;
  EXPECT_EQ(count(after, "= elementwise("), 2u) << after;
  EXPECT_EQ(count(after, "multiply subtract exp"), 1u) << after;
  EXPECT_EQ(count(after, "= gelu("), 0u) << after;
  EXPECT_EQ(count(after, "= multiply("), 1u) << after;  // behind it comes a sum
}

TEST(ElementwiseChains, ResultsAreEqualBitForBit) {
  auto f = [](const Tensor& x) { return smooth_steps({x}); };
  auto on = function(f), off = function(f, {.disable = {"elementwise_chains"}});
  for (const std::int64_t rows : {1, 5, 682, 683, 3000, 0}) {
    const Tensor x = random::normal({rows, 3}, {.seed = rows});
    const Tensors a = on(x), b = off(x);
    for (std::size_t i = 0; i < a.size(); ++i)
      EXPECT_TRUE(reduce_all(equal(a[i], b[i])).item<bool>()) << rows << " rows, result " << i;
  }
  auto flat = function([](const Tensor& x) { return tanh(square(x) * 0.5 + x); });
  for (const std::int64_t size : {1, 2047, 2048, 10000}) {
    const Tensor x = cast(random::normal({size}, {.seed = size}), bfloat16);
    EXPECT_TRUE(reduce_all(equal(flat(x), tanh(square(x) * 0.5 + x))).item<bool>()) << size;
  }
  EXPECT_NE(flat.explain().find("elementwise blocks of 2048"), std::string::npos) << flat.explain();
}

TEST(ElementwiseChains, MoreThreadsThanThePlanWasMadeForHaveRoom) {
  const auto f = [](const Tensors& in) { return Tensors{tanh(square(in[0]) * 0.5 + in[0])}; };
  const Specs shape = {{{20000}, float32}};
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const Plan plan(specialized(f, shape, {}), shape);
  omp_set_num_threads(4);
  const Tensor x = random::normal({20000}, {.seed = 1});
  const Tensor found = plan.run({x})[0];
  omp_set_num_threads(threads);
  EXPECT_TRUE(reduce_all(equal(found, f({x})[0])).item<bool>());
}

TEST(Passes, AreDisabledByNameAndUnknownNamesAreErrors) {
  auto f = [](const Tensor& x) { return x + 1.0; };
  auto off = function(f, {.disable = {"concat_in_place"}});
  off(ones({2}));
  EXPECT_EQ(off.explain().find("concat_in_place"), std::string::npos);
  EXPECT_NE(off.explain().find("join_gradients"), std::string::npos);
  auto wrong = function(f, {.disable = {"concat"}});
  try {
    wrong(ones({2}));
    FAIL() << "no error";
  } catch (const ValueError& e) {
    EXPECT_NE(std::string(e.what()).find("concat_in_place"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace strata
