// Activations, softmax and cross-entropies against their formulas in double.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "strata/activations.h"
#include "strata/array.h"
#include "strata/error.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"
#include "strata/tape.h"
#include "tests/support/gradients.h"
#include "tests/support/op_samples.h"

namespace strata::test {
namespace {

double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }

struct Formula {
  const char* name;
  double (*value)(double x);
};

const Formula kFormulas[] = {
    {"celu", [](double x) { return x > 0 ? x : std::expm1(x); }},
    {"elu", [](double x) { return x > 0 ? x : std::expm1(x); }},
    {"exponential", [](double x) { return std::exp(x); }},
    {"gelu", [](double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }},
    {"hard_shrink", [](double x) { return std::abs(x) > 0.5 ? x : 0; }},
    {"hard_sigmoid", [](double x) { return x < -3  ? 0
                                           : x > 3 ? 1
                                                   : x / 6 + 0.5; }},
    {"hard_silu", [](double x) { return x * (x < -3  ? 0
                                             : x > 3 ? 1
                                                     : x / 6 + 0.5); }},
    {"hard_tanh", [](double x) { return x < -1  ? -1
                                        : x > 1 ? 1
                                                : x; }},
    {"leaky_relu", [](double x) { return x > 0 ? x : 0.2 * x; }},
    {"linear", [](double x) { return x; }},
    {"log_sigmoid", [](double x) { return std::log(sigmoid_of(x)); }},
    {"mish", [](double x) { return x * std::tanh(std::log(1 + std::exp(x))); }},
    {"relu", [](double x) { return x > 0 ? x : 0; }},
    {"relu6", [](double x) { return x < 0   ? 0
                                    : x > 6 ? 6
                                            : x; }},
    {"selu", [](double x) { return 1.05070098735548 * (x > 0 ? x : 1.67326324235437 * std::expm1(x)); }},
    {"sigmoid", sigmoid_of},
    {"silu", [](double x) { return x * sigmoid_of(x); }},
    {"soft_shrink", [](double x) { return x > 0.5    ? x - 0.5
                                          : x < -0.5 ? x + 0.5
                                                     : 0; }},
    {"softplus", [](double x) { return std::log(1 + std::exp(x)); }},
    {"softsign", [](double x) { return x / (1 + std::abs(x)); }},
    {"sparse_plus", [](double x) { return x <= -1 ? 0
                                          : x < 1 ? (x + 1) * (x + 1) / 4
                                                  : x; }},
    {"sparse_sigmoid", [](double x) { return x <= -1  ? 0
                                             : x >= 1 ? 1
                                                      : (x + 1) / 2; }},
    {"squareplus", [](double x) { return (x + std::sqrt(x * x + 4)) / 2; }},
    {"tanh", [](double x) { return std::tanh(x); }},
    {"tanh_shrink", [](double x) { return x - std::tanh(x); }},
};

class Activations : public testing::TestWithParam<Formula> {};

TEST_P(Activations, FollowTheirFormula) {
  const Formula& f = GetParam();
  const ActivationFunction activation = f.name;
  for (const DType dtype : {float64, float32, float16}) {
    const Tensor x = cast(spread({200}, -8, 8), dtype), y = activation(x);
    ASSERT_EQ(y.dtype(), dtype);
    const auto xs = cast(x, float64).to_vector<double>(), ys = cast(y, float64).to_vector<double>();
    const double tolerance = dtype == float64 ? 1e-11 : dtype == float32 ? 2e-6 : 5e-3;
    for (std::size_t i = 0; i < xs.size(); ++i) {
      const double wanted = f.value(xs[i]);
      ASSERT_NEAR(ys[i], wanted, tolerance * std::max(1.0, std::abs(wanted))) << f.name << " at " << xs[i];
    }
  }
}

TEST_P(Activations, HaveGradientsOfBothOrders) {
  const Formula& f = GetParam();
  const ActivationFunction activation = f.name;
  const Tensors x = in_float64({spread({40}, -3.7, 3.8)});
  EXPECT_EQ(compare_gradients([&](const Tensors& in) { return Tensors{activation(in[0])}; }, x), "");
  const auto first = [&](const Tensors& in) {
    GradientTape tape;
    tape.watch(in[0]);
    const Tensor y = activation(in[0]);
    return Tensors{tape.gradient(reduce_sum(y * y * in[0]), in[0])};
  };
  EXPECT_EQ(compare_gradients(first, x, 1e-5), "");
}

INSTANTIATE_TEST_SUITE_P(All, Activations, testing::ValuesIn(kFormulas),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(ActivationOps, StayFiniteFarOut) {
  const Tensor x = {-1e4f, -200.f, 200.f, 1e4f};
  for (const char* name : {"softplus", "log_sigmoid", "silu", "gelu", "elu", "selu", "mish", "sigmoid"}) {
    GradientTape tape;
    tape.watch(x);
    const Tensor y = ActivationFunction(name)(x);
    const Tensor g = tape.gradient(reduce_sum(y), x);
    for (const float v : y.to_vector<float>()) EXPECT_TRUE(std::isfinite(v)) << name;
    for (const float v : g.to_vector<float>()) EXPECT_TRUE(std::isfinite(v)) << name;
  }
}

TEST(ActivationOps, ReluTakesSlopeThresholdAndLimit) {
  const Tensor x = {-2.f, 0.5f, 1.f, 3.f, 9.f};
  EXPECT_EQ(nn::relu(x, {.max_value = 4}).to_vector<float>(), (std::vector<float>{0, 0.5f, 1, 3, 4}));
  EXPECT_EQ(nn::relu(x, {.threshold = 1}).to_vector<float>(), (std::vector<float>{0, 0, 0, 3, 9}));
  EXPECT_EQ(nn::relu(x, {.negative_slope = 0.5, .threshold = 1}).to_vector<float>(),
            (std::vector<float>{-1.5f, -0.25f, 0, 3, 9}));
  EXPECT_EQ(nn::relu(Tensor{-2, 3}).to_vector<std::int32_t>(), (std::vector<std::int32_t>{0, 3}));
  const float low = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(nn::relu(Tensor{low, 1.f}).to_vector<float>()[0], 0);
  EXPECT_THROW(nn::relu(x, {.negative_slope = -1}), ValueError);
  EXPECT_THROW(nn::relu(x, {.max_value = -1}), ValueError);
}

TEST(ActivationOps, GeluHasAnApproximation) {
  const Tensor x = spread({50}, -4, 4);
  const auto xs = x.to_vector<float>(), ys = nn::gelu(x, true).to_vector<float>();
  for (std::size_t i = 0; i < xs.size(); ++i) {
    const double v = xs[i];
    EXPECT_NEAR(ys[i], 0.5 * v * (1 + std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v))), 1e-6);
  }
}

