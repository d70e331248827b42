#include "kernels/conv.h"

#include <omp.h>

#include "core/tensor_data.h"
#include "kernels/conv_choice.h"
#include "kernels/conv_plan.h"
#include "kernels/plan_cache.h"

namespace strata::kernels {
namespace {

void run(ConvKind kind, DType dtype, const Convolution& c, const void* src, const void* weights, const void* dst) {
  static PlanCache<ConvPlan>& cache = *new PlanCache<ConvPlan>(1024);  // never destroyed, as oneDNN's engine
  std::string key;
  append_key(key, kind, dtype, omp_get_max_threads(), choice_generation(), c.batch, c.in_channels, c.out_channels,
             c.groups, c.in, c.out, c.kernel, c.stride, c.dilation, c.pad);
  const ConvPlanPtr plan = cache.get(key, [&] { return prepare_conv({kind, dtype, dtype, c}); });
  const detail::Buffer scratch(plan->scratch_size());
  if (kind == ConvKind::backward_weights) return plan->run(src, weights, dst, scratch.data());
  const detail::Buffer packed(plan->packed_size());
  plan->pack(weights, packed.data());
  plan->run(src, packed.data(), dst, scratch.data());
}

}  // namespace

void conv_forward(DType dtype, const Convolution& c, const void* src, const void* weights, void* dst) {
  run(ConvKind::forward, dtype, c, src, weights, dst);
}

void conv_backward_data(DType dtype, const Convolution& c, const void* diff_dst, const void* weights, void* diff_src) {
  run(ConvKind::backward_data, dtype, c, diff_src, weights, diff_dst);
}

void conv_backward_weights(DType dtype, const Convolution& c, const void* src, const void* diff_dst,
                           void* diff_weights) {
  run(ConvKind::backward_weights, dtype, c, src, diff_weights, diff_dst);
}

}  // namespace strata::kernels
