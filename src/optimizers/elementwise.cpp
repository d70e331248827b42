// Optimizers whose update is one pass over a weight and its slots.
#include <functional>
#include <type_traits>

#include "optimizers/options.h"
#include "optimizers/update_ops.h"
#include "strata/array.h"
#include "strata/math.h"

namespace strata::optimizers {

namespace {

StatePtr slot(const std::vector<std::vector<Variable>>& slots, std::size_t kind, std::size_t index) {
  return kind < slots.size() && index < slots[kind].size() ? slots[kind][index].state() : nullptr;
}

class Sgd final : public OptimizerState {
 public:
  explicit Sgd(const SGDOptions& o)
      : OptimizerState("SGD", "sgd", common_options(o)), momentum_(o.momentum), nesterov_(o.nesterov) {
    check_fraction("SGD", "momentum", o.momentum);
  }

 private:
  void make_slots(const std::vector<Variable>& variables) override {
    if (momentum_ != 0) slots_ = add_slots(variables, {"momentum"});
  }
  OpPtr update_op(const Variable& v, std::size_t index, double weight_decay) const override {
    return make_op<SgdUpdate>(v.state(), std::vector<StatePtr>{slot(slots_, 0, index)}, weight_decay,
                              kernels::SgdStep{momentum_, nesterov_});
  }
  Magnitude magnitude() const override { return Magnitude::none; }
  void add_config(Config& c) const override {
    c.set("momentum", momentum_);
    c.set("nesterov", nesterov_);
  }
  double momentum_;
  bool nesterov_;
  std::vector<std::vector<Variable>> slots_;
};

class AdamState final : public OptimizerState {
 public:
  AdamState(const AdamOptions& o, const char* class_name, const char* default_name)
      : OptimizerState(class_name, default_name, common_options(o)),
        beta_1_(o.beta_1),
        beta_2_(o.beta_2),
        epsilon_(o.epsilon),
        amsgrad_(o.amsgrad) {
    check_fraction(class_name, "beta_1", o.beta_1);
    check_fraction(class_name, "beta_2", o.beta_2);
  }

 private:
  void make_slots(const std::vector<Variable>& variables) override {
    slots_ = add_slots(variables, {"momentum", "velocity"});
    if (amsgrad_) slots_.push_back(add_slots(variables, {"velocity_hat"})[0]);
  }
  OpPtr update_op(const Variable& v, std::size_t index, double weight_decay) const override {
    return make_op<AdamUpdate>(
        v.state(), std::vector<StatePtr>{slot(slots_, 0, index), slot(slots_, 1, index), slot(slots_, 2, index)},
        weight_decay, kernels::AdamStep{beta_1_, beta_2_, epsilon_, 0});
  }
  void add_config(Config& c) const override {
    c.set("beta_1", beta_1_);
    c.set("beta_2", beta_2_);
    c.set("epsilon", epsilon_);
    c.set("amsgrad", amsgrad_);
  }
  double beta_1_, beta_2_, epsilon_;
  bool amsgrad_;
  std::vector<std::vector<Variable>> slots_;
};

class Rmsprop final : public OptimizerState {
 public:
  explicit Rmsprop(const RMSpropOptions& o)
      : OptimizerState("RMSprop", "rm_sprop", common_options(o)),
        rho_(o.rho),
        momentum_(o.momentum),
        epsilon_(o.epsilon),
        centered_(o.centered) {
    check_fraction("RMSprop", "rho", o.rho);
    check_fraction("RMSprop", "momentum", o.momentum);
  }

 private:
  void make_slots(const std::vector<Variable>& variables) override {
    slots_.resize(3);
    slots_[0] = add_slots(variables, {"velocity"})[0];
    if (momentum_ > 0) slots_[1] = add_slots(variables, {"momentum"})[0];
    if (centered_) slots_[2] = add_slots(variables, {"average_gradient"})[0];
  }
  OpPtr update_op(const Variable& v, std::size_t index, double weight_decay) const override {
    return make_op<RmspropUpdate>(
        v.state(), std::vector<StatePtr>{slot(slots_, 0, index), slot(slots_, 1, index), slot(slots_, 2, index)},
        weight_decay, kernels::RmspropStep{rho_, momentum_, epsilon_});
  }
  void add_config(Config& c) const override {
    c.set("rho", rho_);
    c.set("momentum", momentum_);
    c.set("epsilon", epsilon_);
    c.set("centered", centered_);
  }
  double rho_, momentum_, epsilon_;
  bool centered_;
  std::vector<std::vector<Variable>> slots_;
};

// An optimizer that is told apart by its slots, their first values and its kernel.
template <class Options, class Numbers>
class Elementwise final : public OptimizerState {
 public:
  struct Rule {
    const char* op;
    typename KernelUpdate<Numbers>::Kernel kernel;
    Numbers numbers;
    std::vector<std::string> slots;
    std::vector<double> initial = {};
  };
  Elementwise(const char* class_name, const char* default_name, const Options& o, const Rule& rule)
      : OptimizerState(class_name, default_name, common_options(o)), own_(o), rule_(rule) {}

