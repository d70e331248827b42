// Convolutions of bytes against sums of products of real numbers.
#include "kernels/byte_conv.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "core/tensor_data.h"

namespace strata::kernels {
namespace {

// Weights that bytes hold exactly: k / 64, the largest one of each channel being the largest that there is.
struct Case {
  ByteConvTask task;
  std::vector<std::uint8_t> src;
  std::vector<float> weights, bias;

  explicit Case(const ByteConvTask& t) : task(t) {
    std::mt19937 random(7);
    const Convolution& c = t.geometry;
    for (std::int64_t i = 0; i < c.src_size(); ++i) src.push_back(static_cast<std::uint8_t>(random() % 256));
    const std::int64_t channels = c.out_channels;
    for (std::int64_t i = 0; i < c.weights_size(); ++i)
      weights.push_back(i < channels ? static_cast<float>(largest_byte_weight()) / 64
                                     : (static_cast<float>(random() % 127) - 63) / 64);
    for (std::int64_t i = 0; i < channels; ++i) bias.push_back(static_cast<float>(random() % 100) / 10 - 5);
  }

  // Real numbers, before they go on a grid.
  std::vector<double> expected() const {
    const Convolution& c = task.geometry;
    std::vector<double> out;
    const std::int64_t per_group = c.in_channels / c.groups, out_per_group = c.out_channels / c.groups;
    for (std::int64_t n = 0; n < c.batch; ++n)
      for (std::int64_t y = 0; y < c.out[1]; ++y)
        for (std::int64_t x = 0; x < c.out[2]; ++x)
          for (std::int64_t o = 0; o < c.out_channels; ++o) {
            double sum = bias[static_cast<std::size_t>(o)];
            for (std::int64_t ky = 0; ky < c.kernel[1]; ++ky)
              for (std::int64_t kx = 0; kx < c.kernel[2]; ++kx)
                for (std::int64_t i = 0; i < per_group; ++i) {
                  const std::int64_t sy = y * c.stride[1] + ky * c.dilation[1] - c.pad[1],
                                     sx = x * c.stride[2] + kx * c.dilation[2] - c.pad[2];
                  if (sy < 0 || sx < 0 || sy >= c.in[1] || sx >= c.in[2]) continue;
                  const std::int64_t channel = o / out_per_group * per_group + i;
                  const auto at =
                      static_cast<std::size_t>(((n * c.in[1] + sy) * c.in[2] + sx) * c.in_channels + channel);
                  const auto w =
                      static_cast<std::size_t>(((ky * c.kernel[2] + kx) * per_group + i) * c.out_channels + o);
                  sum += task.src.step * (int{src[at]} - task.src.zero) * double{weights[w]};
                }
            out.push_back(task.relu ? std::max(sum, 0.0) : sum);
          }
    return out;
  }
};

ByteConvTask task_of(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride, std::int64_t groups) {
  ByteConvTask t;
  Convolution& c = t.geometry;
  c.batch = 2, c.in_channels = in, c.out_channels = out, c.groups = groups;
  c.in = {1, 9, 7}, c.kernel = {1, kernel, kernel}, c.stride = {1, stride, stride};
  c.pad = {0, kernel / 2, kernel / 2};
  c.out = {1, (9 - 1) / stride + 1, (7 - 1) / stride + 1};
  t.src = {.step = 0.01f, .zero = 0};
  return t;
}

void check(const ByteConvTask& task) {
  const Case c(task);
  const auto plan = prepare_byte_conv(task, c.weights.data(), c.bias.data());
  const std::vector<double> expected = c.expected();
  const std::int64_t channels = task.geometry.out_channels, stride = task.dst_stride > 0 ? task.dst_stride : channels;
  const std::size_t rows = expected.size() / static_cast<std::size_t>(channels);
  const std::size_t width = task.dst ? 1 : sizeof(float);
  const detail::Buffer dst(rows * static_cast<std::size_t>(stride) * width), scratch(plan->scratch_size() + 1);
  std::fill_n(static_cast<char*>(dst.data()), dst.bytes(), '\x55');
  const detail::Buffer src(c.src.size());
  std::copy(c.src.begin(), c.src.end(), static_cast<std::uint8_t*>(src.data()));
  plan->run(src.data(), dst.data(), scratch.data());
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t o = 0; o < static_cast<std::size_t>(stride); ++o) {
      const std::size_t at = r * static_cast<std::size_t>(stride) + o;
      const std::uint8_t byte = static_cast<const std::uint8_t*>(dst.data())[at * width];
      if (o >= static_cast<std::size_t>(channels)) {
        ASSERT_EQ(byte, 0x55) << "written outside of the slice";
        continue;
      }
      const double want = expected[r * static_cast<std::size_t>(channels) + o];
      if (!task.dst) {
        ASSERT_NEAR(static_cast<const float*>(dst.data())[at], want, 1e-3) << plan->implementation();
      } else {
        const double level = std::clamp(want / task.dst->step + task.dst->zero, 0.0, 255.0);
        ASSERT_NEAR(byte, level, 0.51) << plan->implementation();
      }
    }
}

TEST(ByteConv, IsTheSumOfProducts) {
  for (const ByteConvTask& t : {task_of(3, 16, 3, 1, 1), task_of(64, 32, 1, 1, 1), task_of(32, 48, 3, 1, 1),
                                task_of(80, 80, 3, 2, 1), task_of(8, 8, 3, 1, 8), task_of(6, 12, 3, 1, 2)}) {
    ByteConvTask each = t;
    SCOPED_TRACE(std::to_string(t.geometry.in_channels) + " channels");
    check(each);
    each.relu = true;
    check(each);
    each.dst = Grid{.step = 0.2f, .zero = 0};
    check(each);
  }
}

TEST(ByteConv, GridsNeedNotBeginAtZero) {
  for (ByteConvTask t : {task_of(3, 16, 3, 1, 1), task_of(64, 32, 1, 1, 1), task_of(32, 48, 3, 1, 1)}) {
    t.src.zero = 117;  // what lies outside of the image is 117, too
    check(t);
    t.dst = Grid{.step = 0.25f, .zero = 96};
    check(t);
    t.relu = true;
    check(t);
  }
}

TEST(ByteConv, WritesIntoWiderRows) {
  ByteConvTask t = task_of(64, 32, 3, 1, 1);
  t.dst_stride = 80;
  check(t);
  t.dst = Grid{.step = 0.2f, .zero = 0};
  t.relu = true;
  check(t);
}

TEST(ByteConv, EachChannelHasAGrid) {
  // The second channel is a thousandth of the first; one grid for both would lose it.
  ByteConvTask t = task_of(16, 2, 1, 1, 1);
  std::vector<float> weights;
  for (int i = 0; i < 16; ++i) weights.insert(weights.end(), {1.f - static_cast<float>(i % 2) * 2, 0.001f});
  const auto plan = prepare_byte_conv(t, weights.data(), nullptr);
  const Convolution& c = t.geometry;
  const detail::Buffer src(static_cast<std::size_t>(c.src_size())), dst(static_cast<std::size_t>(c.dst_size()) * 4),
      scratch(plan->scratch_size() + 1);
  std::fill_n(static_cast<std::uint8_t*>(src.data()), src.bytes(), std::uint8_t{100});
  plan->run(src.data(), dst.data(), scratch.data());
  EXPECT_NEAR(static_cast<const float*>(dst.data())[0], 0, 1e-5);
  EXPECT_NEAR(static_cast<const float*>(dst.data())[1], 16 * 0.001, 1e-5);
}

TEST(Bytes, AreTheNearestOfTheGrid) {
  const Grid g = GridBits().between(-1, 3);
  EXPECT_FLOAT_EQ(g.step, 4.f / 255);
  EXPECT_EQ(g.zero, 64);
  const std::vector<float> x = {-5, -1, 0, 0.0079f, 2.999f, 9, std::nanf(""), HUGE_VALF, -HUGE_VALF};
  std::vector<std::uint8_t> bytes(x.size());
  to_bytes(g, static_cast<std::int64_t>(x.size()), x.data(), bytes.data());
  EXPECT_EQ(bytes, (std::vector<std::uint8_t>{0, 0, 64, 65, 255, 255, 64, 255, 0}));
  std::vector<float> back(3);
  from_bytes(g, 3, bytes.data() + 2, back.data());
  EXPECT_EQ(back[0], 0);
  EXPECT_FLOAT_EQ(back[1], g.step);
  EXPECT_FLOAT_EQ(back[2], 191 * g.step);
}

}  // namespace
}  // namespace strata::kernels