TEST(ActivationOps, GluAndSparsemax) {
  const Tensor y = nn::glu({{1.f, 2.f, 0.f, 100.f}});
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{0.5f, 2}));
  EXPECT_THROW(nn::glu({{1.f, 2.f, 0.f}}), ShapeError);
  EXPECT_EQ(nn::sparsemax({{1.f, 0.5f, -1.f}, {5.f, 0.f, 0.f}}).to_vector<float>(),
            (std::vector<float>{0.75f, 0.25f, 0, 1, 0, 0}));
  const Tensors x = in_float64({spread({3, 6}, -1, 1)});
  EXPECT_EQ(compare_gradients([](const Tensors& v) { return Tensors{nn::sparsemax(v[0]), nn::glu(v[0])}; }, x), "");
}

std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(ActivationHandle, IsMadeOfANameOrACallable) {
  const Tensor x = {-1.f, 2.f};
  EXPECT_EQ(ActivationFunction("relu")(x).to_vector<float>(), (std::vector<float>{0, 2}));
  EXPECT_EQ(ActivationFunction()(x).to_vector<float>(), x.to_vector<float>());
  EXPECT_FALSE(ActivationFunction());
  EXPECT_FALSE(ActivationFunction("linear"));
  EXPECT_EQ(ActivationFunction().name(), "linear");
  const float slope = 3;
  const ActivationFunction own = [slope](const Tensor& v) { return v * slope; };
  EXPECT_TRUE(own);
  EXPECT_EQ(own(x).to_vector<float>(), (std::vector<float>{-3, 6}));
  EXPECT_THROW(own.to_config_value(), ValueError);
  EXPECT_EQ(ActivationFunction("gelu").to_config_value().as_string(), "gelu");
  EXPECT_EQ(ActivationFunction::from_config_value("tanh").name(), "tanh");
  EXPECT_FALSE(ActivationFunction::from_config_value({}));
  const Config config = {{"activation", ActivationFunction("selu")}};
  EXPECT_EQ(config.get<ActivationFunction>("activation").name(), "selu");
  for (const std::string& name : activations::names()) EXPECT_EQ(ActivationFunction(name).name(), name);
}

