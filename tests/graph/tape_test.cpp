#include "strata/tape.h"

#include <gtest/gtest.h>

#include "core/tensor_data.h"
#include "strata/array.h"
#include "strata/linalg.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/random.h"
#include "strata/reduce.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

using test::message_of;

// capability: 4.1, 4.2
TEST(Tape, GradientsOfAVariableAndOfAnIntermediateValue) {
  Variable w(Tensor{{1.f, 2.f}, {3.f, 4.f}, {5.f, 6.f}}), b(Tensor{0.5f, -0.5f});
  const Tensor x = {{1.f, 2.f, 3.f}};
  GradientTape tape({.persistent = true});
  const Tensor y = matmul(x, w) + b;
  const Tensor loss = reduce_mean(y * y);
  auto [dw, db] = tape.gradient(loss, w, b);
  EXPECT_EQ(db.to_vector<float>(), y.to_vector<float>());
  EXPECT_EQ(dw.shape(), (Shape{3, 2}));
  for (int row = 0; row < 3; ++row)
    for (int column = 0; column < 2; ++column)
      EXPECT_FLOAT_EQ(dw[row][column].item<float>(), (row + 1) * y[0][column].item<float>());
  EXPECT_EQ(tape.gradient(loss, y).to_vector<float>(), y.to_vector<float>());
  EXPECT_EQ(tape.gradient(loss, {w, b}).size(), 2u);
}

// capability: 4.5
TEST(Tape, HigherDerivativesByNesting) {
  Variable v(constant(3.f));
  GradientTape third;
  Tensor second;
  {
    GradientTape outer;
    Tensor first;
    {
      GradientTape inner;
      first = inner.gradient(v * v * v * v, v);
    }
    EXPECT_FLOAT_EQ(first.item<float>(), 108.f);
    second = outer.gradient(first, v);
  }
  EXPECT_FLOAT_EQ(second.item<float>(), 108.f);
  EXPECT_FLOAT_EQ(third.gradient(second, v).item<float>(), 72.f);
}

TEST(Tape, APersistentTapeGivesHigherDerivativesToo) {
  const Tensor x = constant(2.f);
  GradientTape tape({.persistent = true});
  tape.watch(x);
  const Tensor first = tape.gradient(x * x * x, x);
  EXPECT_FLOAT_EQ(tape.gradient(first, x).item<float>(), 12.f);
}

// capability: 4.2
TEST(Tape, ASecondGradientNeedsAPersistentTape) {
  Variable v(1.f);
  GradientTape tape;
  const Tensor y = v * v;
  tape.gradient(y, v);
  EXPECT_NE(message_of([&] { tape.gradient(y, v); }).find("persistent = true"), std::string::npos);
}

// capability: 4.5
TEST(Tape, UnconnectedSourcesAreExplained) {
  Variable v(2.f), unused(1.f, {.name = "unused"}), fixed(1.f, {.trainable = false, .name = "fixed"});
  const Tensor x = constant(1.f);
  EXPECT_NE(message_of([&] {
              GradientTape t;
              t.gradient(v * v, unused);
            }).find("'unused' does not influence the target"),
            std::string::npos);
  EXPECT_NE(message_of([&] {
              GradientTape t;
              t.gradient(v * fixed, fixed);
            }).find("not trainable"),
            std::string::npos);
  EXPECT_NE(message_of([&] {
              GradientTape t;
              t.gradient(x * x, x);
            }).find("watch"),
            std::string::npos);
  EXPECT_NE(message_of([&] {
              GradientTape t;
              const Tensor y = cast(argmax(reshape(v * v, {1}), 0), float32);
              t.gradient(y, v);
            }).find("argmax"),
            std::string::npos);
  GradientTape t;
  const Tensor zero = t.gradient(v * v, unused, {.unconnected_gradients = "zero"});
  EXPECT_EQ(zero.item<float>(), 0.f);
}

TEST(Tape, IntegersHaveNoDerivatives) {
  const Tensor n = {1, 2};
  GradientTape tape({.persistent = true});
  EXPECT_THROW(tape.watch(n), DTypeError);
  EXPECT_THROW(tape.gradient(n, n), GradientError);
}

