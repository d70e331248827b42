// What models give back, and what they print.
#include <gtest/gtest.h>

#include <limits>
#include <sstream>

#include "strata/strata.h"

namespace strata {
namespace {

using namespace layers;

template <class T>
std::string printed(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

Model two_outputs() {
  Tensor x = Input({3}, {.name = "x"});
  return Model(x, {Dense(2, {.name = "a"})(x), Dense(1, {.name = "b"})(x)});
}

TEST(Outputs, OneIsUsedAsATensor) {
  Sequential model({Input({3}), Dense(2, {.kernel_initializer = "ones"})});
  const Tensor x = {{1.f, 2.f, 3.f}, {0.f, 0.f, 1.f}};
  EXPECT_EQ(model(x).shape(), Shape({2, 2}));
  EXPECT_EQ(model(x).dtype(), float32);
  EXPECT_EQ(model(x).rank(), 2);
  EXPECT_EQ(model.predict(x, {.verbose = 0})[Slice(1, 2)].to_vector<float>(), (std::vector<float>{1, 1}));
  EXPECT_EQ((model(x)[{0, 1}].item<float>()), 6);
  EXPECT_EQ(reduce_sum(model(x) - 1.f).item<float>(), 10);
  EXPECT_EQ(printed(model(x)), printed(Tensor(model(x))));
}

TEST(Outputs, SeveralAreToldApart) {
  const Outputs out = two_outputs()(ones({1, 3}));
  EXPECT_THROW(out.shape(), ValueError);
  EXPECT_THROW(out[Slice(0, 1)], ValueError);
  EXPECT_EQ(printed(out), "a: " + printed(out["a"]) + "\nb: " + printed(out["b"]));
}

TEST(LayerOutput, MakesAModelOfAPart) {
  Tensor x = Input({8});
  Tensor h = Dense(16, {.activation = "tanh", .name = "feature"})(x);
  Model whole(x, Dense(1)(Dropout(0.5)(h)));
  Model part(whole.input(), whole.get_layer("feature").output());
  const Tensor data = random::normal({4, 8});
  EXPECT_EQ(part(data).shape(), Shape({4, 16}));
  EXPECT_EQ(reduce_max(abs(part(data) - whole.tap("feature")(data))).item<float>(), 0);
  EXPECT_EQ(whole.output().shape(), Shape({None, 1}));
  EXPECT_EQ(whole.get_layer("feature").input().shape(), Shape({None, 8}));

  Sequential stack({Input({8}), Dense(4, {.name = "low"}), Dense(2)});
  EXPECT_EQ(Model(stack.inputs(), stack.get_layer("low").output())(data).shape(), Shape({4, 4}));
}

TEST(LayerOutput, OfTheFirstCallWhereThereAreSeveral) {
  Tensor x = Input({8}), y = Input({8});
  Dense shared(3);
  Model model({x, y}, Concatenate()({shared(x), shared(y)}));
  EXPECT_EQ(Model(x, shared.output())(ones({2, 8})).shape(), Shape({2, 3}));
}

TEST(LayerOutput, ExplainsThatThereIsNone) {
  Dense dense(3, {.name = "alone"});
  dense(ones({2, 8}));
  try {
    dense.output();
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_NE(std::string(e.what()).find("Dense 'alone' has no input and output"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("tap(\"alone\")"), std::string::npos) << e.what();
  }
}

TEST(Logs, PrintAsAPythonDict) {
  EXPECT_EQ(printed(Logs{}), "{}");
  EXPECT_EQ(printed(Logs{{"loss", 0.1f}, {"accuracy", 1.f}, {"n", 12}}), "{'loss': 0.1, 'accuracy': 1.0, 'n': 12.0}");
  EXPECT_EQ(printed(Logs{{"a", constant(1e-5, float64)}, {"b", constant(std::numeric_limits<float>::infinity())}}),
            "{'a': 1e-05, 'b': inf}");
  History history;
  history.history.append("loss", 0.5);
  history.history.append("loss", 1.5e-7);
  EXPECT_EQ(printed(history.history), "{'loss': [0.5, 1.5e-07]}");
}

}  // namespace
}  // namespace strata
