#include "strata/function.h"

#include <gtest/gtest.h>

#include "graph/graph.h"
#include "graph/passes/passes.h"
#include "strata/array.h"
#include "strata/linalg.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/random.h"
#include "strata/reduce.h"
#include "strata/tape.h"

namespace strata {
namespace {

// capability: 4.11
TEST(Function, TracesOnceForAllBatchSizes) {
  int runs = 0;
  auto f = function([&](const Tensor& x) {
    ++runs;
    return reduce_sum(x * 2.f, 1);
  });
  EXPECT_EQ(f(ones({4, 3})).to_vector<float>(), (std::vector<float>{6, 6, 6, 6}));
  EXPECT_EQ(f(ones({2, 3})).shape(), (Shape{2}));
  EXPECT_EQ(f(ones({0, 3})).shape(), (Shape{0}));
  EXPECT_EQ(runs, 1);
  f(ones({2, 5}));
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(f.num_traces(), 2);
  EXPECT_NE(f.explain().find("argument types or shapes changed"), std::string::npos);
}

TEST(Function, NumbersArePartOfTheKeyAndTensorsAreNot) {
  int runs = 0;
  auto f = function([&](const Tensor& x, double factor) {
    ++runs;
    return x * factor;
  });
  const Tensor x = {1.f, 2.f};
  f(x, 2.0);
  f(x, 2.0);
  EXPECT_EQ(runs, 1);
  EXPECT_FLOAT_EQ(f(x, 3.0)[1].item<float>(), 6.f);
  EXPECT_EQ(runs, 2);
  auto g = function([&](const Tensor& step) {
    ++runs;
    return step + 1;
  });
  for (int i = 0; i < 5; ++i) EXPECT_EQ(g(constant(std::int64_t{i}, int64)).item<int>(), i + 1);
  EXPECT_EQ(runs, 3);
}

TEST(Function, ReturnsWhatTheCallableReturns) {
  const Tensor x = {1.f, 2.f};
  auto pair = function([](const Tensor& x) { return std::pair{x + 1.f, x * 2.f}; });
  auto [a, b] = pair(x);
  EXPECT_FLOAT_EQ(a[0].item<float>(), 2.f);
  EXPECT_FLOAT_EQ(b[1].item<float>(), 4.f);
  auto list = function([](const Tensors& xs) { return Tensors{xs[1], xs[0]}; });
  EXPECT_FLOAT_EQ(list(Tensors{x, a})[0][0].item<float>(), 2.f);
  Variable count(0.f);
  auto nothing = function([&](const Tensor& x) { count.assign_add(reduce_sum(x)); });
  nothing(x);
  nothing(x);
  EXPECT_FLOAT_EQ(count.value().item<float>(), 6.f);
}

TEST(Function, ReadingAValueWhileTracingIsExplained) {
  auto f = function([](const Tensor& x) { return x.item<float>() > 0 ? x : -x; });
  try {
    f(constant(1.f));
    FAIL();
  } catch (const SymbolicError& e) {
    EXPECT_NE(std::string(e.what()).find("function()"), std::string::npos) << e.what();
  }
}

TEST(Function, ATensorOfAFinishedTraceIsAnError) {
  Tensor leaked;
  auto f = function([&](const Tensor& x) {
    leaked = x * 2.f;
    return leaked;
  });
  f(ones({2}));
  EXPECT_THROW(leaked + 1.f, SymbolicError);
}

TEST(Function, TracedEqualsEagerBitForBit) {
  utils::set_random_seed(3);
  Variable w1(random::normal({8, 16})), w2(random::normal({16, 4}));
  auto step = [&](const Tensor& x, const Tensor& y) {
    GradientTape tape;
    const Tensor h = nn::relu(matmul(x, w1)), p = nn::softmax(matmul(h, w2));
    const Tensor loss = reduce_mean(square(p - y));
    auto [d1, d2] = tape.gradient(loss, w1, w2);
    return Tensors{loss, d1, d2, p};
  };
  const Tensor x = random::normal({5, 8}), y = random::uniform({5, 4});
  const Tensors eager = step(x, y);
  for (const std::vector<std::string>& disable : {std::vector<std::string>{"all"}, std::vector<std::string>{}}) {
    const Tensors traced = function(step, {.disable = disable})(x, y);
    for (std::size_t i = 0; i < eager.size(); ++i)
      EXPECT_EQ(eager[i].to_vector<float>(), traced[i].to_vector<float>()) << "result " << i;
  }
}

TEST(Function, VariablesAreReadAtEachCallInOrder) {
  Variable v(1.f);
  auto f = function([&](const Tensor& x) {
    const Tensor before = v;
    v.assign_add(x);
    return Tensors{before, v.value()};
  });
  EXPECT_FLOAT_EQ(f(2.f)[1].item<float>(), 3.f);
  const Tensors second = f(2.f);
  EXPECT_FLOAT_EQ(second[0].item<float>(), 3.f);
  EXPECT_FLOAT_EQ(second[1].item<float>(), 5.f);
  v.assign(10.f);
  EXPECT_FLOAT_EQ(f(1.f)[0].item<float>(), 10.f);
}

TEST(Function, IsDifferentiableFromOutside) {
  Variable v(3.f);
  auto f = function([&](const Tensor& x) { return x * v * v; });
  GradientTape tape;
  EXPECT_FLOAT_EQ(tape.gradient(f(constant(2.f)), v).item<float>(), 12.f);
}

TEST(Function, RandomNumbersAreNewAtEachCallAndFollowTheSeed) {
  auto f = function([](const Tensor& x) { return x + random::normal({3}); });
  utils::set_random_seed(5);
  const Tensor a = f(zeros({3})), b = f(zeros({3}));
  EXPECT_NE(a.to_vector<float>(), b.to_vector<float>());
  utils::set_random_seed(5);
  EXPECT_EQ(f(zeros({3})).to_vector<float>(), a.to_vector<float>());
  utils::set_random_seed(5);
  EXPECT_EQ((zeros({3}) + random::normal({3})).to_vector<float>(), a.to_vector<float>());
}

TEST(Function, CallsInsideOfATraceBecomePartOfIt) {
  auto inner = function([](const Tensor& x) { return x * 2.f; });
  auto outer = function([&](const Tensor& x) { return inner(x) + 1.f; });
  EXPECT_FLOAT_EQ(outer(constant(3.f)).item<float>(), 7.f);
  EXPECT_EQ(inner.num_traces(), 0);
}

TEST(Function, AnUnknownPassIsAnError) {
  auto f = function([](const Tensor& x) { return x; }, {.disable = {"no_such_pass"}});
  EXPECT_THROW(f(ones({1})), ValueError);
}

TEST(DeadCode, RemovesWhatNobodyUsesAndKeepsEffects) {
  auto graph = std::make_shared<Graph>("f");
  Variable v(1.f, {.name = "v"});
  {
    TraceScope scope(graph);
    const Tensor x = graph->add_input({{None, 2}, float32});
    exp(x);
    v.assign_add(reduce_sum(x));
    graph->outputs.push_back(graph->value_of(negative(x)));
  }
  EXPECT_NE(to_string(*graph).find("exp("), std::string::npos);
  EXPECT_TRUE(remove_dead_code(*graph));
  verify(*graph);
  const std::string after = to_string(*graph);
  EXPECT_EQ(after.find("exp("), std::string::npos) << after;
  EXPECT_NE(after.find("assign_variable"), std::string::npos) << after;
  EXPECT_NE(after.find("negative("), std::string::npos) << after;
  EXPECT_FALSE(remove_dead_code(*graph));
}

TEST(Graph, TextAndVerification) {
  auto graph = std::make_shared<Graph>("g");
  {
    TraceScope scope(graph);
    const Tensor x = graph->add_input({{None, 3}, float32});
    graph->outputs.push_back(graph->value_of(nn::relu(x)));
  }
  EXPECT_NE(to_string(*graph).find("g(%0: float32(None, 3))"), std::string::npos) << to_string(*graph);
  graph->nodes[0].in[0] = 7;
  EXPECT_THROW(verify(*graph), Error);
}

}  // namespace
}  // namespace strata
