// Slices, gather, scatter and masks: indexing by operators, errors, unknown sizes.
#include <gtest/gtest.h>

#include "strata/array.h"
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

TEST(Indexing, OperatorsIndexAsNumPy) {
  const Tensor x = reshape(range(24), {2, 3, 4});
  EXPECT_EQ(numbers(x[1][-1][0]), Numbers{20});
  EXPECT_EQ((x[{1, Slice(), -1}].shape()), Shape{3});
  EXPECT_EQ((x[{Ellipsis, 0}].shape()), (Shape{2, 3}));
  EXPECT_EQ((x[{NewAxis, 0, NewAxis, Ellipsis, NewAxis}].shape()), (Shape{1, 1, 3, 4, 1}));
  EXPECT_EQ((x[{Slice(), Slice(None, None, -1), Slice(3, None, -2)}][0].shape()), (Shape{3, 2}));
  EXPECT_EQ(numbers(x[{0, Slice(None, None, -1), Slice(3, None, -2)}]), (Numbers{11, 9, 7, 5, 3, 1}));
  EXPECT_EQ(x[Slice(5)].shape(), (Shape{0, 3, 4}));
  EXPECT_EQ(x[{Ellipsis}].shape(), x.shape());
  for (DType dtype : {boolean, uint8, int64, float16, bfloat16, float64})
    EXPECT_EQ(numbers(cast(x, dtype)[1][2]), numbers(cast(x[1][2], dtype)));
}

TEST(Indexing, ErrorsNameIndexAxisAndRange) {
  const Tensor x = spread({2, 3});
  expect_message(message_of<IndexError>([&] { x[2]; }), {"index 2", "axis 0", "(2, 3)", "-2 to 1"});
  expect_message(message_of<IndexError>([&] { x[{0, -4}]; }), {"index -4", "axis 1", "-3 to 2"});
  expect_message(message_of<IndexError>([&] { x[{0, 0, 0}]; }), {"3 indices", "(2, 3)"});
  expect_message(message_of<IndexError>([&] { x[{Ellipsis, Ellipsis}]; }), {"one Ellipsis"});
  expect_message(message_of<IndexError>([&] { constant(1)[0]; }), {"scalar", "item<T>()"});
  expect_message(message_of<ValueError>([&] { x[Slice(0, 1, 0)]; }), {"step is 0"});
  expect_message(message_of<IndexError>([&] { slice(x, {0, 2}, {2, 2}); }), {"slice", "2 elements from 2", "axis 1"});
  expect_message(message_of<ShapeError>([&] { slice(x, {0}, {1}); }), {"slice", "1 positions", "(2, 3)"});
  expect_message(message_of<IndexError>([&] {
                   gather(x, Tensor({0, 3}), 1);
                 }),
                 {"gather", "index 3", "element 1", "axis 1", "(2, 3)", "0 to 2"});
  expect_message(message_of<IndexError>([&] { gather(x, Tensor({-1})); }), {"gather", "index -1", "0 to 1"});
  expect_message(message_of<IndexError>([&] { take(x, Tensor({-3}), 0); }), {"index -3", "-2 to 1"});
  expect_message(message_of<IndexError>([&] { gather(zeros({0, 2}), Tensor({0})); }), {"the axis is empty"});
  expect_message(message_of<DTypeError>([&] { gather(x, Tensor({0.f})); }), {"gather", "float32", "int32"});
  expect_message(message_of<IndexError>([&] { gather_nd(x, Tensor{{0, 3}}); }), {"gather_nd", "index 3", "axis 1"});
  expect_message(message_of<ShapeError>([&] { gather_nd(x, Tensor{{0, 1, 1}}); }), {"gather_nd", "3 numbers"});
  expect_message(message_of<ShapeError>([&] {
                   tensor_scatter_nd_add(x, Tensor{{0}}, zeros({1, 2}));
                 }),
                 {"updates have shape (1, 2)", "expected (1, 3)"});
  expect_message(message_of<IndexError>([&] {
                   unsorted_segment_sum(x, Tensor({0, 4}), 4);
                 }),
                 {"id 4", "num_segments = 4"});
  expect_message(message_of<DTypeError>([&] { boolean_mask(x, Tensor({1, 0})); }), {"boolean_mask", "int32", "bool"});
  expect_message(message_of<ShapeError>([&] { boolean_mask(x, Tensor({true, false, true})); }), {"(3,)", "(2, 3)"});
  expect_message(message_of<DTypeError>([&] { one_hot(Tensor({0.5f}), 2); }), {"one_hot", "float32"});
}

