// The classes of optimizers and their names.
#include "strata/optimizers.h"

#include <cctype>

#include "optimizers/state.h"
#include "optimizers/update_ops.h"

namespace strata::optimizers {

namespace {

template <class O>
CommonOptions common(const O& o) {
  return {
      o.learning_rate,           o.weight_decay, o.clipnorm, o.clipvalue, o.global_clipnorm, o.use_ema, o.ema_momentum,
      o.ema_overwrite_frequency, o.name};
}

void check_fraction(const char* optimizer, const char* option, double value) {
  if (!(value >= 0 && value <= 1))
    throw ValueError(std::string(optimizer) + ": " + option + " is " + std::to_string(value) + ". It is in [0, 1].");
}

StatePtr slot(const std::vector<std::vector<Variable>>& slots, std::size_t kind, std::size_t index) {
  return kind < slots.size() && index < slots[kind].size() ? slots[kind][index].state() : nullptr;
}

class Sgd final : public OptimizerState {
 public:
  explicit Sgd(const SGDOptions& o)
      : OptimizerState("SGD", "sgd", common(o)), momentum_(o.momentum), nesterov_(o.nesterov) {
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
      : OptimizerState(class_name, default_name, common(o)),
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
      : OptimizerState("RMSprop", "rm_sprop", common(o)),
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

// What the options structs have, by the names of their configuration.
template <class O>
O options_from(const Config& config) {
  O o;
  auto read = [&]<class T>(const char* name, T& v) {
    if (const auto* value = config.find(name); value != nullptr && !value->is_none()) v = config.get<T>(name);
  };
  auto read_optional = [&](const char* name, std::optional<double>& v) {
    if (const auto* value = config.find(name); value != nullptr && !value->is_none()) v = config.get<double>(name);
  };
  if (const auto* value = config.find("learning_rate"))
    o.learning_rate = schedules::Schedule::from_config_value(*value);
  read("name", o.name);
  read("use_ema", o.use_ema);
  read("ema_momentum", o.ema_momentum);
  if (const auto* value = config.find("ema_overwrite_frequency"); value != nullptr && !value->is_none())
    o.ema_overwrite_frequency = static_cast<int>(value->as_integer());
  read_optional("clipnorm", o.clipnorm);
  read_optional("clipvalue", o.clipvalue);
  read_optional("global_clipnorm", o.global_clipnorm);
  if constexpr (std::same_as<O, AdamWOptions>)
    read("weight_decay", o.weight_decay);
  else
    read_optional("weight_decay", o.weight_decay);
  if constexpr (requires { o.momentum; }) read("momentum", o.momentum);
  if constexpr (requires { o.nesterov; }) read("nesterov", o.nesterov);
  if constexpr (requires { o.beta_1; }) read("beta_1", o.beta_1), read("beta_2", o.beta_2);
  if constexpr (requires { o.epsilon; }) read("epsilon", o.epsilon);
  if constexpr (requires { o.amsgrad; }) read("amsgrad", o.amsgrad);
  if constexpr (requires { o.rho; }) read("rho", o.rho);
  if constexpr (requires { o.centered; }) read("centered", o.centered);
  return o;
}

template <class O>
O with_rate(O options, const schedules::Schedule& learning_rate) {
  options.learning_rate = learning_rate;
  return options;
}

AdamOptions as_adam(const AdamWOptions& o) {
  return {.learning_rate = o.learning_rate,
          .beta_1 = o.beta_1,
          .beta_2 = o.beta_2,
          .epsilon = o.epsilon,
          .amsgrad = o.amsgrad,
          .weight_decay = o.weight_decay,
          .clipnorm = o.clipnorm,
          .clipvalue = o.clipvalue,
          .global_clipnorm = o.global_clipnorm,
          .use_ema = o.use_ema,
          .ema_momentum = o.ema_momentum,
          .ema_overwrite_frequency = o.ema_overwrite_frequency,
          .name = o.name};
}

std::shared_ptr<OptimizerState> make_sgd(const SGDOptions& options) { return std::make_shared<Sgd>(options); }
std::shared_ptr<OptimizerState> make_adam(const AdamOptions& options) {
  return std::make_shared<AdamState>(options, "Adam", "adam");
}
std::shared_ptr<OptimizerState> make_adamw(const AdamWOptions& options) {
  return std::make_shared<AdamState>(as_adam(options), "AdamW", "adam_w");
}
std::shared_ptr<OptimizerState> make_rmsprop(const RMSpropOptions& options) {
  return std::make_shared<Rmsprop>(options);
}

}  // namespace

std::shared_ptr<OptimizerState> make_optimizer(const std::string& name, const Config& config) {
  std::string lower;
  for (char c : name) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (lower == "sgd") return make_sgd(options_from<SGDOptions>(config));
  if (lower == "adam") return make_adam(options_from<AdamOptions>(config));
  if (lower == "adamw") return make_adamw(options_from<AdamWOptions>(config));
  if (lower == "rmsprop") return make_rmsprop(options_from<RMSpropOptions>(config));
  throw ValueError("unknown optimizer '" + name + "'. Known are sgd, adam, adamw and rmsprop.");
}

SGD::SGD(const SGDOptions& options) : Optimizer(make_sgd(options)) {}
SGD::SGD(const schedules::Schedule& rate, SGDOptions options) : Optimizer(make_sgd(with_rate(options, rate))) {}
Adam::Adam(const AdamOptions& options) : Optimizer(make_adam(options)) {}
Adam::Adam(const schedules::Schedule& rate, AdamOptions options) : Optimizer(make_adam(with_rate(options, rate))) {}
AdamW::AdamW(const AdamWOptions& options) : Optimizer(make_adamw(options)) {}
AdamW::AdamW(const schedules::Schedule& rate, AdamWOptions options) : Optimizer(make_adamw(with_rate(options, rate))) {}
RMSprop::RMSprop(const RMSpropOptions& options) : Optimizer(make_rmsprop(options)) {}
RMSprop::RMSprop(const schedules::Schedule& rate, RMSpropOptions options)
    : Optimizer(make_rmsprop(with_rate(options, rate))) {}

}  // namespace strata::optimizers
