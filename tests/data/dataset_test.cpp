#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <set>

#include "data/source.h"
#include "strata/data.h"
#include "strata/random.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

using data::from_tensor_slices;
using Longs = std::vector<std::int64_t>;

Tensor numbers(std::int64_t n, std::int64_t width = 0) {
  Longs v(static_cast<std::size_t>(n * std::max<std::int64_t>(width, 1)));
  std::iota(v.begin(), v.end(), 0);
  return width == 0 ? Tensor::from(v, {n}) : Tensor::from(v, {n, width});
}

// All numbers in a data set of one component, in order.
template <class D>
Longs flat(const D& dataset) {
  Longs out;
  for (const Tensor& t : dataset)
    for (const std::int64_t v : t.template to_vector<std::int64_t>()) out.push_back(v);
  return out;
}

template <class D>
std::vector<Shape> shapes(const D& dataset) {
  std::vector<Shape> out;
  for (const Tensor& t : dataset) out.push_back(t.shape());
  return out;
}

Longs upto(std::int64_t n) {
  Longs v(static_cast<std::size_t>(n));
  std::iota(v.begin(), v.end(), 0);
  return v;
}

template <class E, class F>
std::string message(F f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  }
  return "nothing was thrown";
}

using test::has;

// capability: 3.1
TEST(Dataset, RowsOfTensors) {
  const auto ds = from_tensor_slices(numbers(3, 2), Tensor::from(std::vector<float>{5, 6, 7}, {3}));
  static_assert(std::is_same_v<decltype(ds), const data::Dataset<Tensor, Tensor>>);
  EXPECT_EQ(ds.size(), 3);
  int i = 0;
  for (auto [x, y] : ds) {
    EXPECT_EQ(x.shape(), (Shape{2}));
    EXPECT_EQ(x.to_vector<std::int64_t>(), (Longs{2 * i, 2 * i + 1}));
    EXPECT_EQ(y.shape(), Shape{});
    EXPECT_EQ(y.dtype(), float32);
    EXPECT_EQ(y.item<float>(), 5.f + i);
    ++i;
  }
  EXPECT_EQ(i, 3);
  EXPECT_EQ(ds.element_spec(), (std::vector<data::TensorSpec>{{{2}, int64}, {{}, float32}}));
}

TEST(Dataset, PairsAndTuplesOfTensors) {
  const auto ds = from_tensor_slices(std::pair(numbers(3, 2), numbers(3)));
  static_assert(std::is_same_v<decltype(ds), const data::Dataset<Tensor, Tensor>>);
  for (auto [x, y] : ds) EXPECT_EQ(x.to_vector<std::int64_t>()[0], 2 * y.item<std::int64_t>());
}

TEST(Dataset, OneComponentGivesTheTensorItself) {
  Longs seen;
  for (Tensor& x : from_tensor_slices(numbers(4))) seen.push_back(x.item<std::int64_t>());
  EXPECT_EQ(seen, upto(4));
}

// capability: 3.3
TEST(Dataset, BatchKeepsTheShortLastOneUnlessToldOtherwise) {
  const auto ds = from_tensor_slices(numbers(10, 3));
  EXPECT_EQ(shapes(ds.batch(4)), (std::vector<Shape>{{4, 3}, {4, 3}, {2, 3}}));
  EXPECT_EQ(flat(ds.batch(4)), upto(30));
  EXPECT_EQ(ds.batch(4).size(), 3);
  EXPECT_EQ(shapes(ds.batch(4, {.drop_remainder = true})), (std::vector<Shape>{{4, 3}, {4, 3}}));
  EXPECT_EQ(ds.batch(4, {.drop_remainder = true}).size(), 2);
  EXPECT_EQ(ds.batch(4).element_spec()[0].shape, (Shape{None, 3}));
  EXPECT_EQ(ds.batch(4, {.drop_remainder = true}).element_spec()[0].shape, (Shape{4, 3}));
  EXPECT_EQ(shapes(ds.batch(1000)), (std::vector<Shape>{{10, 3}}));
  EXPECT_TRUE(shapes(ds.batch(std::int64_t{1} << 60, {.drop_remainder = true})).empty());
}