TEST(Indexing, OutOfRangeIndicesOfATracedProgramAreErrorsToo) {
  auto f = function([](const Tensor& x, const Tensor& i) { return gather(x, i) + x[1]; });
  EXPECT_EQ(numbers(f(Tensor({1.f, 2.f}), Tensor({0, 0}))), (Numbers{3, 3}));
  EXPECT_THROW(f(Tensor({1.f, 2.f}), Tensor({0, 2})), IndexError);
  EXPECT_THROW(f(Tensor({1.f}), Tensor({0})), IndexError);
}

TEST(Indexing, RowsThatOccurOftenCollectTheirGradients) {
  const Tensor table = spread({4, 3});
  GradientTape tape;
  tape.watch(table);
  const Tensor g = tape.gradient(nn::embedding_lookup(table, Tensor{{1, 1}, {3, 1}}), table);
  EXPECT_EQ(numbers(g), (Numbers{0, 0, 0, 3, 3, 3, 0, 0, 0, 1, 1, 1}));
}

// Many small addends to one row: the 16-bit types would stop at 256 if they were added one by one.
TEST(Indexing, SegmentsOfHalvesAreSummedInFloat) {
  const Tensor ids = zeros({2000}, int32);
  for (DType dtype : {float16, bfloat16})
    EXPECT_EQ(unsorted_segment_sum(ones({2000}, dtype), ids, 1)[0].item<int>(), 2000) << to_string(dtype);
}

TEST(Indexing, MasksChooseAsManyAsTheyHold) {
  const Tensor x = Tensor({-1.f, 2.f, -3.f, 4.f});
  EXPECT_EQ(numbers(boolean_mask(x, x > 0.f)), (Numbers{2, 4}));
  EXPECT_EQ(boolean_mask(x, x > 9.f).shape(), Shape{0});
  auto f = function([](const Tensor& x) { return boolean_mask(x, x > 0.f) * 2.f; });
  EXPECT_EQ(numbers(f(x)), (Numbers{4, 8}));
  EXPECT_EQ(numbers(f(Tensor({1.f, 1.f, 1.f}))), (Numbers{2, 2, 2}));
  EXPECT_EQ(numbers(where(x < 0.f)), (Numbers{0, 2}));
  EXPECT_EQ(numbers(sequence_mask(Tensor({1, 0, 2}), {}, {.dtype = int32})), (Numbers{1, 0, 0, 0, 1, 1}));
}

TEST(Indexing, OneHotTakesAnyIntegerDtype) {
  for (DType dtype : {uint8, int32, int64})
    EXPECT_EQ(numbers(one_hot(cast(Tensor({2, 0}), dtype), 3)), (Numbers{0, 0, 1, 1, 0, 0}));
  EXPECT_EQ(one_hot(Tensor({1}), 3, {.dtype = float16}).dtype(), float16);
  EXPECT_EQ(one_hot(constant(1), 3).shape(), Shape{3});
  EXPECT_EQ(one_hot(zeros({0}, int32), 3).shape(), (Shape{0, 3}));
}

TEST(Indexing, SlicesAtPositionsThatAreComputed) {
  auto f = function([](const Tensor& x, const Tensor& i) {
    return slice(x, stack({i[0], constant(1, int32)}), {1, 2});
  });
  const Tensor x = reshape(range(12), {3, 4});
  EXPECT_EQ(numbers(f(x, Tensor({2}))), (Numbers{9, 10}));
  EXPECT_THROW(f(x, Tensor({3})), IndexError);
  EXPECT_EQ(numbers(slice_update(x, {1, 2}, -1 * ones({2, 1}, int32))[{Slice(), 2}]), (Numbers{2, -1, -1}));
}

}  // namespace
}  // namespace strata
