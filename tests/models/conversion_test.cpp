// Models of one style made of those of another, and models that are called on a few samples.
#include <gtest/gtest.h>

#include "strata/strata.h"

namespace strata {
namespace {

using namespace layers;

std::vector<float> values(const Tensor& t) { return t.to_vector<float>(); }

// capability: 8.6
TEST(Conversion, ASequentialIsAFunctionalModelAndBack) {
  const Sequential stack({Input({6}), Dense(5, {.activation = "relu"}), BatchNormalization(), Dense(2)});
  const Tensor x = random::normal({4, 6}, {.seed = 1});
  const Model functional(stack.inputs(), stack.outputs());
  EXPECT_EQ(values(functional(x)), values(stack(x)));
  EXPECT_EQ(functional.weights().size(), stack.weights().size());
  // Part of one, with something more: the weights are shared.
  const Tensor hidden = functional.layers()[1](stack.inputs()[0]);
  const Model features(stack.inputs()[0], hidden);
  EXPECT_EQ(Tensor(features(x)).shape(), (Shape{4, 5}));
  features.weights()[0].assign(zeros({6, 5}));
  EXPECT_EQ(reduce_max(abs(stack.weights()[0].read())).item<float>(), 0);
  // A chain of layers as a Sequential again.
  const Sequential back(functional.layers());
  EXPECT_EQ(values(back(x)), values(stack(x)));
}

// capability: 7.1, 8.7
TEST(Conversion, PredictOverATestSetEqualsCallsOnEachSample) {
  utils::set_random_seed(2);
  const Sequential model({Input({6}), Dense(8, {.activation = "relu"}), BatchNormalization(), Dropout(0.5),
                          Dense(3, {.activation = "softmax"})});
  const Tensor x = random::normal({70, 6}, {.seed = 3});
  const Tensor all = model.predict(x, {.batch_size = 32, .verbose = 0});  // 32, 32 and 6
  EXPECT_EQ(all.shape(), (Shape{70, 3}));
  const Tensor labels = argmax(all, 1);
  EXPECT_EQ(labels.shape(), (Shape{70}));
  auto compiled = function([&](const Tensor& one) -> Tensor { return model(one); });
  for (std::int64_t i : {0, 31, 32, 69}) {
    const Tensor one = x[Slice(i, i + 1)];
    const Tensor direct = model(one), traced = compiled(one), batch = model.predict_on_batch(one);
    for (const Tensor& p : {direct, traced, batch}) {
      EXPECT_LT(reduce_max(abs(p - all[Slice(i, i + 1)])).item<float>(), 1e-6f);
      EXPECT_EQ(argmax(p, 1)[0].item<std::int64_t>(), labels[i].item<std::int64_t>());
    }
  }
}

// capability: 7.8
TEST(Conversion, LabelsHaveNames) {
  const std::vector<std::string> names = {"airplane", "bird", "cat"};
  const Tensor probabilities = {{0.1f, 0.7f, 0.2f}, {0.2f, 0.1f, 0.7f}};
  std::vector<std::string> said;
  for (std::int64_t i : argmax(probabilities, 1).to_vector<std::int64_t>())
    said.push_back(names[static_cast<std::size_t>(i)]);
  EXPECT_EQ(said, (std::vector<std::string>{"bird", "cat"}));
  const auto report = evaluation::classification_report(Tensor{1, 2, 0}, Tensor{1, 2, 2}, {.target_names = names});
  EXPECT_EQ(report["cat"].precision, 0.5);
  EXPECT_EQ(report["airplane"].recall, 0);
}

TEST(Conversion, AnIndexIsARowOfTheOnlyOutputOrOneOfSeveral) {
  const Tensor in = Input({3}), a = Dense(2)(in), b = Dense(4)(in), x = random::normal({5, 3}, {.seed = 1});
  const Model one(in, a), two(in, Tensors{a, b});
  const Tensor all = one(x);
  const auto predictions = one.predict(x, {.verbose = 0});
  EXPECT_EQ(predictions[0].shape(), (Shape{2}));
  EXPECT_EQ(values(predictions[-1]), values(all[4]));
  EXPECT_THROW(predictions[5], IndexError);
  EXPECT_EQ(two(x)[0].shape(), (Shape{5, 2}));
  EXPECT_EQ(two(x)[-1].shape(), (Shape{5, 4}));
  EXPECT_THROW(two(x)[2], IndexError);
  // A variable is an input as a tensor is.
  const Variable image(x);
  EXPECT_EQ(values(one(image)), values(all));
}

}  // namespace
}  // namespace strata
