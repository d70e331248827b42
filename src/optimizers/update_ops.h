// Effect ops that change a variable and its slots in place. Inputs: gradient, learning rate, steps taken before and,
// where gradients are accumulated, whether the step is due; last, where the gradient is a sum of rows, the sum of their
// squares (Adamax: absolute values).
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "graph/op.h"
#include "graph/variable_ops.h"
#include "kernels/optimizer.h"

namespace strata::optimizers {

using StatePtr = std::shared_ptr<strata::detail::VariableState>;

class UpdateOp : public Op, public UpdatesJointly {
 public:
  // `slots` in the order of the kernel; null where the optimizer has none.
  UpdateOp(StatePtr weight, std::vector<StatePtr> slots, double weight_decay)
      : weight_(std::move(weight)), slots_(std::move(slots)), weight_decay_(weight_decay) {}
  Specs infer(const Specs& in) const override;
  void run(RunContext& c) const override;
  Config config() const override;
  bool has_effect() const override { return true; }
  std::vector<const strata::detail::VariableState*> written() const override;
  bool goes_with(const Op&) const override { return false; }
  OpPtr joined(std::vector<OpPtr> updates) const override;

  // What the kernel works on. Weight and slots may move to buffers of their own.
  kernels::Update memory(const Tensor& gradient, double learning_rate, const Tensor& magnitudes = {}) const;
  kernels::Update memory(const kernels::GradientProduct& gradient, double learning_rate) const;
  static kernels::GradientProduct product_of(const Tensor& a, const Tensor& b, const MatrixProduct& p);
  // Of as many weights as go together.
  virtual void update(std::span<const kernels::Update> updates, std::int64_t steps_before) const = 0;

 protected:
  template <class Self>
  static bool same_numbers(const Self& a, const Op& other) {
    const auto* b = dynamic_cast<const Self*>(&other);
    return b != nullptr && a.step_ == b->step_;
  }

 private:
  void check_gradient(const Shape& shape, DType dtype) const;
  kernels::Update memory(double learning_rate) const;
  StatePtr weight_;
  std::vector<StatePtr> slots_;
  double weight_decay_;
};

class SgdUpdate final : public UpdateOp {
 public:
  SgdUpdate(StatePtr weight, std::vector<StatePtr> slots, double weight_decay, kernels::SgdStep step)
      : UpdateOp(std::move(weight), std::move(slots), weight_decay), step_(step) {}
  std::string_view name() const override { return "sgd_update"; }
  bool goes_with(const Op& other) const override { return same_numbers(*this, other); }
  void update(std::span<const kernels::Update> updates, std::int64_t) const override {
    kernels::sgd_update_all(updates, step_);
  }

 private:
  friend class UpdateOp;
  kernels::SgdStep step_;
};

class AdamUpdate final : public UpdateOp {
 public:
  AdamUpdate(StatePtr weight, std::vector<StatePtr> slots, double weight_decay, kernels::AdamStep step)
      : UpdateOp(std::move(weight), std::move(slots), weight_decay), step_(step) {}
  std::string_view name() const override { return "adam_update"; }
  bool goes_with(const Op& other) const override { return same_numbers(*this, other); }
  void update(std::span<const kernels::Update> updates, std::int64_t steps_before) const override {
    kernels::AdamStep step = step_;
    step.step = steps_before + 1;
    kernels::adam_update_all(updates, step);
  }

 private:
  friend class UpdateOp;
  kernels::AdamStep step_;
};

class RmspropUpdate final : public UpdateOp {
 public:
  RmspropUpdate(StatePtr weight, std::vector<StatePtr> slots, double weight_decay, kernels::RmspropStep step)
      : UpdateOp(std::move(weight), std::move(slots), weight_decay), step_(step) {}
  std::string_view name() const override { return "rmsprop_update"; }
  bool goes_with(const Op& other) const override { return same_numbers(*this, other); }
  void update(std::span<const kernels::Update> updates, std::int64_t) const override {
    kernels::rmsprop_update_all(updates, step_);
  }

 private:
  friend class UpdateOp;
  kernels::RmspropStep step_;
};

// An update whose kernel takes the optimizer's numbers as a `StepNumbers`, with the step counted from 1 where it has
// one.
template <class StepNumbers>
class KernelUpdate final : public UpdateOp {
 public:
  using Kernel = void (*)(const kernels::Update&, const StepNumbers&);
  KernelUpdate(const char* name, Kernel kernel, StatePtr weight, std::vector<StatePtr> slots, double weight_decay,
               const StepNumbers& numbers)
      : UpdateOp(std::move(weight), std::move(slots), weight_decay), name_(name), kernel_(kernel), numbers_(numbers) {}
  std::string_view name() const override { return name_; }
  void update(std::span<const kernels::Update> updates, std::int64_t steps_before) const override {
    StepNumbers numbers = numbers_;
    if constexpr (requires { numbers.step; }) numbers.step = steps_before + 1;
    for (const kernels::Update& u : updates)
      if (u.n > 0) kernel_(u, numbers);
  }

 private:
  const char* name_;
  Kernel kernel_;
  StepNumbers numbers_;
};

}  // namespace strata::optimizers
