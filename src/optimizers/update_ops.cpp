#include "optimizers/update_ops.h"

#include "graph/registry.h"
#include "strata/variable.h"

namespace strata {

void register_optimizer(Registry& r) {
  for (const char* name :
       {"sgd_update", "adam_update", "rmsprop_update", "adamax_update", "nadam_update", "adagrad_update",
        "adadelta_update", "ftrl_update", "lion_update", "schedule_free_adamw_update"})
    r.add_effect(name);
}

namespace optimizers {

Specs UpdateOp::infer(const Specs&) const { return {}; }

void UpdateOp::run(RunContext& c) const {
  if (c.in.size() > 3 && !c.in[3].item<bool>()) return;  // gradients are only accumulated in this step
  const Tensor& gradient = c.in[0];
  if (gradient.shape() != weight_->shape || gradient.dtype() != weight_->dtype)
    throw ShapeError(std::string(name()) + ": variable '" + Variable(weight_).path() + "' has shape " +
                     to_string(weight_->shape) + ", but its gradient has shape " + to_string(gradient.shape()) + ".");
  kernels::Update u{};
  u.dtype = weight_->dtype;
  u.n = gradient.size();
  u.gradient = gradient.impl()->raw();
  u.learning_rate = c.in[1].item<double>();
  u.decay = weight_decay_;
  // One after the other: each may move to a buffer of its own first.
  u.weight = strata::detail::exclusive_value(*weight_).impl()->raw();
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (slots_[i]) u.slots[i] = strata::detail::exclusive_value(*slots_[i]).impl()->raw();
  if (u.n > 0) update(u, c.in[2].item<std::int64_t>());
}

Config UpdateOp::config() const { return {{"variable", Variable(weight_).path()}}; }

std::vector<const strata::detail::VariableState*> UpdateOp::written() const {
  std::vector<const strata::detail::VariableState*> all = {weight_.get()};
  for (const StatePtr& s : slots_)
    if (s) all.push_back(s.get());
  return all;
}

}  // namespace optimizers
}  // namespace strata
