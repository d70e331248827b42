#include "kernels/dense_plan.h"

#include "kernels/conv_plan.h"
#include "kernels/matmul.h"
#include "kernels/packed_rows.h"
#include "kernels/split_gemm.h"

namespace strata::kernels {
namespace {

// Float32 by our own kernel.
class PackedDense final : public DensePlan {
 public:
  using DensePlan::DensePlan;
  std::string implementation() const override { return "packed rows"; }
  std::size_t packed_size() const override { return packed_rows_size(task().in, task().out); }
  std::size_t scratch_size() const override { return 0; }
  void pack(const void* weights, void* packed) const override {
    pack_rows_weights(task().in, task().out, static_cast<const float*>(weights), static_cast<float*>(packed));
  }
  void run(const void* src, const void* packed, const void* bias, void* dst, void*) const override {
    const DenseTask& t = task();
    multiply_packed_rows({.rows = t.rows,
                          .in = t.in,
                          .out = t.out,
                          .src_stride = t.in,
                          .dst_stride = t.out,
                          .bias = t.bias ? static_cast<const float*>(bias) : nullptr,
                          .relu = t.relu},
                         static_cast<const float*>(src), static_cast<const float*>(packed), static_cast<float*>(dst));
  }
};

// Float32 with weights that change from run to run, or whose product is faster from what they are.
class PlainDense final : public DensePlan {
 public:
  using DensePlan::DensePlan;
  std::string implementation() const override { return scratch_ > 0 ? "product on tiles" : "product"; }
  std::size_t packed_size() const override { return 0; }
  std::size_t scratch_size() const override { return scratch_; }
  void pack(const void*, void*) const override {}
  void run(const void* src, const void* weights, const void* bias, void* dst, void* scratch) const override {
    matmul_rows(size_, static_cast<const float*>(src), static_cast<const float*>(weights), static_cast<float*>(dst),
                {task().bias ? static_cast<const float*>(bias) : nullptr, task().relu},
                {static_cast<std::byte*>(scratch), scratch_});
  }

 private:
  const MatmulSize size_{task().rows, task().out, task().in};
  const std::size_t scratch_ = matmul_rows_scratch(size_);
};

// Any other type as a convolution whose kernel is one pixel.
class ConvDense final : public DensePlan {
 public:
  explicit ConvDense(const DenseTask& t) : DensePlan(t) {
    ConvTask task{ConvKind::forward, t.dtype, t.weights_dtype, {}};
    task.geometry.batch = 1;
    task.geometry.in_channels = t.in;
    task.geometry.out_channels = t.out;
    task.geometry.in = task.geometry.out = {1, t.rows, 1};
    task.bias = t.bias;
    task.relu = t.relu;
    task.constant_weights = t.constant_weights;
    conv_ = prepare_conv(task);
  }
  std::string implementation() const override { return conv_->implementation(); }
  std::size_t packed_size() const override { return conv_->packed_size(); }
  std::size_t scratch_size() const override { return conv_->scratch_size(); }
  void pack(const void* weights, void* packed) const override { conv_->pack(weights, packed); }
  void run(const void* src, const void* packed, const void* bias, void* dst, void* scratch) const override {
    conv_->run(src, packed, dst, scratch, bias);
  }

 private:
  ConvPlanPtr conv_;
};

}  // namespace

DensePlanPtr prepare_dense(const DenseTask& task) {
  if (task.dtype == DType::float32 && task.weights_dtype == DType::float32) {
    const bool splits = split_gemm_pays(task.rows, task.out, task.in);
    if (task.constant_weights && !splits) return std::make_shared<PackedDense>(task);
    return std::make_shared<PlainDense>(task);
  }
  return std::make_shared<ConvDense>(task);
}

}  // namespace strata::kernels
