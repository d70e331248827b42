// Mixed precision against Keras: layers, five steps of a network, and loss scaling.
//
// A bfloat16 has 8 bits and a float16 11, and the two frameworks round at different places, so that one output may
// differ by a rounding or two of the largest number, and gradients and trained weights by a few.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "strata/strata.h"
#include "tests/support/golden.h"

namespace strata::test {
namespace {

using namespace strata::layers;

class PolicyScope {
 public:
  explicit PolicyScope(const std::string& policy) { mixed_precision::set_global_policy(policy); }
  ~PolicyScope() { mixed_precision::set_global_policy("float32"); }
  PolicyScope(const PolicyScope&) = delete;
  PolicyScope& operator=(const PolicyScope&) = delete;
};

double rounding(const std::string& policy) { return policy == "mixed_bfloat16" ? 0x1p-8 : 0x1p-11; }

Layer make_layer(const std::string& target) {
  if (target == "mixed.Dense") return Dense(5, {.activation = "relu"});
  if (target == "mixed.Conv2D") return Conv2D(4, 3, {.padding = "same", .activation = "relu"});
  if (target == "mixed.Conv2D_float32") return Conv2D(4, 3, {.dtype = "float32"});
  if (target == "mixed.DepthwiseConv2D") return DepthwiseConv2D(3);
  if (target == "mixed.BatchNormalization") return BatchNormalization();
  if (target == "mixed.LayerNormalization") return LayerNormalization();
  if (target == "mixed.MaxPooling2D") return MaxPooling2D(2);
  if (target == "mixed.AveragePooling2D") return AveragePooling2D(2);
  if (target == "mixed.GlobalAveragePooling2D") return GlobalAveragePooling2D();
  if (target == "mixed.Softmax") return Activation("softmax");
  if (target == "mixed.Gelu") return Activation("gelu");
  if (target == "mixed.Dropout") return Dropout(0);
  throw ValueError("no test knows how to make '" + target + "'");
}

void expect_all_close(const Tensors& got, const Tensors& want, double tolerance, const std::string& what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  for (std::size_t i = 0; i < want.size(); ++i)
    expect_close(cast(got[i], float32), want[i], tolerance, what + ' ' + std::to_string(i));
}

void check_layer(const GoldenCase& c, const std::string& policy) {
  const PolicyScope scope(policy);
  const Layer layer = make_layer(c.target());
  const Tensor x = c.arrays("inputs")[0];
  layer.build(x.shape());
  for (const Variable& v : layer.weights()) EXPECT_EQ(v.dtype(), float32) << v.path();
  layer.set_weights(c.arrays("weights"));

  // Keras took these gradients without a loss scale: with one of 2^15 the sums here would be too large for a float16.
  const float factor = policy == "mixed_float16" ? 0x1p-12f : 1.f;
  GradientTape tape;
  tape.watch(x);
  const Tensor y = layer(x, training = true);
  const std::string dtype = c.json.at("dtypes")[0];
  EXPECT_EQ(to_string(y.dtype()), dtype);
  const Tensor loss = reduce_sum(cast(y, float32) * c.array(c.json.at("cotangent"))) * factor;
  const std::vector<Variable> weights = layer.trainable_weights();
  Tensors gradients = weights.empty()       ? tape.gradient(loss, {Source(x)})
                      : weights.size() == 1 ? tape.gradient(loss, {Source(x), Source(weights[0])})
                                            : tape.gradient(loss, {Source(x), Source(weights[0]), Source(weights[1])});
  for (Tensor& g : gradients) {
    EXPECT_EQ(g.dtype(), float32);
    g = g / factor;
  }
  const double eps = rounding(policy);
  expect_all_close({y}, c.arrays("outputs"), 2 * eps, "output");
  expect_all_close(gradients, c.arrays("grads"), 4 * eps, "gradient");
  expect_all_close(layer.get_weights(), c.arrays("weights_after"), 2 * eps, "weight");
}

Model network() {
  return Sequential({Input({12, 12, 3}), Conv2D(8, 3, {.strides = 2}), BatchNormalization(), Activation("relu"),
                     Conv2D(12, 3, {.padding = "same", .activation = "relu"}), MaxPooling2D(2), Flatten(),
                     Dense(16, {.activation = "relu"}), Dense(10, {.activation = "softmax", .dtype = "float32"})});
}

enum class Mode { eager, traced, with_passes };

void check_network(const GoldenCase& c, const std::string& policy, Mode mode) {
  const PolicyScope scope(policy);
  const Model model = network();
  const Tensors inputs = c.arrays("inputs");
  model.set_weights(c.arrays("weights"));
  const optimizers::SGD optimizer(0.05);
  auto step = [&](const Tensor& x, const Tensor& y) {
    GradientTape tape;
    const Tensor loss = losses::CategoricalCrossentropy()(y, model(x, training = true));
    optimizer.apply_gradients(tape.gradient(loss, model.trainable_weights()), model.trainable_weights());
    return loss;
  };
  auto compiled =
      function(step, {.disable = mode == Mode::traced ? std::vector<std::string>{"all"} : std::vector<std::string>{}});
  const double eps = rounding(policy);
  // Passes leave out biases that cancel, so results are rounded elsewhere. Rounding the initial weights by half a unit
  // moves these losses by 9 eps.
  const double tolerance = (mode == Mode::with_passes ? 12 : 4) * eps;
  const std::vector<double> want = c.array(c.json.at("losses")).to_vector<double>();
  for (std::size_t i = 0; i < want.size(); ++i) {
    const Tensor loss = mode == Mode::eager ? step(inputs[0], inputs[1]) : compiled(inputs[0], inputs[1]);
    EXPECT_EQ(loss.dtype(), float32);
    EXPECT_NEAR(loss.item<double>(), want[i], tolerance * want[i]) << "loss of step " << i;
  }
  expect_all_close(model.get_weights(), c.arrays("weights_after"), 8 * eps, "weight");
  // Where Keras left a step out, its loss is the one before.
  std::int64_t skipped = 0;
  for (std::size_t i = 1; i < want.size(); ++i) skipped += want[i] == want[i - 1];
  EXPECT_EQ(optimizer.skipped_steps().item<std::int64_t>(), skipped);
  EXPECT_EQ(optimizer.loss_scale().item<float>(),
            policy == "mixed_float16" ? std::ldexp(32768.f, -static_cast<int>(skipped)) : 1.f);
}

float given_gradient(float code) {
  const float infinity = std::numeric_limits<float>::infinity();
  if (code == -1) return std::numeric_limits<float>::quiet_NaN();
  return code == -2 ? infinity : code == -3 ? -infinity : code;
}

void check_loss_scale(const GoldenCase& c) {
  const optimizers::LossScaleOptimizer optimizer(optimizers::Adam(0.1),
                                                 {.initial_scale = 8, .dynamic_growth_steps = 2});
  const Variable w(Tensor{1.f, 2.f}, {.name = "w"});
  const auto codes = c.arrays("inputs")[0].to_vector<float>();
  const auto scales = c.array(c.json.at("scales")).to_vector<float>();
  const auto counters = c.array(c.json.at("counters")).to_vector<std::int32_t>();
  const auto iterations = c.array(c.json.at("iterations")).to_vector<std::int64_t>();
  const Tensors weights = c.arrays("weights");
  for (std::size_t i = 0; i < codes.size(); ++i) {
    optimizer.apply_gradients({Tensor{given_gradient(codes[i]), 1.f}}, {w});
    EXPECT_EQ(optimizer.loss_scale().item<float>(), scales[i]) << i;
    EXPECT_EQ(optimizer.variables()[2].read().item<std::int32_t>(), counters[i]) << i;
    EXPECT_EQ(optimizer.iterations().read().item<std::int64_t>(), iterations[i]) << i;
    expect_close(w.read(), weights[i], 1e-6, "weights after step " + std::to_string(i));
  }
  std::vector<std::string> names;
  for (const Variable& v : optimizer.variables()) names.push_back(v.name());
  EXPECT_EQ(names, c.json.at("variables").get<std::vector<std::string>>());
  EXPECT_EQ(optimizer.skipped_steps().item<std::int64_t>(), 3);
}

// capability: 4.16
TEST(Golden, MixedPrecision) {
  walk_golden("mixed", [](const GoldenCase& c) {
    const std::string policy = c.json.at("policy");
    if (c.target() == "mixed.loss_scale") return check_loss_scale(c);
    if (c.target() != "mixed.network") return check_layer(c, policy);
    for (const Mode mode : {Mode::eager, Mode::traced, Mode::with_passes}) check_network(c, policy, mode);
  });
}

}  // namespace
}  // namespace strata::test
