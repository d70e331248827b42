// The pass that makes programs of bytes: what it rewrites, what it leaves, and that numbers stay near.
#include <gtest/gtest.h>

#include "graph/passes/passes.h"
#include "ops/fake_quant.h"
#include "strata/strata.h"
#include "tests/support/op_samples.h"

namespace strata {
namespace {

using test::spread;

Tensor on_grid(const Tensor& x, float min, float max) {
  return quantization::fake_quant_with_min_max_args(x, {.min = min, .max = max});
}
Tensor conv(const Tensor& x, const Shape& filters, bool relu = true) {
  const Tensor y =
      nn::bias_add(nn::conv2d(x, spread(filters, -0.5, 0.6), {.padding = "same"}), spread({filters.back()}));
  return relu ? nn::relu(y) : y;
}

// As freeze() does it, but for `disable`.
template <class F>
std::shared_ptr<Graph> frozen(F f, const Shape& shape) {
  auto graph = std::make_shared<Graph>("g");
  const TraceScope scope(graph);
  const Tensor x = graph->add_input({shape, float32});
  graph->outputs.push_back(graph->value_of(f(x)));
  run_passes(*graph, {}, Weights::constant);
  return graph;
}

std::vector<std::string> ops_of(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& n : graph.nodes) names.emplace_back(n.op->name());
  return names;
}
using Names = std::vector<std::string>;

TEST(UseBytes, KeepsBytesBetweenConvolutions) {
  const auto graph = frozen(
      [](const Tensor& x) {
        const Tensor y = conv(on_grid(x, -1, 1), {3, 3, 3, 8});
        return conv(on_grid(y, 0, 4), {1, 1, 8, 4}, false);
      },
      {2, 6, 6, 3});
  EXPECT_EQ(ops_of(*graph), (Names{"fake_quant", "fused_conv", "fake_quant", "fused_conv"}));
  EXPECT_TRUE(use_bytes(*graph));
  verify(*graph);
  EXPECT_EQ(ops_of(*graph), (Names{"quantize", "byte_conv", "byte_conv"})) << to_string(*graph);
  const std::string text = to_string(*graph);
  EXPECT_NE(text.find(": uint8(2, 6, 6, 8) = byte_conv"), std::string::npos) << text;
  EXPECT_NE(text.find(": float32(2, 6, 6, 4) = byte_conv"), std::string::npos) << text;
  EXPECT_FALSE(use_bytes(*graph));
}

TEST(UseBytes, GoesThroughPoolsConcatenationsAndViews) {
  const auto graph = frozen(
      [](const Tensor& input) {
        const Tensor x = conv(on_grid(input, -1, 1), {3, 3, 3, 8});
        // Each reader of x has a range of its own; concatenated values share one.
        const Tensor a = conv(on_grid(x, 0, 3), {1, 1, 8, 4}),
                     b = nn::max_pool2d(x, {3, 3}, {.strides = {1, 1}, .padding = "same"});
        const Tensor joined = concat({a, b}, -1);
        const Tensor y = nn::max_pool2d(conv(on_grid(joined, 0, 5), {3, 3, 12, 8}), {2, 2});
        return matmul(on_grid(reshape(y, {2, 72}), 0, 6), spread({72, 5}));
      },
      {2, 6, 6, 3});
  EXPECT_TRUE(use_bytes(*graph));
  verify(*graph);
  EXPECT_EQ(ops_of(*graph), (Names{"quantize", "byte_conv", "byte_conv", "max_pool", "concat", "byte_conv", "max_pool",
                                   "reshape", "byte_matmul"}))
      << to_string(*graph);
}

TEST(UseBytes, MakesBytesWhereOthersWantNumbers) {
  // y is used in float32, too; the softmax has no bytes.
  const auto graph = frozen(
      [](const Tensor& x) {
        const Tensor y = conv(on_grid(x, -1, 1), {3, 3, 3, 8});
        return nn::softmax(conv(on_grid(y, 0, 4), {1, 1, 8, 8}, false) + y);
      },
      {2, 6, 6, 3});
  EXPECT_TRUE(use_bytes(*graph));
  verify(*graph);
  EXPECT_EQ(ops_of(*graph), (Names{"quantize", "byte_conv", "quantize", "byte_conv", "add", "softmax"}))
      << to_string(*graph);
}

TEST(UseBytes, LeavesWhatHasNoRangeOrOtherBits) {
  const auto unseen = frozen(
      [](const Tensor& x) {
        return conv(quantize::fake_quant({}, true, x, Tensor(0.f), Tensor(0.f)), {3, 3, 3, 8});
      },
      {2, 6, 6, 3});
  EXPECT_FALSE(use_bytes(*unseen));
  const auto few = frozen(
      [](const Tensor& x) {
        return conv(quantize::fake_quant({.bits = 4}, true, x, Tensor(-1.f), Tensor(1.f)), {3, 3, 3, 8});
      },
      {2, 6, 6, 3});
  EXPECT_FALSE(use_bytes(*few));
  // A range, but nothing that computes with it.
  const auto plain = frozen([](const Tensor& x) { return on_grid(x, -1, 1) * 2.f; }, {2, 3});
  EXPECT_FALSE(use_bytes(*plain));
  EXPECT_EQ(ops_of(*plain), (Names{"fake_quant", "multiply"}));
  // Weights that are no constants.
  const auto weights = frozen([](const Tensor& x) { return matmul(on_grid(x, -1, 1), x); }, {3, 3});
  EXPECT_FALSE(use_bytes(*weights));
}

}  // namespace
}  // namespace strata