 private:
  void make_slots(const std::vector<Variable>& variables) override {
    slots_ = add_slots(variables, rule_.slots, rule_.initial);
  }
  OpPtr update_op(const Variable& v, std::size_t index, double weight_decay) const override {
    std::vector<StatePtr> slots;
    for (std::size_t kind = 0; kind < slots_.size(); ++kind) slots.push_back(slot(slots_, kind, index));
    return make_op<KernelUpdate<Numbers>>(rule_.op, rule_.kernel, v.state(), slots, weight_decay, rule_.numbers);
  }
  Magnitude magnitude() const override {
    if constexpr (std::is_same_v<Numbers, kernels::LionStep>) return Magnitude::none;
    return std::is_same_v<Numbers, kernels::AdamaxStep> ? Magnitude::absolutes : Magnitude::squares;
  }
  void add_config(Config& c) const override { write_own(own_, c); }
  Options own_;
  Rule rule_;
  std::vector<std::vector<Variable>> slots_;
};

class NadamState final : public OptimizerState {
 public:
  explicit NadamState(const NadamOptions& o) : OptimizerState("Nadam", "nadam", common_options(o)), own_(o) {
    check_fraction("Nadam", "beta_1", o.beta_1);
    check_fraction("Nadam", "beta_2", o.beta_2);
  }

 private:
  void make_slots(const std::vector<Variable>& variables) override {
    slots_ = add_slots(variables, {"momentum", "velocity"});
    product_ = add_slot(constant(1.0, variables.at(0).dtype()), "u_product");
  }
  void begin_step(const Tensor& steps_before, const Tensor& due) const override {
    const DType dtype = product_.dtype();
    const Tensor decay = pow(constant(0.96, dtype), cast(steps_before + 1, dtype));
    assign_when(due, product_, product_.read() * own_.beta_1 * (1.0 - 0.5 * decay));
  }
  OpPtr update_op(const Variable& v, std::size_t index, double weight_decay) const override {
    return make_op<KernelUpdate<kernels::NadamStep>>(
        "nadam_update", &kernels::nadam_update, v.state(),
        std::vector<StatePtr>{slot(slots_, 0, index), slot(slots_, 1, index), product_.state()}, weight_decay,
        kernels::NadamStep{own_.beta_1, own_.beta_2, own_.epsilon, 0});
  }
  void add_config(Config& c) const override { write_own(own_, c); }
  NadamOptions own_;
  std::vector<std::vector<Variable>> slots_;
  Variable product_;
};

class ScheduleFreeState final : public OptimizerState {
 public:
  explicit ScheduleFreeState(const ScheduleFreeAdamWOptions& o)
      : OptimizerState("ScheduleFreeAdamW", "schedule_free_adam_w", common_options(o)), own_(o) {}

