#include "strata/tap.h"

#include <gtest/gtest.h>

#include "models/model_graph.h"
#include "strata/array.h"
#include "strata/function.h"
#include "strata/layers/core.h"
#include "strata/layers/merging.h"
#include "strata/layers/regularization.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"
#include "strata/tape.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

using layers::Dense;

class Block : public CustomLayer<Block> {
 public:
  Tensor call(const Tensor& x) const { return nn::relu(dense(x)) + x; }

 private:
  Dense dense = track("dense", Dense(4));
};
class Net : public CustomModel<Net> {
 public:
  Tensor call(const Tensor& x) const { return head(drop(b(a(x)))); }

 private:
  Block a = track("a", Block()), b = track("b", Block());
  layers::Dropout drop = track("drop", layers::Dropout(0.5));
  Dense head = track("head", Dense(2));
};

using test::message_of;

const Tensor kX = {{1.f, 2.f, 3.f, 4.f}};

TEST(Tap, OfASubclassedModel) {
  Net net;
  const Tensor y = net(kX);
  const auto [output, tapped] = net.taps({"b", "a/dense"}).run(kX);
  EXPECT_EQ(Tensor(output).to_vector<float>(), y.to_vector<float>());
  ASSERT_EQ(tapped.size(), 2u);
  EXPECT_EQ(tapped[1].shape(), (Shape{1, 4}));
  const Tensor a = nn::relu(tapped[1]) + kX;
  const Tensor again = net.get_layer("b")(a);
  EXPECT_EQ(tapped[0].to_vector<float>(), again.to_vector<float>());
  EXPECT_EQ(net.tap("head").names(), std::vector<std::string>{"head"});
}

TEST(Tap, OfFunctionalAndSequentialModels) {
  const Tensor in = Input({4});
  const Tensor hidden = Dense(3, {.name = "hidden"})(in);
  Model model(in, Dense(2, {.name = "out"})(hidden));
  const Tensor tapped = model.tap("hidden")(kX);
  EXPECT_EQ(tapped.shape(), (Shape{1, 3}));
  Sequential sequential({Dense(5, {.name = "first"}), Dense(1)});
  sequential.build({None, 4});
  const Tensor first = sequential.tap("first")(kX);
  EXPECT_EQ(first.shape(), (Shape{1, 5}));
}

TEST(Tap, GradientsReachIt) {
  Net net;
  net(kX);
  net.trainable = false;
  GradientTape tape;
  tape.watch(kX);
  const auto result = net.tap("a").run(kX);
  const Tensor gradient = tape.gradient(reduce_sum(Tensor(result.output)), result.tapped[0]);
  EXPECT_EQ(gradient.shape(), (Shape{1, 4}));
}

TEST(Tap, WorksInsideAFunction) {
  Net net;
  net(kX);
  auto f = function([&](const Tensor& x) { return Tensor(net.tap("a")(x)); });
  const Tensor eager = net.tap("a")(kX);
  EXPECT_EQ(f(kX).to_vector<float>(), eager.to_vector<float>());
}

TEST(Tap, NamesAreChecked) {
  Net net;
  net(kX);
  EXPECT_NE(message_of([&] { net.tap("c"); }).find("is none of its layers: a, a/dense, b, b/dense, drop, head"),
            std::string::npos);
  EXPECT_NE(message_of([&] { net.tap("dense"); }).find("several layers; give the path: a/dense, b/dense"),
            std::string::npos);
}

std::vector<std::string> edges(const ModelGraph& g) {
  std::vector<std::string> out;
  for (const ModelNode& n : g.nodes) {
    std::string line = n.name;
    for (int from : n.from) line += " <" + g.nodes[static_cast<std::size_t>(from)].name;
    out.push_back(line);
  }
  return out;
}

TEST(ModelGraph, ShowsLayersOrWhatIsInside) {
  Net net;
  net.build({None, 4});
  EXPECT_EQ(edges(model_graph(net, false)),
            (std::vector<std::string>{"input", "a <input", "b <a", "drop <b", "head <drop"}));
  EXPECT_EQ(
      edges(model_graph(net, true)),
      (std::vector<std::string>{"input", "a/dense <input", "a/relu <a/dense", "a/add <a/relu <input", "b/dense <a/add",
                                "b/relu <b/dense", "b/add <b/relu <a/add", "drop <b/add", "head <drop"}));
}

TEST(ModelGraph, ShowsOpsAndBranches) {
  const Tensor in = Input({4}, {.name = "in"});
  const Tensor a = Dense(3, {.name = "a"})(in), b = Dense(3, {.name = "b"})(in);
  Model model(in, layers::Add({.name = "sum"})({a, nn::relu(b)}));
  EXPECT_EQ(edges(model_graph(model, false)),
            (std::vector<std::string>{"in", "a <in", "b <in", "relu <b", "sum <a <relu"}));
}

}  // namespace
}  // namespace strata
