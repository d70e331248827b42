#include "strata/tensor.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/half.h"
#include "core/tensor_data.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

using test::message_of;

bool weak(const Tensor& t) { return detail::data_of(t).weak; }

Tensor symbolic() {
  auto data = std::make_shared<detail::TensorData>();
  data->shape = {None, 10};
  return Tensor(std::move(data));
}

template <class T>
Tensor halves(std::initializer_list<float> values) {
  Tensor out = detail::allocate({static_cast<std::int64_t>(values.size())}, dtype_of<T>);
  T* p = detail::mutable_elements<T>(out);
  for (const float v : values) *p++ = T(v);
  return out;
}

TEST(Tensor, BareNumbersAreWeakScalars) {
  const Tensor i = 3, l = std::int64_t{1} << 40, f = 2.5f, d = 0.1, b = true;
  EXPECT_EQ(i.dtype(), int32);
  EXPECT_EQ(l.dtype(), int64);
  EXPECT_EQ(f.dtype(), float32);
  EXPECT_EQ(d.dtype(), float64);
  EXPECT_EQ(b.dtype(), boolean);
  EXPECT_TRUE(weak(i) && weak(l) && weak(f) && weak(d));
  EXPECT_EQ(i.shape(), Shape{});
  EXPECT_EQ(l.item<std::int64_t>(), std::int64_t{1} << 40);
  EXPECT_EQ(d.item<double>(), 0.1);
  EXPECT_TRUE(b.item<bool>());
  EXPECT_FALSE(weak(i.copy()));
  EXPECT_FALSE(weak(Tensor{1.f}));
  EXPECT_FALSE(weak(detail::view(i, {1})));
  EXPECT_TRUE(weak(detail::make_weak(i.copy())));
}

TEST(Tensor, BracesGiveShapeAndType) {
  const Tensor labels = {{0.f}, {1.f}, {1.f}, {0.f}}, integers = {1, 2, 3}, cube = {{{1., 2.}, {3., 4.}}};
  EXPECT_EQ(labels.shape(), (Shape{4, 1}));
  EXPECT_EQ(labels.dtype(), float32);
  EXPECT_EQ(labels.to_vector<float>(), (std::vector<float>{0, 1, 1, 0}));
  EXPECT_EQ(integers.shape(), (Shape{3}));
  EXPECT_EQ(integers.dtype(), int32);
  EXPECT_EQ(cube.shape(), (Shape{1, 2, 2}));
  EXPECT_EQ(cube.dtype(), float64);
  EXPECT_EQ(cube.to_vector<int>(), (std::vector<int>{1, 2, 3, 4}));
}

TEST(Tensor, LiteralsOfSeveralTypesArePromoted) {
  const std::int64_t wide = (std::int64_t{1} << 60) + 1;
  EXPECT_EQ((Tensor{true, false}).dtype(), boolean);
  EXPECT_EQ((Tensor{1, true}).dtype(), int32);
  EXPECT_EQ((Tensor{1, 2.f}).dtype(), float32);
  EXPECT_EQ((Tensor{1, 2.f, 3.}).dtype(), float64);
  EXPECT_EQ((Tensor{1, wide}).to_vector<std::int64_t>(), (std::vector<std::int64_t>{1, wide}));
  EXPECT_EQ((Tensor{3, 2.5f}).to_vector<float>(), (std::vector<float>{3, 2.5f}));
  EXPECT_EQ((Tensor{true, false}).to_vector<bool>(), (std::vector<bool>{true, false}));
}

TEST(Tensor, RaggedBracesAreAnError) {
  EXPECT_EQ(message_of([] {
              Tensor t = {{1, 2}, {3}};
            }),
            "Tensor: the nested lists are ragged: at depth 1 there is a list of 2 and also a list of 1. Lists at the "
            "same depth need equal lengths.");
  EXPECT_EQ(message_of([] {
              Tensor t = {{1, 2}, 3};
            }),
            "Tensor: the nested lists are ragged: at depth 1 there is a list of 2 and also a number. Lists at the "
            "same depth need equal lengths.");
  EXPECT_THROW((Tensor{1, {2, 3}}), ShapeError);
  EXPECT_THROW((Tensor{{{1}, {2}}, {{3}, {4, 5}}}), ShapeError);
}

