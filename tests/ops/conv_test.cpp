// Convolutions against sums written out in double.
#include "kernels/conv.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "strata/array.h"
#include "strata/error.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"
#include "strata/tape.h"
#include "tests/support/gradients.h"
#include "tests/support/op_samples.h"

namespace strata::test {
namespace {

struct Case {
  Shape x, w;
  ConvOptions options;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.x << " * " << c.w << " strides " << Shape(c.options.strides) << " dilations "
             << Shape(c.options.dilations) << " " << c.options.padding << " groups " << c.options.groups;
}

// One spatial dimension by TensorFlow's definition of its paddings.
struct Line {
  std::int64_t in, kernel, stride, dilation, out, before;
  Line(std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t dilation, const std::string& padding)
      : in(in), kernel(kernel), stride(stride), dilation(dilation) {
    const std::int64_t reach = (kernel - 1) * dilation + 1;
    if (padding == "valid") {
      out = static_cast<std::int64_t>(std::ceil(static_cast<double>(in - reach + 1) / static_cast<double>(stride)));
      before = 0;
    } else {
      out = static_cast<std::int64_t>(std::ceil(static_cast<double>(in) / static_cast<double>(stride)));
      const std::int64_t total = std::max<std::int64_t>((out - 1) * stride + reach - in, 0);
      before = padding == "causal" ? reach - 1 : total / 2;
    }
  }
};

std::int64_t option(const Ints& values, std::size_t i) { return values.size() == 1 ? values[0] : values[i]; }

// A direct transcription: every output is a sum over the taps and the channels of its group.
std::vector<double> expected(const Case& c, const Tensor& x, const Tensor& w, Shape& out_shape) {
  std::vector<Line> lines;
  for (std::size_t i = 0; i + 2 < c.x.size(); ++i)
    lines.emplace_back(c.x[i + 1], c.w[i], option(c.options.strides, i), option(c.options.dilations, i),
                       c.options.padding);
  while (lines.size() < 3) lines.insert(lines.begin(), Line(1, 1, 1, 1, "valid"));
  const auto xs = cast(x, float64).to_vector<double>(), ws = cast(w, float64).to_vector<double>();
  const std::int64_t channels = c.x.back(), filters = c.w.back(), per_group = c.w.at(-2);
  const std::int64_t filters_per_group = filters / c.options.groups;
  out_shape = {c.x[0]};
  for (std::size_t i = 3 - (c.x.size() - 2); i < 3; ++i) out_shape.push_back(lines[i].out);
  out_shape.push_back(filters);
  std::vector<double> out;
  const Line &d = lines[0], &h = lines[1], &v = lines[2];
  for (std::int64_t n = 0; n < c.x[0]; ++n)
    for (std::int64_t a = 0; a < d.out; ++a)
      for (std::int64_t b = 0; b < h.out; ++b)
        for (std::int64_t e = 0; e < v.out; ++e)
          for (std::int64_t f = 0; f < filters; ++f) {
            double sum = 0;
            for (std::int64_t i = 0; i < d.kernel; ++i)
              for (std::int64_t j = 0; j < h.kernel; ++j)
                for (std::int64_t k = 0; k < v.kernel; ++k) {
                  const std::int64_t z = a * d.stride + i * d.dilation - d.before,
                                     y = b * h.stride + j * h.dilation - h.before,
                                     q = e * v.stride + k * v.dilation - v.before;
                  if (z < 0 || y < 0 || q < 0 || z >= d.in || y >= h.in || q >= v.in) continue;
                  for (std::int64_t g = 0; g < per_group; ++g)
                    sum += xs[(((n * d.in + z) * h.in + y) * v.in + q) * channels + f / filters_per_group * per_group +
                              g] *
                           ws[(((i * h.kernel + j) * v.kernel + k) * per_group + g) * filters + f];
                }
            out.push_back(sum);
          }
  return out;
}

void expect_close(const Tensor& found, const std::vector<double>& wanted, double tolerance) {
  const auto values = cast(found, float64).to_vector<double>();
  ASSERT_EQ(values.size(), wanted.size());
  double largest = 1e-30;
  for (const double v : wanted) largest = std::max(largest, std::abs(v));
  for (std::size_t i = 0; i < values.size(); ++i)
    ASSERT_NEAR(values[i], wanted[i], tolerance * largest) << "element " << i;
}

class Conv : public testing::TestWithParam<Case> {};

TEST_P(Conv, IsTheSumOverItsTaps) {
  const Case& c = GetParam();
  for (const DType dtype : {float64, float32, bfloat16, float16}) {
    SCOPED_TRACE(to_string(dtype));
    const Tensor x = cast(spread(c.x), dtype), w = cast(spread(c.w, -0.6, 0.8), dtype);
    Shape shape;
    const std::vector<double> wanted = expected(c, x, w, shape);
    const Tensor y = nn::convolution(x, w, c.options);
    EXPECT_EQ(y.shape(), shape);
    EXPECT_EQ(y.dtype(), dtype);
    expect_close(y, wanted, dtype == float64 ? 1e-13 : dtype == float32 ? 5e-6 : dtype == float16 ? 2e-3 : 1e-2);
  }
}

TEST_P(Conv, Float32GradientsAreThoseOfFloat64) {
  const Case& c = GetParam();
  const auto gradients = [&](DType dtype) {
    const Tensor x = cast(spread(c.x), dtype), w = cast(spread(c.w, -0.6, 0.8), dtype);
    GradientTape tape;
    tape.watch(x);
    tape.watch(w);
    const Tensor y = nn::convolution(x, w, c.options);
    const Tensor loss = reduce_sum(y * cast(spread(y.shape(), -1, 2), dtype));
    return tape.gradient(loss, {x, w});
  };
  const Tensors narrow = gradients(float32), exact = gradients(float64), half = gradients(bfloat16);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(narrow[i].shape(), exact[i].shape());
    expect_close(narrow[i], exact[i].to_vector<double>(), 1e-5);
    expect_close(half[i], exact[i].to_vector<double>(), 3e-2);
  }
}

// Finite differences take long, so on the small ones alone.
class ConvDerivatives : public testing::TestWithParam<Case> {};

TEST_P(ConvDerivatives, AreThoseOfFiniteDifferences) {
  const Case& c = GetParam();
  const Tensors inputs = in_float64({spread(c.x), spread(c.w, -0.6, 0.8)});
  EXPECT_EQ(
      compare_gradients([&](const Tensors& in) { return Tensors{nn::convolution(in[0], in[1], c.options)}; }, inputs),
      "");
  const auto first_order = [&](const Tensors& in) {
    GradientTape tape;
    tape.watch(in[0]);
    tape.watch(in[1]);
    const Tensor y = nn::convolution(in[0], in[1], c.options);
    return tape.gradient(reduce_sum(y * y * y), {in[0], in[1]});
  };
  EXPECT_EQ(compare_gradients(first_order, inputs, 1e-5), "");
}

const Case kSmall[] = {
    {{2, 6, 5, 3}, {3, 3, 3, 4}, {}},
    {{2, 7, 6, 3}, {3, 2, 3, 4}, {.padding = "same"}},
    {{2, 7, 6, 3}, {3, 3, 3, 4}, {.strides = {2}, .padding = "same"}},
    {{2, 6, 6, 2}, {2, 3, 2, 3}, {.strides = {2, 3}}},
    {{1, 8, 7, 2}, {3, 2, 2, 3}, {.padding = "same", .dilations = {2}}},
    {{2, 5, 5, 6}, {3, 3, 2, 9}, {.padding = "same", .groups = 3}},
    {{2, 5, 5, 4}, {3, 3, 1, 4}, {.padding = "same", .groups = 4}},
    {{2, 5, 5, 3}, {3, 3, 1, 6}, {.strides = {2}, .groups = 3}},
    {{2, 9, 3}, {3, 3, 4}, {.strides = {2}, .padding = "same"}},
    {{2, 9, 3}, {3, 3, 4}, {.padding = "causal", .dilations = {2}}},
    {{2, 4, 5, 4, 2}, {2, 3, 2, 2, 3}, {.padding = "same"}},
    {{2, 4, 5, 4, 2}, {2, 2, 2, 2, 3}, {.strides = {1, 2, 1}}},
    {{3, 5, 4, 3}, {1, 1, 3, 2}, {.strides = {2}}},
};
const Case kLarge[] = {
    {{2, 12, 12, 32}, {3, 3, 32, 48}, {.padding = "same"}},
    {{2, 32, 32, 32}, {3, 3, 32, 48}, {.padding = "same"}},  // large enough for Winograd's method
    {{2, 15, 15, 17}, {3, 3, 17, 5}, {.strides = {2}, .padding = "same"}},
    {{2, 32, 32, 3}, {3, 3, 3, 96}, {.padding = "same"}},
    {{2, 14, 14, 32}, {3, 3, 1, 32}, {.padding = "same", .groups = 32}},
};
INSTANTIATE_TEST_SUITE_P(Small, Conv, testing::ValuesIn(kSmall));
INSTANTIATE_TEST_SUITE_P(Large, Conv, testing::ValuesIn(kLarge));
INSTANTIATE_TEST_SUITE_P(Small, ConvDerivatives, testing::ValuesIn(kSmall));

TEST(ConvOp, TakesAnEmptyBatch) {
  const Tensor x = zeros({0, 5, 5, 3}), w = spread({3, 3, 3, 4});
  GradientTape tape;
  tape.watch(x);
  tape.watch(w);
  const Tensor y = nn::conv2d(x, w, {.padding = "same"});
  EXPECT_EQ(y.shape(), (Shape{0, 5, 5, 4}));
  const Tensors g = tape.gradient(reduce_sum(y), {x, w});
  EXPECT_EQ(g[0].shape(), x.shape());
  EXPECT_EQ(g[1].to_vector<float>(), std::vector<float>(108, 0.f));
}

TEST(ConvOp, DepthwiseFiltersMakeEachChannelByItself) {
  const Tensor x = spread({2, 5, 4, 3}), w = spread({3, 2, 3, 2});
  const Tensor y = nn::depthwise_conv2d(x, w, {.strides = {2}, .padding = "same"});
  EXPECT_EQ(y.shape(), (Shape{2, 3, 2, 6}));
  for (int channel = 0; channel < 3; ++channel)
    for (int m = 0; m < 2; ++m) {
      const Tensor one_x = x[{Ellipsis, Slice(channel, channel + 1)}];
      const Tensor one_w = w[{Ellipsis, Slice(channel, channel + 1), Slice(m, m + 1)}];
      const Tensor one = nn::conv2d(one_x, one_w, {.strides = {2}, .padding = "same"});
      const Tensor part = y[{Ellipsis, Slice(channel * 2 + m, channel * 2 + m + 1)}];
      expect_close(part, cast(one, float64).to_vector<double>(), 1e-6);
    }
}

TEST(ConvOp, SeparableIsDepthwiseThenPointwise) {
  const Tensor x = spread({2, 6, 5, 3}), d = spread({3, 3, 3, 2}), p = spread({1, 1, 6, 4});
  const Tensor y = nn::separable_conv2d(x, d, p, {.padding = "same"});
  const Tensor middle = nn::depthwise_conv2d(x, d, {.padding = "same"});
  expect_close(y, cast(nn::conv2d(middle, p), float64).to_vector<double>(), 1e-6);
}

TEST(ConvOp, TransposedIsTheGradientOfTheConvolutionWithRespectToItsInput) {
  struct T {
    Shape x, w, y;
    ConvTransposeOptions options;
  };
  const T cases[] = {
      {{2, 3, 4, 3}, {3, 3, 5, 3}, {2, 6, 8, 5}, {.strides = {2}, .padding = "same"}},
      {{2, 3, 4, 3}, {3, 3, 5, 3}, {2, 7, 9, 5}, {.strides = {2}}},
      {{2, 3, 4, 3}, {2, 3, 5, 3}, {2, 9, 12, 5}, {.strides = {3}}},
      {{2, 3, 4, 3}, {3, 3, 5, 3}, {2, 8, 10, 5}, {.strides = {2}, .output_padding = {1}}},
      {{2, 3, 4, 3}, {3, 3, 5, 3}, {2, 5, 7, 5}, {.strides = {2}, .padding = "same", .output_padding = {0}}},
      {{2, 4, 3}, {3, 2, 3}, {2, 8, 2}, {.dilations = {2}}},
      {{1, 2, 3, 2, 3}, {2, 2, 2, 4, 3}, {1, 4, 6, 4, 4}, {.strides = {2}, .padding = "same"}},
  };
  for (const T& t : cases) {
    SCOPED_TRACE(to_string(t.x) + to_string(t.w));
    const Tensors in = in_float64({spread(t.x), spread(t.w)});
    const auto transposed = [&](const Tensor& x, const Tensor& w) {
      return t.x.size() == 3   ? nn::conv1d_transpose(x, w, t.options)
             : t.x.size() == 4 ? nn::conv2d_transpose(x, w, t.options)
                               : nn::conv3d_transpose(x, w, t.options);
    };
    const Tensor y = transposed(in[0], in[1]);
    ASSERT_EQ(y.shape(), t.y);
    const Tensor big = in_float64({spread(t.y, -1, 2)})[0];
    GradientTape tape;
    tape.watch(big);
    const Tensor small = nn::convolution(
        big, in[1], {.strides = t.options.strides, .padding = t.options.padding, .dilations = t.options.dilations});
    ASSERT_EQ(small.shape(), t.x);
    const Tensor wanted = tape.gradient(reduce_sum(small * in[0]), big);
    expect_close(y, wanted.to_vector<double>(), 1e-12);
    expect_close(transposed(cast(in[0], float32), cast(in[1], float32)), y.to_vector<double>(), 2e-6);
    EXPECT_EQ(compare_gradients([&](const Tensors& v) { return Tensors{transposed(v[0], v[1])}; }, in), "");
  }
}

std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(ConvOp, ExplainsWhatDoesNotFit) {
  const Tensor x = zeros({8, 28, 28, 4});
  EXPECT_EQ(message([&] {
              nn::conv2d(x, zeros({3, 3, 1, 6}), {.groups = 3});
            }),
            "conv2d: input has 4 channels, not divisible by groups=3 (input shape (8, 28, 28, 4)). Use groups=1 or 2.");
  EXPECT_EQ(message([&] {
              nn::conv2d(x, zeros({3, 3, 3, 6}));
            }),
            "conv2d: input has 4 channels (shape (8, 28, 28, 4)) but filters of shape (3, 3, 3, 6) with groups=1 "
            "expect 3. The last but one dimension of filters is the number of input channels of a group.");
  EXPECT_EQ(message([&] {
              nn::conv2d(x, zeros({3, 3, 4, 6}), {.padding = "full"});
            }),
            "conv2d: padding is \"full\". Use \"valid\" or \"same\".");
  EXPECT_EQ(message([&] {
              nn::conv2d(x, zeros({3, 3, 4, 6}), {.strides = {2, 0}});
            }),
            "conv2d: strides is (2, 0). Give one positive number, or 2 of them, one for each spatial dimension.");
  EXPECT_EQ(message([&] {
              nn::conv2d(x, zeros({30, 3, 4, 6}));
            }),
            "conv2d: a window of 30 does not fit into spatial dimension 0 of size 28 (input shape (8, 28, 28, 4)). "
            "Use padding=\"same\", a smaller window, or a larger input.");
  EXPECT_EQ(message([&] {
              nn::conv2d(x, zeros({3, 3, 4, 6}, float64));
            }),
            "conv2d: input is float32 but filters are float64. Cast one of them with cast().");
  EXPECT_EQ(message([&] {
              nn::conv2d(cast(x, int32), zeros({3, 3, 4, 6}, int32));
            }),
            "conv2d: input is int32. Convolutions are for floating types: use cast(x, float32).");
  EXPECT_EQ(message([&] {
              nn::conv1d(x, zeros({3, 4, 6}));
            }),
            "conv1d: input has shape (8, 28, 28, 4). Expected 3 dimensions: the batch, 1 spatial, and the channels.");
  EXPECT_THROW(nn::conv2d_transpose(x, zeros({3, 3, 6, 4}), {.strides = {2}, .output_padding = {2}}), ValueError);
  EXPECT_THROW(nn::conv2d(Tensor(), x), ValueError);
}

}  // namespace
}  // namespace strata::test
