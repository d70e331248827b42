// Convolutions of float32 whose kernel is one pixel, as products on the tiles of AMX. Rows may lie in wider rows.
#include <algorithm>
#include <cstring>

#include "core/tensor_data.h"
#include "kernels/amx.h"
#include "kernels/conv_plan.h"
#include "kernels/matmul.h"
#include "kernels/rows.h"
#include "kernels/split_gemm.h"

namespace strata::kernels {
namespace {

class ProductPlan final : public ConvPlan {
 public:
  explicit ProductPlan(const ConvTask& t) : ConvPlan(t), scratch_(split_gemm_scratch(product({}))) {}

  std::string implementation() const override { return "product on tiles"; }
  std::size_t packed_size() const override {
    return task().kind == ConvKind::backward_weights ? 0 : task().geometry.weights_size() * sizeof(float);
  }
  std::size_t scratch_size() const override { return scratch_; }
  void pack(const void* weights, void* packed) const override { std::memcpy(packed, weights, packed_size()); }
  void run(const void* src, const void* weights, const void* dst, void* scratch, const void* bias) const override {
    const void* arrays[] = {src, weights, dst};
    if (task().kind == ConvKind::backward_data) std::swap(arrays[0], arrays[2]);
    if (task().kind == ConvKind::backward_weights) std::swap(arrays[1], arrays[2]);
    const auto *a = static_cast<const float*>(arrays[0]), *b = static_cast<const float*>(arrays[1]);
    float* result = static_cast<float*>(const_cast<void*>(arrays[2]));
    const RowEnd end{task().bias ? static_cast<const float*>(bias) : nullptr, task().relu};
    if (!split_gemm(product(end), a, b, result, {static_cast<std::byte*>(scratch), scratch_}))
      multiply_dense(a, b, end, result);
  }

 private:
  SplitGemm product(const RowEnd& end) const {
    const Convolution& c = task().geometry;
    const std::int64_t rows = c.batch * c.out[0] * c.out[1] * c.out[2], in = c.in_channels, out = c.out_channels;
    const std::int64_t src = task().src_step(), dst = task().dst_step();
    if (task().kind == ConvKind::forward) return {rows, out, in, src, 1, out, 1, dst, end};
    if (task().kind == ConvKind::backward_data) return {rows, in, out, dst, 1, 1, out, src, end};
    return {in, out, rows, 1, src, dst, 1, out, end};
  }

  // Infinities and NaNs by the vector units, on dense copies of the rows.
  void multiply_dense(const float* a, const float* b, const RowEnd& end, float* result) const {
    const SplitGemm g = product(end);
    const bool gradient = task().kind == ConvKind::backward_weights, turned = task().kind == ConvKind::backward_data;
    const detail::Buffer dense_a(static_cast<std::size_t>(g.m * g.k) * sizeof(float)),
        dense_b(static_cast<std::size_t>(g.k * g.n) * sizeof(float)),
        dense(static_cast<std::size_t>(g.m * g.n) * sizeof(float));
    const auto copy = [](Rows rows, const void* from, std::int64_t from_step, void* to, std::int64_t to_step) {
      copy_slice(rows, DType::float32, from, from_step, DType::float32, to, to_step);
    };
    const Rows rows_a = gradient ? Rows{g.k, g.m} : Rows{g.m, g.k}, rows_b = turned ? Rows{g.n, g.k} : Rows{g.k, g.n};
    copy(rows_a, a, gradient ? g.a_step : g.a_row, dense_a.data(), rows_a.channels);
    copy(rows_b, b, turned ? g.b_step : g.b_row, dense_b.data(), rows_b.channels);
    matmul_rows({g.m, g.n, g.k, gradient, turned}, static_cast<const float*>(dense_a.data()),
                static_cast<const float*>(dense_b.data()), static_cast<float*>(dense.data()), end, {});
    copy({g.m, g.n}, dense.data(), g.n, result, g.dst_row);
  }

  std::size_t scratch_;
};

}  // namespace

ConvPlanPtr make_product_plan(const ConvTask& task) {
  const bool floats = task.dtype == DType::float32 && task.weights_dtype == DType::float32;
  if (!floats || !task.geometry.is_pointwise() || !amx::available()) return nullptr;
  return std::make_shared<ProductPlan>(task);
}

bool product_plan_pays(const ConvTask& task) {
  const Convolution& c = task.geometry;
  const std::int64_t rows = c.batch * c.out[0] * c.out[1] * c.out[2], in = c.in_channels, out = c.out_channels;
  // Measured against oneDNN's kernels: gradients of weights need a factor turned and long sums.
  constexpr std::int64_t kEnoughRows = 512, kEnough = 8192, kEnoughOfGradient = 40000;
  const bool gradient = task.kind == ConvKind::backward_weights;
  return rows >= kEnoughRows && in * out >= (gradient ? kEnoughOfGradient : kEnough) && split_gemm_pays(rows, out, in);
}

}  // namespace strata::kernels
