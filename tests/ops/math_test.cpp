// Element-wise ops: precision, promotion, broadcasting, integers, and the corners of gradients.
#include "strata/math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "strata/array.h"
#include "strata/tape.h"
#include "tests/support/op_samples.h"

namespace strata::test {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
const float kNan = std::nanf("");

std::vector<float> floats(const Tensor& t) { return t.to_vector<float>(); }
using F = std::vector<float>;

struct Precise {
  const char* name;
  Tensor (*function)(const Tensor&);
  double (*exact)(double);
  double low, high;
};
const Precise kPrecise[] = {
    {"exp", exp, std::exp, -80, 88},
    {"expm1", expm1, std::expm1, -20, 88},
    {"expm1 near 0", expm1, std::expm1, -0.01, 0.01},
    {"log", log, std::log, 1e-6, 100},
    {"log near 1", log, std::log, 0.99, 1.01},
    {"log1p", log1p, std::log1p, -0.9999, 100},
    {"log1p near 0", log1p, std::log1p, -0.01, 0.01},
    {"log2", log2, std::log2, 1e-6, 100},
    {"log10", log10, std::log10, 1e-6, 100},
    {"sin", sin, std::sin, -100, 100},
    {"sin far away", sin, std::sin, 29000, 40000},
    {"cos", cos, std::cos, -100, 100},
    {"tan", tan, std::tan, -1.5, 1.5},
    {"sinh", sinh, std::sinh, -88, 88},
    {"cosh", cosh, std::cosh, -88, 88},
    {"tanh", tanh, std::tanh, -20, 20},
    {"tanh near 0", tanh, std::tanh, -0.01, 0.01},
    {"sigmoid", sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, -80, 80},
    {"sqrt", sqrt, std::sqrt, 0, 100},
    {"rsqrt", rsqrt, [](double x) { return 1 / std::sqrt(x); }, 0.001, 100},
    {"erf", erf, std::erf, -4, 4},
    {"floor", floor, std::floor, -10, 10},
    {"ceil", ceil, std::ceil, -10, 10},
    {"round", round, std::nearbyint, -10, 10},
    {"trunc", trunc, std::trunc, -10, 10},
};

TEST(Math, Float32IsWithinOneInAMillion) {
  for (const Precise& p : kPrecise) {
    SCOPED_TRACE(p.name);
    const Tensor x = spread({50001}, p.low, p.high);
    const auto in = floats(x), out = floats(p.function(x));
    for (std::size_t i = 0; i < in.size(); ++i) {
      const double exact = p.exact(in[i]);
      ASSERT_NEAR(out[i], exact, 1e-6 * std::abs(exact) + 1e-38) << "at " << in[i];
    }
  }
}

TEST(Math, NumbersThatAreNotFiniteGoThroughAsInTheCLibrary) {
  const Tensor x = {0.f, -0.f, kInf, -kInf, kNan, 3e38f, -3e38f, 1e-40f, -1.f};
  for (const Precise& p : kPrecise) {
    SCOPED_TRACE(p.name);
    const auto in = floats(x), out = floats(p.function(x));
    for (std::size_t i = 0; i < in.size(); ++i) {
      const auto exact = static_cast<float>(p.exact(in[i]));
      if (std::isnan(exact))
        EXPECT_TRUE(std::isnan(out[i])) << "at " << in[i] << ": " << out[i];
      else if (std::isinf(exact) || exact == 0)
        EXPECT_EQ(out[i], exact) << "at " << in[i];
      else
        EXPECT_NEAR(out[i], exact, 1e-6f * std::abs(exact)) << "at " << in[i];
    }
  }
}

TEST(Math, AnElementDoesNotDependOnItsPlace) {
  const Tensor x = spread({1000}, -5, 5);
  const auto whole = floats(exp(x));
  for (int from : {1, 7, 990}) {
    const auto part = floats(exp(x[Slice(from)]));
    EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + from)) << from;
  }
}

