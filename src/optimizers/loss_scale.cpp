#include "optimizers/loss_scale.h"

#include <utility>

#include "graph/conditional.h"
#include "graph/graph.h"
#include "strata/array.h"
#include "strata/math.h"
#include "strata/reduce.h"
#include "strata/tape.h"

namespace strata::optimizers {

namespace {

// Keras's wrapper has a learning rate and steps of its own, which change nothing.
CommonOptions without_effect(const std::string& name) {
  CommonOptions options{};
  options.learning_rate = 0.0;
  options.ema_momentum = 0.99;
  options.name = name;
  return options;
}

Tensor all_finite(const Tensors& gradients) {
  Tensors each;
  for (const Tensor& g : gradients)
    if (g.defined()) each.push_back(reduce_all(isfinite(g)));
  return each.empty() ? constant(true) : reduce_all(stack(each));
}

}  // namespace

LossScaleState::LossScaleState(const Optimizer& inner, const LossScaleOptimizerOptions& options)
    : OptimizerState("LossScaleOptimizer", "loss_scale_optimizer", without_effect(options.name)),
      inner_(inner),
      initial_scale_(options.initial_scale) {
  const std::string class_name = this->class_name();
  if (!inner.defined()) throw ValueError(class_name + ": the inner optimizer is empty. Give it one, such as Adam().");
  if (inner.state()->inner())
    throw ValueError(class_name + ": the inner optimizer is a LossScaleOptimizer already. Wrap the optimizer inside.");
  if (!(options.initial_scale > 0))
    throw ValueError(class_name + ": initial_scale is " + std::to_string(options.initial_scale) +
                     "; it must be positive.");
  if (options.dynamic_growth_steps < 1)
    throw ValueError(class_name + ": dynamic_growth_steps is " + std::to_string(options.dynamic_growth_steps) +
                     "; it must be at least 1.");
  TraceScope outside(nullptr);
  scale_ = std::make_shared<strata::detail::LossScale>(options.initial_scale, options.dynamic_growth_steps);
}

std::vector<Variable> LossScaleState::variables() const {
  std::vector<Variable> all = OptimizerState::variables();
  all.push_back(scale_->finite_steps);
  all.push_back(scale_->scale);
  for (const Variable& v : inner_.variables()) all.push_back(v);
  return all;
}

Config LossScaleState::get_config() const {
  return {{"name", name()},
          {"inner_optimizer", inner_.to_config_value()},
          {"initial_scale", initial_scale_},
          {"dynamic_growth_steps", scale_->growth_steps}};
}

void LossScaleState::attach(const std::vector<Variable>& variables) {
  const auto& old = variables.front().state()->loss_scale;
  if (old != nullptr && old != scale_) {  // traced steps refer to that one already
    TraceScope outside(nullptr);
    strata::detail::RecordingPause pause;
    old->scale.assign(scale_->scale.read());
    old->growth_steps = scale_->growth_steps;
    scale_ = old;
  }
  for (const Variable& v : variables) v.state()->loss_scale = scale_;
}

LossScaleOptimizer::LossScaleOptimizer(const Optimizer& inner_optimizer, const LossScaleOptimizerOptions& options)
    : Optimizer(std::make_shared<LossScaleState>(inner_optimizer, options)) {}

Optimizer LossScaleOptimizer::inner_optimizer() const { return Optimizer(state()->inner()); }

std::shared_ptr<OptimizerState> make_loss_scale_optimizer(const Config& config) {
  const LossScaleOptimizerOptions defaults;
  const Config::Value* inner = config.find("inner_optimizer");
  if (inner == nullptr) throw ValueError("LossScaleOptimizer: its configuration has no inner_optimizer.");
  return std::make_shared<LossScaleState>(
      Optimizer::from_config_value(*inner),
      LossScaleOptimizerOptions{
          .initial_scale = config.get<double>("initial_scale", defaults.initial_scale),
          .dynamic_growth_steps = config.get<std::int64_t>("dynamic_growth_steps", defaults.dynamic_growth_steps),
          .name = config.get<std::string>("name", "")});
}

void apply_scaled(OptimizerState& state, const Tensors& gradients, const std::vector<Variable>& variables) {
  auto* wrapper = dynamic_cast<LossScaleState*>(&state);
  OptimizerState& updates = wrapper != nullptr ? *wrapper->inner() : state;
  bool is_unscaled = false;
  for (const Variable& v : variables)
    if (v.state()) is_unscaled |= std::exchange(v.state()->is_unscaled, false);
  const bool fits = !variables.empty() && gradients.size() == variables.size() && variables.front().state();
  if (!fits || (wrapper == nullptr && !is_unscaled)) return updates.apply_gradients(gradients, variables);
  if (wrapper != nullptr) wrapper->attach(variables);
  const auto scale = wrapper != nullptr ? wrapper->scale() : variables.front().state()->loss_scale;
  if (scale == nullptr) return updates.apply_gradients(gradients, variables);
  updates.build(variables);
  strata::detail::RecordingPause pause;
  Tensors ready = gradients;
  if (!is_unscaled)
    for (Tensor& g : ready)
      if (g.defined()) g = g / cast(scale->scale.read(), g.dtype());
  const Tensor finite = all_finite(ready);
  {
    const EffectsOnlyIf only(finite);
    updates.apply_gradients(ready, variables);
  }
  scale->update(finite);
}

std::shared_ptr<strata::detail::LossScale> loss_scale_of(const OptimizerState& state) {
  if (const auto* wrapper = dynamic_cast<const LossScaleState*>(&state)) return wrapper->scale();
  for (const Variable& v : state.trained())
    if (v.state()->loss_scale) return v.state()->loss_scale;
  return nullptr;
}

}  // namespace strata::optimizers
