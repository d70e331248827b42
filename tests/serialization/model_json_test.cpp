// Models as JSON and back, custom classes among them.
#include <gtest/gtest.h>

#include "serialization/json.h"
#include "strata/strata.h"

namespace strata {
namespace {

using namespace layers;

class Scaled : public CustomLayer<Scaled> {
 public:
  explicit Scaled(int units) : units_(units) {}
  void build(const Shape& input) const { kernel_.create({input.back(), units_}); }
  Tensor call(const Tensor& x) const { return matmul(x, kernel_); }
  Config get_config() const { return {{"units", units_}}; }
  static Scaled from_config(const Config& c) { return Scaled(c.get<int>("units")); }

 private:
  int units_;
  Variable kernel_ = weight("kernel");
};

class Pair : public CustomLayer<Pair> {
 public:
  static constexpr std::array call_arguments = {"a", "b"};
  Tensor call(const Tensor& a, const Tensor& b) const { return a - b; }
};

Model branched() {
  Tensor left = Input({8}, {.name = "left"}), right = Input({8}, {.name = "right"});
  Dense shared(16, {.activation = "relu", .name = "shared"});
  Tensor joined = Concatenate()({shared(left), shared(right)});
  Sequential inner({Input({16}), Dense(4, {.kernel_regularizer = "l2"}), BatchNormalization()}, {.name = "inner"});
  Tensor kind = Dense(3, {.activation = "softmax", .name = "kind"})(joined);
  Tensor size = Dense(1, {.name = "size"})(inner(shared(left)) * 2.0f + 1.0f);
  return Model(Tensors{left, right}, Tensors{kind, size}, {.name = "branched"});
}

// The same weights, so that outputs can be compared.
void expect_equal_outputs(const Model& a, const Model& b, const Inputs& x) {
  b.set_weights(a.get_weights());
  const Tensors ya = a.predict(x, {.verbose = 0}), yb = b.predict(x, {.verbose = 0});
  ASSERT_EQ(ya.size(), yb.size());
  for (std::size_t i = 0; i < ya.size(); ++i) EXPECT_EQ(reduce_max(abs(ya[i] - yb[i])).item<float>(), 0) << i;
}

TEST(ModelJson, BranchesSharedLayersAndModelsInsideComeBack) {
  const Model model = branched();
  const std::string json = model.to_json();
  const Model again = model_from_json(json);
  EXPECT_EQ(again.to_json(), json);
  expect_equal_outputs(model, again, {random::normal({5, 8}), random::normal({5, 8})});
}

TEST(ModelJson, SequentialsWithAndWithoutInputComeBack) {
  const Sequential with({Input({6, 6, 2}), Conv2D(3, 3, {.padding = "same"}), MaxPooling2D(), Flatten(), Dense(2)});
  expect_equal_outputs(with, model_from_json(with.to_json()), random::normal({2, 6, 6, 2}));
  const Sequential without({Dense(4, {.activation = "gelu"}), Dropout(0.5), Dense(2)});
  without(ones({3, 5}));
  const Model again = model_from_json(without.to_json());
  EXPECT_TRUE(again.built());
  expect_equal_outputs(without, again, random::normal({3, 5}));
}

TEST(ModelJson, AnUnknownClassIsNamedWithItsPathAndTheCure) {
  Tensor x = Input({4}, {.name = "x"});
  const Model model(x, Scaled(3)(x), {.name = "net"});
  const std::string json = model.to_json();
  try {
    model_from_json(json);
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_EQ(std::string(e.what()),
              "unknown layer 'Scaled' at 'net/scaled'. If it is a class of your own, name it in custom_objects: "
              "load_model(path, {.custom_objects = custom_objects().add<Scaled>(\"Scaled\")}), or call "
              "register_keras_serializable<Scaled>() first.");
  }
  expect_equal_outputs(model, model_from_json(json, custom_objects().add<Scaled>("Scaled")), random::normal({2, 4}));
}

TEST(ModelJson, RegisteredClassesNeedNoList) {
  register_keras_serializable<Pair>("tests");
  Tensor a = Input({4}), b = Input({4});
  const Model model(Tensors{a, b}, Tensors{Pair()(a, b)});
  expect_equal_outputs(model, model_from_json(model.to_json()), {random::normal({2, 4}), random::normal({2, 4})});
}

TEST(ModelJson, ClonesHaveWeightsOfTheirOwn) {
  const Model model = branched();
  const Model copy = clone_model(model);
  EXPECT_FALSE(copy.weights()[0] == model.weights()[0]);
  expect_equal_outputs(model, copy, {random::normal({5, 8}), random::normal({5, 8})});
}

TEST(ModelJson, DamagedTextIsAnError) {
  const std::string json = branched().to_json();
  for (std::size_t n = 0; n < json.size(); n += 37) EXPECT_THROW(model_from_json(json.substr(0, n)), ValueError) << n;
  std::string deep(100000, '[');
  EXPECT_THROW(model_from_json(deep), FileError);
  EXPECT_THROW(model_from_json("{}"), ValueError);
  EXPECT_THROW(model_from_json("[1, 2]"), ValueError);
}

TEST(ModelJson, LoopsAreNamed) {
  std::string json = branched().to_json();
  const std::string from = "\"keras_history\": [\"left\", 0, 0]";
  json.replace(json.find(from), from.size(), "\"keras_history\": [\"kind\", 0, 0]");
  try {
    model_from_json(json);
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_NE(std::string(e.what()).find("has a loop"), std::string::npos) << e.what();
  }
}

TEST(ConfigJson, PoliciesFunctionsAndTuplesBecomePlain) {
  const Config::Value v = parse_config_json(
      R"({"dtype": {"class_name": "DTypePolicy", "config": {"name": "mixed_float16"}}, "a": {"module": "builtins",
          "class_name": "function", "config": "relu"}, "t": {"class_name": "__tuple__", "items": [1, 2]},
          "inf": Infinity, "nan": NaN, "text": "NaN"})",
      "test");
  EXPECT_EQ(v.as_map().get<std::string>("dtype"), "mixed_float16");
  EXPECT_EQ(v.as_map().get<std::string>("a"), "relu");
  EXPECT_EQ(v.as_map().get<std::vector<int>>("t"), (std::vector<int>{1, 2}));
  EXPECT_GT(v.as_map().get<double>("inf"), 1e300);
  EXPECT_EQ(v.as_map().get<std::string>("text"), "NaN");
}

}  // namespace
}  // namespace strata