TEST(Math, BareNumbersTakeTheDtypeOfTheTensor) {
  const Tensor halves = zeros({2}, float16), doubles = zeros({2}, float64), ints = zeros({2}, int32),
               bytes = zeros({2}, uint8), bools = zeros({2}, boolean);
  EXPECT_EQ((halves * 2.0).dtype(), float16);
  EXPECT_EQ((2 * halves).dtype(), float16);
  EXPECT_EQ((doubles + 1.f).dtype(), float64);
  EXPECT_EQ((ints + 1).dtype(), int32);
  EXPECT_EQ((ints + std::int64_t{1}).dtype(), int32);
  EXPECT_EQ((ints * 0.5).dtype(), float32);
  EXPECT_EQ((bytes + 1).dtype(), uint8);
  EXPECT_EQ((bools + 1).dtype(), int32);
  EXPECT_EQ((ints + doubles).dtype(), float64);
  EXPECT_EQ((ints + halves).dtype(), float16);
  EXPECT_EQ((halves + zeros({2}, bfloat16)).dtype(), float32);
  EXPECT_EQ((ints / ints).dtype(), float32);
  EXPECT_EQ((ints % 3).dtype(), int32);
}

TEST(Math, GradientsReachWatchedNumbers) {
  const Tensor x = 3.f;
  GradientTape tape;
  tape.watch(x);
  EXPECT_EQ(tape.gradient(x * ones({2}, float64), x).item<float>(), 2.f);
}

TEST(Math, ShapesThatDoNotBroadcastAreNamed) {
  try {
    add(zeros({2, 3}), zeros({4, 3}));
    FAIL();
  } catch (const ShapeError& e) {
    EXPECT_NE(std::string(e.what()).find("add: shapes (2, 3) and (4, 3)"), std::string::npos) << e.what();
  }
  EXPECT_EQ((zeros({2, 1, 3}) + zeros({4, 1})).shape(), Shape({2, 4, 3}));
  EXPECT_EQ((zeros({0, 3}) + zeros({1, 3})).shape(), Shape({0, 3}));
  EXPECT_THROW(zeros({0}) + zeros({2}), ShapeError);
}

TEST(Math, IntegersDivideTowardsMinusInfinityAndWrapAround) {
  const Tensor a = {7, -7, 7, -7}, b = {3, 3, -3, -3};
  EXPECT_EQ(floor_divide(a, b).to_vector<int>(), (std::vector<int>{2, -3, -3, 2}));
  EXPECT_EQ((a % b).to_vector<int>(), (std::vector<int>{1, 2, -2, -1}));
  EXPECT_EQ(floats(cast(a, float32) % cast(b, float32)), (F{1, 2, -2, -1}));
  constexpr int low = std::numeric_limits<int>::min(), high = std::numeric_limits<int>::max();
  const Tensor ends = {low, high};
  EXPECT_EQ((ends + 1).to_vector<int>(), (std::vector<int>{low + 1, low}));
  EXPECT_EQ((ends * 2).to_vector<int>(), (std::vector<int>{0, -2}));
  EXPECT_EQ(floor_divide(ends, -1).to_vector<int>(), (std::vector<int>{low, -high}));
  EXPECT_EQ((ends % -1).to_vector<int>(), (std::vector<int>{0, 0}));
  EXPECT_EQ((-ends).to_vector<int>(), (std::vector<int>{low, -high}));
  EXPECT_EQ(pow(Tensor{3, -2}, Tensor{4, 3}).to_vector<int>(), (std::vector<int>{81, -8}));
  EXPECT_THROW(floor_divide(a, 0), ValueError);
  EXPECT_THROW(a % Tensor({1, 0, 1, 1}), ValueError);
  EXPECT_THROW(pow(a, -1), ValueError);
}

TEST(Math, NanWinsInMaximumAndMinimum) {
  const Tensor a = {kNan, 1.f, 2.f}, b = {1.f, kNan, 3.f};
  for (const Tensor& t : {maximum(a, b), minimum(a, b)}) {
    EXPECT_TRUE(std::isnan(floats(t)[0]));
    EXPECT_TRUE(std::isnan(floats(t)[1]));
  }
  EXPECT_TRUE(std::isnan(clip(Tensor{kNan}, 0.f, 1.f)[0].item<float>()));
}

Tensor gradient_of(Tensor (*f)(const Tensor&), const Tensor& x) {
  GradientTape tape;
  tape.watch(x);
  return tape.gradient(f(x), x);
}

