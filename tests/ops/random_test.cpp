#include "strata/random.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/random.h"
#include "strata/array.h"
#include "strata/function.h"
#include "strata/math.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

struct Statistics {
  double mean = 0, variance = 0, low = INFINITY, high = -INFINITY;
};

Statistics statistics(const Tensor& t) {
  Statistics s;
  const std::vector<double> values = t.to_vector<double>();
  for (const double v : values) {
    s.mean += v / static_cast<double>(values.size());
    s.low = std::min(s.low, v);
    s.high = std::max(s.high, v);
  }
  for (const double v : values) s.variance += (v - s.mean) * (v - s.mean) / static_cast<double>(values.size());
  return s;
}

using test::message_of;

class RandomFloats : public testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(Types, RandomFloats, testing::Values(float16, bfloat16, float32, float64),
                         [](const auto& info) { return to_string(info.param); });

TEST_P(RandomFloats, UniformFillsItsInterval) {
  const Tensor t = random::uniform({200, 501}, {.minval = -1, .maxval = 3, .dtype = GetParam(), .seed = 1});
  EXPECT_EQ(t.shape(), (Shape{200, 501}));
  EXPECT_EQ(t.dtype(), GetParam());
  const Statistics s = statistics(t);
  EXPECT_NEAR(s.mean, 1, 0.02);
  EXPECT_NEAR(s.variance, 16. / 12, 0.03);
  EXPECT_GE(s.low, -1);
  EXPECT_LT(s.high, 3);
  EXPECT_NEAR(s.low, -1, 0.02);
  EXPECT_NEAR(s.high, 3, 0.02);
}

TEST_P(RandomFloats, NormalHasItsMoments) {
  const Tensor t = random::normal({100001}, {.mean = 0.5, .stddev = 2, .dtype = GetParam(), .seed = 2});
  const Statistics s = statistics(t);
  EXPECT_NEAR(s.mean, 0.5, 0.03);
  EXPECT_NEAR(s.variance, 4, 0.08);
  EXPECT_GT(s.high, 0.5 + 2 * 3.5);
  EXPECT_LT(s.low, 0.5 - 2 * 3.5);
  // 68.27 % lie within one standard deviation, 95.45 % within two.
  const std::vector<double> values = t.to_vector<double>();
  for (const auto& [sigmas, share] : {std::pair(1., 0.6827), std::pair(2., 0.9545)}) {
    const auto inside =
        std::count_if(values.begin(), values.end(), [&](double v) { return std::fabs(v - 0.5) < 2 * sigmas; });
    EXPECT_NEAR(static_cast<double>(inside) / static_cast<double>(values.size()), share, 0.006);
  }
}

TEST_P(RandomFloats, TruncatedNormalStaysWithinTwoDeviations) {
  const Statistics s =
      statistics(random::truncated_normal({100000}, {.mean = 1, .stddev = 0.5, .dtype = GetParam(), .seed = 3}));
  EXPECT_NEAR(s.mean, 1, 0.01);
  EXPECT_NEAR(std::sqrt(s.variance), 0.5 * 0.87962566103423978, 0.005);
  EXPECT_GE(s.low, 0);
  EXPECT_LE(s.high, 2);
  EXPECT_NEAR(s.low, 0, 0.01);
  EXPECT_NEAR(s.high, 2, 0.01);
}

TEST(Random, UniformBitsAreEvenlySpread) {
  // Chi-squared over 256 bins: the 0.9999 quantile of 255 degrees of freedom is 347.
  const Tensor t = random::uniform({1 << 18}, {.seed = 4});
  std::vector<double> bins(256);
  for (const float v : t.data<float>()) ++bins[static_cast<std::size_t>(v * 256)];
  double chi = 0;
  for (const double b : bins) chi += (b - 1024) * (b - 1024) / 1024;
  EXPECT_LT(chi, 347);
  EXPECT_GT(chi, 175);
}

TEST(Random, TheNumberOfThreadsChangesNothing) {
  const int before = omp_get_max_threads();
  std::vector<std::vector<double>> results;
  for (const int threads : {1, 2, 3, 7}) {
    omp_set_num_threads(threads);
    utils::set_random_seed(5);
    std::vector<double> all;
    for (const Tensor& t : {random::normal({100003}), random::uniform({99999}), random::truncated_normal({5001}),
                            cast(random::randint({70001}, -5, 900), float32), random::gamma({1003}, 0.7)}) {
      const std::vector<double> v = t.to_vector<double>();
      all.insert(all.end(), v.begin(), v.end());
    }
    results.push_back(all);
  }
  omp_set_num_threads(before);
  for (const auto& r : results) EXPECT_EQ(r, results[0]);
}

