// Operators between layers, and what Keras says at the calls of layers, in configurations of functional models.
#include <gtest/gtest.h>

#include "strata/strata.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

using namespace layers;

Tensor x_of() { return random::normal({3, 4, 6}, {.seed = 2}); }

using test::has;

void replace(std::string& text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from << " in " << text;
  text.replace(at, from.size(), to);
}

TEST(Operators, AreThoseOfKerasAndComeBack) {
  struct Case {
    const char* keras;
    Tensor (*f)(const Tensor& x);
  };
  const Case cases[] = {
      {"GetItem",
       [](const Tensor& x) {
         return x[{Slice(), Slice(1, None, 2), -1}];
       }},
      {"Transpose",
       [](const Tensor& x) {
         return transpose(x, {0, 2, 1});
       }},
      {"Reshape",
       [](const Tensor& x) {
         return reshape(x, {-1, 24});
       }},
      {"Softmax", [](const Tensor& x) { return nn::softmax(x, 1); }},
      {"Split", [](const Tensor& x) { return split(x, 2, -1)[1]; }},
      {"Where", [](const Tensor& x) { return where(x > 0.f, x, x * 0.5f); }},
      {"ExpandDims", [](const Tensor& x) { return expand_dims(x, 1); }},
      {"Squeeze",
       [](const Tensor& x) {
         return squeeze(x[{Slice(), Slice(0, 1)}], 1);
       }},
      {"Take",
       [](const Tensor& x) {
         return gather(x, Tensor({2, 0}), 1);
       }},
      {"Argmax", [](const Tensor& x) { return argmax(x, -1); }},
      {"Cast", [](const Tensor& x) { return cast(x, float64); }},
      {"Pad",
       [](const Tensor& x) {
         return pad(x, {{0, 0}, {1, 2}, {0, 0}});
       }},
      {"LeakyRelu", [](const Tensor& x) { return nn::leaky_relu(x, 0.3); }},
      {"Concatenate",
       [](const Tensor& x) {
         return concat({x, -x}, -1);
       }},
      {"Sum", [](const Tensor& x) { return reduce_sum(x, {1}, {.keepdims = true}); }},
  };
  const Tensor x = x_of();
  for (const Case& c : cases) {
    SCOPED_TRACE(c.keras);
    const Tensor in = Input({4, 6});
    const Model model(in, c.f(in));
    const std::string json = model.to_json();
    EXPECT_TRUE(has(json, std::string("\"class_name\": \"") + c.keras + "\"")) << json;
    EXPECT_FALSE(has(json, "strata.ops")) << json;
    const Tensor want = c.f(x), got = model_from_json(json)(x);
    ASSERT_EQ(got.shape(), want.shape());
    EXPECT_EQ(reduce_max(abs(cast(got, float64) - cast(want, float64))).item<double>(), 0);
  }
}

TEST(Operators, CausalAttentionIsSaidAtTheCall) {
  const Tensor in = Input({4, 6});
  const Model model(in, Tensor(MultiHeadAttention(2, 3, {.use_causal_mask = true, .name = "own"})(in, in)));
  std::string json = model.to_json();
  EXPECT_TRUE(has(json, "\"kwargs\": {\"use_causal_mask\": true}")) << json;
  const Model again = model_from_json(json);
  again.set_weights(model.get_weights());
  EXPECT_EQ(reduce_max(abs(again(x_of()) - model(x_of()))).item<float>(), 0);
  replace(json, "\"kwargs\": {\"use_causal_mask\": true}", "\"kwargs\": {}");
  const Model open = model_from_json(json);
  open.set_weights(model.get_weights());
  EXPECT_GT(reduce_max(abs(open(x_of()) - model(x_of()))).item<float>(), 0);
}

TEST(Operators, DamagedKeysAreErrors) {
  const Tensor in = Input({4, 6});
  const std::string json = Model(in, in[{Slice(), 2}]).to_json();
  for (const char* key :
       {"[{\"class_name\": \"__slice__\", \"config\": {\"step\": 0}}]", "[1, 2, 3, 4]", "[\"two\"]"}) {
    std::string damaged = json;
    const auto at = damaged.find("{\"class_name\": \"__slice__\"");
    ASSERT_NE(at, std::string::npos) << json;
    const auto begin = damaged.rfind('[', at), end = damaged.find(", 2]", at) + 4;
    damaged.replace(begin, end - begin, key);
    EXPECT_THROW(model_from_json(damaged), ValueError) << damaged;
  }
}

}  // namespace
}  // namespace strata
