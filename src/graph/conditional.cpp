#include "graph/conditional.h"

#include <utility>

namespace strata {

namespace {
thread_local Tensor condition_of_effects;
}

Specs ConditionalEffect::infer(const Specs& in) const { return effect_->infer({in.begin(), in.end() - 1}); }

void ConditionalEffect::run(RunContext& c) const {
  if (!c.in.back().item<bool>()) return;
  RunContext inner{c.in.first(c.in.size() - 1), c.out};
  effect_->run(inner);
}

Config ConditionalEffect::config() const {
  Config config = effect_->config();
  config.set("effect", std::string(effect_->name()));
  return config;
}

std::vector<const detail::VariableState*> ConditionalEffect::written() const {
  return dynamic_cast<const WritesVariables&>(*effect_).written();
}

EffectsOnlyIf::EffectsOnlyIf(const Tensor& condition) : outer_(std::exchange(condition_of_effects, condition)) {}
EffectsOnlyIf::~EffectsOnlyIf() { condition_of_effects = outer_; }

namespace detail {

bool effects_are_conditional() { return condition_of_effects.defined(); }

void make_conditional(OpPtr& op, Tensors& inputs) {
  if (dynamic_cast<const WritesVariables*>(op.get()) == nullptr) return;
  op = make_op<ConditionalEffect>(op);
  inputs.push_back(condition_of_effects);
}

}  // namespace detail
}  // namespace strata
