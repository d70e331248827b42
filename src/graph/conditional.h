// Changes of variables that happen only where a condition holds: in a traced step, too, which has no branches.
#pragma once

#include <memory>
#include <vector>

#include "graph/variable_ops.h"

namespace strata {

// An effect op without results, run where its last input (a bool scalar) is true.
class STRATA_API ConditionalEffect final : public Op, public WritesVariables {
 public:
  explicit ConditionalEffect(OpPtr effect) : effect_(std::move(effect)) {}
  std::string_view name() const override { return "conditional"; }
  Specs infer(const Specs& in) const override;
  void run(RunContext& c) const override;
  Config config() const override;
  bool has_effect() const override { return true; }
  std::vector<const detail::VariableState*> written() const override;

 private:
  OpPtr effect_;
};

// While it lives, what this thread applies to variables is conditional.
class STRATA_API EffectsOnlyIf {
 public:
  explicit EffectsOnlyIf(const Tensor& condition);
  ~EffectsOnlyIf();
  EffectsOnlyIf(const EffectsOnlyIf&) = delete;
  EffectsOnlyIf& operator=(const EffectsOnlyIf&) = delete;

 private:
  Tensor outer_;
};

namespace detail {
// Makes op and inputs conditional where that scope is open and the op changes variables.
void make_conditional(OpPtr& op, Tensors& inputs);
bool effects_are_conditional();
}  // namespace detail

}  // namespace strata
