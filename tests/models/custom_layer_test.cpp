#include <gtest/gtest.h>

#include "strata/strata.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

using namespace layers;

using test::message_of;

class Scale : public CustomLayer<Scale> {
 public:
  void build(const Shape& input) const { gain_.create({input.back()}, {.initializer = "ones"}); }
  Tensor call(const Tensor& x) const { return x * gain_; }

 private:
  Variable gain_ = weight("gain");
};

class TwoScales : public CustomLayer<TwoScales> {
 public:
  Tensor call(const Tensor& x) const { return b_(a_(x)); }

 private:
  Scale a_ = track("a", Scale()), b_ = track("b", Scale());
};

// capability: 1.5, 2.3
TEST(CustomLayer, WeightsComeIntoBeingAtTheFirstCall) {
  Scale layer;
  EXPECT_TRUE(layer.weights().empty());
  layer(ones({0, 5}));
  ASSERT_EQ(layer.weights().size(), 1u);
  EXPECT_EQ(layer.weights()[0].shape(), (Shape{5}));
  EXPECT_EQ(layer.count_params(), 5);
}

// capability: 1.5
TEST(CustomLayer, NamesAndPaths) {
  utils::clear_session();
  TwoScales first, second;
  first(ones({1, 2}));
  second(ones({1, 2}));
  EXPECT_EQ(first.name(), "two_scales");
  EXPECT_EQ(second.name(), "two_scales_1");
  EXPECT_EQ(first.weights()[1].path(), "two_scales/b/gain");
  EXPECT_EQ(first.get_layer("a").name(), "a");
  EXPECT_NE(message_of([&] { first.get_layer("c"); }).find("a, b"), std::string::npos);
}

TEST(CustomLayer, CopiesShareAndClonesDoNot) {
  Scale layer, copy = layer;
  layer(ones({1, 3}));
  const Layer erased = layer;
  Scale other = layer.clone();
  other(ones({1, 3}));
  layer.weights()[0].assign(constant(2.f) * ones({3}));
  EXPECT_EQ(copy(ones({1, 3}))[0][0].item<float>(), 2.f);
  EXPECT_EQ(Tensor(erased(ones({1, 3})))[0][0].item<float>(), 2.f);
  EXPECT_EQ(other(ones({1, 3}))[0][0].item<float>(), 1.f);
  copy.trainable = false;
  EXPECT_TRUE(layer.trainable_weights().empty());
  EXPECT_EQ(layer.non_trainable_weights().size(), 1u);
}

TEST(CustomLayer, AnotherInputWidthIsExplained) {
  Dense dense(3, {.name = "head"});
  dense(ones({2, 4}));
  const std::string what = message_of([&] { dense(ones({2, 5})); });
  EXPECT_NE(what.find("'head'"), std::string::npos) << what;
  EXPECT_NE(what.find("(2, 5)"), std::string::npos) << what;
}

class Forgetful : public CustomLayer<Forgetful> {
 public:
  Tensor call(const Tensor& x) const { return dense_(x); }

 private:
  Dense dense_ = Dense(3);
};

TEST(CustomLayer, UntrackedWeightsAreAnErrorWithTheCure) {
  const std::string what = message_of([] { Forgetful()(ones({1, 2})); });
  EXPECT_NE(what.find("track("), std::string::npos) << what;
  EXPECT_NE(what.find("Forgetful"), std::string::npos) << what;
}

class Misnamed : public CustomLayer<Misnamed> {
 public:
  Tensor call(const Tensor& x) const { return dense_(x); }

 private:
  Dense dense_ = track("head", Dense(3, {.name = "tail"}));
};
TEST(CustomLayer, ANameThatSaysOtherwiseIsAnError) {
  EXPECT_NE(message_of([] { Misnamed(); }).find("tail"), std::string::npos);
}

// Three levels, of which only the innermost mentions `training`.
class Innermost : public CustomLayer<Innermost> {
 public:
  Tensor call(const Tensor& x, bool training) const { return training ? x * 2.f : x; }
};
class Middle : public CustomLayer<Middle> {
 public:
  Tensor call(const Tensor& x) const { return stack_(inner_(x)); }

 private:
  Innermost inner_ = track("inner", Innermost());
  Sequential stack_ = track("stack", Sequential({Innermost(), Dropout(1e-9)}));
};
class Outermost : public CustomModel<Outermost> {
 public:
  Tensor call(const Tensor& x) const { return middle_(x) + middle_(x, training = false); }

 private:
  Middle middle_ = track("middle", Middle());
};

// capability: 1.6
TEST(CustomLayer, TrainingReachesNestedLayersByItself) {
  const Outermost model;
  const Tensor x = ones({1, 1});
  EXPECT_EQ(Tensor(model(x)).item<float>(), 2);
  EXPECT_EQ(Tensor(model(x, training = true)).item<float>(), 5);  // 4, and 1 of the call that says false
  const Tensor input = Input({1});
  const Model functional(input, model(input));
  EXPECT_EQ(Tensor(functional(x, training = true)).item<float>(), 5);
  EXPECT_EQ(Tensor(functional(x)).item<float>(), 2);
}

class Heads : public CustomLayer<Heads> {
 public:
  Tensors call(const Tensor& x) const {
    Tensors out;
    for (const Dense& head : heads_) out.push_back(head(x));
    return out;
  }

 private:
  std::vector<Dense> heads_ = track("heads", 3, [](int i) { return Dense(i + 1); });
};

