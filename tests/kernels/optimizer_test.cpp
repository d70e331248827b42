// Updates of many weights at once, against the same one by one.
#include "kernels/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "core/half.h"

namespace strata::kernels {
namespace {

constexpr std::int64_t kSizes[] = {1, 1000, 0, 63, 70001, 17};

struct Weights {
  explicit Weights(unsigned seed) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal;
    for (const std::int64_t n : kSizes)
      for (int array = 0; array < 5; ++array) {
        std::vector<float>& v = arrays.emplace_back(n);
        for (float& x : v) x = array >= 3 ? std::fabs(normal(generator)) : normal(generator);
      }
    for (const std::int64_t n : kSizes) copies.emplace_back(n);
  }
  std::vector<Update> updates(double decay, int slots) {
    std::vector<Update> u;
    for (std::size_t i = 0; i < std::size(kSizes); ++i) {
      const auto at = [&](int array) -> void* { return arrays[5 * i + static_cast<std::size_t>(array)].data(); };
      u.push_back({DType::float32,
                   kSizes[i],
                   at(0),
                   at(1),
                   {slots > 0 ? at(3) : nullptr, slots > 1 ? at(4) : nullptr, nullptr},
                   0.01,
                   decay,
                   copies[i].data(),
                   DType::bfloat16});
    }
    return u;
  }
  std::vector<std::vector<float>> arrays;
  std::vector<std::vector<BFloat16>> copies;
};

// Within the rounding of sums that `before` is a term of.
void expect_close(float found, float wanted, float before, std::size_t i, std::size_t k) {
  ASSERT_NEAR(found, wanted, 5e-7 * std::max(std::abs(wanted), std::abs(before))) << i << " " << k;
}

// `formula(weight, gradient, slot 0, slot 1)` changes them as the update must.
template <class All, class Formula>
void check(double decay, int slots, All&& all, Formula&& formula) {
  Weights w(7), want(7);
  const Weights before(7);
  all(w.updates(decay, slots));
  for (std::size_t i = 0; i < std::size(kSizes); ++i)
    for (std::size_t k = 0; k < static_cast<std::size_t>(kSizes[i]); ++k) {
      float* e[5];
      for (std::size_t a = 0; a < 5; ++a) e[a] = &want.arrays[5 * i + a][k];
      if (decay != 0) *e[0] = *e[0] - *e[0] * float(decay) * 0.01f;
      formula(*e[0], *e[1], *e[3], *e[4]);
      for (const std::size_t a : {0, 3, 4})
        expect_close(w.arrays[5 * i + a][k], *e[a], before.arrays[5 * i + a][k], i, k);
      ASSERT_EQ(w.copies[i][k].bits, BFloat16(w.arrays[5 * i][k]).bits);
    }
}

TEST(OptimizerKernel, AdamOfManyWeights) {
  for (const double decay : {0.0, 0.1})
    check(
        decay, 2,
        [](const std::vector<Update>& u) {
          adam_update_all(u, {0.9, 0.999, 1e-7, 3});
        },
        [](float& w, float g, float& m, float& v) {
          m += (g - m) * float(1 - 0.9);
          v += (g * g - v) * float(1 - 0.999);
          const float alpha = 0.01f * std::sqrt(1 - std::pow(0.999f, 3.f)) / (1 - std::pow(0.9f, 3.f));
          w -= m * alpha / (std::sqrt(v) + 1e-7f);
        });
}

TEST(OptimizerKernel, AdamAtTheEndsOfTheRange) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNaN = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> w(7, 1.f), g = {0, 1e-30f, 1e-12f, 1e15f, 3e19f, kInfinity, kNaN}, m(7), v(7);
  const Update u{DType::float32, 7, w.data(), g.data(), {m.data(), v.data(), nullptr}, 0.01, 0};
  adam_update_all({&u, 1}, {0.9, 0.999, 1e-7, 1});
  EXPECT_EQ(w[0], 1.f);
  EXPECT_EQ(w[1], 1.f);
  EXPECT_NEAR(w[2], 1 - 0.01 * 1e-12 / (1e-12 + 1e-7 / std::sqrt(0.001)), 1e-7);
  EXPECT_FLOAT_EQ(w[3], 0.99f);
  EXPECT_EQ(w[4], 1.f);  // the square is infinite, the step nothing
  EXPECT_TRUE(std::isnan(w[5]));
  EXPECT_TRUE(std::isnan(w[6]));
}

TEST(OptimizerKernel, SgdOfManyWeights) {
  check(
      0, 0,
      [](const std::vector<Update>& u) {
        sgd_update_all(u, {0, false});
      },
      [](float& w, float g, float&, float&) { w -= g * 0.01f; });
  check(
      0.1, 1,
      [](const std::vector<Update>& u) {
        sgd_update_all(u, {0.9, true});
      },
      [](float& w, float g, float& m, float&) {
        m = m * 0.9f - g * 0.01f;
        w += m * 0.9f - g * 0.01f;
      });
}

// One thread updates few small weights, several share many.
TEST(OptimizerKernel, SmallWeightsOfAnyNumber) {
  for (const std::size_t count : {1, 2, 3, 40}) {
    std::vector<float> w(count * 4000, 1.f), g(count * 4000);
    for (std::size_t i = 0; i < g.size(); ++i) g[i] = static_cast<float>(i);
    std::vector<Update> updates;
    for (std::size_t i = 0; i < count; ++i)
      updates.push_back({DType::float32, 4000, &w[i * 4000], &g[i * 4000], {nullptr, nullptr, nullptr}, 0.5, 0});
    sgd_update_all(updates, {0, false});
    for (std::size_t i = 0; i < g.size(); ++i) ASSERT_EQ(w[i], 1 - 0.5f * g[i]) << count << " weights, " << i;
  }
}

TEST(OptimizerKernel, RmspropOfManyWeights) {
  check(
      0, 2,
      [](const std::vector<Update>& u) {
        rmsprop_update_all(u, {0.9, 0.5, 1e-7});
      },
      [](float& w, float g, float& v, float& m) {
        v = 0.9f * v + float(1 - 0.9) * (g * g);
        m = 0.5f * m + 0.01f * g / std::sqrt(v + 1e-7f);
        w -= m;
      });
}

TEST(OptimizerKernel, VanishingMomentsBecomeZero) {
  float weight = 1, gradient = 0, momentum = 1e-38f, velocity = 2e-39f;
  const Update u{DType::float32, 1, &weight, &gradient, {&momentum, &velocity, nullptr}, 0.01, 0};
  adam_update_all({&u, 1}, {0.5, 0.5, 1e-7, 1});
  EXPECT_EQ(momentum, 0);
  EXPECT_EQ(velocity, 0);
  volatile float tiny = 1e-38f;
  EXPECT_NE(tiny / 4, 0) << "outside of updates, small numbers stay";
}

}  // namespace
}  // namespace strata::kernels
