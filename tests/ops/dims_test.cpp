// Shapes with dimensions that are known only when a program runs.
#include "strata/dims.h"

#include <gtest/gtest.h>

#include "strata/array.h"
#include "strata/function.h"
#include "strata/math.h"
#include "strata/model.h"
#include "strata/random.h"
#include "strata/reduce.h"
#include "strata/tape.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

using test::message_of;

TEST(Dims, AreNumbersOutsideOfPrograms) {
  const Tensor x = zeros({3, 2});
  EXPECT_EQ(zeros({shape(x)[0], 4}).shape(), (Shape{3, 4}));
  EXPECT_EQ(ones(shape(x)).shape(), (Shape{3, 2}));
  EXPECT_EQ(zeros({}).shape(), Shape{});
  EXPECT_EQ(zeros({std::size_t{2}, 3}).shape(), (Shape{2, 3}));
  EXPECT_EQ(random::normal({shape(x)[0], 5}).shape(), (Shape{3, 5}));
  EXPECT_EQ(reshape(x, {shape(x)[1], -1}).shape(), (Shape{2, 3}));
}

TEST(Dims, FollowTheBatchOfAProgram) {
  auto f = function([](const Tensor& x) {
    const Tensor n = shape(x)[0];
    EXPECT_EQ(zeros({n, 4}).shape(), (Shape{None, 4}));
    return Tensors{zeros({n, 4}, int32),
                   ones({n, shape(x)[1]}),
                   fill({2, n}, 7.f),
                   broadcast_to(Tensor{{1.f, 2.f}}, {n, 2}),
                   tile(reshape(Tensor{1.f, 2.f, 3.f}, {1, 3}), {n, 2}),
                   reshape(x, {n, 3, -1}),
                   reshape(concat({x, x}, 1), {2, n, 6}),
                   random::normal({n, 16}),
                   random::randint({n}, 0, 10),
                   random::uniform(shape(x), {.minval = 2, .maxval = 3})};
  });
  for (const std::int64_t n : {5, 2, 0}) {
    const Tensors out = f(ones({n, 6}));
    EXPECT_EQ(out[0].shape(), (Shape{n, 4}));
    EXPECT_EQ(out[0].dtype(), int32);
    EXPECT_EQ(out[1].to_vector<float>(), std::vector<float>(static_cast<std::size_t>(6 * n), 1));
    EXPECT_EQ(out[2].shape(), (Shape{2, n}));
    EXPECT_EQ(out[2].to_vector<float>(), std::vector<float>(static_cast<std::size_t>(2 * n), 7));
    EXPECT_EQ(out[3].shape(), (Shape{n, 2}));
    EXPECT_EQ(out[4].shape(), (Shape{n, 6}));
    EXPECT_EQ(out[5].shape(), (Shape{n, 3, 2}));
    EXPECT_EQ(out[6].shape(), (Shape{2, n, 6}));
    EXPECT_EQ(out[7].shape(), (Shape{n, 16}));
    EXPECT_EQ(out[8].shape(), (Shape{n}));
    EXPECT_EQ(out[9].shape(), (Shape{n, 6}));
    for (const float u : out[9].to_vector<float>()) EXPECT_TRUE(u >= 2 && u < 3) << u;
  }
  EXPECT_EQ(f(ones({2, 6}))[3].to_vector<float>(), (std::vector<float>{1, 2, 1, 2}));
  EXPECT_EQ(f(ones({1, 6}))[4].to_vector<float>(), (std::vector<float>{1, 2, 3, 1, 2, 3}));
}

TEST(Dims, TakeTheGradientOfWhatIsRepeated) {
  auto f = function([](const Tensor& x, const Tensor& token) {
    GradientTape tape;
    tape.watch(token);
    const Tensor y = broadcast_to(token, {shape(x)[0], 1, 2}) * reshape(x, {-1, 1, 1});
    return tape.gradient(reduce_sum(y), token);
  });
  EXPECT_EQ(f(Tensor{1.f, 2.f, 3.f}, ones({1, 1, 2})).to_vector<float>(), (std::vector<float>{6, 6}));
}

TEST(Dims, WorkInFunctionalModels) {
  const Tensor x = Input({3});
  const Model model(x, concat({x, zeros({shape(x)[0], 2})}, -1));
  EXPECT_EQ(model.output_shape(), (Shape{None, 5}));
  EXPECT_EQ(Tensor(model(ones({2, 3}))).to_vector<float>(), (std::vector<float>{1, 1, 1, 0, 0, 1, 1, 1, 0, 0}));
}

TEST(Dims, OfUnstackedShapes) {
  auto f = function([](const Tensor& x) {
    const Tensors sizes = unstack(cast(shape(x), int64));
    return ones({sizes[1], sizes[0]});
  });
  EXPECT_EQ(f(ones({4, 3})).shape(), (Shape{3, 4}));
}

TEST(Dims, SayWhatTheyExpect) {
  auto contains = [](const std::string& text, const char* part) { return text.find(part) != std::string::npos; };
  const Tensor x = ones({2, 2});
  std::string text = message_of<ValueError>([] { zeros({constant(1.5f), 2}); });
  EXPECT_TRUE(contains(text, "a dimension is a float32 tensor of shape ()")) << text;
  auto computed = function([](const Tensor& t) { return zeros({shape(t)[0] * 2, 3}); });
  text = message_of<ValueError>([&] { computed(x); });
  EXPECT_TRUE(contains(text, "Expected a number, or a dimension of a tensor as it is")) << text;
  auto unknown = function([](const Tensor& t) { return zeros({t.shape()[0], 3}); });
  text = message_of<ShapeError>([&] { unknown(x); });
  EXPECT_TRUE(contains(text, "Write it as shape(x)[0] of a tensor")) << text;
  auto repeated = function([](const Tensor& t) { return tile(t, {shape(t)[0], 1}); });
  text = message_of<ValueError>([&] { repeated(x); });
  EXPECT_TRUE(contains(text, "works for an axis of size 1")) << text;
}

}  // namespace
}  // namespace strata
