// The handles.
#include "strata/optimizer.h"

#include "optimizers/state.h"
#include "serialization/lookup.h"
#include "strata/array.h"

namespace strata::optimizers {

Tensor LearningRate::operator()() const {
  if (!state_) throw ValueError("learning_rate of an empty Optimizer (default-constructed): make one, such as Adam().");
  return state_->learning_rate();
}
void LearningRate::assign(const Tensor& learning_rate) const {
  if (!state_) throw ValueError("learning_rate of an empty Optimizer (default-constructed): make one, such as Adam().");
  state_->set_learning_rate(learning_rate);
}
const LearningRate& LearningRate::operator=(double learning_rate) const {
  assign(learning_rate);
  return *this;
}
const LearningRate& LearningRate::operator=(const schedules::Schedule& schedule) const {
  if (schedule.is_constant())
    assign(schedule.constant());
  else if (state_)
    state_->set_schedule(schedule);
  return *this;
}
const LearningRate& LearningRate::operator=(const LearningRate& other) const {
  if (other.state_ && other.state_ != state_) *this = other.schedule();
  return *this;
}
LearningRate& LearningRate::operator=(const LearningRate& other) {
  static_cast<const LearningRate&>(*this) = other;
  return *this;
}
schedules::Schedule LearningRate::schedule() const {
  if (!state_) throw ValueError("learning_rate of an empty Optimizer (default-constructed): make one, such as Adam().");
  return state_->schedule();
}

Optimizer::Optimizer() = default;
Optimizer::~Optimizer() = default;
Optimizer::Optimizer(const char* name) : Optimizer(std::string(name)) {}
Optimizer::Optimizer(const std::string& name) : Optimizer(make_optimizer(name, {})) {}
Optimizer::Optimizer(std::shared_ptr<OptimizerState> state) : state_(std::move(state)) {
  learning_rate.state_ = state_;
}
Optimizer::Optimizer(const Optimizer& other) : Optimizer(other.state_) {}
Optimizer& Optimizer::operator=(const Optimizer& other) {
  state_ = other.state_;
  learning_rate.state_ = state_;  // rebinds; its own assignment would set the rate of the old optimizer
  return *this;
}

OptimizerState& Optimizer::require() const {
  if (!state_) throw ValueError("this Optimizer is empty: it was default-constructed. Give it one, such as Adam().");
  return *state_;
}

void Optimizer::apply_gradients(const Tensors& gradients, const std::vector<Variable>& variables) const {
  require().apply_gradients(gradients, variables);
}
void Optimizer::apply_gradients(const std::vector<std::pair<Tensor, Variable>>& gradients_and_variables) const {
  Tensors gradients;
  std::vector<Variable> variables;
  for (const auto& [gradient, variable] : gradients_and_variables) {
    gradients.push_back(gradient);
    variables.push_back(variable);
  }
  apply_gradients(gradients, variables);
}
void Optimizer::build(const std::vector<Variable>& variables) const { require().build(variables); }
bool Optimizer::built() const { return require().built(); }
Variable Optimizer::iterations() const { return require().iterations(); }
std::vector<Variable> Optimizer::variables() const { return require().variables(); }
void Optimizer::exclude_from_weight_decay(const std::vector<Variable>& variables,
                                          const std::vector<std::string>& names) const {
  require().exclude_from_weight_decay(variables, names);
}
void Optimizer::finalize_variable_values(const std::vector<Variable>& variables) const {
  require().finalize_variable_values(variables);
}
void Optimizer::swap_averages() const { require().swap_averages(); }
std::string Optimizer::name() const { return require().name(); }
std::string Optimizer::class_name() const { return require().class_name(); }
Config Optimizer::get_config() const { return require().get_config(); }
Optimizer Optimizer::clone() const { return Optimizer(make_optimizer(class_name(), get_config())); }

Config::Value Optimizer::to_config_value() const {
  if (!state_) return {};
  return Config::Value::object(class_name(), get_config(), state_, "optimizer");
}

Optimizer Optimizer::from_config_value(const Config::Value& value) {
  if (value.is_none()) return {};
  using Kind = Config::Value::Kind;
  if (value.kind() == Kind::string) return Optimizer(value.as_string());
  if (value.kind() == Kind::object && value.role() == "optimizer" && value.handle())
    return Optimizer(std::static_pointer_cast<OptimizerState>(std::const_pointer_cast<void>(value.handle())));
  const NamedConfig named = named_config(value);
  return Optimizer(make_optimizer(named.class_name, named.config));
}

}  // namespace strata::optimizers