 private:
  void make_slots(const std::vector<Variable>& variables) override {
    slots_ = add_slots(variables, {"momentum", "velocity"});
    for (std::size_t i = 0; i < variables.size(); ++i) slots_[0][i].assign(variables[i].read());
  }
  OpPtr update_op(const Variable& v, std::size_t index, double weight_decay) const override {
    return make_op<KernelUpdate<kernels::ScheduleFreeAdamWStep>>(
        "schedule_free_adamw_update", &kernels::schedule_free_adamw_update, v.state(),
        std::vector<StatePtr>{slot(slots_, 0, index), slot(slots_, 1, index)}, weight_decay,
        kernels::ScheduleFreeAdamWStep{own_.beta_1, own_.beta_2, own_.epsilon, static_cast<double>(own_.warmup_steps),
                                       0});
  }
  void add_config(Config& c) const override { write_own(own_, c); }
  ScheduleFreeAdamWOptions own_;
  std::vector<std::vector<Variable>> slots_;
};

void check_ftrl(const FtrlOptions& o) {
  const std::pair<const char*, double> not_negative[] = {
      {"initial_accumulator_value", o.initial_accumulator_value},
      {"-learning_rate_power", -o.learning_rate_power},
      {"l1_regularization_strength", o.l1_regularization_strength},
      {"l2_regularization_strength", o.l2_regularization_strength},
      {"l2_shrinkage_regularization_strength", o.l2_shrinkage_regularization_strength}};
  for (const auto& [name, value] : not_negative)
    if (value < 0)
      throw ValueError(std::string("Ftrl: ") + name + " is " + std::to_string(value) + ". It must be 0 or more.");
}

}  // namespace

StateHandle make_state(const SGDOptions& o) { return std::make_shared<Sgd>(o); }
StateHandle make_state(const AdamOptions& o) { return std::make_shared<AdamState>(o, "Adam", "adam"); }
StateHandle make_state(const AdamWOptions& o) {
  Config config;
  write_own(o, config);
  AdamOptions adam = options_from<AdamOptions>(config);
  copy_common(o, adam);
  adam.weight_decay = o.weight_decay;
  return std::make_shared<AdamState>(adam, "AdamW", "adam_w");
}
StateHandle make_state(const RMSpropOptions& o) { return std::make_shared<Rmsprop>(o); }
StateHandle make_state(const NadamOptions& o) { return std::make_shared<NadamState>(o); }
StateHandle make_state(const ScheduleFreeAdamWOptions& o) { return std::make_shared<ScheduleFreeState>(o); }
StateHandle make_state(const AdamaxOptions& o) {
  check_fraction("Adamax", "beta_1", o.beta_1);
  check_fraction("Adamax", "beta_2", o.beta_2);
  using State = Elementwise<AdamaxOptions, kernels::AdamaxStep>;
  return std::make_shared<State>(
      "Adamax", "adamax", o,
      State::Rule{"adamax_update", &kernels::adamax_update, {o.beta_1, o.beta_2, o.epsilon, 0}, {"momentum", "norm"}});
}
StateHandle make_state(const AdagradOptions& o) {
  using State = Elementwise<AdagradOptions, kernels::AdagradStep>;
  return std::make_shared<State>(
      "Adagrad", "adagrad", o,
      State::Rule{
          "adagrad_update", &kernels::adagrad_update, {o.epsilon}, {"accumulator"}, {o.initial_accumulator_value}});
}
StateHandle make_state(const AdadeltaOptions& o) {
  check_fraction("Adadelta", "rho", o.rho);
  using State = Elementwise<AdadeltaOptions, kernels::AdadeltaStep>;
  return std::make_shared<State>("Adadelta", "adadelta", o,
                                 State::Rule{"adadelta_update",
                                             &kernels::adadelta_update,
                                             {o.rho, o.epsilon},
                                             {"accumulated_grad", "accumulated_delta_var"}});
}
StateHandle make_state(const FtrlOptions& o) {
  check_ftrl(o);
  using State = Elementwise<FtrlOptions, kernels::FtrlStep>;
  const kernels::FtrlStep numbers{o.learning_rate_power, o.l1_regularization_strength, o.l2_regularization_strength,
                                  o.l2_shrinkage_regularization_strength, o.beta};
  return std::make_shared<State>("Ftrl", "ftrl", o,
                                 State::Rule{"ftrl_update",
                                             &kernels::ftrl_update,
                                             numbers,
                                             {"accumulator", "linear"},
                                             {o.initial_accumulator_value, 0.0}});
}
StateHandle make_state(const LionOptions& o) {
  if (!(o.beta_1 > 0 && o.beta_1 <= 1))
    throw ValueError("Lion: beta_1 is " + std::to_string(o.beta_1) + ". It must be above 0, and at most 1.");
  using State = Elementwise<LionOptions, kernels::LionStep>;
  return std::make_shared<State>("Lion", "lion", o,
                                 State::Rule{"lion_update", &kernels::lion_update, {o.beta_1, o.beta_2}, {"momentum"}});
}

}  // namespace strata::optimizers
