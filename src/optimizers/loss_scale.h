// What optimizers do with the gradients of float16 models.
#pragma once

#include <memory>
#include <vector>

#include "graph/loss_scale.h"
#include "optimizers/state.h"
#include "strata/loss_scale.h"

namespace strata::optimizers {

// Of a LossScaleOptimizer: the optimizer inside, and the scale that its variables share.
class LossScaleState final : public OptimizerState {
 public:
  LossScaleState(const Optimizer& inner, const LossScaleOptimizerOptions& options);
  std::shared_ptr<OptimizerState> inner() const override { return inner_.state(); }
  // Keras's order: those of this class, then those of the optimizer inside.
  std::vector<Variable> variables() const override;
  Config get_config() const override;
  // Gives the variables this scale, or takes over the one that a tape gave them.
  void attach(const std::vector<Variable>& variables);
  const std::shared_ptr<strata::detail::LossScale>& scale() const { return scale_; }

 private:
  void make_slots(const std::vector<Variable>&) override {}
  void add_config(Config&) const override {}

  Optimizer inner_;
  double initial_scale_;
  std::shared_ptr<strata::detail::LossScale> scale_;
};

std::shared_ptr<OptimizerState> make_loss_scale_optimizer(const Config& config);

// One step of `state`: left out where the gradients come from a scaled loss and one is not finite.
void apply_scaled(OptimizerState& state, const Tensors& gradients, const std::vector<Variable>& variables);
// The scale of the optimizer's variables; null where nothing was scaled yet.
std::shared_ptr<strata::detail::LossScale> loss_scale_of(const OptimizerState& state);

}  // namespace strata::optimizers