TEST(ActivationHandle, NamesWhatIsNearAnUnknownName) {
  const std::string text = message([] { ActivationFunction("rellu"); });
  EXPECT_EQ(text.substr(0, text.find(" All")),
            "ActivationFunction: there is none named \"rellu\". Did you mean \"relu\", \"celu\", \"elu\"?");
  EXPECT_NE(message([] { ActivationFunction("nonsense"); }).find("All names: celu elu"), std::string::npos);
}

TEST(Softmax, SumsToOneAlongItsAxis) {
  for (const DType dtype : {float64, float32, bfloat16}) {
    const Tensor x = cast(spread({3, 4, 5}, -6, 6), dtype);
    for (const int axis : {-1, 0, 1, 2}) {
      const Tensor y = nn::softmax(x, axis);
      const Tensor e = exp(cast(x, float64));
      const Tensor wanted = e / reduce_sum(e, axis, {.keepdims = true});
      const auto ys = cast(y, float64).to_vector<double>(), ws = wanted.to_vector<double>(),
                 ls = cast(nn::log_softmax(x, axis), float64).to_vector<double>();
      for (std::size_t i = 0; i < ys.size(); ++i) {
        ASSERT_NEAR(ys[i], ws[i], dtype == float64 ? 1e-14 : dtype == float32 ? 2e-7 : 4e-3);
        ASSERT_NEAR(ls[i], std::log(ws[i]), dtype == float64 ? 1e-13 : dtype == float32 ? 4e-6 : 6e-2);
      }
    }
  }
  EXPECT_EQ(nn::softmax({{1e4f, 0.f}, {-1e4f, -1e4f}}).to_vector<float>(), (std::vector<float>{1, 0, 0.5f, 0.5f}));
  EXPECT_EQ(nn::softmax(zeros({0, 3})).shape(), (Shape{0, 3}));
  EXPECT_THROW(nn::softmax(zeros({2, 3}), 2), IndexError);
  EXPECT_THROW(nn::softmax(zeros({2, 3}, int32)), DTypeError);
}

TEST(Softmax, HasGradientsOfBothOrders) {
  const Tensors x = in_float64({spread({3, 4}, -2, 2)});
  for (const int axis : {0, 1}) {
    const auto first = [&](const Tensors& in) {
      GradientTape tape;
      tape.watch(in[0]);
      const Tensor y = nn::softmax(in[0], axis), l = nn::log_softmax(in[0], axis);
      return Tensors{tape.gradient(reduce_sum(y * y + l * l * l), in[0])};
    };
    EXPECT_EQ(compare_gradients(first, x, 1e-5), "");
  }
}

