// Convolutions whose kernel is one pixel: products of rows of channels with a matrix, which may lie in wider rows.
#include "kernels/conv_plan.h"
#include "kernels/packed_rows.h"

namespace strata::kernels {
namespace {

class RowsPlan final : public ConvPlan {
 public:
  using ConvPlan::ConvPlan;
  std::string implementation() const override { return "packed rows"; }
  std::size_t packed_size() const override {
    return packed_rows_size(task().geometry.in_channels, task().geometry.out_channels);
  }
  std::size_t scratch_size() const override { return 0; }
  void pack(const void* weights, void* packed) const override {
    pack_rows_weights(task().geometry.in_channels, task().geometry.out_channels, static_cast<const float*>(weights),
                      static_cast<float*>(packed));
  }
  void run(const void* src, const void* weights, const void* dst, void*, const void* bias) const override {
    const Convolution& c = task().geometry;
    multiply_packed_rows({.rows = c.batch * c.out[0] * c.out[1] * c.out[2],
                          .in = c.in_channels,
                          .out = c.out_channels,
                          .src_stride = task().src_step(),
                          .dst_stride = task().dst_step(),
                          .bias = task().bias ? static_cast<const float*>(bias) : nullptr,
                          .relu = task().relu},
                         static_cast<const float*>(src), static_cast<const float*>(weights),
                         static_cast<float*>(const_cast<void*>(dst)));
  }
};

}  // namespace

ConvPlanPtr make_rows_plan(const ConvTask& task) {
  const bool floats = task.dtype == DType::float32 && task.weights_dtype == DType::float32;
  if (task.kind != ConvKind::forward || !task.geometry.is_pointwise() || !floats) return nullptr;
  return std::make_shared<RowsPlan>(task);
}

}  // namespace strata::kernels
