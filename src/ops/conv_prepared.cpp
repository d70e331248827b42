#include "ops/conv_prepared.h"

#include <utility>

#include "kernels/conv_plan.h"

namespace strata::conv {

namespace {

using kernels::ConvKind;
using kernels::ConvPlanPtr;

class PreparedConv final : public PreparedOp {
 public:
  PreparedConv(ConvPlanPtr plan, Positions positions) : plan_(std::move(plan)), positions_(positions) {}

  void run(const StepMemory& memory) const override {
    auto array = [&](int position) { return position < 0 ? memory.out[0] : memory.in[position]; };
    char* scratch = static_cast<char*>(memory.scratch);
    const void* weights = array(positions_.weights);
    if (plan_->task().kind != ConvKind::backward_weights) {
      // Weights change from step to step, so they are packed anew.
      plan_->pack(weights, scratch);
      weights = scratch;
      scratch += packed_bytes();
    }
    plan_->run(array(positions_.src), weights, array(positions_.dst), scratch);
  }
  std::size_t scratch_bytes() const override { return packed_bytes() + plan_->scratch_size(); }
  std::string kernel() const override { return plan_->implementation(); }
  double flops() const override { return plan_->flops(); }

 private:
  std::size_t packed_bytes() const { return (plan_->packed_size() + 63) / 64 * 64; }
  ConvPlanPtr plan_;
  Positions positions_;
};

}  // namespace

std::unique_ptr<PreparedOp> prepare(ConvKind kind, DType dtype, const kernels::Convolution& geometry,
                                    Positions positions) {
  return std::make_unique<PreparedConv>(kernels::prepare_conv({kind, dtype, dtype, geometry}), positions);
}

}  // namespace strata::conv
