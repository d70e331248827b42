// Products of float32 on AMX tiles, where the machine has them: every size and turn against double precision.
#include "kernels/split_gemm.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>
#include <limits>
#include <tuple>

#include "kernels/amx.h"
#include "kernels/matmul.h"
#include "tests/support/random_floats.h"

namespace strata::kernels {
namespace {

using Floats = std::vector<float>;
using test::random_floats;

SplitGemm steps(const MatmulSize& s) {
  return {
      s.m, s.n, s.k, s.transpose_a ? 1 : s.k, s.transpose_a ? s.m : 1, s.transpose_b ? 1 : s.n, s.transpose_b ? s.k : 1,
      s.n};
}

class SplitProduct : public testing::Test {
 protected:
  void SetUp() override {
    if (!amx::available()) GTEST_SKIP() << "this machine has no AMX";
  }
  ~SplitProduct() override { omp_set_num_threads(threads_); }

 private:
  int threads_ = omp_get_max_threads();
};

// The error as a part of the sum of the products' absolute values, which rounding of each sum is bound by.
double largest_error(const SplitGemm& g, const Floats& a, const Floats& b, const Floats& dst) {
  double worst = 0;
  for (std::int64_t i = 0; i < g.m; ++i)
    for (std::int64_t j = 0; j < g.n; ++j) {
      double sum = 0, scale = 0;
      for (std::int64_t l = 0; l < g.k; ++l) {
        const double product = double(a[static_cast<std::size_t>(i * g.a_row + l * g.a_step)]) *
                               double(b[static_cast<std::size_t>(l * g.b_row + j * g.b_step)]);
        sum += product, scale += std::abs(product);
      }
      worst = std::max(worst, std::abs(double(dst[static_cast<std::size_t>(i * g.n + j)]) - sum) / scale);
    }
  return worst;
}

TEST_F(SplitProduct, EverySizeTurnAndNumberOfThreads) {
  constexpr std::tuple<int, int, int> kSizes[] = {
      {1, 1, 1},     {3, 40, 5},     {16, 16, 32},  {17, 15, 31},    {33, 49, 64},   {32, 128, 784}, {48, 20, 513},
      {47, 65, 700}, {784, 128, 32}, {129, 31, 97}, {300, 310, 290}, {40, 600, 650}, {700, 33, 2100}};
  for (const bool turn_a : {false, true})
    for (const bool turn_b : {false, true})
      for (const auto& [m, n, k] : kSizes) {
        const SplitGemm g = steps({m, n, k, turn_a, turn_b});
        const Floats a = random_floats(m * k, 1), b = random_floats(k * n, 2);
        Floats one(static_cast<std::size_t>(m * n)), more = one;
        omp_set_num_threads(1);
        ASSERT_TRUE(split_gemm(g, a.data(), b.data(), one.data()));
        EXPECT_LE(largest_error(g, a, b, one), 4e-7) << m << " " << n << " " << k << " " << turn_a << turn_b;
        for (const int threads : {2, 3}) {
          omp_set_num_threads(threads);
          ASSERT_TRUE(split_gemm(g, a.data(), b.data(), more.data()));
          EXPECT_EQ(more, one) << m << " " << n << " " << k << " " << threads;
        }
      }
}

TEST_F(SplitProduct, EndsRowsWithBiasAndRelu) {
  for (const std::int64_t k : {100, 600, 2500}) {  // at once, in halves, piece by piece
    SplitGemm g = steps({40, 70, k});
    const Floats a = random_floats(g.m * k, 1), b = random_floats(k * g.n, 2), bias = random_floats(g.n, 3);
    Floats plain(static_cast<std::size_t>(g.m * g.n)), ended = plain;
    ASSERT_TRUE(split_gemm(g, a.data(), b.data(), plain.data()));
    g.end = {bias.data(), true};
    ASSERT_TRUE(split_gemm(g, a.data(), b.data(), ended.data()));
    for (std::size_t e = 0; e < plain.size(); ++e) EXPECT_EQ(ended[e], std::max(plain[e] + bias[e % bias.size()], 0.f));
  }
}

TEST_F(SplitProduct, LargeAndSmallNumbers) {
  const SplitGemm g = steps({32, 32, 64});
  for (const float scale : {1e18f, 1e-15f}) {  // squares near the ends of the range
    Floats a = random_floats(g.m * g.k, 1), b = random_floats(g.k * g.n, 2), dst(static_cast<std::size_t>(g.m * g.n));
    for (float& x : a) x *= scale;
    for (float& x : b) x *= scale;
    ASSERT_TRUE(split_gemm(g, a.data(), b.data(), dst.data()));
    EXPECT_LE(largest_error(g, a, b, dst), 4e-7) << scale;
  }
}

TEST_F(SplitProduct, RefusesWhatIsNotFinite) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();
  for (const bool turn : {false, true})
    for (const float bad : {kInfinity, -kInfinity, kNan})
      for (const bool in_a : {false, true}) {
        const SplitGemm g = steps({50, 45, 70, turn, turn});
        Floats a = random_floats(g.m * g.k, 1), b = random_floats(g.k * g.n, 2),
               dst(static_cast<std::size_t>(g.m * g.n));
        Floats& factor = in_a ? a : b;
        for (const std::size_t at : {std::size_t{0}, factor.size() / 2, factor.size() - 1}) {
          const float good = factor[at];
          factor[at] = bad;
          EXPECT_FALSE(split_gemm(g, a.data(), b.data(), dst.data())) << turn << bad << in_a << at;
          factor[at] = good;
        }
      }
}

// Products as users see them keep infinities: one row has one, the others are as without it.
TEST_F(SplitProduct, MatmulMultipliesInfinities) {
  const MatmulSize s{64, 64, 64};
  ASSERT_TRUE(split_gemm_pays(s.m, s.n, s.k));
  Floats a = random_floats(s.m * s.k, 1), b = random_floats(s.k * s.n, 2), dst(static_cast<std::size_t>(s.m * s.n));
  a[5] = std::numeric_limits<float>::infinity();
  const std::int64_t zero[] = {0};
  matmul(DType::float32, s, a.data(), zero, b.data(), zero, dst.data());
  for (std::size_t j = 0; j < 64; ++j) EXPECT_EQ(dst[j], b[5 * 64 + j] > 0 ? a[5] : -a[5]);
  a[5] = 0;
  for (std::size_t j = 0; j < 64; ++j) dst[j] = 0;
  EXPECT_LE(largest_error(steps({63, 64, 64}), Floats(a.begin() + 64, a.end()), b, Floats(dst.begin() + 64, dst.end())),
            4e-7);
}

}  // namespace
}  // namespace strata::kernels
