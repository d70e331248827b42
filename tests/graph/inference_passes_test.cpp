// The passes of programs for inference: what each rewrites, and that results stay as they were.
#include <gtest/gtest.h>

#include "graph/passes/passes.h"
#include "strata/strata.h"
#include "tests/support/op_samples.h"

namespace strata {
namespace {

using namespace layers;
using test::spread;

// A graph of `f` on inputs of these shapes.
template <class F>
std::shared_ptr<Graph> traced(F f, const std::vector<Shape>& shapes) {
  auto graph = std::make_shared<Graph>("g");
  const TraceScope scope(graph);
  Tensors in;
  for (const Shape& s : shapes) in.push_back(graph->add_input({s, float32}));
  graph->outputs.push_back(graph->value_of(f(in)));
  return graph;
}

bool has(const Graph& graph, const std::string& text) { return to_string(graph).find(text) != std::string::npos; }

Tensor conv_bias_relu(const Tensors& in) {
  return nn::relu(nn::bias_add(nn::conv2d(in[0], in[1], {.padding = "same"}), in[2]));
}

TEST(FuseBiasRelu, MakesOneOp) {
  const auto graph = traced(conv_bias_relu, {{None, 5, 5, 3}, {3, 3, 3, 4}, {4}});
  EXPECT_TRUE(has(*graph, "= conv(%0, %1)") && has(*graph, "= bias_add(") && has(*graph, "= relu("));
  EXPECT_TRUE(fuse_bias_relu(*graph));
  verify(*graph);
  EXPECT_TRUE(has(*graph, "= fused_conv(%0, %1, %2)")) << to_string(*graph);
  EXPECT_TRUE(has(*graph, "bias={\"v\": true} relu={\"v\": true}")) << to_string(*graph);
  EXPECT_EQ(graph->nodes.size(), 1u);
  EXPECT_FALSE(fuse_bias_relu(*graph));
}

TEST(FuseBiasRelu, TakesProductsWithMatrices) {
  const auto graph = traced([](const Tensors& in) { return nn::relu(nn::bias_add(matmul(in[0], in[1]), in[2])); },
                            {{None, 5}, {5, 4}, {4}});
  EXPECT_TRUE(fuse_bias_relu(*graph));
  verify(*graph);
  EXPECT_TRUE(has(*graph, "= fused_matmul(%0, %1, %2) bias={\"v\": true} relu={\"v\": true}")) << to_string(*graph);
}

Tensor dense_on_last_axis(const Tensors& in) { return nn::relu(nn::bias_add(tensordot(in[0], in[1], 1), in[2])); }

TEST(FuseBiasRelu, MovesBeforeTheReshapeOfAProduct) {
  for (const std::int64_t batch : {std::int64_t{2}, None}) {
    const auto graph = traced(dense_on_last_axis, {{batch, 3, 5}, {5, 4}, {4}});
    EXPECT_TRUE(has(*graph, "= bias_add(") && has(*graph, "= relu("));
    EXPECT_TRUE(fuse_bias_relu(*graph));
    verify(*graph);
    EXPECT_TRUE(has(*graph, "= fused_matmul(") && has(*graph, "bias={\"v\": true} relu={\"v\": true}"))
        << to_string(*graph);
    EXPECT_FALSE(has(*graph, "= bias_add(") || has(*graph, "= relu(") || has(*graph, "= matmul(")) << to_string(*graph);
    EXPECT_EQ(graph->nodes.back().op->name(), "reshape");
    EXPECT_FALSE(fuse_bias_relu(*graph));
  }
  // The product is needed as it is, or its columns are not those of the bias.
  const auto used = traced(
      [](const Tensors& in) {
        const Tensor product = matmul(in[0], in[1]);
        return nn::relu(nn::bias_add(reshape(product, {2, 3, 4}), in[2])) + reshape(exp(product), {2, 3, 4});
      },
      {{6, 5}, {5, 4}, {4}});
  EXPECT_FALSE(fuse_bias_relu(*used)) << to_string(*used);
  const auto turned = traced(
      [](const Tensors& in) {
        return nn::bias_add(reshape(matmul(in[0], in[1]), {6, 2, 2}), in[2]);
      },
      {{6, 5}, {5, 4}, {2}});
  EXPECT_FALSE(fuse_bias_relu(*turned)) << to_string(*turned);
}

TEST(FuseBiasRelu, GradientsTakeTheShapeOfAMovedProduct) {
  const Sequential net({Input({3, 5}), Dense(4, {.activation = "relu"}), Dense(2)});
  const Tensor x = spread({6, 3, 5});
  auto gradients = [&](const Tensor& in) {
    GradientTape tape;
    const Tensor loss = reduce_sum(net(in) * net(in));
    return tape.gradient(loss, net.trainable_weights());
  };
  const Tensors expected = gradients(x), found = function(gradients)(x);
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_LT(reduce_max(abs(expected[i] - found[i])).item<double>(), 1e-4) << i;
}

TEST(FuseBiasRelu, LeavesWhatIsUsedOtherwise) {
  // The sum is needed beside the ReLU; a bounded ReLU is another function.
  const auto sum = traced(
      [](const Tensors& in) {
        const Tensor y = nn::bias_add(nn::conv2d(in[0], in[1]), in[2]);
        return nn::relu(y) + y;
      },
      {{1, 5, 5, 3}, {3, 3, 3, 4}, {4}});
  EXPECT_TRUE(fuse_bias_relu(*sum));
  EXPECT_TRUE(has(*sum, "bias={\"v\": true} relu={\"v\": false}") && has(*sum, "= relu(")) << to_string(*sum);
  const auto bounded =
      traced([](const Tensors& in) { return nn::relu6(nn::conv2d(in[0], in[1])); }, {{1, 5, 5, 3}, {3, 3, 3, 4}});
  EXPECT_FALSE(fuse_bias_relu(*bounded)) << to_string(*bounded);
}

Tensor conv_norm(const Tensors& in) {
  return nn::batch_normalization(nn::bias_add(nn::conv2d(in[0], in[1]), in[2]), in[3], in[4], in[5], in[6],
                                 {.epsilon = 0.01});
}
const std::vector<Shape> kConvNorm = {{None, 5, 5, 3}, {3, 3, 3, 4}, {4}, {4}, {4}, {4}, {4}};

TEST(FoldBatchNorm, GoesIntoWeightsAndBias) {
  const auto graph = traced(conv_norm, kConvNorm);
  EXPECT_TRUE(has(*graph, "= batch_normalization("));
  EXPECT_TRUE(fold_batch_norm(*graph));
  verify(*graph);
  EXPECT_FALSE(has(*graph, "= batch_normalization(")) << to_string(*graph);
  EXPECT_FALSE(has(*graph, "= bias_add(")) << to_string(*graph);
  EXPECT_TRUE(has(*graph, "= rsqrt(") && has(*graph, "= fused_conv(%0, ")) << to_string(*graph);
  EXPECT_FALSE(fold_batch_norm(*graph));
}

TEST(FoldBatchNorm, IsAScaleAndAShiftElsewhere) {
  const auto graph = traced(
      [](const Tensors& in) {
        const Tensor y = nn::conv2d(in[0], in[1]);
        return nn::relu(nn::batch_normalization(y, in[2], in[3], in[4], in[5])) + y;
      },
      {{None, 5, 5, 3}, {3, 3, 3, 4}, {4}, {4}, {4}, {4}});
  EXPECT_TRUE(fold_batch_norm(*graph));
  EXPECT_TRUE(has(*graph, "= conv(%0, %1)") && has(*graph, "= scale_shift(")) << to_string(*graph);
  EXPECT_TRUE(fuse_bias_relu(*graph));
  verify(*graph);
  EXPECT_FALSE(has(*graph, "= relu(")) << to_string(*graph);
}

TEST(FoldBatchNorm, ResultsAreEqualWithAndWithout) {
  auto step = [](const Tensor& x, const Tensor& w, const Tensor& b, const Tensor& mean, const Tensor& variance,
                 const Tensor& offset, const Tensor& scale) {
    return nn::relu(conv_norm({x, w, b, mean, variance, offset, scale}));
  };
  auto on = function(step, {.inference = true}), off = function(step, {.disable = {"all"}}), training = function(step);
  const Tensor x = spread({3, 5, 5, 3}), w = spread({3, 3, 3, 4}), b = spread({4});
  const Tensor mean = spread({4}, 0, 1), variance = spread({4}, 0.3, 1), offset = spread({4}),
               scale = spread({4}, 0.5, 2);
  const Tensor expected = off(x, w, b, mean, variance, offset, scale);
  EXPECT_LT(reduce_max(abs(on(x, w, b, mean, variance, offset, scale) - expected)).item<double>(), 1e-5);
  EXPECT_NE(on.explain().find("fold_batch_norm"), std::string::npos);
  training(x, w, b, mean, variance, offset, scale);
  EXPECT_EQ(training.explain().find("fold_batch_norm"), std::string::npos);
}

Tensor joined(const Tensors& in) {
  const Tensor a = nn::conv2d(in[0], in[1], {.padding = "same"});
  const Tensor b = nn::max_pool2d(in[0], {3}, {.strides = {1}, .padding = "same"});
  const Tensor c = nn::relu(nn::conv2d(b, in[1], {.padding = "same"}));
  return concat({c, in[0], a, nn::avg_pool2d(in[0], {3}, {.strides = {1}, .padding = "same"}), b}, -1);
}

TEST(ConcatInPlace, ConvolutionsWriteSlices) {
  auto graph = traced(joined, {{2, 5, 5, 3}, {3, 3, 3, 4}});
  fuse_bias_relu(*graph);
  EXPECT_TRUE(place_slices(*graph));
  // Both convolutions, one of them with its ReLU, and the average; an input, and what others take too, are copied.
  EXPECT_EQ(graph->slices.size(), 3u);
}

TEST(ConcatInPlace, ResultsAreEqualWithAndWithout) {
  auto step = [](const Tensor& x, const Tensor& w) { return joined({x, w}) * 2.f; };
  auto direct = [](const Tensor& x, const Tensor& w) { return joined({x, w}); };
  const Tensor x = spread({2, 5, 5, 3}), w = spread({3, 3, 3, 4});
  const Tensor expected = joined({x, w});
  auto on = function(step, {.inference = true});
  auto returned = function(direct, {.inference = true});
  for (int run = 0; run < 2; ++run) {
    EXPECT_LT(reduce_max(abs(on(x, w) - expected * 2.f)).item<double>(), 1e-5);
    EXPECT_LT(reduce_max(abs(returned(x, w) - expected)).item<double>(), 1e-5);
  }
  EXPECT_NE(on.explain().find("concat_in_place"), std::string::npos) << on.explain();
}

TEST(FoldConstants, ComputesThemOnce) {
  const auto graph =
      traced([&](const Tensors& in) { return in[0] + transpose(in[1] * Tensor(2.f)); }, {{4, 4}, {4, 4}});
  graph->constants.emplace_back(graph->inputs.back(), spread({4, 4}));
  graph->inputs.pop_back();
  EXPECT_TRUE(has(*graph, "= transpose("));
  EXPECT_TRUE(fold_constants(*graph));
  verify(*graph);
  EXPECT_EQ(graph->nodes.size(), 1u) << to_string(*graph);
  EXPECT_FALSE(fold_constants(*graph));
}

TEST(FoldConstants, KeepsWhatDrawsOrGrows) {
  const auto graph = traced(
      [&](const Tensors& in) {
        return in[0] + random::normal({4}) + reduce_sum(zeros({1024, 1024}));
      },
      {{4}});
  fold_constants(*graph);
  EXPECT_TRUE(has(*graph, "= random_normal(")) << to_string(*graph);
}

TEST(Narrow, PutsCastsWhereTypesMeet) {
  const auto graph = traced(
      [](const Tensors& in) {
        return nn::softmax(matmul(nn::relu(nn::bias_add(matmul(in[0] * 2.f, in[1]), in[2])), in[3]));
      },
      {{2, 4}, {4, 3}, {3}, {3, 3}});
  narrow_to(*graph, bfloat16);
  remove_dead_code(*graph);
  verify(*graph);
  const std::string text = to_string(*graph);
  EXPECT_NE(text.find(": float32(2, 4) = multiply("), std::string::npos) << text;
  EXPECT_NE(text.find(": bfloat16(2, 3) = relu("), std::string::npos) << text;
  EXPECT_NE(text.find(": float32(2, 3) = softmax("), std::string::npos) << text;
  EXPECT_EQ(graph->values[static_cast<std::size_t>(graph->outputs[0])].dtype, float32);
}

}  // namespace
}  // namespace strata
