// The blocks of examples/mini_inception.h, looked at as a user does: weights, building, names, symbolic calls.
#include "examples/mini_inception.h"

#include <gtest/gtest.h>

#include <set>

namespace strata {
namespace {

using Names = std::vector<std::string>;

Shape shape_after(const Layer& layer, const Shape& input) { return Tensor(layer(zeros(input))).shape(); }

// capability: 2.1
TEST(MiniInceptionBlocks, JoinBranchesAndMakeSmaller) {
  EXPECT_EQ(shape_after(ConvModule(96, {3, 3}, {1, 1}), {1, 32, 32, 3}), (Shape{1, 32, 32, 96}));
  EXPECT_EQ(shape_after(InceptionModule(32, 48), {2, 8, 8, 3}), (Shape{2, 8, 8, 80}));
  EXPECT_EQ(shape_after(DownsampleModule(80), {2, 32, 32, 16}), (Shape{2, 15, 15, 96}));
  EXPECT_EQ(shape_after(MiniInception(7), {0, 32, 32, 3}), (Shape{0, 7}));
  // ReLU comes last, so nothing is negative; of the pool's half neither.
  const Tensor x = random::normal({1, 9, 9, 4}, {.seed = 1});
  const Tensor joined = DownsampleModule(5)(x), pooled = MaxPooling2D(3, {.strides = 2})(x);
  const Tensor left = joined[{Ellipsis, Slice(0, 5)}];
  EXPECT_GE(reduce_min(left).item<float>(), 0);
  const Tensor right = joined[{Ellipsis, Slice(5, None)}];
  EXPECT_EQ(right.to_vector<float>(), pooled.to_vector<float>());
}

// capability: 2.2, 2.3, 2.4
TEST(MiniInceptionBlocks, WeightsComeWithTheFirstCallEvenOfAnEmptyBatch) {
  const ConvModule module(96, {3, 3}, {1, 1});
  EXPECT_TRUE(module.weights().empty());
  EXPECT_FALSE(module.built());
  EXPECT_EQ(Tensor(module(ones({0, 32, 32, 3}))).shape(), (Shape{0, 32, 32, 96}));
  EXPECT_TRUE(module.built());
  EXPECT_EQ(module.weights().size(), 6u);
  EXPECT_EQ(module.trainable_weights().size(), 4u);
  EXPECT_EQ(module.non_trainable_weights().size(), 2u);
  Names names;
  for (const Variable& w : module.weights()) names.push_back(w.name());
  EXPECT_EQ(names, (Names{"kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance"}));
}

// capability: 2.5
TEST(MiniInceptionBlocks, BuildTakesAnOpenOrAFullShape) {
  for (const Shape& shape : {Shape{None, 32, 32, 3}, Shape{50, 32, 32, 3}}) {
    const MiniInception model(10);
    EXPECT_TRUE(model.weights().empty());
    model.build(shape);
    EXPECT_EQ(model.count_params(), 1656250);
    EXPECT_EQ(shape_after(model, {0, 32, 32, 3}), (Shape{0, 10}));
  }
}

// capability: 2.6
TEST(MiniInceptionBlocks, NamesAreMadeAndUnique) {
  utils::clear_session();
  const ConvModule first(1, {1, 1}, {1, 1}), second(1, {1, 1}, {1, 1}), third(1, {1, 1}, {1, 1});
  EXPECT_EQ((Names{first.name(), second.name(), third.name()}),
            (Names{"conv_module", "conv_module_1", "conv_module_2"}));
  EXPECT_EQ(Dense(1).name(), "dense");
  EXPECT_EQ(Dense(1).name(), "dense_1");
  const Tensor a = Input({4}), b = Input({4});
  EXPECT_EQ(Model({a, b}, a + b).input_names(), (Names{"input_1", "input_2"}));
  const MiniInception model(10);
  model.build({None, 32, 32, 3});
  std::set<std::string> paths;
  for (const Variable& w : model.weights()) paths.insert(w.path());
  EXPECT_EQ(paths.size(), model.weights().size());
  EXPECT_TRUE(paths.contains("mini_inception/inception_block8/conv2/bn/gamma"));
}

// capability: 2.8
TEST(MiniInceptionBlocks, CallTakesASymbolicInput) {
  const MiniInception model(10);
  const Tensor input = Input({32, 32, 3});
  const Tensor output = model.call(input);
  EXPECT_EQ(output.shape(), (Shape{None, 10}));
  const Model functional(input, output);
  EXPECT_EQ(functional.layers().size(), 1 + model.layers().size());  // with the InputLayer
  const Tensor x = random::normal({1, 32, 32, 3}, {.seed = 2});
  EXPECT_EQ(Tensor(functional(x)).to_vector<float>(), Tensor(model(x)).to_vector<float>());
  EXPECT_EQ(model.build_graph({32, 32, 3}).weights().size(), model.weights().size());
}

// Arguments besides the first: a tensor that may be missing, numbers, texts, and `training`.
class Mixing : public CustomModel<Mixing> {
 public:
  Tensor call(const Tensor& x, const std::optional<Tensor>& other, double share, const std::string& how,
              bool training) const {
    const Tensor y = dense_(x);
    if (!other) return y;
    const Tensor mixed = how == "sum" ? y + *other * share : y * (*other * share);
    return training ? mixed * 100.f : mixed;
  }

 private:
  Dense dense_ = track("dense", Dense(2, {.kernel_initializer = "ones"}));
};

// capability: 2.10
TEST(MiniInceptionBlocks, CallTakesFurtherArguments) {
  const Mixing model;
  const Tensor x = ones({1, 3}), other = ones({1, 2}) * 4.f;
  const std::optional<Tensor> none;
  const auto first = [](const Tensor& t) { return t[0][0].item<float>(); };
  EXPECT_EQ(first(model(x, none, 0.5, "sum")), 3);
  EXPECT_EQ(first(model(x, other, 0.5, "sum")), 5);
  EXPECT_EQ(first(model(x, other, 0.5, "product")), 6);
  EXPECT_EQ(first(model(x, other, 0.5, "sum", training = true)), 500);
  // A functional model keeps them.
  const Tensor a = Input({3}), b = Input({2});
  const Model functional({a, b}, model(a, b, 0.25, "product"));
  EXPECT_EQ(first(functional({x, other})), 3);
}

// capability: 2.11
TEST(MiniInceptionBlocks, ThereAreSeveralWaysToMakePicturesSmaller) {
  const Shape input = {2, 8, 8, 3};
  EXPECT_EQ(shape_after(Conv2D(5, 3, {.strides = 2, .padding = "same"}), input), (Shape{2, 4, 4, 5}));
  EXPECT_EQ(shape_after(Conv2D(5, 3, {.strides = 2}), input), (Shape{2, 3, 3, 5}));
  EXPECT_EQ(shape_after(MaxPooling2D(2), input), (Shape{2, 4, 4, 3}));
  EXPECT_EQ(shape_after(AveragePooling2D({4, 8}), input), (Shape{2, 2, 1, 3}));
  EXPECT_EQ(shape_after(GlobalMaxPooling2D(), input), (Shape{2, 3}));
  EXPECT_EQ(shape_after(GlobalAveragePooling2D(), input), (Shape{2, 3}));
}

}  // namespace
}  // namespace strata
