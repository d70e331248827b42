// Inputs among the layers of models.
#include "strata/input.h"

#include <gtest/gtest.h>

#include "serialization/json.h"
#include "serialization/serialize.h"
#include "strata/array.h"
#include "strata/layers/core.h"
#include "strata/layers/merging.h"
#include "strata/model.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

using namespace layers;

std::vector<std::string> names_of(const Model& model) {
  std::vector<std::string> out;
  for (const Layer& layer : model.layers()) out.push_back(layer.name());
  return out;
}

TEST(InputLayer, IsAmongTheLayersOfAFunctionalModelAsInKeras) {
  const Tensor a = Input({4}, {.name = "a"}), b = Input({3}, {.name = "b"});
  const Tensor deep = Dense(2, {.name = "second"})(Dense(5, {.name = "first"})(a));
  const Model model({a, b}, Add({.name = "sum"})({deep, Dense(2, {.name = "other"})(b)}));
  EXPECT_EQ(names_of(model), (std::vector<std::string>{"a", "first", "b", "second", "other", "sum"}));
  EXPECT_EQ(model.get_layer(0).class_name(), "InputLayer");
  EXPECT_EQ(model.get_layer(-1).name(), "sum");
  EXPECT_EQ(Tensor(model.get_layer("b").output()).shape(), (Shape{None, 3}));
  EXPECT_EQ(model.weights().size(), 6u);

  const Model part(model.get_layer("a").output(), model.get_layer("first").output());
  EXPECT_EQ(part(ones({2, 4})).shape(), (Shape{2, 5}));
}

TEST(InputLayer, BeginsASequentialWithoutBeingOneOfItsLayers) {
  const Sequential model({InputLayer({4}, {.name = "words"}), Dense(2)});
  EXPECT_TRUE(model.built());
  EXPECT_EQ(model.layers().size(), 1u);
  EXPECT_EQ(model.input_names(), std::vector<std::string>{"words"});

  Sequential added;
  added.add(InputLayer({4}, {.dtype = "int32", .batch_size = 3}));
  EXPECT_EQ(added.inputs()[0].shape(), (Shape{3, 4}));
  EXPECT_EQ(added.inputs()[0].dtype(), int32);
  EXPECT_THROW(added.add(InputLayer({4})), ValueError);

  const Tensor x = Input({4});
  const Model functional(x, Dense(2)(x));
  const Sequential same(functional.layers());
  EXPECT_EQ(same.layers().size(), 1u);
  EXPECT_TRUE(same.built());
}

TEST(InputLayer, IsMadeAgainFromItsConfiguration) {
  const Layer layer = InputLayer({None, 3}, {.name = "x", .dtype = "int64"});
  for (const KerasStyle style : {KerasStyle::keras3, KerasStyle::keras2}) {
    const Layer again = deserialize_layer(parse_config_json(serialize_layer(layer, style).to_json(), "test"));
    EXPECT_EQ(again.name(), "x");
    const Tensor input = again.output();
    EXPECT_EQ(input.shape(), (Shape{None, None, 3}));
    EXPECT_EQ(input.dtype(), int64);
  }
  EXPECT_FALSE(serialize_layer(layer, KerasStyle::keras3).at("config").as_map().contains("trainable"));
  EXPECT_TRUE(test::has(test::message_of<ValueError>([] { InputLayer::from_config({}); }), "batch_shape"));
  EXPECT_TRUE(test::has(test::message_of<ValueError>([] { InputLayer::of(ones({2})); }), "tensor of Input()"));
}

}  // namespace
}  // namespace strata