TEST(CrossEntropy, OfLogitsIsThatOfTheirProbabilities) {
  const Tensor x = cast(spread({4, 5}, -3, 3), float64), labels = nn::softmax(cast(spread({4, 5}, -1, 2), float64));
  const auto wanted = reduce_sum(negative(labels * log(nn::softmax(x))), -1).to_vector<double>();
  const auto found = nn::softmax_cross_entropy_with_logits(labels, x).to_vector<double>();
  const auto narrow = nn::softmax_cross_entropy_with_logits(cast(labels, float32), cast(x, float32)).to_vector<float>();
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(found[i], wanted[i], 1e-13);
    EXPECT_NEAR(narrow[i], wanted[i], 1e-6);
  }
  const Tensor classes = {3, 0, 4, 1};
  const auto sparse = nn::sparse_softmax_cross_entropy_with_logits(classes, x).to_vector<double>();
  const auto dense =
      nn::softmax_cross_entropy_with_logits(one_hot(classes, 5, {.dtype = float64}), x).to_vector<double>();
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(sparse[i], dense[i], 1e-13);
  const auto binary = nn::sigmoid_cross_entropy_with_logits(labels, x).to_vector<double>();
  const auto z = labels.to_vector<double>(), v = x.to_vector<double>();
  for (std::size_t i = 0; i < v.size(); ++i)
    EXPECT_NEAR(binary[i], -z[i] * std::log(sigmoid_of(v[i])) - (1 - z[i]) * std::log(1 - sigmoid_of(v[i])), 1e-12);
}

TEST(CrossEntropy, HasGradientsOfBothOrders) {
  const Tensors in = in_float64({spread({3, 4}, -2, 2), spread({3, 4}, 0.1, 0.9)});
  const Tensor classes = {1, 3, 0};
  const auto losses = [&](const Tensors& v) {
    return Tensors{nn::softmax_cross_entropy_with_logits(v[1], v[0]),
                   nn::sparse_softmax_cross_entropy_with_logits(classes, v[0]),
                   nn::sigmoid_cross_entropy_with_logits(v[1], v[0])};
  };
  EXPECT_EQ(compare_gradients(losses, in), "");
  const auto first = [&](const Tensors& v) {
    GradientTape tape;
    tape.watch(v[0]);
    tape.watch(v[1]);
    const Tensors l = losses(v);
    return tape.gradient(reduce_sum(l[0] * l[0]) + reduce_sum(l[1] * l[1]) + reduce_sum(l[2] * l[2]), {v[0], v[1]});
  };
  EXPECT_EQ(compare_gradients(first, in, 1e-5), "");
}

TEST(CrossEntropy, IsStableAndExplainsBadLabels) {
  const Tensor x = {{1e4f, -1e4f}};
  EXPECT_EQ(nn::sparse_softmax_cross_entropy_with_logits(Tensor{1}, x).to_vector<float>()[0], 2e4f);
  EXPECT_EQ(nn::sigmoid_cross_entropy_with_logits({{0.f, 1.f}}, x).to_vector<float>(),
            (std::vector<float>{1e4f, 1e4f}));
  EXPECT_EQ(message([] {
              nn::sparse_softmax_cross_entropy_with_logits(Tensor{0, 12}, zeros({2, 10}));
            }),
            "sparse_softmax_cross_entropy_with_logits: label 12 at position 1 is no class: logits have 10 classes, so "
            "labels are 0 to 9. Check the labels, or give the last layer more units.");
  EXPECT_THROW(nn::sparse_softmax_cross_entropy_with_logits(Tensor{-1}, zeros({1, 10})), ValueError);
  EXPECT_THROW(nn::sparse_softmax_cross_entropy_with_logits(zeros({2}), zeros({2, 10})), DTypeError);
  EXPECT_THROW(nn::sparse_softmax_cross_entropy_with_logits(Tensor{1}, zeros({2, 10})), ShapeError);
  EXPECT_THROW(nn::softmax_cross_entropy_with_logits(zeros({2, 9}), zeros({2, 10})), ShapeError);
}

