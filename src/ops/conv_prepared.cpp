#include "ops/conv_prepared.h"

#include <utility>

#include "ops/packed_weights.h"

namespace strata::conv {

namespace {

using kernels::ConvKind;
using kernels::ConvPlanPtr;

class PreparedConv final : public PreparedOp {
 public:
  PreparedConv(ConvPlanPtr plan, Positions positions, const PrepareContext& c)
      : plan_(std::move(plan)),
        positions_(positions),
        weights_(*plan_, c, static_cast<std::size_t>(positions.weights)) {}

  void run(const StepMemory& memory) const override {
    auto array = [&](int position) { return position < 0 ? memory.out[0] : memory.in[position]; };
    plan_->run(array(positions_.src), weights_.get(array(positions_.weights), memory.scratch), array(positions_.dst),
               static_cast<char*>(memory.scratch) + weights_.scratch_bytes(),
               positions_.bias < 0 ? nullptr : array(positions_.bias));
  }
  std::size_t scratch_bytes() const override { return weights_.scratch_bytes() + plan_->scratch_size(); }
  std::string kernel() const override { return plan_->implementation(); }
  double flops() const override { return plan_->flops(); }
  int reorders() const override { return plan_->reorders(); }

 private:
  ConvPlanPtr plan_;
  Positions positions_;
  PackedWeights<kernels::ConvPlan> weights_;
};

}  // namespace

std::unique_ptr<PreparedOp> prepare(kernels::ConvTask task, Positions positions, const PrepareContext& context) {
  if (positions.weights >= 0)
    task.constant_weights = context.constant(static_cast<std::size_t>(positions.weights)).defined();
  return std::make_unique<PreparedConv>(kernels::prepare_conv(task), positions, context);
}

}  // namespace strata::conv
