// Products of odd sizes, turned or not, against sums in double precision; small and large ones take different ways.
#include "kernels/matmul.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <array>
#include <cmath>
#include <random>

#include "core/half.h"

namespace strata::kernels {
namespace {

template <class T>
std::vector<T> random(std::int64_t size, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<T> v(size);
  for (T& x : v) x = T(std::round(normal(generator) * 8) / 8);
  return v;
}

template <class T>
std::vector<T> product(const MatmulSize& s, const std::vector<T>& a, const std::vector<T>& b) {
  std::vector<T> out(s.m * s.n);
  const std::int64_t zero[] = {0};
  matmul(detail::DTypeOf<T>::value, s, a.data(), zero, b.data(), zero, out.data());
  return out;
}

template <class T>
void check(const MatmulSize& s, double limit) {
  const auto a = random<T>(s.m * s.k, 1), b = random<T>(s.k * s.n, 2);
  const auto out = product(s, a, b);
  double error = 0, norm = 1e-30;
  for (std::int64_t i = 0; i < s.m; ++i)
    for (std::int64_t j = 0; j < s.n; ++j) {
      double sum = 0;
      for (std::int64_t l = 0; l < s.k; ++l)
        sum += double(float(a[s.transpose_a ? l * s.m + i : i * s.k + l])) *
               double(float(b[s.transpose_b ? j * s.k + l : l * s.n + j]));
      error += std::pow(double(float(out[i * s.n + j])) - sum, 2), norm += sum * sum;
    }
  EXPECT_LE(std::sqrt(error / norm), limit) << s.m << " " << s.n << " " << s.k << " " << s.transpose_a << s.transpose_b;
}

TEST(MatmulKernel, EverySizeAndTurn) {
  for (const bool turn_a : {false, true})
    for (const bool turn_b : {false, true})
      for (const auto& [m, n, k] : {std::array{1, 300, 40},
                                    {33, 10, 128},
                                    {97, 49, 33},
                                    {5, 17, 257},
                                    {20, 400, 30},
                                    {50, 128, 31},
                                    {13, 64, 1},
                                    {9, 70, 513},
                                    {60, 32, 784},
                                    {130, 200, 300}}) {
        const MatmulSize s{m, n, k, turn_a, turn_b};
        check<float>(s, 1e-6);
        check<BFloat16>(s, 3e-3);
        check<Float16>(s, 4e-4);
      }
}

TEST(MatmulKernel, LargeProducts) {
  for (const bool turn_b : {false, true}) {
    check<float>({200, 260, 300, false, turn_b}, 1e-6);
    check<BFloat16>({210, 230, 256, true, turn_b}, 3e-3);
    check<Float16>({190, 240, 256, false, turn_b}, 4e-4);
  }
}

TEST(MatmulKernel, RowsDoNotDependOnThreadsOrOtherRows) {
  struct Case {
    MatmulSize size;
    std::array<std::int64_t, 2> rows;  // of parts that take the same way
  };
  for (const auto& [s, parts] : {Case{{70, 130, 90}, {1, 20}},
                                 {{30, 128, 784}, {1, 20}},
                                 {{45, 128, 784}, {32, 40}},
                                 {{70, 100, 785}, {58, 64}}}) {
    auto a = random<float>(s.m * s.k, 1), b = random<float>(s.k * s.n, 2);
    for (float& x : a) x *= 1.1f;  // sums are rounded
    const auto all = product(s, a, b);
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    EXPECT_EQ(product(s, a, b), all);
    omp_set_num_threads(threads);
    for (const std::int64_t rows : parts) {
      const std::vector<float> some(a.begin() + 5 * s.k, a.begin() + (5 + rows) * s.k);
      const auto part = product({rows, s.n, s.k}, some, b);
      EXPECT_TRUE(std::equal(part.begin(), part.end(), all.begin() + 5 * s.n)) << s.k << " " << rows;
    }
  }
}

TEST(MatmulKernel, SubnormalsAreZeroInsideAndStayOutside) {
  const MatmulSize size{20, 16, 32};
  std::vector<float> a(20 * 32, 1e-39f), b(32 * 16, 1.f);
  a[0] = 1;
  const std::vector<float> out = product(size, a, b);
  EXPECT_EQ(out[0], 1);
  EXPECT_EQ(out[16], 0);
  volatile float tiny = 1e-38f;
  EXPECT_NE(tiny / 4, 0);
}

}  // namespace
}  // namespace strata::kernels