TEST(Resize, NearestRepeatsAndBilinearInterpolates) {
  const Tensor x = Tensor::from<float>(std::vector<float>{1, 2, 3, 4}, {1, 2, 2, 1});
  EXPECT_EQ(nn::upsample(x, {2}).to_vector<float>(),
            (std::vector<float>{1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4}));
  EXPECT_EQ(nn::upsample(x, {1, 2}, {.interpolation = "bilinear"}).to_vector<float>(),
            (std::vector<float>{1, 1.25f, 1.75f, 2, 3, 3.25f, 3.75f, 4}));
  EXPECT_EQ(nn::resize(x, {1, 1}, {.interpolation = "bilinear"}).to_vector<float>(), (std::vector<float>{2.5f}));
  EXPECT_EQ(nn::upsample(zeros({2, 3, 4}), {2}).shape(), (Shape{2, 6, 4}));
  EXPECT_EQ(nn::upsample(zeros({2, 3, 4, 5, 1}), {1, 2, 3}).shape(), (Shape{2, 3, 8, 15, 1}));
  EXPECT_EQ(nn::resize(zeros({0, 3, 4, 2}), {5, 6}).shape(), (Shape{0, 5, 6, 2}));
  EXPECT_THROW(nn::resize(x, {2}, {.interpolation = "cubic"}), ValueError);
  EXPECT_THROW(nn::resize(zeros({2, 3}), {2}), ShapeError);
}

Tensor doubled(const Tensor& x) { return x * 2.f; }
Tensor scaled(const Tensor& x, double factor) { return x * factor; }

TEST(ActivationFunction, OfStratasFunctionsByTheirAddress) {
  EXPECT_EQ(ActivationFunction(nn::relu).name(), "relu");
  EXPECT_EQ(ActivationFunction(nn::softmax).name(), "softmax");
  EXPECT_EQ(ActivationFunction(nn::tanh).name(), "tanh");
  EXPECT_EQ(ActivationFunction(strata::sigmoid).name(), "sigmoid");
  EXPECT_EQ(ActivationFunction(nn::gelu)(Tensor{0.f}).item<float>(), 0);
  EXPECT_TRUE(ActivationFunction(doubled).is_callable());
  EXPECT_EQ(ActivationFunction(doubled)(Tensor{3.f}).item<float>(), 6);
  EXPECT_THROW(ActivationFunction{scaled}, ValueError);
}

TEST(Activation, ErfOfFloatsIsExactEverywhere) {
  std::vector<float> x;
  for (int i = -9000; i <= 9000; ++i) x.push_back(static_cast<float>(i) * 1e-3f);
  const Tensor t = Tensor::from(x, {static_cast<std::int64_t>(x.size())});
  const auto erfs = erf(t).to_vector<float>(), erfcs = erfc(t).to_vector<float>(),
             gelus = nn::gelu(t).to_vector<float>();
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double v = static_cast<double>(x[i]), e = std::erf(v), c = std::erfc(v),
                 g = 0.5 * v * std::erfc(-v * std::sqrt(0.5));
    EXPECT_NEAR(erfs[i], e, 3e-7 * std::abs(e)) << v;
    EXPECT_NEAR(erfcs[i], c, 6e-7 * c) << v;
    EXPECT_NEAR(gelus[i], g, 5e-7 * std::abs(v)) << v;
  }
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(erf(Tensor({kInfinity, -kInfinity, 0.0f})).to_vector<float>(), (std::vector<float>{1, -1, 0}));
  EXPECT_EQ(erfc(Tensor({kInfinity, -kInfinity, 0.0f})).to_vector<float>(), (std::vector<float>{0, 2, 1}));
  EXPECT_TRUE(std::isnan(erf(Tensor({std::nanf("")})).to_vector<float>()[0]));
  EXPECT_TRUE(std::isnan(nn::gelu(Tensor({std::nanf("")})).to_vector<float>()[0]));
}

}  // namespace
}  // namespace strata::test