TEST(Dataset, UnshuffledBatchesShareTheBuffer) {
  const Tensor x = numbers(64, 8);  // rows of 64 bytes
  std::size_t at = 0;
  for (const Tensor& b : from_tensor_slices(x).batch(16)) {
    EXPECT_EQ(b.data<std::int64_t>().data(), x.data<std::int64_t>().data() + at);
    at += 128;
  }
  EXPECT_EQ(at, 512u);
  EXPECT_EQ(flat(from_tensor_slices(numbers(100)).batch(3)), upto(100));  // not aligned: copied
}

TEST(Dataset, ShuffleOfRowsIsAPermutationWhateverTheBuffer) {
  for (const std::int64_t buffer : {2, 100, 1024}) {
    const auto ds = from_tensor_slices(numbers(1000)).shuffle(buffer, {.seed = 7});
    Longs order = flat(ds);
    EXPECT_NE(order, upto(1000));
    // Perfect: the first tenth comes from everywhere, which a small buffer could not do.
    EXPECT_GT(*std::max_element(order.begin(), order.begin() + 100), 900);
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, upto(1000));
  }
  EXPECT_EQ(flat(from_tensor_slices(numbers(50)).shuffle(1)), upto(50));
}

TEST(Dataset, ShuffleKeepsComponentsTogether) {
  for (auto [x, y] : from_tensor_slices(numbers(200, 2), numbers(200)).shuffle(200, {.seed = 1}).batch(32)) {
    const auto xs = x.to_vector<std::int64_t>(), ys = y.to_vector<std::int64_t>();
    for (std::size_t i = 0; i < ys.size(); ++i) EXPECT_EQ(xs[2 * i], 2 * ys[i]);
  }
}

// capability: 3.2
TEST(Dataset, OrdersAreDrawnFromTheSeed) {
  const auto make = [](std::int64_t seed) { return from_tensor_slices(numbers(100)).shuffle(100, {.seed = seed}); };
  const auto a = make(7), b = make(7), c = make(8);
  const Longs a1 = flat(a), a2 = flat(a);
  EXPECT_NE(a1, a2);  // a new order for each pass
  EXPECT_EQ(flat(b), a1);
  EXPECT_EQ(flat(b), a2);
  EXPECT_NE(flat(c), a1);
  const auto fixed = from_tensor_slices(numbers(100)).shuffle(100, {.seed = 7, .reshuffle_each_iteration = false});
  EXPECT_EQ(flat(fixed), flat(fixed));
}

TEST(Dataset, WithoutASeedTheGlobalOneDecides) {
  const auto order = [] { return flat(from_tensor_slices(numbers(100)).shuffle(100)); };
  utils::set_random_seed(3);
  const Longs first = order(), second = order();
  EXPECT_NE(first, second);
  utils::set_random_seed(3);
  EXPECT_EQ(order(), first);
  EXPECT_EQ(order(), second);
}

TEST(Dataset, EveryPositionIsEquallyLikely) {
  const auto ds = from_tensor_slices(numbers(5)).shuffle(5, {.seed = 3});
  int count[5][5] = {};
  for (int pass = 0; pass < 5000; ++pass) {
    const Longs order = flat(ds);
    for (std::size_t i = 0; i < 5; ++i) ++count[i][order[i]];
  }
  for (const auto& row : count)
    for (const int n : row) EXPECT_NEAR(n, 1000, 150);  // more than five standard deviations
}

TEST(Dataset, BufferedShuffleOfOtherElementsLooksNoFartherThanItsBuffer) {
  const auto ds = data::range(1000).shuffle(10, {.seed = 5});
  Longs order = flat(ds);
  EXPECT_NE(order, upto(1000));
  for (std::size_t i = 0; i < order.size(); ++i) EXPECT_LT(order[i], static_cast<std::int64_t>(i) + 10);
  std::sort(order.begin(), order.end());
  EXPECT_EQ(order, upto(1000));
}

