// Small whole models against Keras: outputs, gradients, losses of five steps and the weights after them.
#include <gtest/gtest.h>

#include "strata/strata.h"
#include "tests/support/golden.h"

namespace strata::test {
namespace {

using namespace strata::layers;

Model three_apis() {
  Sequential model;
  model.add(Input({28, 28, 3}));
  model.add(Conv2D(32, 3, {.strides = 2, .activation = "relu"}));
  model.add(MaxPooling2D(3));
  model.add(BatchNormalization());
  model.add(Conv2D(64, 3, {.activation = "relu"}));
  model.add(BatchNormalization());
  model.add(Dropout(0));
  model.add(GlobalMaxPooling2D());
  model.add(Dense(10, {.activation = "softmax"}));
  return model;
}

Model branches() {
  const Tensor left = Input({8}, {.name = "left"}), right = Input({8}, {.name = "right"});
  const Dense shared(6, {.activation = "tanh", .name = "shared"});
  const Tensor a = shared(left), b = shared(right);
  Tensor joined = Concatenate()({a, Multiply()({a, b})});
  joined = Add()({joined, Dense(12, {.name = "wide"})(joined)});
  joined = LayerNormalization({.name = "norm"})(joined);
  const Tensor kind = Dense(4, {.activation = "softmax", .name = "kind"})(joined);
  const Tensor size = Dense(1, {.name = "size"})(joined);
  return Model(Tensors{left, right}, Tensors{kind, size});
}

// Like expect_close, for numbers that went through five steps of training.
void expect_all_close(const Tensors& got, const Tensors& want, double tolerance, const std::string& what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  for (std::size_t i = 0; i < want.size(); ++i)
    expect_close(got[i], want[i], tolerance, what + ' ' + std::to_string(i));
}

Tensor loss_of(const Tensors& outputs, const Tensor& labels) {
  Tensor loss = losses::CategoricalCrossentropy()(labels, outputs[0]);
  for (std::size_t i = 1; i < outputs.size(); ++i) loss = loss + reduce_mean(square(outputs[i]));
  return loss;
}

void check_model(const GoldenCase& c, const Model& model) {
  Tensors inputs = c.arrays("inputs");
  const Tensor labels = inputs.back();
  inputs.pop_back();
  model.set_weights(c.arrays("weights"));
  expect_all_close(model(Inputs(inputs), training = false).tensors(), c.arrays("outputs"), 1e-5, "output");

  const std::vector<Variable> variables = model.trainable_weights();
  const optimizers::SGD optimizer(0.05);
  const std::vector<double> want = c.array(c.json.at("losses")).to_vector<double>();
  for (std::size_t step = 0; step < want.size(); ++step) {
    GradientTape tape;
    const Tensor loss = loss_of(model(Inputs(inputs), training = true).tensors(), labels);
    EXPECT_NEAR(loss.item<double>(), want[step], 1e-4 * std::max(1.0, want[step])) << "loss of step " << step;
    const Tensors gradients = tape.gradient(loss, variables);
    if (step == 0) expect_all_close(gradients, c.arrays("trainable_grads"), 1e-4, "gradient");
    optimizer.apply_gradients(gradients, variables);
  }
  expect_all_close(model.get_weights(), c.arrays("weights_after"), 1e-3, "weight");
}

// capability: 1.7
TEST(Golden, Models) {
  walk_golden("models", [](const GoldenCase& c) {
    if (c.target() == "models.three_apis")
      check_model(c, three_apis());
    else if (c.target() == "models.branches")
      check_model(c, branches());
    else
      ADD_FAILURE() << "no test knows how to make '" << c.target() << "'";
  });
}

}  // namespace
}  // namespace strata::test