TEST(Tape, StopGradientStopRecordingAndReset) {
  Variable v(3.f);
  {
    GradientTape tape;
    EXPECT_FLOAT_EQ(tape.gradient(v * stop_gradient(v * v), v).item<float>(), 9.f);
  }
  GradientTape tape({.persistent = true});
  Tensor hidden;
  {
    auto pause = tape.stop_recording();
    hidden = v * v;
  }
  EXPECT_FLOAT_EQ(tape.gradient(hidden * v, v).item<float>(), 9.f);
  EXPECT_GT(tape.bytes(), 0u);
  tape.reset();
  EXPECT_EQ(tape.bytes(), 0u);
  EXPECT_FLOAT_EQ(tape.gradient(v * v, v).item<float>(), 6.f);
}

// capability: 4.5
TEST(Tape, CustomGradients) {
  const auto clipped = custom_gradient([](const Tensor& x) {
    return std::pair{x * 2.f, [](const Tensor& dy) { return clip(dy, -1.f, 1.f); }};
  });
  const Tensor x = constant(5.f);
  {
    GradientTape tape;
    tape.watch(x);
    EXPECT_FLOAT_EQ(tape.gradient(clipped(x) * 100.f, x).item<float>(), 1.f);
  }
  const auto product = custom_gradient([](const Tensor& a, const Tensor& b) {
    return std::pair{a * b, [a, b](const Tensor& dy) { return std::pair{dy * b * 10.f, dy * a * 20.f}; }};
  });
  const Tensor y = constant(7.f);
  GradientTape tape;
  tape.watch(x);
  tape.watch(y);
  const Tensors grads = tape.gradient(product(x, y), {x, y});
  EXPECT_FLOAT_EQ(grads[0].item<float>(), 70.f);
  EXPECT_FLOAT_EQ(grads[1].item<float>(), 100.f);
}

TEST(Tape, ReadingBeforeAnAssignmentKeepsTheOldValue) {
  Variable v(2.f);
  GradientTape tape;
  const Tensor before = v;
  v.assign(5.f);
  EXPECT_FLOAT_EQ(before.item<float>(), 2.f);
  EXPECT_FLOAT_EQ(tape.gradient(before * before + v.value() * 3.f, v).item<float>(), 7.f);
}

TEST(Tape, SeveralTargetsAndOutputGradients) {
  Variable v(Tensor{1.f, 2.f});
  GradientTape tape({.persistent = true});
  const Tensor a = v * 2.f, b = v * v;
  EXPECT_EQ(tape.gradient(Tensors{a, b}, {v})[0].to_vector<float>(), (std::vector<float>{4, 6}));
  EXPECT_EQ(tape.gradient(b, v, {.output_gradients = {Tensor{10.f, 100.f}}}).to_vector<float>(),
            (std::vector<float>{20, 400}));
}

TEST(Tape, Jacobian) {
  const Tensor x = {1.f, 2.f, 3.f};
  GradientTape tape;
  tape.watch(x);
  const Tensor y = x * x, j = tape.jacobian(y, x);
  EXPECT_THROW(tape.gradient(y, x), GradientError);
  EXPECT_EQ(j.shape(), (Shape{3, 3}));
  EXPECT_EQ(j.to_vector<float>(), (std::vector<float>{2, 0, 0, 0, 4, 0, 0, 0, 6}));
}

// What a tape kept is released with it, so that a loop's memory stays flat.
void run_tape_loop(int steps) {
  Variable w(random::normal({64, 64})), b(zeros({64}));
  const Tensor x = random::normal({32, 64});
  std::size_t warm = 0;
  for (int i = 0; i < steps; ++i) {
    GradientTape tape;
    const Tensor loss = reduce_mean(square(nn::relu(matmul(x, w) + b)));
    auto [dw, db] = tape.gradient(loss, w, b);
    w.assign_sub(dw * 0.01f);
    b.assign_sub(db * 0.01f);
    if (i == 20) warm = detail::pool_bytes_in_use() + detail::pool_bytes_cached();
  }
  EXPECT_LE(detail::pool_bytes_in_use() + detail::pool_bytes_cached(), warm + (1u << 20));
}

TEST(Tape, MemoryStaysFlat) { run_tape_loop(500); }
TEST(TapeLong, MemoryStaysFlatOverTenThousandSteps) { run_tape_loop(10000); }

}  // namespace
}  // namespace strata