// capability: 3.4
TEST(Dataset, MapOnElementsAndOnBatches) {
  const auto twice = [](const Tensor& t) { return Tensor(2 * t.item<std::int64_t>()); };
  EXPECT_EQ(flat(data::range(4).map(twice)), (Longs{0, 2, 4, 6}));
  const auto pairs = data::range(4).map([](const Tensor& t) { return std::pair{t, t.item<int>() * 0.5f}; });
  static_assert(std::is_same_v<decltype(pairs), const data::Dataset<Tensor, Tensor>>);
  float sum = 0;
  for (auto& [i, half] : pairs) sum += half.item<float>();
  EXPECT_EQ(sum, 3.f);
  EXPECT_EQ(flat(data::range(6).map(twice).batch(4)), (Longs{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(data::range(6).map(twice).batch(4).element_spec()[0], (data::TensorSpec{{None}, int64}));
}

TEST(Dataset, ParallelMapKeepsTheOrder) {
  const auto ds = data::range(500).map(
      [](const Tensor& t) {
        volatile double work = 0;
        for (std::int64_t i = 0; i < (t.item<std::int64_t>() * 7919) % 5000; ++i) work = work + 1;
        return t;
      },
      {.num_parallel_calls = 4});
  EXPECT_EQ(flat(ds), upto(500));
  EXPECT_EQ(flat(ds), upto(500));
  EXPECT_EQ(flat(ds.take(3)), upto(3));  // dropped early, threads stop
}

// capability: 3.4
TEST(Dataset, TakeSkipRepeatShard) {
  // The same on rows and on other elements.
  const auto rows = from_tensor_slices(numbers(5));
  const auto elements = data::range(5);
  for (const auto& ds : {rows, elements}) {
    EXPECT_EQ(flat(ds.take(2)), (Longs{0, 1}));
    EXPECT_EQ(flat(ds.take(-1)), upto(5));
    EXPECT_EQ(flat(ds.take(9)), upto(5));
    EXPECT_EQ(ds.take(9).size(), 5);
    EXPECT_EQ(flat(ds.skip(3)), (Longs{3, 4}));
    EXPECT_TRUE(flat(ds.skip(-1)).empty());
    EXPECT_TRUE(flat(ds.skip(5)).empty());
    EXPECT_EQ(flat(ds.skip(1).take(2)), (Longs{1, 2}));
    EXPECT_EQ(flat(ds.repeat(2)), (Longs{0, 1, 2, 3, 4, 0, 1, 2, 3, 4}));
    EXPECT_EQ(ds.repeat(2).size(), 10);
    EXPECT_TRUE(flat(ds.repeat(0)).empty());
    EXPECT_EQ(flat(ds.repeat().take(7)), (Longs{0, 1, 2, 3, 4, 0, 1}));
    EXPECT_EQ(ds.repeat().cardinality(), data::INFINITE_CARDINALITY);
    EXPECT_EQ(ds.repeat().take(7).size(), 7);
    EXPECT_EQ(flat(ds.shard(2, 1)), (Longs{1, 3}));
    EXPECT_EQ(ds.shard(2, 0).size(), 3);
    EXPECT_EQ(flat(ds.repeat(3).batch(4).take(1)), (Longs{0, 1, 2, 3}));
    EXPECT_EQ(shapes(ds.repeat(2).batch(4)), (std::vector<Shape>{{4}, {4}, {2}}));
    EXPECT_EQ(flat(ds.concatenate(ds.take(1))), (Longs{0, 1, 2, 3, 4, 0}));
    EXPECT_EQ(ds.concatenate(ds).size(), 10);
  }
  EXPECT_TRUE(has(message<ValueError>([&] { (void)rows.repeat().size(); }), "endless"));
}

TEST(Dataset, RepeatAfterShuffleReshufflesAndKeepsEpochsApart) {
  const Longs order = flat(from_tensor_slices(numbers(20)).shuffle(20, {.seed = 2}).repeat(2));
  const Longs first(order.begin(), order.begin() + 20), second(order.begin() + 20, order.end());
  EXPECT_NE(first, second);
  EXPECT_EQ(std::set<std::int64_t>(first.begin(), first.end()).size(), 20u);
  EXPECT_EQ(std::set<std::int64_t>(second.begin(), second.end()).size(), 20u);
  // Endless rows have no order of the whole: a buffer is drawn from.
  EXPECT_EQ(flat(from_tensor_slices(numbers(20)).repeat().shuffle(8, {.seed = 2}).take(60)).size(), 60u);
}

// capability: 8.10
TEST(Dataset, FilterUnbatchZipGeneratorAndFromTensors) {
  EXPECT_EQ(flat(data::range(10).filter([](const Tensor& t) { return t.item<int>() % 3 == 0; })), (Longs{0, 3, 6, 9}));
  EXPECT_EQ(data::range(10).filter([](const Tensor&) { return true; }).cardinality(), data::UNKNOWN_CARDINALITY);
  EXPECT_EQ(flat(data::range(10).batch(4).unbatch().batch(3)), upto(10));
  const auto zipped = data::zip(data::range(3), from_tensor_slices(numbers(5), numbers(5)));
  static_assert(std::is_same_v<decltype(zipped), const data::Dataset<Tensor, Tensor, Tensor>>);
  EXPECT_EQ(zipped.size(), 3);
  for (auto& [a, b, c] : zipped) EXPECT_EQ(a.item<int>(), c.item<int>());
  const auto generated = data::from_generator(
      [] { return [i = 0]() mutable { return i < 3 ? std::optional<std::int64_t>(i++) : std::nullopt; }; });
  EXPECT_EQ(flat(generated), upto(3));
  EXPECT_EQ(flat(generated), upto(3));  // made anew for each pass
  EXPECT_EQ(shapes(data::from_tensors(numbers(2, 3))), (std::vector<Shape>{{2, 3}}));
  EXPECT_EQ(flat(data::range(7, 1, -2)), (Longs{7, 5, 3}));
}

TEST(Dataset, TakeWhileReduceAndApply) {
  const auto small = [](const Tensor& t) { return t.item<int>() % 5 < 4; };
  EXPECT_EQ(flat(data::range(10).take_while(small)), (Longs{0, 1, 2, 3}));
  EXPECT_EQ(flat(data::range(3).take_while(small)), upto(3));
  EXPECT_EQ(data::range(5).reduce(100, [](int sum, const Tensor& t) { return sum + t.item<int>(); }), 110);
  const auto pairs = from_tensor_slices(numbers(3), numbers(3));
  const Tensor dot = pairs.reduce(Tensor(std::int64_t{0}), [](const Tensor& sum, const Tensor& a, const Tensor& b) {
    return Tensor(sum.item<std::int64_t>() + a.item<std::int64_t>() * b.item<std::int64_t>());
  });
  EXPECT_EQ(dot.item<std::int64_t>(), 5);
  EXPECT_EQ(flat(data::range(6).apply([](const auto& d) { return d.skip(2).batch(2); })), (Longs{2, 3, 4, 5}));
}

TEST(Dataset, SamplesFromSeveralByWeight) {
  const auto make = [](const data::SampleOptions& options) {
    return data::sample_from_datasets(std::vector{data::range(1000), data::range(1000, 2000), data::range(2000, 2100)},
                                      options);
  };
  const Longs all = flat(make({.seed = 1}));
  EXPECT_EQ(all.size(), 2100u);
  EXPECT_EQ(std::set<std::int64_t>(all.begin(), all.end()).size(), 2100u);
  Longs first;
  for (const std::int64_t v : all)
    if (v < 1000) first.push_back(v);
  EXPECT_EQ(first, upto(1000));  // each in its own order
  EXPECT_EQ(flat(make({.seed = 1})), all);
  EXPECT_NE(flat(make({.seed = 2})), all);
  const Longs weighted = flat(make({.weights = {8, 1, 1}, .seed = 1}).take(200));
  EXPECT_GT(std::count_if(weighted.begin(), weighted.end(), [](std::int64_t v) { return v < 1000; }), 130);
  const Longs stopped = flat(make({.seed = 1, .stop_on_empty_dataset = true}));
  EXPECT_LT(stopped.size(), 500u);
  EXPECT_TRUE(has(message<ValueError>([&] { make({.weights = {1}}); }), "1 weights are given for 3"));
  EXPECT_TRUE(has(message<ValueError>([&] { make({.weights = {1, 0, 1}}); }), "positive"));
}

// capability: 3.4, 3.5
TEST(Dataset, Enumerate) {
  const auto ds = from_tensor_slices(numbers(6), numbers(6)).batch(2);
  std::int64_t expected = 0;
  for (auto [i, batch] : enumerate(ds)) {
    auto& [x, y] = batch;
    EXPECT_EQ(i, expected++);
    EXPECT_EQ(x.to_vector<std::int64_t>()[0], 2 * i);
    if (i == 1) break;
  }
  EXPECT_EQ(expected, 2);
  for (auto [i, batch] : enumerate(ds.take(2))) expected += i;  // a temporary lives as long as the loop
  EXPECT_EQ(expected, 3);
  for (auto [i, batch] : ds.enumerate(10)) expected += i;
  EXPECT_EQ(expected, 36);
  Longs values = {4, 5};
  for (auto [i, v] : enumerate(values)) expected += i * v;
  EXPECT_EQ(expected, 41);
}

// capability: 3.4
TEST(Dataset, CacheRunsTheFunctionOnce) {
  auto calls = std::make_shared<std::atomic<int>>(0);
  const auto ds = data::range(10).map([calls](const Tensor& t) { return ++*calls, t; }).cache();
  EXPECT_EQ(flat(ds.take(3)), upto(3));  // broken off: nothing is kept
  EXPECT_EQ(*calls, 3);
  EXPECT_EQ(flat(ds), upto(10));
  EXPECT_EQ(*calls, 13);
  EXPECT_EQ(flat(ds), upto(10));
  EXPECT_EQ(flat(ds.batch(3)), upto(10));
  EXPECT_EQ(*calls, 13);
  const auto shuffled = from_tensor_slices(numbers(30)).shuffle(30, {.seed = 1}).cache();
  EXPECT_EQ(flat(shuffled), flat(shuffled));
}

TEST(Dataset, PassesAreIndependent) {
  const auto ds = from_tensor_slices(numbers(4)).batch(2).prefetch(1);
  auto a = ds.begin();
  auto b = ds.begin();
  ++a;
  EXPECT_EQ((*a).to_vector<std::int64_t>(), (Longs{2, 3}));
  EXPECT_EQ((*b).to_vector<std::int64_t>(), (Longs{0, 1}));
  ++a;
  EXPECT_TRUE(a == ds.end());
  EXPECT_FALSE(b == ds.end());
  EXPECT_TRUE(std::get<0>(std::tuple(flat(ds))) == upto(4));
}

TEST(Dataset, EmptyDataSetsAreWalkedWithoutASingleStep) {
  const auto ds = from_tensor_slices(numbers(0, 3));
  EXPECT_EQ(ds.size(), 0);
  for (const auto& d : {ds, ds.batch(4), ds.shuffle(10), ds.repeat(), ds.batch(2).prefetch(2), ds.take(3),
                        ds.shuffle(3).batch(2, {.drop_remainder = true}), ds.cache(), ds.skip(1), ds.unbatch()})
    for (const Tensor& t : d) FAIL() << t.shape();
  EXPECT_EQ(ds.batch(4).size(), 0);
  EXPECT_EQ(ds.repeat().size(), 0);
  const auto mapped = ds.map([](const Tensor& t) { return t; });
  EXPECT_TRUE(has(message<ValueError>([&] { (void)mapped.element_spec(); }), "empty"));
}

TEST(Dataset, RowsWithoutElements) {
  const auto ds = from_tensor_slices(Tensor::from(Longs{}, {3, 0}));
  EXPECT_EQ(shapes(ds.batch(2)), (std::vector<Shape>{{2, 0}, {1, 0}}));
  EXPECT_EQ(shapes(ds.shuffle(3).batch(2)), (std::vector<Shape>{{2, 0}, {1, 0}}));
}

// capability: 3.4
TEST(Dataset, PrefetchIsCleanWhenDroppedEarly) {
  for (int i = 0; i < 50; ++i) {
    const auto same = [](const Tensor& t) { return t; };
    auto it = from_tensor_slices(numbers(1000)).shuffle(1000).batch(7).map(same).prefetch(3).begin();
    if (i % 2) ++it;
  }
  EXPECT_EQ(flat(data::range(1000).batch(7).prefetch(data::AUTOTUNE)), upto(1000));
  EXPECT_EQ(flat(from_tensor_slices(numbers(10)).prefetch(0)), upto(10));
}

TEST(Dataset, SmallBatchesOfRowsAreNotHandedBetweenThreads) {
  const auto rows = from_tensor_slices(numbers(1000));
  EXPECT_TRUE(rows.shuffle(1000).batch(7).prefetch(2).source()->is_quick());
  EXPECT_EQ(flat(rows.batch(7).prefetch(2)), upto(1000));
  EXPECT_FALSE(from_tensor_slices(numbers(4, 20000)).batch(2).prefetch(2).source()->is_quick());  // 320 KB
  EXPECT_FALSE(rows.batch(7).map([](const Tensor& t) { return t; }).prefetch(2).source()->is_quick());
}

TEST(Dataset, ErrorsOfFunctionsNameTheElementAndKeepTheirType) {
  const auto bad = [](const Tensor& t) {
    if (t.item<int>() == 3) throw ShapeError("cannot do that.");
    return t;
  };
  for (const std::int64_t threads : {1, 3}) {
    for (const bool ahead : {false, true}) {
      auto ds = data::range(6).map(bad, {.num_parallel_calls = threads});
      if (ahead) ds = ds.prefetch(2);
      Longs seen;
      const std::string text = message<ShapeError>([&] {
        for (const Tensor& t : ds) seen.push_back(t.item<int>());
      });
      EXPECT_EQ(text, "data::map, element 3: cannot do that.");
      EXPECT_EQ(seen, upto(3));
    }
  }
  const auto foreign = data::range(6).map([](const Tensor& t) {
    if (t.item<int>() == 2) throw std::out_of_range("mine");
    return t;
  });
  EXPECT_EQ(message<Error>([&] { (void)flat(foreign); }), "data::map, element 2: mine");
  const auto undefined = data::range(2).map([](const Tensor&) { return Tensor(); });
  EXPECT_TRUE(has(message<ValueError>([&] { (void)flat(undefined); }), "undefined"));
  const auto wide = data::range(2).filter([](const Tensor&) { return Tensor{true, false}; });
  EXPECT_TRUE(has(message<ShapeError>([&] { (void)flat(wide); }), "one bool"));
}

TEST(Dataset, ElementsOfABatchMustAgree) {
  const auto ragged = data::range(3).map([](const Tensor& t) { return numbers(2 + t.item<int>() / 2); });
  const std::string text = message<ShapeError>([&] { (void)flat(ragged.batch(4)); });
  EXPECT_TRUE(has(text, "component 0 of element 2 has shape (3,), that of element 0 has shape (2,)")) << text;
  const auto mixed =
      data::range(2).map([](const Tensor& t) { return t.item<int>() == 0 ? Tensor(true) : Tensor(std::int64_t{1}); });
  EXPECT_TRUE(has(message<DTypeError>([&] { (void)flat(mixed.batch(2)); }), "dtype int64"));
}

TEST(Dataset, WrongArguments) {
  const auto ds = data::range(3);
  const std::string rows = message<ShapeError>([] { from_tensor_slices(numbers(3), numbers(4, 2)); });
  EXPECT_TRUE(has(rows, "argument 0 has 3 rows") && has(rows, "argument 1 has 4 (shape (4, 2))")) << rows;
  EXPECT_TRUE(has(message<ShapeError>([] { from_tensor_slices(Tensor(1.f)); }), "scalar"));
  EXPECT_TRUE(has(message<ValueError>([] { from_tensor_slices(Tensor()); }), "undefined"));
  EXPECT_TRUE(has(message<ValueError>([&] { ds.batch(0); }), "batch_size is 0"));
  EXPECT_TRUE(has(message<ValueError>([&] { ds.shuffle(0); }), "buffer_size is 0"));
  EXPECT_TRUE(has(message<ValueError>([&] { ds.prefetch(-2); }), "buffer_size is -2"));
  EXPECT_TRUE(has(message<ValueError>([&] { ds.shard(2, 2); }), "no shard 2 of 2"));
  EXPECT_TRUE(has(message<ValueError>([] { data::range(1, 2, 0); }), "step is 0"));
  EXPECT_TRUE(has(message<ValueError>([&] { ds.map([](const Tensor& t) { return t; }, {.num_parallel_calls = 0}); }),
                  "num_parallel_calls is 0"));
}

}  // namespace
}  // namespace strata
