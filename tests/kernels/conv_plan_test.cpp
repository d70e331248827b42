// Prepared convolutions against sums in double precision: every kind, type and implementation, odd sizes, slices.
#include "kernels/conv_plan.h"

#include <gtest/gtest.h>
#include <omp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <random>
#include <thread>

#include "core/half.h"
#include "core/tensor_data.h"
#include "kernels/cast.h"
#include "kernels/rows.h"
#include "kernels/winograd.h"
#include "strata/utils.h"

namespace strata::kernels {
namespace {

using Doubles = std::vector<double>;

// What the array named by `kind` must be, and the sum of the absolute values of its terms' squares for tolerances.
Doubles expected(ConvKind kind, const Convolution& c, const Doubles& x, const Doubles& w, const Doubles& y) {
  Doubles out(kind == ConvKind::forward         ? c.dst_size()
              : kind == ConvKind::backward_data ? c.src_size()
                                                : c.weights_size());
  const std::int64_t in_group = c.in_channels / c.groups, out_group = c.out_channels / c.groups;
  for (std::int64_t n = 0; n < c.batch; ++n)
    for (std::int64_t p = 0; p < c.out[1]; ++p)
      for (std::int64_t q = 0; q < c.out[2]; ++q)
        for (std::int64_t a = 0; a < c.kernel[1]; ++a)
          for (std::int64_t b = 0; b < c.kernel[2]; ++b) {
            const std::int64_t u = p * c.stride[1] - c.pad[1] + a * c.dilation[1];
            const std::int64_t v = q * c.stride[2] - c.pad[2] + b * c.dilation[2];
            if (u < 0 || u >= c.in[1] || v < 0 || v >= c.in[2]) continue;
            for (std::int64_t o = 0; o < c.out_channels; ++o)
              for (std::int64_t i = 0; i < in_group; ++i) {
                const std::size_t at_x =
                    ((n * c.in[1] + u) * c.in[2] + v) * c.in_channels + o / out_group * in_group + i;
                const std::size_t at_y = ((n * c.out[1] + p) * c.out[2] + q) * c.out_channels + o;
                const std::size_t at_w = ((a * c.kernel[2] + b) * in_group + i) * c.out_channels + o;
                if (kind == ConvKind::forward) out[at_y] += x[at_x] * w[at_w];
                if (kind == ConvKind::backward_data) out[at_x] += y[at_y] * w[at_w];
                if (kind == ConvKind::backward_weights) out[at_w] += x[at_x] * y[at_y];
              }
          }
  return out;
}

Doubles random(std::int64_t size, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  Doubles v(size);
  // Few bits, so that bfloat16 holds the numbers exactly.
  for (double& x : v) x = std::round(normal(generator) * 16) / 16;
  return v;
}

// An array of some dtype, its rows `stride` elements apart; the gaps hold a mark.
struct Array {
  Array(DType dtype, std::int64_t rows, std::int64_t channels, std::int64_t stride, const Doubles* values = nullptr)
      : dtype(dtype), size{rows, channels}, stride(stride), buffer(rows * stride * size_of(dtype) + 64) {
    const Doubles marks(rows * stride, 77.0);
    cast(DType::float64, marks.data(), dtype, buffer.data(), rows * stride);
    if (values != nullptr) copy_slice(size, DType::float64, values->data(), channels, dtype, buffer.data(), stride);
  }
  Doubles values() const {
    Doubles v(size.rows * size.channels);
    copy_slice(size, dtype, buffer.data(), stride, DType::float64, v.data(), size.channels);
    return v;
  }
  bool gaps_are_untouched() const {
    Doubles all(size.rows * stride);
    cast(dtype, buffer.data(), DType::float64, all.data(), size.rows * stride);
    for (std::int64_t r = 0; r < size.rows; ++r)
      for (std::int64_t c = size.channels; c < stride; ++c)
        if (all[r * stride + c] != 77.0) return false;
    return true;
  }
  DType dtype;
  Rows size;
  std::int64_t stride;
  detail::Buffer buffer;
};

double distance(const Doubles& a, const Doubles& b) {
  double error = 0, norm = 1e-30;
  for (std::size_t i = 0; i < a.size(); ++i) error += (a[i] - b[i]) * (a[i] - b[i]), norm += b[i] * b[i];
  return std::sqrt(error / norm);
}

struct Case {
  ConvTask task;
  Doubles x, w, y, result;