TEST(Random, ASeedRepeatsAndTheGlobalGeneratorGoesOn) {
  auto values = [](const Tensor& t) { return t.to_vector<double>(); };
  EXPECT_EQ(values(random::normal({9}, {.seed = 3})), values(random::normal({9}, {.seed = 3})));
  EXPECT_NE(values(random::normal({9}, {.seed = 3})), values(random::normal({9}, {.seed = 4})));
  utils::set_random_seed(1);
  const Tensor a = random::normal({9}), b = random::normal({9});
  EXPECT_NE(values(a), values(b));
  utils::set_random_seed(1);
  random::normal({9}, {.seed = 3});  // takes nothing from the global generator
  EXPECT_EQ(values(random::normal({9})), values(a));
  EXPECT_EQ(values(random::normal({9})), values(b));
}

TEST(Random, IntegersCoverTheirRange) {
  for (const DType d : {uint8, int32, int64}) {
    const std::vector<std::int64_t> v =
        random::randint({6000}, 3, 9, {.dtype = d, .seed = 6}).to_vector<std::int64_t>();
    for (std::int64_t k = 3; k < 9; ++k)
      EXPECT_NEAR(static_cast<double>(std::count(v.begin(), v.end(), k)), 1000, 120) << to_string(d) << " " << k;
    EXPECT_EQ(std::count_if(v.begin(), v.end(), [](std::int64_t k) { return k < 3 || k >= 9; }), 0);
  }
  const std::int64_t largest = std::numeric_limits<std::int64_t>::max();
  const Tensor wide = random::randint({1000}, -largest - 1, largest, {.dtype = int64, .seed = 7});
  const Statistics s = statistics(wide);
  EXPECT_LT(s.low, -0.9 * 0x1p63);
  EXPECT_GT(s.high, 0.9 * 0x1p63);
  EXPECT_EQ(random::uniform({4}, {.minval = 2, .maxval = 3, .dtype = int32}).to_vector<int>(),
            (std::vector<int>(4, 2)));
}

TEST(Random, ShuffleKeepsEveryRowOnce) {
  const Tensor x = reshape(arange(60), {20, 3});
  const std::vector<int> v = random::shuffle(x, 0, {.seed = 8}).to_vector<int>();
  std::vector<int> firsts;
  for (std::size_t i = 0; i < 60; i += 3) {
    EXPECT_EQ(v[i + 1], v[i] + 1);
    EXPECT_EQ(v[i + 2], v[i] + 2);
    firsts.push_back(v[i] / 3);
  }
  EXPECT_FALSE(std::is_sorted(firsts.begin(), firsts.end()));
  std::sort(firsts.begin(), firsts.end());
  std::vector<int> all(20);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(firsts, all);
  EXPECT_EQ(random::shuffle(x, -1, {.seed = 8}).shape(), x.shape());
  EXPECT_THROW(random::shuffle(x, 2), IndexError);
}

TEST(Random, ShuffleOrdersAreEquallyLikely) {
  std::vector<int> counts(6);
  for (std::int64_t seed = 0; seed < 6000; ++seed) {
    const std::vector<int> v = random::shuffle(Tensor{0, 1, 2}, 0, {.seed = seed}).to_vector<int>();
    ++counts[static_cast<std::size_t>(v[0] * 2 + (v[1] > v[2]))];
  }
  for (const int c : counts) EXPECT_NEAR(c, 1000, 130);
}

TEST(Random, CategoricalFollowsItsLogits) {
  const Tensor logits = {{std::log(0.2f), std::log(0.5f), std::log(0.3f)}, {-INFINITY, 5.f, -INFINITY}};
  const Tensor t = random::categorical(logits, 10000, {.seed = 9});
  EXPECT_EQ(t.shape(), (Shape{2, 10000}));
  EXPECT_EQ(t.dtype(), int32);
  const std::vector<int> v = t.to_vector<int>();
  const auto half = v.begin() + 10000;
  EXPECT_NEAR(static_cast<double>(std::count(v.begin(), half, 0)), 2000, 200);
  EXPECT_NEAR(static_cast<double>(std::count(v.begin(), half, 1)), 5000, 250);
  EXPECT_EQ(std::count(half, v.end(), 1), 10000);
  EXPECT_THROW(random::categorical(Tensor{1.f, 2.f}, 3), ShapeError);
}

