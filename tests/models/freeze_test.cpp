// Frozen models: equal to the model, constant, safe with threads, without allocations, and clear about what is wrong.
#include "strata/freeze.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "strata/strata.h"
#include "tests/support/errors.h"
#include "tests/support/op_samples.h"

namespace strata {
namespace {

using namespace layers;
using test::spread;

double largest_difference(const Tensor& a, const Tensor& b) {
  return reduce_max(abs(cast(a, float32) - cast(b, float32))).item<double>();
}

// Weights and statistics that are not the initial ones.
void shake(const Model& model) {
  Tensors values;
  for (const Tensor& t : model.get_weights()) {
    const Tensor some = spread(t.shape(), -0.4, 0.5);
    values.push_back(t.rank() == 1 ? abs(some) + 0.3f : some);
  }
  model.set_weights(values);
}

Tensor conv_block(const Tensor& x, int filters, int kernel, int strides = 1) {
  Tensor y = Conv2D(filters, kernel, {.strides = strides, .padding = "same"})(x);
  y = BatchNormalization()(y);
  return Activation("relu")(y);
}

Model inception() {
  const Tensor in = Input({12, 12, 3});
  Tensor x = conv_block(in, 16, 3);
  x = Concatenate()({conv_block(x, 16, 1), conv_block(x, 24, 3)});
  x = Concatenate()({conv_block(x, 20, 3, 2), MaxPooling2D(3, {.strides = 2, .padding = "same"})(x)});
  x = Concatenate()({conv_block(x, 8, 1), x, AveragePooling2D(3, {.strides = 1, .padding = "same"})(x)});
  x = Dense(10, {.activation = "softmax"})(GlobalAveragePooling2D()(x));
  Model model(in, x);
  shake(model);
  return model;
}

Model residual() {
  const Tensor in = Input({10, 10, 4});
  Tensor x = Conv2D(8, 3, {.padding = "same", .use_bias = false})(in);
  const Tensor shortcut = x;
  x = DepthwiseConv2D(3, {.padding = "same"})(Activation("relu")(BatchNormalization()(x)));
  x = BatchNormalization({.scale = false})(x);
  x = Add()({x, shortcut});
  x = Conv2DTranspose(6, 3, {.strides = 2, .activation = "relu"})(x);
  x = SeparableConv2D(5, 3)(x);
  x = Flatten()(MaxPooling2D(2)(x));
  x = BatchNormalization()(Dense(12)(x));
  Model model(in, {Dense(3, {.activation = "sigmoid"})(x), Dense(4, {.activation = "gelu"})(x)});
  shake(model);
  return model;
}

TEST(Freeze, EqualsTheModel) {
  for (const int batch : {1, 5}) {
    const Model model = inception();
    const Tensor x = spread({batch, 12, 12, 3});
    const FrozenModel f = model.freeze(x.shape());
    EXPECT_EQ(f.output_shape(), Shape({batch, 10}));
    EXPECT_LT(largest_difference(f(x), model(x)), 1e-5);
    std::vector<float> in = x.to_vector<float>(), out(f.output_size());
    f(in, out);
    EXPECT_LT(largest_difference(Tensor::from<float>(out, f.output_shape()), model(x)), 1e-5);
  }
}

TEST(Freeze, TakesModelsOfManyKindsAndOutputs) {
  const Model model = residual();
  const Tensor x = spread({2, 10, 10, 4});
  const Outputs expected = model(x), found = model.freeze({2, 10, 10, 4})(x);
  ASSERT_EQ(found.names(), expected.names());
  for (std::size_t i = 0; i < 2; ++i)
    EXPECT_LT(largest_difference(found.tensors()[i], expected.tensors()[i]), 2e-5) << i;

  const Sequential words({Input({6}, {.dtype = "int32"}), Embedding(20, 8), LSTM(5), Dense(2)});
  const Tensor ids = cast(spread({3, 6}, 0, 20), int32);
  const FrozenModel f = words.freeze({3, 6});
  EXPECT_EQ(f.input_dtype(), int32);
  EXPECT_LT(largest_difference(f(ids), words(ids)), 1e-6);

  const Tensor a = Input({3}), b = Input({4});
  const Model two({a, b}, Dense(2)(Concatenate()({Dense(5)(a), b})));
  const Tensor left = spread({2, 3}), right = spread({2, 4});
  EXPECT_LT(largest_difference(two.freeze({{2, 3}, {2, 4}})({left, right}), two({left, right})), 1e-6);
}

struct Branching : CustomModel<Branching> {
  Dense one = track("one", Dense(4, {.activation = "relu"})), two = track("two", Dense(4));
  Tensor call(const Tensor& x) const {
    const Tensor y = one(x);
    return y + two(y);
  }
};

TEST(Freeze, TakesSubclassedModels) {
  const Branching model;
  const Tensor x = spread({3, 5});
  const Tensor expected = model(x);
  EXPECT_LT(largest_difference(model.freeze(x.shape())(x), expected), 1e-6);
}

TEST(Freeze, KeepsItsWeights) {
  const Sequential model({Input({4}), Dense(3)});
  const Tensor x = spread({2, 4});
  const FrozenModel f = model.freeze({2, 4});
  const Tensor before = f(x);
  shake(model);
  EXPECT_EQ(largest_difference(f(x), before), 0);
  EXPECT_GT(largest_difference(model(x), before), 0.01);
}

TEST(Freeze, ComputesInSixteenBits) {
  const Model model = inception();
  const Tensor x = spread({2, 12, 12, 3}), exact = model(x);
  for (const DType dtype : {bfloat16, float16}) {
    const FrozenModel f = model.freeze(x.shape(), {.dtype = dtype});
    EXPECT_EQ(f.output_dtype(), float32);
    EXPECT_NE(f.explain().find("fused_conv(%"), std::string::npos);
    EXPECT_NE(f.explain().find(": " + to_string(dtype) + "(2, 12, 12, 16) = fused_conv"), std::string::npos)
        << f.explain();
    const double difference = largest_difference(f(x), exact);
    EXPECT_LT(difference, 0.03) << dtype;
    EXPECT_GT(difference, 0) << dtype;
  }
}

TEST(Freeze, FollowsTheLayersPolicy) {
  mixed_precision::set_global_policy("mixed_bfloat16");
  const Model model = inception();
  mixed_precision::set_global_policy("float32");
  const Tensor x = spread({2, 12, 12, 3});
  const FrozenModel f = model.freeze(x.shape());
  EXPECT_NE(f.explain().find(": bfloat16(2, 12, 12, 16) = fused_conv"), std::string::npos) << f.explain();
  EXPECT_LT(largest_difference(f(x), model(x)), 0.05);
  EXPECT_THROW(model.freeze(x.shape(), {.dtype = float32}), DTypeError);
}

TEST(Freeze, PassesCanBeSwitchedOff) {
  const Model model = inception();
  const Tensor x = spread({2, 12, 12, 3});
  const FrozenModel all = model.freeze(x.shape());
  EXPECT_EQ(all.explain().find("batch_normalization("), std::string::npos) << all.explain();
  const FrozenModel none = model.freeze(x.shape(), {.disable = {"all"}});
  EXPECT_NE(none.explain().find("batch_normalization("), std::string::npos);
  EXPECT_EQ(none.explain().find("fused_conv("), std::string::npos);
  EXPECT_LT(largest_difference(none(x), model(x)), 1e-6);  // kernels may be others where weights are constant
  for (const char* pass : {"fold_batch_norm", "fuse_bias_relu", "fold_constants"})
    EXPECT_LT(largest_difference(model.freeze(x.shape(), {.disable = {pass}})(x), model(x)), 1e-5) << pass;
  EXPECT_THROW(model.freeze(x.shape(), {.disable = {"no_such_pass"}}), ValueError);
}

TEST(Freeze, TakesAnyNumberOfCallersAtOnce) {
  const Model model = inception();
  const FrozenModel f = model.freeze({1, 12, 12, 3}, {.threads = 1});
  constexpr int kThreads = 6, kCalls = 20;
  std::vector<std::vector<float>> in, expected;
  for (int t = 0; t < kThreads; ++t) {
    in.push_back(spread({1, 12, 12, 3}, -1, 0.2 + t).to_vector<float>());
    expected.emplace_back(f.output_size());
    f(in.back(), expected.back());
  }
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      std::vector<float> out(f.output_size());
      for (int i = 0; i < kCalls; ++i) {
        f(in[t], out);
        if (out != expected[t]) ++wrong;
      }
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Freeze, LargeBatchesRunInParts) {
  const Tensor in = Input({32, 32, 8});
  Tensor x = conv_block(in, 16, 3);
  x = Concatenate()(
      {conv_block(x, 16, 1), conv_block(x, 24, 3), MaxPooling2D(3, {.strides = 1, .padding = "same"})(x)});
  const Model model(in, Dense(10, {.activation = "softmax"})(Flatten()(AveragePooling2D(8)(x))));
  shake(model);
  const Tensor samples = spread({64, 32, 32, 8}, -1, 1), expected = model(samples);
  const FrozenModel frozen = model.freeze({64, 32, 32, 8}, {.threads = 2});
  EXPECT_NE(frozen.explain().find("samples at a time by each"), std::string::npos) << frozen.explain();
  EXPECT_GT(largest_difference(slice(expected, {0, 0}, {63, 10}), slice(expected, {1, 0}, {63, 10})), 0.3);
  EXPECT_LT(largest_difference(frozen(samples), expected), 1e-4);
  EXPECT_LT(largest_difference(frozen(samples, {.threads = 1}), expected), 1e-4);
  const FrozenModel half = model.freeze({64, 32, 32, 8}, {.dtype = bfloat16, .threads = 2});
  EXPECT_LT(largest_difference(half(samples), expected), 0.2);
}

TEST(Freeze, ThreadsOfACall) {
  const Model model = inception();
  const Tensor x = spread({2, 12, 12, 3});
  const FrozenModel f = model.freeze(x.shape());
  const int before = utils::get_num_threads();
  EXPECT_LT(largest_difference(f(x, {.threads = 1}), f(x, {.threads = 2})), 1e-5);
  EXPECT_EQ(utils::get_num_threads(), before);
  EXPECT_NE(f.explain().find("with 1 thread\n"), std::string::npos);
  EXPECT_THROW(f(x, {.threads = -1}), ValueError);
}

using test::message_of;

struct DecidesByValue : CustomModel<DecidesByValue> {
  Tensor call(const Tensor& x) const { return reduce_sum(x).item<float>() > 0 ? x : negative(x); }
};
struct Counts : CustomModel<Counts> {
  Variable calls = state_weight("calls");
  void build(const Shape&) const { calls.create({}, {.trainable = false}); }
  Tensor call(const Tensor& x) const {
    calls.assign_add(1.f);
    return x;
  }
};
struct Picks : CustomModel<Picks> {
  Tensor call(const Tensor& x) const { return boolean_mask(x, x > 0.f); }
};

TEST(Freeze, SaysWhatIsWrong) {
  const Sequential unbuilt({Dense(3)});
  EXPECT_NE(message_of([&] { unbuilt.freeze({1, 4}); }).find("has not been built"), std::string::npos);
  const Sequential model({Input({4}), Dense(3)});
  EXPECT_NE(message_of([&] { model.freeze({None, 4}); }).find("is None"), std::string::npos);
  EXPECT_NE(message_of([&] {
              model.freeze({1, 5});
            }).find("takes inputs of shape (None, 4), but received (1, 5)"),
            std::string::npos);
  EXPECT_NE(message_of([&] { model.freeze({4}); }).find("the batch included"), std::string::npos);
  EXPECT_NE(message_of([&] { model.freeze({{1, 4}, {1, 4}}); }).find("has 1 inputs"), std::string::npos);
  EXPECT_THROW(model.freeze({1, 4}, {.dtype = int32}), DTypeError);
  EXPECT_THROW(model.freeze({1, 4}, {.threads = -2}), ValueError);
  EXPECT_THROW(model.freeze({1, 4}, {.input_dtypes = {float32, float32}}), ValueError);

  const FrozenModel f = model.freeze({1, 4});
  EXPECT_NE(message_of([&] { f(zeros({2, 4})); }).find("has shape (2, 4). Expected (1, 4)"), std::string::npos);
  EXPECT_THROW(f(zeros({1, 4}, float64)), DTypeError);
  EXPECT_THROW(f({zeros({1, 4}), zeros({1, 4})}), ValueError);
  EXPECT_THROW(f(Tensor()), ValueError);
  EXPECT_THROW(f(Input({4})), SymbolicError);
  std::vector<float> in(4), out(2);
  EXPECT_NE(message_of([&] { f(in, out); }).find("Expected 4 for (1, 4) and 3 for (1, 3)"), std::string::npos);
  EXPECT_THROW(f.run({}, {}), ValueError);

  const DecidesByValue decides;
  decides(zeros({1, 2}));
  EXPECT_NE(message_of([&] { decides.freeze({1, 2}); }).find("by the values of its tensors"), std::string::npos);
  const Counts counts;
  counts(zeros({1, 2}));
  EXPECT_NE(message_of([&] { counts.freeze({1, 2}); }).find("changes its variable 'calls'"), std::string::npos);
  const Picks picks;
  picks(ones({1, 2}));
  EXPECT_NE(message_of([&] { picks.freeze({1, 2}); }).find("depends on values"), std::string::npos);
}

TEST(NumThreads, HoldsInEveryThread) {
  const int before = utils::get_num_threads();
  utils::set_num_threads(3);
  EXPECT_EQ(utils::get_num_threads(), 3);
  int elsewhere = 0;
  std::thread([&] { elsewhere = utils::get_num_threads(); }).join();
  EXPECT_EQ(elsewhere, 3);
  utils::set_num_threads(before);
  EXPECT_EQ(utils::get_num_threads(), before);
  EXPECT_THROW(utils::set_num_threads(0), ValueError);
}

}  // namespace
}  // namespace strata