TEST(Math, GradientsAtCornersAreTensorFlows) {
  const Tensor x = {1.f, 2.f, 5.f, 7.f};
  EXPECT_EQ(floats(gradient_of([](const Tensor& t) { return clip(t, 2.f, 5.f); }, x)), (F{0, 1, 1, 0}));
  EXPECT_EQ(floats(gradient_of([](const Tensor& t) { return maximum(t, 2.f); }, x)), (F{0, 1, 1, 1}));
  EXPECT_EQ(floats(gradient_of([](const Tensor& t) { return minimum(2.f, t); }, x)), (F{1, 0, 0, 0}));
  const Tensor zero = {0.f, 0.f};
  EXPECT_EQ(floats(gradient_of(abs, zero)), (F{0, 0}));
  EXPECT_EQ(floats(gradient_of([](const Tensor& t) { return pow(t, 0); }, zero)), (F{0, 0}));
  EXPECT_EQ(floats(gradient_of([](const Tensor& t) { return pow(2.f, t); }, zero))[0], std::log(2.f));
  EXPECT_EQ(floats(gradient_of([](const Tensor& t) { return divide_no_nan(t, zeros_like(t)); }, zero)), (F{0, 0}));
  for (float v : floats(gradient_of([](const Tensor& t) { return clip_by_norm(t, 1.f); }, zero)))
    EXPECT_TRUE(std::isfinite(v));
}

TEST(Math, ClippingByNorms) {
  EXPECT_NEAR(clip_by_norm(Tensor{3.f, 4.f}, 1.f)[0].item<float>(), 0.6f, 1e-7f);
  EXPECT_EQ(floats(clip_by_norm(Tensor{3.f, 4.f}, 10.f)), (F{3, 4}));
  const auto [clipped, had] = clip_by_global_norm({Tensor{3.f, 4.f}, Tensor(), Tensor{12.f}}, 6.5f);
  EXPECT_EQ(had.item<float>(), 13.f);
  EXPECT_EQ(floats(clipped[0]), (F{1.5, 2}));
  EXPECT_FALSE(clipped[1].defined());
  EXPECT_EQ(floats(clipped[2]), (F{6}));
  EXPECT_TRUE(std::isnan(floats(clip_by_global_norm({Tensor{1.f, kInf}}, 1.f).first[0])[0]));
  EXPECT_THROW(global_norm({}), ValueError);
}

// Short rows are put side by side in blocks, long stretched ones are cut into them.
TEST(Math, BroadcastingOfEveryWidth) {
  for (const auto& [rows, columns] :
       {std::pair<std::int64_t, std::int64_t>{300, 7}, {5, 3}, {2, 700}, {1, 257}, {90, 64}})
    for (const DType dtype : {float32, int64, uint8, bfloat16}) {
      const Tensor a = cast(reshape(arange(rows * columns) % 13 + 1, {rows, columns}), dtype);
      const Tensor row = cast(arange(columns) % 5 + 1, dtype),
                   column = cast(reshape(arange(rows) % 7, {rows, 1}), dtype);
      const auto sums = floats(cast(a * row, float32)), flags = floats(cast(greater(column, a), float32)),
                 squares = floats(cast(pow(row, cast(Tensor(2), dtype)), float32));
      const auto x = floats(cast(a, float32)), y = floats(cast(row, float32)), z = floats(cast(column, float32));
      for (std::int64_t i = 0; i < rows * columns; ++i) {
        const auto at = static_cast<std::size_t>(i), r = at / static_cast<std::size_t>(columns),
                   c = at % static_cast<std::size_t>(columns);
        ASSERT_EQ(sums[at], x[at] * y[c]) << to_string(dtype) << " " << columns << " " << i;
        ASSERT_EQ(flags[at], z[r] > x[at] ? 1.f : 0.f) << to_string(dtype) << " " << columns << " " << i;
        ASSERT_EQ(squares[c], y[c] * y[c]);
      }
    }
}

TEST(Math, ChoicesAreBroadcastAndPromoted) {
  const Tensor x = {{-1.f, 2.f}, {3.f, -4.f}};
  EXPECT_EQ(floats(where(x > 0, x, 0)), (F{0, 2, 3, 0}));
  EXPECT_EQ(floats(where(Tensor{true, false}, x, Tensor{{9.f}, {8.f}})), (F{-1, 9, 3, 8}));
  EXPECT_EQ(where(Tensor{true}, Tensor{1}, Tensor{2.5f}).dtype(), float32);
  EXPECT_EQ(nan_to_num(Tensor{kNan, kInf, -kInf, 1.f})[0].item<float>(), 0.f);
  EXPECT_EQ(logical_and(Tensor{1, 0}, Tensor{2, 3}).to_vector<bool>(), (std::vector<bool>{true, false}));
  EXPECT_THROW(bitwise_and(x, x), DTypeError);
}

}  // namespace
}  // namespace strata::test