  explicit Case(const ConvTask& t) : task(t) {
    const Convolution& c = t.geometry;
    x = random(c.src_size(), 1), w = random(c.weights_size(), 2), y = random(c.dst_size(), 3);
    result = expected(t.kind, c, x, w, y);
    if (t.bias)
      for (std::size_t i = 0; i < result.size(); ++i) result[i] += 0.25 * static_cast<double>(i % c.out_channels) - 1;
    if (t.relu)
      for (double& v : result) v = std::max(v, 0.0);
  }

  // The relative L2 distance of what a plan computes; checks that nothing lands between the rows.
  double error_of(const ConvPlan& plan) const {
    const Convolution& c = task.geometry;
    const bool forward = task.kind == ConvKind::forward, data = task.kind == ConvKind::backward_data;
    const Array src(task.dtype, c.batch * c.in[1] * c.in[2], c.in_channels, task.src_step(), data ? nullptr : &x);
    const Array dst(task.dtype, c.batch * c.out[1] * c.out[2], c.out_channels, task.dst_step(), forward ? nullptr : &y);
    const bool gradient = !forward && !data;
    const Array weights(task.weights_dtype, 1, c.weights_size(), c.weights_size(), gradient ? nullptr : &w);
    Doubles offsets(c.out_channels);
    for (std::size_t i = 0; i < offsets.size(); ++i) offsets[i] = 0.25 * static_cast<double>(i) - 1;
    const Array bias(task.dtype == DType::float64 ? DType::float64 : DType::float32, 1, c.out_channels, c.out_channels,
                     &offsets);
    const detail::Buffer packed(plan.packed_size() + 1), scratch(plan.scratch_size() + 1);
    if (!gradient) plan.pack(weights.buffer.data(), packed.data());
    plan.run(src.buffer.data(), gradient ? weights.buffer.data() : packed.data(), dst.buffer.data(), scratch.data(),
             bias.buffer.data());
    EXPECT_TRUE(src.gaps_are_untouched() && dst.gaps_are_untouched());
    return distance(forward ? dst.values() : data ? src.values() : weights.values(), result);
  }
};

constexpr ConvKind kKinds[] = {ConvKind::forward, ConvKind::backward_data, ConvKind::backward_weights};

double tolerance(DType dtype) {
  return dtype == DType::float64 ? 1e-12 : dtype == DType::float32 ? 3e-6 : dtype == DType::float16 ? 1e-3 : 5e-3;
}

Convolution square(std::int64_t batch, std::int64_t size, std::int64_t in, std::int64_t out, std::int64_t kernel,
                   std::int64_t pad, std::int64_t stride = 1, std::int64_t dilation = 1, std::int64_t groups = 1) {
  Convolution c;
  c.batch = batch, c.in_channels = in, c.out_channels = out, c.groups = groups;
  const std::int64_t width = size + 2;  // not a square after all: rows and columns must not be mixed up
  const std::int64_t reach = (kernel - 1) * dilation + 1;
  c.in = {1, size, width};
  c.kernel = {1, kernel, kernel};
  c.pad = {0, pad, pad};
  c.stride = {1, stride, stride};
  c.dilation = {1, dilation, dilation};
  c.out = {1, (size + 2 * pad - reach) / stride + 1, (width + 2 * pad - reach) / stride + 1};
  return c;
}

std::vector<Convolution> geometries() {
  return {square(3, 8, 16, 32, 3, 1),          square(2, 7, 20, 37, 3, 1),     square(1, 5, 3, 5, 3, 0),
          square(2, 9, 17, 16, 3, 2),          square(2, 9, 33, 48, 3, 1),     square(2, 6, 5, 7, 1, 0),
          square(2, 11, 16, 16, 3, 1, 2),      square(2, 9, 8, 8, 3, 2, 1, 2), square(2, 8, 12, 12, 3, 1, 1, 1, 12),
          square(2, 8, 12, 24, 3, 1, 2, 1, 4), square(1, 10, 6, 4, 5, 2),      square(20, 4, 33, 18, 3, 1)};
}

TEST(ConvPlan, ComputesEveryGeometryKindAndType) {
  for (const Convolution& c : geometries())
    for (const ConvKind kind : kKinds)
      for (const DType dtype : {DType::float32, DType::float64, DType::bfloat16, DType::float16}) {
        const Case one({kind, dtype, dtype, c});
        const ConvPlanPtr plan = prepare_conv(one.task);
        EXPECT_LE(one.error_of(*plan), tolerance(dtype))
            << plan->implementation() << " kind " << static_cast<int>(kind) << " " << to_string(dtype) << " in "
            << c.in_channels << " out " << c.out_channels << " kernel " << c.kernel[1] << " stride " << c.stride[1];
      }
}

TEST(ConvPlan, ReadsAndWritesSlicesOfWiderRows) {
  for (const Convolution& c : geometries())
    for (const ConvKind kind : kKinds)
      for (const DType dtype : {DType::float32, DType::bfloat16}) {
        const Case one({kind, dtype, DType::float32, c, c.in_channels + 9, c.out_channels + 16});
        EXPECT_LE(one.error_of(*prepare_conv(one.task)), tolerance(dtype));
      }
}

TEST(ConvPlan, ThreadsWriteSlicesAFewImagesAtATime) {
  utils::set_num_threads(2);
  for (const DType dtype : {DType::float32, DType::bfloat16}) {
    Convolution c = square(24, 33, 16, 24, 3, 1);  // some images in a part, and some parts
    const ConvTask task{ConvKind::forward, dtype, DType::float32, c, 0, 40, true, true};
    const ConvPlanPtr plan = make_chunks_plan(task);
    ASSERT_NE(plan, nullptr);
    EXPECT_NE(plan->implementation().find(" by images"), std::string::npos) << plan->implementation();
    EXPECT_LE(Case(task).error_of(*plan), tolerance(dtype));
    c.batch = 3;  // not the same number for each thread
    EXPECT_EQ(make_chunks_plan({ConvKind::forward, dtype, DType::float32, c, 0, 40}), nullptr);
  }
  EXPECT_EQ(make_chunks_plan({ConvKind::forward, DType::float32, DType::float32, square(4, 8, 16, 16, 3, 1)}), nullptr);
}

// Every way in which terms are found, and every remainder of pixels, channels and images.
std::vector<Convolution> tiled_geometries() {
  std::vector<Convolution> all = geometries();
  std::erase_if(all, [](const Convolution& c) { return c.groups != 1; });
  const std::vector<Convolution> more = {
      square(2, 14, 32, 33, 3, 1), square(3, 5, 64, 16, 3, 1), square(1, 30, 32, 80, 3, 1), square(9, 2, 96, 40, 3, 1),
      square(5, 1, 32, 48, 1, 0), square(1, 3, 64, 70, 1, 0), square(2, 13, 32, 20, 5, 2, 2),
      square(2, 12, 48, 24, 3, 0, 2), square(1, 17, 34, 17, 3, 2, 3), square(2, 12, 64, 32, 3, 2, 1, 2),
      square(1, 9, 7, 9, 7, 3, 2), square(1, 40, 3, 18, 5, 2, 3), square(2, 9, 160, 8, 3, 1),
      square(1, 6, 352, 160, 3, 1), square(1, 24, 512, 16, 1, 0), square(3, 6, 32, 16, 1, 0, 2),
      square(1, 60, 160, 16, 3, 1), square(2, 3, 130, 10, 2, 1), square(2, 11, 32, 24, 1, 0, 2),
      square(2, 15, 16, 40, 2, 0, 3), square(3, 12, 64, 32, 4, 1, 2), square(1, 1, 32, 16, 3, 1, 2),
      // Enough for several threads.
      square(4, 14, 64, 64, 3, 1), square(2, 7, 160, 160, 3, 1), square(1, 14, 96, 96, 3, 1),
      square(2, 20, 64, 96, 1, 0), square(3, 24, 32, 48, 3, 1, 2), square(2, 32, 3, 96, 3, 1),
      square(1, 4, 8, 8, 41, 20)};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST(ConvPlan, TilesComputeEveryGeometry) {
  if (make_tiles_plan({ConvKind::forward, DType::bfloat16, DType::float32, square(1, 8, 16, 16, 3, 1)}) == nullptr)
    GTEST_SKIP() << "this machine has no AMX";
  for (const Convolution& c : tiled_geometries())
    for (const ConvKind kind : kKinds)
      for (const bool sliced : {false, true}) {
        const bool finish = kind == ConvKind::forward;
        const Case one({kind, DType::bfloat16, sliced ? DType::bfloat16 : DType::float32, c,
                        sliced ? c.in_channels + 9 : 0, sliced ? c.out_channels + 16 : 0, finish, finish && sliced});
        for (const int threads : {1, 2, 3}) {
          utils::set_num_threads(threads);
          const ConvPlanPtr plan = make_tiles_plan(one.task);
          ASSERT_NE(plan, nullptr);
          EXPECT_EQ(plan->implementation(), "amx tiles");
          EXPECT_LE(one.error_of(*plan), 3e-3)
              << "kind " << static_cast<int>(kind) << " batch " << c.batch << " size " << c.in[1] << " in "
              << c.in_channels << " out " << c.out_channels << " kernel " << c.kernel[1] << " stride " << c.stride[1]
              << " sliced " << sliced << " threads " << threads;
        }
      }
}

// Memory that ends where the process may not read or write.
class Guarded {
 public:
  explicit Guarded(std::size_t bytes) : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    size_ = (bytes + page_ - 1) / page_ * page_ + page_;
    memory_ = static_cast<char*>(mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(memory_ + size_ - page_, page_, PROT_NONE);
    data_ = memory_ + size_ - page_ - bytes;
  }
  ~Guarded() { munmap(memory_, size_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  void* data() const { return data_; }

 private:
  std::size_t page_, size_;
  char *memory_, *data_;
};

TEST(ConvPlan, TilesTouchNothingBehindTheArrays) {
  for (const Convolution& c : tiled_geometries())
    for (const ConvKind kind : kKinds)
      for (const std::int64_t gap : {0, 8}) {
        utils::set_num_threads(2);
        const ConvTask task{kind,
                            DType::bfloat16,
                            DType::float32,
                            c,
                            c.in_channels + gap,
                            c.out_channels + gap,
                            kind == ConvKind::forward};
        const ConvPlanPtr plan = make_tiles_plan(task);
        if (plan == nullptr) continue;
        const Guarded src((c.src_size() + (c.src_size() / c.in_channels - 1) * gap) * 2),
            dst((c.dst_size() + (c.dst_size() / c.out_channels - 1) * gap) * 2), weights(c.weights_size() * 4),
            packed(plan->packed_size()), scratch(plan->scratch_size()), bias(c.out_channels * 4);
        if (kind != ConvKind::backward_weights) plan->pack(weights.data(), packed.data());
        plan->run(src.data(), kind == ConvKind::backward_weights ? weights.data() : packed.data(), dst.data(),
                  scratch.data(), bias.data());
      }
}

// Zeros that stand around an image or behind its channels must not meet what is no number.
TEST(ConvPlan, TilesKeepWhatIsNoNumberInItsWindow) {
  for (const std::int64_t channels : {3, 32, 48, 80}) {
    const Convolution c = square(1, 14, channels, 16, 3, 1);
    const ConvTask task{ConvKind::forward, DType::bfloat16, DType::float32, c};
    const ConvPlanPtr plan = make_tiles_plan(task);
    if (plan == nullptr) GTEST_SKIP() << "this machine has no AMX";
    Doubles x(c.src_size(), 1.0), w(c.weights_size(), 1.0);
    const std::int64_t row = 5, column = 7;
    x[(row * c.in[2] + column) * channels] = std::nan("");
    const Array src(DType::bfloat16, c.in[1] * c.in[2], channels, channels, &x),
        dst(DType::bfloat16, c.out[1] * c.out[2], 16, 16),
        weights(DType::float32, 1, c.weights_size(), c.weights_size(), &w);
    const detail::Buffer packed(plan->packed_size()), scratch(plan->scratch_size());
    plan->pack(weights.buffer.data(), packed.data());
    plan->run(src.buffer.data(), packed.data(), dst.buffer.data(), scratch.data());
    const Doubles result = dst.values();
    for (std::int64_t y = 0; y < c.out[1]; ++y)
      for (std::int64_t z = 0; z < c.out[2]; ++z) {
        const bool near = std::abs(y - row) <= 1 && std::abs(z - column) <= 1;
        EXPECT_EQ(std::isnan(result[(y * c.out[2] + z) * 16]), near) << y << " " << z << " channels " << channels;
      }
  }
}

TEST(ConvPlan, AddsBiasAndClampsOnTheWay) {
  for (const Convolution& c : geometries())
    for (const DType dtype : {DType::float32, DType::bfloat16, DType::float64}) {
      const DType weights = dtype == DType::float64 ? dtype : DType::float32;
      EXPECT_LE(Case({ConvKind::forward, dtype, weights, c, 0, 0, true, true})
                    .error_of(*prepare_conv({ConvKind::forward, dtype, weights, c, 0, 0, true, true})),
                tolerance(dtype));
      const ConvTask sliced{ConvKind::forward, dtype, weights, c, 0, c.out_channels + 3, true, false};
      EXPECT_LE(Case(sliced).error_of(*prepare_conv(sliced)), tolerance(dtype));
    }
}

TEST(ConvPlan, EveryImplementationAgrees) {
  for (const Convolution& c : geometries())
    for (const ConvKind kind : kKinds)
      for (const DType dtype : {DType::float32, DType::bfloat16}) {
        const Case one({kind, dtype, DType::float32, c});
        int found = 0;
        for (const ConvPlanPtr& plan : {make_winograd_plan(one.task), make_onednn_plan(one.task),
                                        make_loops_plan(one.task), make_rows_plan(one.task)}) {
          if (plan == nullptr) continue;
          ++found;
          EXPECT_LE(one.error_of(*plan), tolerance(dtype)) << plan->implementation();
        }
        EXPECT_GE(found, 1);
      }
}

TEST(ConvPlan, GradientsOfSixteenBitWeightsAreRoundedOnce) {
  const Convolution c = square(4, 8, 32, 32, 3, 1);
  const Case one({ConvKind::backward_weights, DType::bfloat16, DType::bfloat16, c});
  for (const ConvPlanPtr& plan : {make_winograd_plan(one.task), make_onednn_plan(one.task)})
    EXPECT_LE(one.error_of(*plan), 3e-3) << plan->implementation();
}

TEST(ConvPlan, EmptyArraysGiveZeros) {
  for (const ConvKind kind : kKinds)
    for (const DType dtype : {DType::float32, DType::bfloat16, DType::float16, DType::float64}) {
      Convolution c = square(0, 8, 4, 4, 3, 1);
      EXPECT_EQ(Case({kind, dtype, dtype, c}).error_of(*prepare_conv({kind, dtype, dtype, c})), 0);
      c = square(2, 4, 0, 4, 3, 1);
      EXPECT_EQ(Case({kind, dtype, dtype, c}).error_of(*prepare_conv({kind, dtype, dtype, c})), 0);
    }
}

TEST(ConvPlan, WinogradOnFewWindowsSharesOutThePoints) {
  const int before = omp_get_max_threads();
  const Convolution c = square(1, 15, 40, 24, 3, 1);
  for (const int threads : {1, 2, 5}) {
    omp_set_num_threads(threads);
    for (const ConvKind kind : {ConvKind::forward, ConvKind::backward_data})
      for (const DType dtype : {DType::float32, DType::bfloat16}) {
        EXPECT_EQ(winograd::cut(kind, c, threads).by_points, threads > 1);
        const bool extras = kind == ConvKind::forward;
        const Case one({kind, dtype, DType::float32, c, 43, 31, extras, extras});
        EXPECT_LE(one.error_of(*make_winograd_plan(one.task)), tolerance(dtype)) << threads;
      }
  }
  EXPECT_FALSE(winograd::cut(ConvKind::forward, square(4, 15, 40, 24, 3, 1), 2).by_points);
  EXPECT_FALSE(winograd::cut(ConvKind::backward_weights, c, 2).by_points);
  omp_set_num_threads(before);
}

// The figures that include/strata/kernels.h states.
TEST(ConvPlan, WinogradsErrorIsAsDocumented) {
  Convolution c = square(2, 15, 160, 96, 3, 1);
  for (const ConvKind kind : kKinds) {
    const Case one({kind, DType::float32, DType::float32, c});
    EXPECT_LE(one.error_of(*make_winograd_plan(one.task)), 3e-6);
  }
}

TEST(ConvPlan, NumbersThatAreNoneStaySo) {
  Case one({ConvKind::forward, DType::float32, DType::float32, square(1, 8, 16, 16, 3, 1), 0, 0, true, true});
  std::fill(one.x.begin(), one.x.end(), std::nan(""));
  EXPECT_TRUE(std::isnan(one.error_of(*make_winograd_plan(one.task))));
  Case pixel({ConvKind::forward, DType::float32, DType::float32, square(1, 8, 16, 16, 1, 0), 0, 0, true, true});
  std::fill(pixel.x.begin(), pixel.x.end(), std::nan(""));
  EXPECT_TRUE(std::isnan(pixel.error_of(*make_rows_plan(pixel.task))));
}

// Few rows or few columns: threads share either, or both.
TEST(ConvPlan, RowsAreSharedOutByRowsAndByPanels) {
  const int before = omp_get_max_threads();
  for (const std::int64_t size : {1, 2, 5, 14, 30})
    for (const std::int64_t out : {1, 16, 90, 176, 400}) {
      const Case one(
          {ConvKind::forward, DType::float32, DType::float32, square(1, size, 600, out, 1, 0), 0, out + 5, true, true});
      double of_one_thread = 0;
      for (const int threads : {1, 2, 3, 5, 8}) {
        omp_set_num_threads(threads);
        const double error = one.error_of(*make_rows_plan(one.task));
        EXPECT_LE(error, tolerance(DType::float32)) << size << " " << out << " threads " << threads;
        if (threads == 1) of_one_thread = error;
        EXPECT_EQ(error, of_one_thread) << size << " " << out << " threads " << threads;
      }
    }
  omp_set_num_threads(before);
}

TEST(ConvPlan, ProductsOnTilesReadAndWriteSlices) {
  const int before = omp_get_max_threads();
  for (const auto& [in, out] : {std::array{20, 33}, {70, 130}, {64, 96}})
    for (const ConvKind kind : kKinds)
      for (const int wider : {0, 5}) {
        const bool extras = kind == ConvKind::forward;
        Case one({kind, DType::float32, DType::float32, square(3, 9, in, out, 1, 0), wider == 0 ? 0 : in + wider,
                  wider == 0 ? 0 : out + 2 * wider, extras, extras});
        const ConvPlanPtr plan = make_product_plan(one.task);
        if (plan == nullptr) GTEST_SKIP() << "this machine has no AMX";
        for (const int threads : {1, 2, 3}) {
          omp_set_num_threads(threads);
          EXPECT_LE(one.error_of(*plan), tolerance(DType::float32)) << in << " " << static_cast<int>(kind) << threads;
        }
        // The vector units keep what is no number.
        std::fill(one.x.begin(), one.x.end(), std::nan(""));
        std::fill(one.y.begin(), one.y.end(), std::nan(""));
        EXPECT_TRUE(std::isnan(one.error_of(*plan)));
      }
  omp_set_num_threads(before);
  EXPECT_EQ(make_product_plan({ConvKind::forward, DType::float32, DType::float32, square(3, 9, 64, 64, 3, 1)}),
            nullptr);
}

TEST(ConvPlan, ThreadsShareOnePlan) {
  for (const Convolution& c : {square(4, 8, 32, 32, 3, 1), square(2, 11, 16, 16, 3, 1, 2)}) {
    const Case one({ConvKind::forward, DType::float32, DType::float32, c});
    const ConvPlanPtr plan = prepare_conv(one.task);
    std::vector<std::thread> threads;
    std::array<double, 12> errors{};
    for (double& error : errors) threads.emplace_back([&] { error = one.error_of(*plan); });
    for (std::thread& t : threads) t.join();
    for (const double error : errors) EXPECT_LE(error, 3e-6);
  }
}

}  // namespace
}  // namespace strata::kernels