TEST(Tensor, FromCopiesAndChecksTheNumberOfValues) {
  std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const Tensor t = Tensor::from(values, {2, 3});
  values[0] = 9;
  EXPECT_EQ(t.data<float>()[0], 1);
  EXPECT_EQ(t.size(), 6);
  EXPECT_EQ(t.rank(), 2);
  EXPECT_EQ(t.bytes(), 24u);
  EXPECT_EQ(message_of([&] {
              Tensor::from(values, {2, 4});
            }),
            "Tensor: 6 values do not fill shape (2, 4), which has 8 elements.");
  EXPECT_THROW(Tensor::from(values, {None, 3}), ShapeError);
  EXPECT_EQ(Tensor::from(std::vector<float>{}, {0, 3}).to_vector<float>().size(), 0u);
}

TEST(Tensor, AdoptKeepsTheVectorAndBorrowTheCallersMemory) {
  std::vector<int> values = {1, 2, 3};
  const int* address = values.data();
  Tensor t;
  {
    const Tensor adopted = Tensor::adopt(std::move(values), {3});
    EXPECT_EQ(adopted.data<int>().data(), address);
    t = adopted;
  }
  EXPECT_EQ(t.to_vector<int>(), (std::vector<int>{1, 2, 3}));

  const double memory[] = {1, 2, 3, 4};
  const Tensor borrowed = Tensor::borrow(std::span<const double>(memory), {2, 2});
  EXPECT_EQ(borrowed.data<double>().data(), memory);
  EXPECT_NE(borrowed.copy().data<double>().data(), memory);
  EXPECT_EQ(borrowed.copy().to_vector<double>(), borrowed.to_vector<double>());
}

TEST(Tensor, SixteenBitElementsConvert) {
  const Tensor h = halves<Float16>({1.5f, -2.f, 65504.f}), b = halves<BFloat16>({1.5f, -2.f, 256.f});
  EXPECT_EQ(h.to_vector<float>(), (std::vector<float>{1.5f, -2.f, 65504.f}));
  EXPECT_EQ(b.to_vector<double>(), (std::vector<double>{1.5, -2, 256}));
  EXPECT_EQ(h.to_vector<int>(), (std::vector<int>{1, -2, 65504}));
  EXPECT_EQ(halves<Float16>({0.25f}).item<float>(), 0.25f);
  EXPECT_EQ(halves<BFloat16>({3.f}).item<int>(), 3);
}

TEST(Tensor, ConversionsOfWhatDoesNotFitAreDefined) {
  const float inf = std::numeric_limits<float>::infinity();
  const Tensor t = {inf, -inf, std::numeric_limits<float>::quiet_NaN(), 3e9f, -0.5f};
  EXPECT_EQ(t.to_vector<std::int32_t>(), (std::vector<std::int32_t>{2147483647, -2147483647 - 1, 0, 2147483647, 0}));
  EXPECT_EQ(t.to_vector<std::uint8_t>(), (std::vector<std::uint8_t>{255, 0, 0, 255, 0}));
  EXPECT_EQ(t.to_vector<bool>(), (std::vector<bool>{true, true, true, true, true}));
}

TEST(Tensor, ReadingChecksTypeAndNumber) {
  const Tensor t = {1.f, 2.f};
  EXPECT_EQ(message_of([&] { t.data<double>(); }),
            "Tensor::data: the elements are float32, not float64. Use to_vector<T>(), which converts, or "
            "cast(x, float64).");
  EXPECT_EQ(message_of([&] { t.item<float>(); }),
            "Tensor::item: the tensor has 2 elements (shape (2,)), not one. Index it first, e.g. x[0], or read all "
            "with to_vector<T>().");
  EXPECT_THROW(Tensor().shape(), ValueError);
  EXPECT_FALSE(Tensor().defined());
}

TEST(Tensor, ASymbolicOneHasNoElements) {
  const Tensor s = symbolic();
  EXPECT_TRUE(s.is_symbolic());
  EXPECT_EQ(s.shape(), (Shape{None, 10}));
  EXPECT_EQ(message_of([&] { s.item<float>(); }),
            "Tensor::item: this tensor (shape=(None, 10), dtype=float32) is symbolic: it stands for a value that "
            "exists only when the program runs. Compute with tensor operations (where, cast, reduce_sum, ...) instead "
            "of its value, read the value outside function(), or use strata::shape(x) for a size that is not known "
            "yet.");
  EXPECT_THROW(s.copy(), SymbolicError);
  EXPECT_THROW(s.size(), ShapeError);
}

TEST(Tensor, ViewsShareTheBuffer) {
  const Tensor t = {{1, 2, 3}, {4, 5, 6}};
  const Tensor v = detail::view(t, {3, 2});
  EXPECT_EQ(v.data<int>().data(), t.data<int>().data());
  EXPECT_THROW(detail::view(t, {4}), ShapeError);
}

}  // namespace
}  // namespace strata
