#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "core/dispatch.h"
#include "strata/dtype.h"
#include "strata/error.h"
#include "strata/shape.h"

namespace strata {
namespace {

constexpr DType kAll[] = {boolean, uint8, int32, int64, float16, bfloat16, float32, float64};

TEST(DType, NamesGoThereAndBack) {
  for (const DType d : kAll) EXPECT_EQ(dtype_from_string(to_string(d)), d);
  EXPECT_EQ(to_string(boolean), "bool");
  std::ostringstream out;
  out << bfloat16;
  EXPECT_EQ(out.str(), "bfloat16");
  try {
    dtype_from_string("floaty");
    FAIL() << "an unknown name was accepted";
  } catch (const ValueError& e) {
    EXPECT_STREQ(e.what(),
                 "unknown dtype 'floaty'. Use one of bool, uint8, int32, int64, float16, bfloat16, float32, float64.");
  }
}

TEST(DType, SizesAreThoseOfTheElementTypes) {
  for (const DType d : kAll)
    dispatch_all(d, [&]<class T>() {
      EXPECT_EQ(size_of(d), sizeof(T));
      EXPECT_EQ(dtype_of<T>, d);
    });
}

TEST(DType, PromotionIsThatOfKeras) {
  EXPECT_EQ(promote(int64, float16), float16);
  EXPECT_EQ(promote(float16, int64), float16);
  EXPECT_EQ(promote(boolean, uint8), uint8);
  EXPECT_EQ(promote(uint8, int32), int32);
  EXPECT_EQ(promote(float16, bfloat16), float32);
  EXPECT_EQ(promote(bfloat16, float64), float64);
  for (const DType a : kAll) {
    EXPECT_EQ(promote(a, a), a);
    for (const DType b : kAll) EXPECT_EQ(promote(a, b), promote(b, a));
  }
  EXPECT_TRUE(is_floating(bfloat16) && !is_floating(int64) && is_integer(uint8) && !is_integer(boolean));
}

TEST(DType, UnsupportedOneSaysWhereAndWhatToDo) {
  try {
    dispatch_floating("tanh", int32, []<class T>() {});
    FAIL() << "int32 passed as floating";
  } catch (const DTypeError& e) {
    EXPECT_STREQ(e.what(), "tanh: has no int32 version. Convert the tensor first, e.g. cast(x, float32).");
  }
}

TEST(Half, EveryValueSurvivesTheWayThroughFloat) {
  for (unsigned bits = 0; bits < 65536; ++bits) {
    Float16 h;
    h.bits = static_cast<std::uint16_t>(bits);
    const float f = h;
    if (std::isnan(f))
      EXPECT_TRUE(std::isnan(static_cast<float>(Float16(f))));
    else
      ASSERT_EQ(Float16(f).bits, bits) << f;
    BFloat16 b;
    b.bits = static_cast<std::uint16_t>(bits);
    if (std::isnan(static_cast<float>(b))) continue;
    ASSERT_EQ(BFloat16(static_cast<float>(b)).bits, bits);
  }
}

TEST(Half, RoundsToNearestEven) {
  EXPECT_EQ(static_cast<float>(Float16(2049.f)), 2048.f);
  EXPECT_EQ(static_cast<float>(Float16(2051.f)), 2052.f);
  EXPECT_EQ(static_cast<float>(Float16(65519.f)), 65504.f);
  EXPECT_TRUE(std::isinf(static_cast<float>(Float16(65520.f))));
  EXPECT_EQ(Float16(std::ldexp(1.f, -25)).bits, 0);
  EXPECT_EQ(Float16(std::ldexp(1.5f, -25)).bits, 1);
  EXPECT_EQ(static_cast<float>(BFloat16(257.f)), 256.f);
  EXPECT_EQ(static_cast<float>(BFloat16(259.f)), 260.f);
  EXPECT_TRUE(std::isinf(static_cast<float>(BFloat16(std::numeric_limits<float>::max()))));
}

TEST(Shape, PrintsAsAPythonTuple) {
  EXPECT_EQ(to_string(Shape{}), "()");
  EXPECT_EQ(to_string(Shape{10}), "(10,)");
  EXPECT_EQ(to_string(Shape{None, 32, 32, 3}), "(None, 32, 32, 3)");
}

TEST(Shape, BehavesAsASmallVector) {
  Shape s = {2, 3};
  s.push_back(4);
  s.insert(0, 1);
  EXPECT_EQ(s, (Shape{1, 2, 3, 4}));
  s.erase(1);
  EXPECT_EQ(s, (Shape{1, 3, 4}));
  EXPECT_EQ(s.sub(1), (Shape{3, 4}));
  EXPECT_EQ(s.sub(0, 1), (Shape{1}));
  s.resize(5);
  EXPECT_EQ(s, (Shape{1, 3, 4, 1, 1}));
  s.resize(2);
  EXPECT_EQ(s, (Shape{1, 3}));
  EXPECT_EQ(s.at(-1), 3);
  EXPECT_EQ(s.front(), 1);
  EXPECT_THROW(s.at(2), IndexError);
  EXPECT_THROW(s.at(-3), IndexError);
  EXPECT_THROW(s.erase(2), IndexError);
  EXPECT_THROW(s.sub(2, 1), IndexError);
  EXPECT_THROW(s.resize(9), ShapeError);
  EXPECT_THROW(Shape({1, 1, 1, 1, 1, 1, 1, 1, 1}), ShapeError);
  EXPECT_THROW(Shape({1, 1, 1, 1, 1, 1, 1, 1}).push_back(1), ShapeError);
}

TEST(Shape, CountsElements) {
  EXPECT_EQ(Shape{}.num_elements(), 1);
  EXPECT_EQ((Shape{2, 3, 4}).num_elements(), 24);
  EXPECT_EQ((Shape{2, 0, 4}).num_elements(), 0);
  const std::int64_t large = std::int64_t{1} << 62;
  EXPECT_EQ((Shape{large, large, 0}).num_elements(), 0);
  EXPECT_THROW((Shape{large, large}).num_elements(), ShapeError);
  EXPECT_THROW((Shape{-1, 2}).num_elements(), ShapeError);
  EXPECT_THROW((Shape{None, 2}).num_elements(), ShapeError);
  EXPECT_TRUE((Shape{1, 2}).is_known());
  EXPECT_FALSE((Shape{1, None}).is_known());
}

}  // namespace
}  // namespace strata
