#include <gtest/gtest.h>

#include <algorithm>

#include "strata/array.h"
#include "strata/error.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/random.h"
#include "strata/reduce.h"
#include "strata/tape.h"
#include "tests/support/op_samples.h"

namespace strata::test {
namespace {

TEST(Dropout, DropsAtTheRateAndScalesTheRest) {
  const Tensor x = ones({400, 300});
  const auto y = nn::dropout(x, 0.3, {.seed = 5}).to_vector<float>();
  std::size_t kept = 0;
  for (const float v : y) {
    ASSERT_TRUE(v == 0 || v == 1.f / 0.7f);
    kept += v != 0;
  }
  EXPECT_NEAR(static_cast<double>(kept) / 120000, 0.7, 0.006);
}

TEST(Dropout, FollowsItsSeed) {
  const Tensor x = spread({40, 30});
  const auto draw = [&](std::int64_t seed) { return nn::dropout(x, 0.5, {.seed = seed}).to_vector<float>(); };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
  EXPECT_NE(nn::dropout(x, 0.5).to_vector<float>(), nn::dropout(x, 0.5).to_vector<float>());
  EXPECT_EQ(nn::dropout(x, 0).to_vector<float>(), x.to_vector<float>());
}

TEST(Dropout, TheGradientHasTheSameHoles) {
  const Tensor x = spread({6, 50}, 1, 2);
  GradientTape tape;
  tape.watch(x);
  const Tensor y = nn::dropout(x, 0.4);
  const auto g = tape.gradient(reduce_sum(y * Tensor(3.f)), x).to_vector<float>(), ys = y.to_vector<float>();
  for (std::size_t i = 0; i < g.size(); ++i) EXPECT_FLOAT_EQ(g[i], ys[i] == 0 ? 0 : 3 / 0.6f);
}

TEST(Dropout, NoiseShapeDropsWholeChannels) {
  const Tensor x = ones({8, 20, 16});
  for (const Shape& noise : {Shape{8, 1, 16}, Shape{None, 1, None}}) {
    const auto y = nn::dropout(x, 0.5, {.seed = 3, .noise_shape = noise}).to_vector<float>();
    for (std::size_t n = 0; n < 8; ++n)
      for (std::size_t c = 0; c < 16; ++c)
        for (std::size_t i = 1; i < 20; ++i) ASSERT_EQ(y[(n * 20 + i) * 16 + c], y[n * 20 * 16 + c]);
    EXPECT_NE(std::count(y.begin(), y.end(), 0.f), 0);
    EXPECT_NE(std::count(y.begin(), y.end(), 2.f), 0);
  }
}

TEST(Dropout, ExplainsBadArguments) {
  const Tensor x = ones({2, 3});
  EXPECT_THROW(nn::dropout(x, 1), ValueError);
  EXPECT_THROW(nn::dropout(x, -0.1), ValueError);
  EXPECT_THROW(nn::dropout(ones({2, 3}, int32), 0.5), DTypeError);
  EXPECT_THROW(nn::dropout(x, 0.5, {.noise_shape = {2}}), ShapeError);
  EXPECT_THROW(nn::dropout(x, 0.5, {.noise_shape = {2, 2}}), ShapeError);
  EXPECT_EQ(nn::dropout(zeros({0, 4}), 0.5).shape(), (Shape{0, 4}));
}

}  // namespace
}  // namespace strata::test
