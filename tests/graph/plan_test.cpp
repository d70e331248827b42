// Plans: equal to eager code bit for bit, in one arena, for any number of threads.
#include "graph/plan.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "core/tensor_data.h"
#include "graph/plan_memory.h"
#include "strata/strata.h"

namespace strata {
namespace {

void expect_same_bits(const Tensor& a, const Tensor& b) {
  ASSERT_EQ(a.shape(), b.shape());
  ASSERT_EQ(a.dtype(), b.dtype());
  EXPECT_EQ(std::memcmp(a.impl()->raw(), b.impl()->raw(), a.bytes()), 0) << a << "\n" << b;
}

TEST(PlanMemory, BlocksNeededAtOnceDoNotOverlap) {
  std::vector<Block> blocks;
  for (int i = 0; i < 60; ++i)
    blocks.push_back({static_cast<std::size_t>(1 + i * 37 % 500), i * 7 % 40, i * 7 % 40 + i % 9});
  const std::size_t arena = place_blocks(blocks);
  std::size_t sum = 0;
  for (std::size_t a = 0; a < blocks.size(); ++a) {
    sum += blocks[a].bytes;
    EXPECT_EQ(blocks[a].offset % 64, 0u);
    EXPECT_LE(blocks[a].offset + blocks[a].bytes, arena);
    for (std::size_t b = 0; b < a; ++b) {
      const bool together = blocks[a].first <= blocks[b].last && blocks[b].first <= blocks[a].last;
      const bool apart = blocks[a].offset + blocks[a].bytes <= blocks[b].offset ||
                         blocks[b].offset + blocks[b].bytes <= blocks[a].offset;
      EXPECT_TRUE(!together || apart) << a << " and " << b;
    }
  }
  EXPECT_LT(arena, sum / 2);
}

TEST(PlanMemory, LittleScratchHasPlacesOfItsOwn) {
  const auto blocks_of = [](std::size_t scratch) {
    std::vector<Block> blocks;
    for (int i = 0; i < 8; ++i) blocks.push_back({i % 2 == 0 ? std::size_t{4096} : scratch, i, i, i % 2 == 1});
    return blocks;
  };
  std::vector<Block> few = blocks_of(kOwnScratch / 4);
  EXPECT_EQ(place_blocks(few), 4096 + kOwnScratch);  // values share one place
  for (const Block& value : few)
    for (const Block& scratch : few) {
      if (value.scratch || !scratch.scratch) continue;
      EXPECT_TRUE(value.offset + value.bytes <= scratch.offset || scratch.offset + scratch.bytes <= value.offset);
    }
  std::vector<Block> much = blocks_of(kOwnScratch / 2);
  EXPECT_EQ(place_blocks(much), kOwnScratch / 2);
}

// capability: 4.11
TEST(Plan, EqualsEagerForEachBatchSizeInTurn) {
  const Tensor w = random::normal({5, 5});
  auto f = [&](const Tensor& x) { return reshape(nn::softmax(exp(matmul(x, w) * 0.1) + x), {-1}); };
  auto g = function(f);
  for (int round = 0; round < 2; ++round)
    for (const std::int64_t batch : {3, 1, 8, 0}) {
      const Tensor x = random::normal({batch, 5});
      expect_same_bits(g(x), f(x));
    }
  EXPECT_EQ(g.num_traces(), 1);
}

TEST(Plan, ResultsStayWhenTheFunctionRunsAgain) {
  auto g = function([](const Tensor& x) { return std::pair(x * 2.0, reshape(x + 1.0, {-1})); });
  const auto [a, b] = g(Tensor({{1.0f, 2.0f}}));
  g(Tensor({{7.0f, 8.0f}}));
  expect_same_bits(a, Tensor({{2.0f, 4.0f}}));
  expect_same_bits(b, Tensor({2.0f, 3.0f}));
}

TEST(Plan, InputsAndConstantsMayBeResults) {
  const Tensor c = {1.0f, 2.0f};
  auto g = function([&](const Tensor& x) { return Tensors{x, reshape(x, {-1}), c, reshape(c, {2, 1})}; });
  const Tensor x = {{3.0f, 4.0f}};
  const Tensors r = g(x);
  expect_same_bits(r[0], x);
  expect_same_bits(r[1], Tensor({3.0f, 4.0f}));
  expect_same_bits(r[2], c);
  expect_same_bits(r[3], Tensor({{1.0f}, {2.0f}}));
}

TEST(Plan, ReadsAndAssignmentsKeepTheirOrder) {
  const Variable v(Tensor({1.0f, 2.0f}));
  auto step = [&](const Tensor& x) {
    const Tensor before = v.read();
    v.assign_add(x);
    const Tensor between = v.read();
    v.assign(between * 2.0);
    return Tensors{before, between, v.read(), before + between};
  };
  auto g = function(step);
  for (int i = 0; i < 3; ++i) {
    const Tensor start = v.read();
    const Tensor x = {1.0f + static_cast<float>(i), 1.0f};
    const Tensors r = g(x);
    expect_same_bits(r[0], start);
    expect_same_bits(r[1], start + x);
    expect_same_bits(r[2], (start + x) * 2.0);
    expect_same_bits(r[3], start + (start + x));
    expect_same_bits(v.read(), r[2]);
  }
}

TEST(Plan, ShapesThatDependOnValues) {
  auto f = [](const Tensor& x) {
    const Tensor kept = boolean_mask(x, x > 0.0);
    return Tensors{kept * 2.0, reduce_sum(kept), reshape(kept, {-1, 1})};
  };
  auto g = function(f);
  for (const Tensor& x : {Tensor({1.0f, -1.0f, 3.0f}), Tensor({-1.0f, -1.0f, 3.0f}), Tensor({1.0f, 1.0f, 3.0f})}) {
    const Tensors a = g(x), b = f(x);
    for (std::size_t i = 0; i < a.size(); ++i) expect_same_bits(a[i], b[i]);
  }
}

TEST(Plan, TapesOutsideStillSeeTheOps) {
  const Variable v(Tensor({2.0f, 3.0f}));
  auto g = function([&](const Tensor& x) { return v * x * x; });
  g(Tensor({1.0f, 1.0f}));
  GradientTape tape;
  const Tensor y = g(Tensor({4.0f, 5.0f}));
  expect_same_bits(tape.gradient(y, v), Tensor({16.0f, 25.0f}));
}

TEST(Plan, MemoryIsReusedAlongAChain) {
  auto graph = std::make_shared<Graph>();
  {
    TraceScope scope(graph);
    Tensor x = graph->add_input({{None, 64}, float32});
    for (int i = 0; i < 20; ++i) x = exp(x);
    graph->outputs.push_back(graph->value_of(x));
  }
  const Plan plan(graph, {{{16, 64}, float32}});
  EXPECT_LE(plan.arena_bytes(), 2 * 16 * 64 * sizeof(float));
}

TEST(Plan, SumsAreWrittenOverWhatIsNotNeededAnyMore) {
  const Tensor c = random::normal({64});
  auto f = [&](const Tensor& x) {
    Tensor y = exp(x);
    for (int i = 0; i < 5; ++i) y = (y + c) * 0.5;
    return Tensors{tanh(y) - y, exp(y)};
  };
  auto graph = std::make_shared<Graph>();
  {
    TraceScope scope(graph);
    for (const Tensor& t : f(graph->add_input({{None, 64}, float32}))) graph->outputs.push_back(graph->value_of(t));
  }
  const Plan plan(graph, {{{16, 64}, float32}});
  EXPECT_LE(plan.arena_bytes(), 2 * 16 * 64 * sizeof(float));
  const Tensor x = random::normal({16, 64});
  const Tensors a = plan.run({x}), b = f(x);
  for (std::size_t i = 0; i < a.size(); ++i) expect_same_bits(a[i], b[i]);
}

TEST(Plan, ErrorsNameTheOp) {
  auto g = function([](const Tensor& x) { return matmul(x, transpose(x)) + reshape(x, {2, 2}); });
  expect_same_bits(g(Tensor({{1.0f, 2.0f}, {0.0f, 1.0f}})), Tensor({{6.0f, 4.0f}, {2.0f, 2.0f}}));
  try {
    g(Tensor({{1.0f, 2.0f}}));
    FAIL() << "no error";
  } catch (const ShapeError& e) {
    EXPECT_NE(std::string(e.what()).find("reshape"), std::string::npos) << e.what();
  }
}

TEST(Plan, ConvolutionsArePreparedAndEqualEager) {
  const Variable w(random::normal({3, 3, 5, 7}) * 0.1);
  auto f = [&](const Tensor& x) {
    GradientTape tape;
    tape.watch(x);
    const Tensor y = nn::conv2d(x, w.read(), {.padding = "same"});
    const Tensor loss = reduce_sum(y * y);
    const Tensors g = tape.gradient(loss, {x, w});
    return Tensors{y, g[0], g[1]};
  };
  auto g = function(f);
  const Tensor x = random::normal({2, 6, 6, 5});
  const Tensors a = g(x), b = f(x);
  for (std::size_t i = 0; i < a.size(); ++i) expect_same_bits(a[i], b[i]);
  EXPECT_NE(g.explain().find("plan for (2, 6, 6, 5)"), std::string::npos) << g.explain();
  for (const char* step : {"    conv ", "    conv_backprop_input ", "    conv_backprop_filter "})
    EXPECT_NE(g.explain().find(step), std::string::npos) << g.explain();
  EXPECT_EQ(g(zeros({0, 6, 6, 5}))[0].shape(), Shape({0, 6, 6, 7}));
}

TEST(Plan, ManyThreadsRunOne) {
  const Tensor w = random::normal({32, 32});
  auto f = [&](const Tensor& x) { return reduce_sum(tanh(matmul(x, w)) * x); };
  auto g = function(f);
  std::vector<Tensor> inputs, expected;
  for (int i = 0; i < 4; ++i) inputs.push_back(random::normal({4, 32}));
  for (const Tensor& x : inputs) expected.push_back(f(x));
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (int k = 0; k < 50; ++k) wrong[i] += g(inputs[i]).item<float>() != expected[i].item<float>();
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace strata
