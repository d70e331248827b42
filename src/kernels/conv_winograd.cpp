#include <omp.h>

#include <cstring>

#include "core/half.h"
#include "kernels/cast.h"
#include "kernels/conv_plan.h"
#include "kernels/winograd.h"

namespace strata::kernels {
namespace {

class WinogradPlan final : public ConvPlan {
 public:
  explicit WinogradPlan(const ConvTask& t)
      : ConvPlan(t),
        work_{t.geometry,
              t.kind,
              t.dtype,
              {t.src_step(), t.dst_step()},
              winograd::cut(t.kind, t.geometry, omp_get_max_threads())} {}

  std::string implementation() const override { return "winograd 4x4"; }
  std::size_t packed_size() const override { return winograd::packed_size(work_); }
  std::size_t scratch_size() const override {
    return winograd::scratch_size(work_) + (narrow() ? task().geometry.weights_size() * sizeof(float) : 0);
  }
  void pack(const void* weights, void* packed) const override {
    winograd::pack(work_, task().weights_dtype, weights, static_cast<float*>(packed));
  }
  void run(const void* src, const void* weights, const void* dst, void* scratch, const void* bias) const override {
    float* own = static_cast<float*>(scratch);
    const float *packed = static_cast<const float*>(weights), *offsets = static_cast<const float*>(bias);
    switch (task().kind) {
      case ConvKind::forward:
        return winograd::convolve(work_, src, packed, const_cast<void*>(dst), own, task().bias ? offsets : nullptr,
                                  task().relu);
      case ConvKind::backward_data:
        return winograd::convolve(work_, dst, packed, const_cast<void*>(src), own, nullptr, false);
      case ConvKind::backward_weights: {
        void* to = const_cast<void*>(weights);
        if (!narrow()) return winograd::backward_weights(work_, src, dst, static_cast<float*>(to), own);
        float* wide = own + winograd::scratch_size(work_) / sizeof(float);
        winograd::backward_weights(work_, src, dst, wide, own);
        return cast(DType::float32, wide, task().weights_dtype, to, task().geometry.weights_size());
      }
    }
  }

 private:
  // Gradients of weights that are not float32 need a float32 copy.
  bool narrow() const { return task().kind == ConvKind::backward_weights && task().weights_dtype != DType::float32; }

  winograd::Task work_;
};

}  // namespace

ConvPlanPtr make_winograd_plan(const ConvTask& task) {
  const bool types = (task.dtype == DType::float32 || task.dtype == DType::bfloat16) &&
                     (task.weights_dtype == DType::float32 || task.weights_dtype == DType::bfloat16);
  if (!types || !winograd::applies(task.geometry)) return nullptr;
  return std::make_shared<WinogradPlan>(task);
}

}  // namespace strata::kernels
