#include "graph/loss_scale.h"

#include <utility>

#include "graph/variable.h"
#include "strata/array.h"
#include "strata/math.h"

namespace strata::detail {

namespace {
thread_local bool scaled_by_hand = false;
}

LossScale::LossScale(double initial_scale, std::int64_t growth_steps)
    : scale(constant(initial_scale, float32), {.trainable = false, .name = "dynamic_scale"}),
      finite_steps(constant(0, int32), {.trainable = false, .name = "step_counter"}),
      skipped_steps(constant(0, int64), {.trainable = false, .name = "skipped_steps"}),
      growth_steps(growth_steps) {}

void LossScale::update(const Tensor& finite) const {
  const Tensor steps = finite_steps.read(), now = scale.read();
  const Tensor grows = logical_and(finite, equal(steps, constant(growth_steps - 1, int32)));
  scale.assign(where(grows, now * 2.f, where(finite, now, now * 0.5f)));
  finite_steps.assign(where(logical_and(finite, logical_not(grows)), steps + 1, zeros_like(steps)));
  skipped_steps.assign_add(cast(logical_not(finite), int64));
}

std::shared_ptr<LossScale> loss_scale_for(const std::vector<Source>& sources) {
  if (std::exchange(scaled_by_hand, false)) return nullptr;
  std::vector<VariableState*> states;
  std::shared_ptr<LossScale> scale;
  for (const Source& s : sources) {
    if (!s.is_variable || s.variable.dtype() != DType::float32) continue;
    states.push_back(s.variable.state().get());
    if (scale == nullptr) scale = states.back()->loss_scale;
  }
  if (states.empty()) return nullptr;
  if (scale == nullptr) scale = std::make_shared<LossScale>();
  for (VariableState* s : states) {
    if (s->loss_scale == nullptr) s->loss_scale = scale;
    s->is_unscaled = true;
  }
  return scale;
}

void set_scaled_by_hand() { scaled_by_hand = true; }

}  // namespace strata::detail
