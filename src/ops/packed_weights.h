// Weights as a kernel wants them: packed once where they are constant, else in the scratch memory of each run.
#pragma once

#include "graph/packed_memory.h"
#include "graph/prepare.h"
#include "kernels/round.h"

namespace strata {

// For plans with pack(weights, packed) and packed_size(); `input` is the position of the weights.
template <class Plan>
class PackedWeights {
 public:
  PackedWeights(const Plan& plan, const PrepareContext& c, std::size_t input) : plan_(plan) {
    const Tensor weights = c.constant(input);
    if (plan.packed_size() == 0 || !weights.defined()) return;
    kept_ = c.memory->take(plan.packed_size());
    plan.pack(detail::data_of(weights).raw(), kept_.get());
  }

  std::size_t scratch_bytes() const { return kept_ == nullptr ? kernels::rounded(plan_.packed_size(), 64) : 0; }
  // What the kernel gets; `scratch` begins with scratch_bytes() of it.
  const void* get(const void* weights, void* scratch) const {
    if (kept_ != nullptr) return kept_.get();
    if (plan_.packed_size() == 0) return weights;
    plan_.pack(weights, scratch);
    return scratch;
  }

 private:
  const Plan& plan_;
  std::shared_ptr<void> kept_;
};

}  // namespace strata
