#include "ops/conv_prepared.h"

#include <utility>

namespace strata::conv {

namespace {

using kernels::ConvKind;
using kernels::ConvPlanPtr;

class PreparedConv final : public PreparedOp {
 public:
  PreparedConv(ConvPlanPtr plan, Positions positions, const PrepareContext& c)
      : plan_(std::move(plan)), positions_(positions) {
    if (plan_->packed_size() == 0) return;
    if (const Tensor weights = c.constant(static_cast<std::size_t>(positions.weights)); weights.defined()) {
      packed_ = std::make_unique<detail::Buffer>(plan_->packed_size());
      plan_->pack(detail::data_of(weights).raw(), packed_->data());
    }
  }

  void run(const StepMemory& memory) const override {
    auto array = [&](int position) { return position < 0 ? memory.out[0] : memory.in[position]; };
    char* scratch = static_cast<char*>(memory.scratch);
    const void* weights = array(positions_.weights);
    if (packed_ != nullptr) {
      weights = packed_->data();
    } else if (plan_->task().kind != ConvKind::backward_weights) {
      // Weights change from step to step, so they are packed anew.
      plan_->pack(weights, scratch);
      weights = scratch;
      scratch += packed_bytes();
    }
    plan_->run(array(positions_.src), weights, array(positions_.dst), scratch,
               positions_.bias < 0 ? nullptr : array(positions_.bias));
  }
  std::size_t scratch_bytes() const override {
    return (packed_ == nullptr ? packed_bytes() : 0) + plan_->scratch_size();
  }
  std::string kernel() const override { return plan_->implementation(); }
  double flops() const override { return plan_->flops(); }
  int reorders() const override { return plan_->reorders(); }

 private:
  std::size_t packed_bytes() const { return (plan_->packed_size() + 63) / 64 * 64; }
  ConvPlanPtr plan_;
  Positions positions_;
  std::unique_ptr<detail::Buffer> packed_;
};

}  // namespace

std::unique_ptr<PreparedOp> prepare(kernels::ConvTask task, Positions positions, const PrepareContext& context) {
  if (positions.weights >= 0)
    task.constant_weights = context.constant(static_cast<std::size_t>(positions.weights)).defined();
  return std::make_unique<PreparedConv>(kernels::prepare_conv(task), positions, context);
}

}  // namespace strata::conv
