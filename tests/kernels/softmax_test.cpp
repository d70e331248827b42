// Softmax and cross-entropies of few classes, which fit a vector register, and of many, against double precision.
#include "kernels/softmax.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace strata::kernels {
namespace {

struct Lines {
  Lines(std::int64_t classes, unsigned seed) : classes(classes) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal(0, 3);
    std::uniform_real_distribution<float> uniform;
    for (std::int64_t i = 0; i < kRows * classes; ++i) {
      logits.push_back(normal(generator));
      labels.push_back(uniform(generator));
    }
    for (std::int64_t r = 0; r < kRows; ++r) dloss.push_back(normal(generator));
  }
  static constexpr std::int64_t kRows = 70;
  std::int64_t classes;
  std::vector<float> logits, labels, dloss;
};

TEST(SoftmaxKernel, AnyNumberOfClasses) {
  for (const std::int64_t classes : {1, 2, 3, 7, 8, 9, 10, 15, 16, 17, 100}) {
    const Lines in(classes, 1);
    const std::size_t all = in.logits.size();
    std::vector<float> y(all + 1, -5.f), dx(all + 1, -5.f), loss(Lines::kRows + 1, -5.f);
    softmax(DType::float32, Lines::kRows, classes, 1, in.logits.data(), y.data());
    softmax_cross_entropy(DType::float32, Lines::kRows, classes, in.labels.data(), in.logits.data(), loss.data());
    softmax_cross_entropy_grad(DType::float32, Lines::kRows, classes, in.labels.data(), in.logits.data(),
                               in.dloss.data(), dx.data());
    for (std::int64_t r = 0; r < Lines::kRows; ++r) {
      const auto at = [&](std::int64_t i) { return static_cast<std::size_t>(r * classes + i); };
      double sum = 0, labels = 0, wanted_loss = 0;
      for (std::int64_t i = 0; i < classes; ++i) sum += std::exp(double(in.logits[at(i)])), labels += in.labels[at(i)];
      for (std::int64_t i = 0; i < classes; ++i) {
        const double p = std::exp(double(in.logits[at(i)])) / sum;
        wanted_loss -= in.labels[at(i)] * std::log(p);
        ASSERT_NEAR(y[at(i)], p, 1e-6 * p + 1e-12) << classes << " classes, line " << r;
        const double d = in.dloss[static_cast<std::size_t>(r)];
        ASSERT_NEAR(dx[at(i)], (p * labels - in.labels[at(i)]) * d, 2e-6 * std::abs(d) * labels) << classes;
      }
      ASSERT_NEAR(loss[static_cast<std::size_t>(r)], wanted_loss, 1e-6 * std::abs(wanted_loss) + 1e-6) << classes;
    }
    EXPECT_EQ(y[all], -5);
    EXPECT_EQ(dx[all], -5);
    EXPECT_EQ(loss[Lines::kRows], -5);
  }
}

TEST(SoftmaxKernel, WhatIsNoNumberStaysInItsLine) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();
  for (const std::int64_t classes : {4, 40}) {
    std::vector<float> x(static_cast<std::size_t>(5 * classes), 1.f), y(x.size());
    const auto line = [&](std::vector<float>& v, std::int64_t l) { return v.data() + l * classes; };
    line(x, 1)[2] = kNan;
    line(x, 2)[1] = kInf;
    line(x, 3)[0] = -kInf;
    softmax(DType::float32, 5, classes, 1, x.data(), y.data());
    for (std::int64_t i = 0; i < classes; ++i) {
      EXPECT_FLOAT_EQ(line(y, 0)[i], 1 / float(classes));
      EXPECT_TRUE(std::isnan(line(y, 1)[i])) << classes << " classes, " << line(y, 1)[i];
      EXPECT_FLOAT_EQ(line(y, 3)[i], i == 0 ? 0 : 1 / float(classes - 1));
      EXPECT_FLOAT_EQ(line(y, 4)[i], 1 / float(classes));
    }
    EXPECT_TRUE(std::isnan(line(y, 2)[1])) << classes << " classes, " << line(y, 2)[1];
  }
}

// A network that is sure of its answers would compute its gradients from numbers that cost a hundred times as much.
TEST(SoftmaxKernel, ProbabilitiesAreNeverSubnormal) {
  for (const std::int64_t classes : {2, 40}) {
    std::vector<float> x(static_cast<std::size_t>(classes)), label(x.size()), y(x.size()), dx(x.size());
    for (std::int64_t i = 0; i < classes; ++i) x[static_cast<std::size_t>(i)] = i == 0 ? 0 : -90;
    label[0] = 1;
    const float dloss = 1e-3f;
    softmax(DType::float32, 1, classes, 1, x.data(), y.data());
    softmax_cross_entropy_grad(DType::float32, 1, classes, label.data(), x.data(), &dloss, dx.data());
    EXPECT_EQ(y[0], 1);
    for (const auto& v : {y, dx})
      for (const float p : v) EXPECT_NE(std::fpclassify(p), FP_SUBNORMAL) << p << " of " << classes;
  }
}

}  // namespace
}  // namespace strata::kernels
