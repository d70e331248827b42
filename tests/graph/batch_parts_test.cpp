// Which frozen graphs are run a few samples of their batch at a time: those that treat samples apart, and gain by it.
#include "graph/batch_parts.h"

#include <gtest/gtest.h>

#include "strata/strata.h"

namespace strata {
namespace {

template <class F>
BatchParts parts(const Shape& shape, F&& f, int threads = 2) {
  const auto graph = std::make_shared<Graph>("g");
  const TraceScope scope(graph);
  const Tensor x = graph->add_input({shape, float32});
  graph->outputs.push_back(graph->value_of(f(x)));
  return parts_of_batch(*graph, {{shape, float32}}, threads);
}

const Shape kImages{32, 64, 64, 16};

TEST(BatchParts, SamplesApart) {
  const Tensor weights = ones({3, 3, 16, 16});
  const auto network = [&](const Tensor& x) {
    const Tensor y = nn::relu(nn::conv2d(x, weights, {.padding = "same"}) + 1.f);
    const Tensor pooled = reduce_mean(concat({y, x}, -1), {1, 2});
    return nn::softmax(matmul(reshape(pooled, {32, 32}), ones({32, 4})));
  };
  const BatchParts found = parts(kImages, network);
  EXPECT_EQ(found.samples, 2);
  ASSERT_NE(found.graph, nullptr);
  EXPECT_EQ(parts(kImages, network, 1).samples, 2);
  EXPECT_EQ(parts({3, 64, 64, 16}, [](const Tensor& x) { return nn::relu(x); }).samples, 0) << "batch of odd size";
}

TEST(BatchParts, NotWhereSamplesMeet) {
  EXPECT_GT(parts(kImages, [](const Tensor& x) { return nn::relu(x); }).samples, 0);
  EXPECT_EQ(parts(kImages, [](const Tensor& x) { return x - reduce_mean(x, {0}); }).samples, 0);
  EXPECT_EQ(parts(kImages, [](const Tensor& x) { return x - reduce_mean(x, {0}, {.keepdims = true}); }).samples, 0);
  EXPECT_EQ(parts(kImages, [](const Tensor& x) { return nn::softmax(x, 0); }).samples, 0);
  EXPECT_EQ(parts(kImages, [](const Tensor& x) { return nn::softmax(x, -4); }).samples, 0);
  EXPECT_EQ(parts(kImages, [](const Tensor& x) { return reverse(x, {0}); }).samples, 0);
  EXPECT_EQ(parts(kImages, [](const Tensor& x) { return reshape(x, {16, 2, 64, 64, 16}); }).samples, 0);
  EXPECT_EQ(parts(kImages, [](const Tensor& x) { return x + ones({32, 1, 1, 1}); }).samples, 0);
  // Differences of all pairs of samples.
  EXPECT_EQ(parts(kImages,
                  [](const Tensor& x) {
                    const Tensor size = reduce_sum(x, {1, 2, 3}), column = reshape(size, {32, 1});
                    return reduce_sum(abs(column - size), {1});
                  })
                .samples,
            0);
}

TEST(BatchParts, NotWhereWeightsOrCachesSayNo) {
  EXPECT_EQ(parts({32, 8, 8, 16}, [](const Tensor& x) { return nn::relu(x); }).samples, 0) << "small";
  const Tensor large = ones({4096, 1024});
  EXPECT_EQ(parts({256, 4096}, [&](const Tensor& x) { return matmul(x, large); }).samples, 0) << "weights";
}

}  // namespace
}  // namespace strata
