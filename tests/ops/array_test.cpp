// Creation, shape and order: what the golden cases and the walk over the registry do not say.
#include "strata/array.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/tensor_data.h"
#include "ops/like.h"
#include "strata/function.h"
#include "strata/math.h"
#include "strata/tape.h"
#include "tests/support/errors.h"
#include "tests/support/op_samples.h"

namespace strata {
namespace {

using test::expect_message;
using test::message_of;
using test::Numbers;
using test::numbers;
using test::spread;

TEST(Creation, ConstantsHaveTheDtypeOfTheirValue) {
  EXPECT_EQ(constant(1.f).dtype(), float32);
  EXPECT_EQ(constant(1.5).dtype(), float32);
  EXPECT_EQ(constant(1).dtype(), int32);
  EXPECT_EQ(constant(std::int64_t{1} << 40, int64).item<std::int64_t>(), std::int64_t{1} << 40);
  EXPECT_EQ(constant(3, float64).dtype(), float64);
  EXPECT_EQ(numbers(constant({1, 2, 3, 4}, float32, {2, 2})[1]), (Numbers{3, 4}));
  EXPECT_EQ(numbers(constant(7, uint8, {2, 1})), (Numbers{7, 7}));
  // A constant is no bare number any more: it keeps its dtype.
  EXPECT_EQ((constant(2, int64) * Tensor({1, 2})).dtype(), int64);
}

TEST(Creation, FillsAnyShapeAndDtype) {
  for (DType dtype : {boolean, uint8, int32, int64, float16, bfloat16, float32, float64}) {
    EXPECT_EQ(numbers(zeros({2, 2}, dtype)), (Numbers{0, 0, 0, 0}));
    EXPECT_EQ(numbers(ones({3}, dtype)), (Numbers{1, 1, 1}));
    EXPECT_EQ(ones({0, 3}, dtype).shape(), (Shape{0, 3}));
    EXPECT_EQ(ones_like(zeros({2}, dtype)).dtype(), dtype);
  }
  EXPECT_EQ(full({2}, 3).dtype(), int32);
  EXPECT_EQ(full({2}, 0.5).dtype(), float32);
  EXPECT_EQ(full({2}, 3, float16).dtype(), float16);
  EXPECT_EQ(full_like(zeros({2}), 4, int32).dtype(), int32);
  EXPECT_EQ(zeros({}).rank(), 0);
  expect_message(message_of<ShapeError>([] { zeros({None, 3}); }), {"zeros", "(None, 3)", "zeros_like"});
  expect_message(message_of<ShapeError>([] { fill({2}, Tensor({1, 2})); }), {"fill", "(2,)", "scalar"});
}

TEST(Creation, Ranges) {
  EXPECT_EQ(numbers(range(4)), (Numbers{0, 1, 2, 3}));
  EXPECT_EQ(range(4).dtype(), int32);
  EXPECT_EQ(range(std::int64_t{4}).dtype(), int32);
  EXPECT_EQ(range(constant(4, int64)).dtype(), int64);
  EXPECT_EQ(numbers(range(5, 1, -2)), (Numbers{5, 3}));
  EXPECT_EQ(numbers(range(1, 5, -1)), Numbers{});
  EXPECT_EQ(numbers(arange(0, 1, 0.25)), (Numbers{0, 0.25, 0.5, 0.75}));
  EXPECT_EQ(arange(0, 1, 0.25).dtype(), float32);
  EXPECT_EQ(range(3, {.dtype = float64}).dtype(), float64);
  EXPECT_EQ(numbers(linspace(0, 1, 1)), Numbers{0});
  EXPECT_EQ(linspace(0, 1, 0).shape(), Shape{0});
  EXPECT_EQ(numbers(linspace(0, 0.3, 4, {.dtype = float64})).back(), 0.3);
  expect_message(message_of<ValueError>([] { range(1, 5, 0); }), {"range", "delta is 0"});
  expect_message(message_of<ShapeError>([] { range(Tensor({1, 2})); }), {"range", "limit", "(2,)"});
}

TEST(Shapes, BracesNameShapesAndAxes) {
  const Tensor x = spread({2, 3, 4});
  EXPECT_EQ(reshape(x, {4, -1}).shape(), (Shape{4, 6}));
  EXPECT_EQ(reshape(x, {24}).shape(), Shape{24});
  EXPECT_EQ(reshape(x, shape(transpose(x))).shape(), (Shape{4, 3, 2}));
  EXPECT_EQ(transpose(x, {2, 0, 1}).shape(), (Shape{4, 2, 3}));
  EXPECT_EQ(squeeze(expand_dims(x, -1)).shape(), x.shape());
  EXPECT_EQ(squeeze(reshape(x, {1, 24, 1}), {0, 2}).shape(), Shape{24});
  EXPECT_EQ(flatten(x, 1).shape(), (Shape{2, 12}));
  EXPECT_EQ(flatten(constant(1)).shape(), Shape{1});
  EXPECT_EQ(moveaxis(x, {0, 1}, {-1, 0}).shape(), (Shape{3, 4, 2}));
  EXPECT_EQ(concat({x, x}, -1).shape(), (Shape{2, 3, 8}));
  EXPECT_EQ(concatenate({x, x}).shape(), (Shape{2, 3, 8}));
  EXPECT_EQ(split(x, {1, 2}, 1)[1].shape(), (Shape{2, 2, 4}));
  EXPECT_EQ(split(x, 2).size(), 2u);
  EXPECT_EQ(tile(spread({3}), {2, 2}).shape(), (Shape{2, 6}));
  EXPECT_EQ(repeat(x, 3, -1).shape(), (Shape{2, 3, 12}));
  EXPECT_EQ(repeat(x, {0, 2}, 0).shape(), (Shape{2, 3, 4}));
  EXPECT_EQ(pad(spread({2, 2}), {{0, 0}, {1, 2}}).shape(), (Shape{2, 5}));
  EXPECT_EQ(roll(x, {1, -1}, {0, 2}).shape(), x.shape());
}

TEST(Shapes, ViewsShareTheElements) {
  const Tensor x = spread({2, 3});
  for (const Tensor& view : {reshape(x, {6}), expand_dims(x, 0), squeeze(x), flatten(x), identity(x)})
    EXPECT_EQ(view.data<float>().data(), x.data<float>().data());
  EXPECT_NE(transpose(x).data<float>().data(), x.data<float>().data());
}

TEST(Shapes, ErrorsSayWhatToDo) {
  const Tensor x = spread({2, 3});
  expect_message(message_of<ShapeError>([&] { reshape(x, {4, 2}); }), {"reshape", "(2, 3) (6 elements)", "(4, 2)"});
  expect_message(message_of<ShapeError>([&] { reshape(x, {-1, 4}); }), {"divided evenly", "(-1, 4)"});
  expect_message(message_of<ShapeError>([&] { reshape(x, {-1, -1}); }), {"only one dimension"});
  expect_message(message_of<ShapeError>([&] { reshape(zeros({0, 2}), {0, -1}); }), {"beside one of size 0"});
  expect_message(message_of<IndexError>([&] { expand_dims(x, 4); }), {"expand_dims", "axis 4", "-3 to 2"});
  expect_message(message_of<ShapeError>([&] { squeeze(x, 1); }), {"squeeze", "axis 1", "size 3"});
  expect_message(message_of<ShapeError>([&] { transpose(x, {0, 1, 2}); }), {"transpose", "3 axes", "(2, 3)"});
  expect_message(message_of<ValueError>([&] { transpose(x, {0, 0}); }), {"transpose", "twice"});
  expect_message(message_of<ShapeError>([&] { concat({x, zeros({3, 2})}, 0); }), {"concat", "(2, 3)", "(3, 2)"});
  expect_message(message_of<ValueError>([&] { concat({}, 0); }), {"concat", "no tensors"});
  expect_message(message_of<ValueError>([&] { concat({x, Tensor()}, 0); }), {"concat", "argument 1", "undefined"});
  expect_message(message_of<ShapeError>([&] { split(x, 2, 1); }), {"split", "size 3", "2 does not divide"});
  expect_message(message_of<ShapeError>([&] { split(x, {1, 1}, 1); }), {"split", "add up to 2"});
  expect_message(message_of<ShapeError>([&] { broadcast_to(x, {2, 4}); }), {"broadcast_to", "(2, 3)", "(2, 4)"});
  expect_message(message_of<ShapeError>([&] { repeat(x, {1, 2, 3}, 0); }), {"repeat", "3 repeats", "(2, 3)"});
  expect_message(message_of<ValueError>([&] { pad(x, {{0, 0}, {1, 1}}, {.mode = "edge"}); }), {"pad", "'edge'"});
  expect_message(message_of<ShapeError>([&] { pad(x, {{0, 0}, {3, 0}}, {.mode = "reflect"}); }), {"pad", "at most 2"});
  expect_message(message_of<ValueError>([&] { meshgrid({range(2)}, {.indexing = "yx"}); }), {"meshgrid", "'yx'"});
}

TEST(Shapes, MixedDtypesArePromotedWhereTheyJoin) {
  EXPECT_EQ(concat({Tensor({1, 2}), Tensor({0.5f})}, 0).dtype(), float32);
  EXPECT_EQ(stack({constant(1, int32), constant(2, int64)}).dtype(), int64);
}

// Large enough for blocks and threads, with sizes that no block divides.
TEST(Shapes, LargeTransposesMoveEveryElement) {
  const Tensor x = reshape(range(77 * 3 * 131), {77, 3, 131});
  const Tensor y = transpose(x, {2, 1, 0}), z = transpose(cast(x, uint8), {2, 1, 0});
  const auto from = x.data<std::int32_t>(), to = y.data<std::int32_t>();
  bool equal = true;
  for (std::int64_t i = 0; i < 77; ++i)
    for (std::int64_t j = 0; j < 3; ++j)
      for (std::int64_t k = 0; k < 131; ++k)
        equal &=
            from[static_cast<std::size_t>((i * 3 + j) * 131 + k)] == to[static_cast<std::size_t>((k * 3 + j) * 77 + i)];
  EXPECT_TRUE(equal);
  EXPECT_EQ(numbers(z), numbers(cast(y, uint8)));
  const Tensor flipped = flip(x, {0, 2});
  EXPECT_EQ(numbers(flip(flipped, {0, 2})), numbers(x));
  EXPECT_EQ((flipped[{0, 1, 0}].item<int>()), (x[{-1, 1, -1}].item<int>()));
}

TEST(Shapes, SumsAreExactHoweverLong) {
  const std::int64_t n = 3'000'000;
  const Tensor x = full({n, 2}, 0.1f);
  const double exact = static_cast<double>(0.1f) * static_cast<double>(n);
  for (const Shape& to : {Shape{2}, Shape{1, 2}, Shape{1}, Shape{}}) {
    const Tensor sum = sum_to_like(x, zeros(to));
    EXPECT_EQ(sum.shape(), to);
    EXPECT_NEAR(numbers(sum)[0], exact * (to.size() > 0 && to.back() == 2 ? 1 : 2), 1e-6 * exact);
  }
}

TEST(Shapes, SizesThatAreNotKnownYet) {
  auto f = function([](const Tensor& x) {
    const Tensor flat = reshape(x, {-1, 6}), back = reshape(flat, strata::shape(x));
    const Tensor rows = cast(strata::shape(x)[0], float32), count = cast(strata::size(x), float32);
    return concat({flatten(back, 1) + zeros_like(flat), fill({1, 6}, 1.f) * rows, fill({1, 6}, 1.f) * count}, 0);
  });
  for (std::int64_t batch : {2, 5, 0}) {
    const Tensor x = spread({batch, 2, 3}), y = f(x);
    ASSERT_EQ(y.shape(), (Shape{batch + 2, 6}));
    EXPECT_EQ(numbers(y[Slice(0, batch)]), numbers(x));
    EXPECT_EQ((y[{-2, 0}].item<int>()), batch);
    EXPECT_EQ((y[{-1, 5}].item<int>()), batch * 6);
  }
}

TEST(Shapes, RangesOfSizesThatAreNotKnownYet) {
  auto f = function([](const Tensor& x) { return x * cast(expand_dims(range(strata::shape(x)[0]), 1), float32); });
  EXPECT_EQ(numbers(f(ones({3, 1}))), (Numbers{0, 1, 2}));
  EXPECT_EQ(numbers(f(ones({2, 1}))), (Numbers{0, 1}));
}

TEST(Shapes, ConcatAlongABatchThatIsNotKnownYet) {
  auto f = function([](const Tensor& a, const Tensor& b) {
    GradientTape tape;
    tape.watch(a);
    const Tensor joined = concat({a, b}, 0);
    return tape.gradient(joined * joined, a);
  });
  EXPECT_EQ(numbers(f(Tensor{{1.f}, {2.f}}, Tensor{{5.f}})), (Numbers{2, 4}));
  EXPECT_EQ(numbers(f(Tensor{{3.f}}, Tensor{{5.f}, {6.f}})), Numbers{6});
}

TEST(Matrices, DiagonalsOfAnyOffset) {
  EXPECT_EQ(numbers(diag(Tensor({1, 2}), 1)), (Numbers{0, 1, 0, 0, 0, 2, 0, 0, 0}));
  EXPECT_EQ(diag(spread({2, 3}), 5).shape(), Shape{0});
  EXPECT_EQ(trace(eye(4)).item<float>(), 4);
  EXPECT_EQ(numbers(tril(ones({2, 3}, int32), -1)), (Numbers{0, 0, 0, 1, 0, 0}));
  EXPECT_EQ(numbers(eye(2, {.columns = 3, .k = 1, .dtype = int32})), (Numbers{0, 1, 0, 0, 0, 1}));
  expect_message(message_of<ShapeError>([] { diag(zeros({2, 2, 2})); }), {"diag", "(2, 2, 2)", "linalg::diag"});
  expect_message(message_of<ShapeError>([] {
                   nn::depth_to_space(zeros({1, 2, 2, 3}), 2);
                 }),
                 {"depth_to_space", "does not divide"});
}

}  // namespace
}  // namespace strata