TEST(CustomLayer, ListsOfLayers) {
  Heads heads;
  const Tensors out = heads(ones({2, 4}));
  ASSERT_EQ(out.size(), 3u);
  EXPECT_EQ(out[2].shape(), (Shape{2, 3}));
  EXPECT_EQ(heads.weights().size(), 6u);
  EXPECT_EQ(heads.layers()[1].name(), "heads_1");
}

class Penalized : public CustomLayer<Penalized> {
 public:
  Tensor call(const Tensor& x) const {
    add_loss(reduce_sum(x));
    return dense_(x);
  }

 private:
  Dense dense_ = track("dense", Dense(2, {.kernel_initializer = "ones", .kernel_regularizer = regularizers::L2(0.5)}));
};

// capability: 8.13
TEST(CustomLayer, LossesOfTheLastCallAndOfRegularizers) {
  Penalized layer;
  layer(ones({2, 3}));
  layer(ones({4, 3}));
  const Tensors losses = layer.losses();
  ASSERT_EQ(losses.size(), 2u);
  EXPECT_FLOAT_EQ(losses[0].item<float>(), 12.f);
  EXPECT_FLOAT_EQ(losses[1].item<float>(), 3.f);
}

struct Parts {
  Tensor sum, difference;
  auto fields() { return std::tie(sum, difference); }
};
class Split : public CustomLayer<Split> {
 public:
  Parts call(const Tensor& a, const Tensor& b) const { return {a + b, a - b}; }
};

TEST(CustomLayer, StructsOfTensorsAsResults) {
  const Parts parts = Split()(constant(5.f), constant(3.f));
  EXPECT_EQ(parts.sum.item<float>(), 8.f);
  Tensor a = Input({2}), b = Input({2});
  const Parts symbolic = Split()(a, b);
  Model model(Tensors{a, b}, Tensors{symbolic.difference});
  EXPECT_EQ(Tensor(model({ones({1, 2}), ones({1, 2})}))[0][0].item<float>(), 0.f);
}

struct Opaque {};
class TakesOpaque : public CustomLayer<TakesOpaque> {
 public:
  Tensor call(const Tensor& x, Opaque) const { return x; }
};
TEST(CustomLayer, OtherArgumentsWorkEagerlyAndAreAnErrorOnASymbolicTensor) {
  TakesOpaque layer;
  EXPECT_EQ(layer(constant(1.f), Opaque{}).item<float>(), 1.f);
  EXPECT_NE(message_of([&] { layer(Input({2}), Opaque{}); }).find("neither tensor nor a value"), std::string::npos);
}

TEST(CustomLayer, UnbuiltWeightsAndWrongCountsAreExplained) {
  Dense dense(3);
  EXPECT_NE(message_of([&] { dense.count_params(); }).find("not built"), std::string::npos);
  EXPECT_NE(message_of([&] { dense.set_weights({zeros({2, 3})}); }).find("Build it first"), std::string::npos);
  dense.build({None, 2});
  EXPECT_NE(message_of([&] { dense.set_weights({zeros({2, 4}), zeros({3})}); }).find("(2, 4)"), std::string::npos);
}

// `training` may be declared as the keyword's type, too.
struct KeywordLayer : CustomLayer<KeywordLayer> {
  Tensor call(const Tensor& x, Training training) const { return training.value ? x * 2.f : x; }
};

TEST(CustomLayer, TrainingMayBeDeclaredAsTheKeyword) {
  KeywordLayer layer;
  EXPECT_EQ(layer(ones({1}), training = true).item<float>(), 2);
  EXPECT_EQ(layer(ones({1})).item<float>(), 1);
  EXPECT_EQ(Layer(layer)(ones({1}), training = true).item<float>(), 2);
}

// As in Python: config = super().get_config(); config.update(...).
class Power : public CustomLayer<Power> {
 public:
  explicit Power(int exponent, const std::string& name = {}) : exponent_(exponent) { set_name(name); }
  Tensor call(const Tensor& x) const { return pow(x, float(exponent_)); }
  Config get_config() const {
    Config config = Layer::get_config();
    config.set("exponent", exponent_);
    return config;
  }
  static Power from_config(const Config& config) {
    return Power(config.get<int>("exponent"), config.get<std::string>("name"));
  }

 private:
  int exponent_;
};

TEST(CustomLayer, AConfigurationMayBeginWithItsBases) {
  const Power power(3, "cube");
  for (const Config& config : {power.get_config(), Layer(power).get_config()}) {
    EXPECT_EQ(config.get<int>("exponent"), 3);
    EXPECT_EQ(config.get<std::string>("name"), "cube");
    EXPECT_EQ(config.get<std::string>("dtype"), "float32");
  }
  EXPECT_EQ(power.clone()(ones({1}) * 2.f).item<float>(), 8);
}

TEST(CustomLayer, HandlesOnLayersAndModelsHaveTheirConfiguration) {
  const Sequential model({Input({3}), Dense(2, {.use_bias = false, .name = "small"})});
  EXPECT_EQ(model.get_layer("small").get_config().get<int>("units"), 2);
  EXPECT_FALSE(model.layers()[0].get_config().get<bool>("use_bias"));
  EXPECT_EQ(model.get_config().at("layers").as_list().size(), 2u);
  EXPECT_EQ(
      Model(model.inputs(), model.outputs()).get_config().at("layers").as_list()[1].as_map().get<std::string>("name"),
      "small");
  EXPECT_TRUE(Layer(Scale()).get_config().contains("trainable"));
}

}  // namespace
}  // namespace strata