TEST(Random, GammaBetaAndBinomialHaveTheirMoments) {
  for (const double alpha : {0.3, 1., 4.5}) {
    const Statistics s = statistics(random::gamma({40000}, alpha, {.dtype = float64, .seed = 10}));
    EXPECT_NEAR(s.mean, alpha, 0.05 * alpha + 0.01);
    EXPECT_NEAR(s.variance, alpha, 0.08 * alpha + 0.02);
    EXPECT_GE(s.low, 0);
  }
  const Statistics b = statistics(random::beta({40000}, 2., 6., {.seed = 11}));
  EXPECT_NEAR(b.mean, 0.25, 0.005);
  EXPECT_NEAR(b.variance, 12. / (64 * 9), 0.001);
  for (const double trials : {7., 1000.}) {
    const Statistics s = statistics(random::binomial({40000}, trials, 0.3, {.seed = 12}));
    EXPECT_NEAR(s.mean, 0.3 * trials, 0.01 * trials);
    EXPECT_NEAR(s.variance, 0.21 * trials, 0.01 * trials);
  }
  const std::vector<float> edge = random::binomial({2, 2}, Tensor{5.f, 100.f}, Tensor{{0.f}, {1.f}}).to_vector<float>();
  EXPECT_EQ(edge, (std::vector<float>{0, 0, 5, 100}));
  EXPECT_TRUE(std::isnan(random::gamma({1}, -1.).item<float>()));
}

TEST(Random, KeepMasksFollowRateAndNoiseShape) {
  const Tensor x = zeros({100, 1000});
  const Statistics s = statistics(random_keep_mask(x, 0.3, 13));
  EXPECT_NEAR(s.mean, 0.7, 0.01);
  EXPECT_EQ(random_keep_mask(x, 0.3, 13, {None, 1}).shape(), (Shape{100, 1}));
  EXPECT_THROW(random_keep_mask(x, 0.3, 13, {2, 1}), ShapeError);
  EXPECT_THROW(random_keep_mask(x, 0.3, 13, {1}), ShapeError);
  EXPECT_EQ(statistics(random_keep_mask(x, 0, 13)).low, 1);
}

TEST(Random, EmptyShapesAreFine) {
  EXPECT_EQ(random::normal({0, 3}).size(), 0);
  EXPECT_EQ(random::shuffle(zeros({0, 3})).shape(), (Shape{0, 3}));
  EXPECT_EQ(random::categorical(zeros({0, 3}), 2).shape(), (Shape{0, 2}));
}

TEST(Random, WrongArgumentsSaySo) {
  EXPECT_EQ(
      message_of([] {
        random::normal({None, 3});
      }),
      "random::normal: shape (None, 3) has a dimension that is not known. Write it as shape(x)[0] of a tensor that "
      "has it, or draw in the shape of a tensor with random::normal_like or random::uniform_like.");
  EXPECT_EQ(message_of([] { random::normal({3}, {.dtype = int32}); }),
            "random::normal: got dtype int32, expected float16, bfloat16, float32 or float64. For integers use "
            "random::randint.");
  EXPECT_THROW(random::normal({3}, {.stddev = -1}), ValueError);
  EXPECT_THROW(random::uniform({3}, {.minval = 2, .maxval = 1}), ValueError);
  EXPECT_THROW(random::uniform({3}, {.minval = 0.5, .maxval = 2, .dtype = int32}), ValueError);
  EXPECT_THROW(random::randint({3}, 5, 5), ValueError);
  EXPECT_THROW(random::randint({3}, 0, 257, {.dtype = uint8}), ValueError);
  EXPECT_EQ(random::randint({3}, 0, 256, {.dtype = uint8}).dtype(), uint8);
}

TEST(Random, TracedProgramsDrawAnewAtEachRun) {
  auto f = function([](const Tensor& x) { return random::normal({3}) + random::uniform_like(x) * 0.f; });
  const Tensor x = zeros({3});
  utils::set_random_seed(14);
  const std::vector<float> a = f(x).to_vector<float>(), b = f(x).to_vector<float>();
  EXPECT_NE(a, b);
  utils::set_random_seed(14);
  EXPECT_EQ(f(x).to_vector<float>(), a);
  auto g = function([](const Tensor& y) { return random::normal({3}, {.seed = 3}) + y; });
  EXPECT_EQ(g(x).to_vector<float>(), g(x).to_vector<float>());
}

}  // namespace
}  // namespace strata
