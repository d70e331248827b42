// The handles.
#include "strata/optimizer.h"

#include "optimizers/loss_scale.h"
#include "optimizers/state.h"
#include "serialization/lookup.h"
#include "strata/array.h"
#include "strata/math.h"

namespace strata::optimizers {

namespace {

// A wrapper's updates are made by the optimizer inside.
std::shared_ptr<OptimizerState> updating(const std::shared_ptr<OptimizerState>& state) {
  const auto inner = state ? state->inner() : nullptr;
  return inner ? inner : state;
}

auto made(const std::string& class_name, const Config& config) {
  return class_name == "LossScaleOptimizer" ? Optimizer(make_loss_scale_optimizer(config))
                                            : Optimizer(make_optimizer(class_name, config));
}

}  // namespace

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
  learning_rate.state_ = updating(state_);
}
Optimizer::Optimizer(const Optimizer& other) : Optimizer(other.state_) {}
Optimizer& Optimizer::operator=(const Optimizer& other) {
  state_ = other.state_;
  learning_rate.state_ = updating(state_);  // rebinds; its own assignment would set the rate of the old optimizer
  return *this;
}

OptimizerState& Optimizer::require() const {
  if (!state_) throw ValueError("this Optimizer is empty: it was default-constructed. Give it one, such as Adam().");
  return *state_;
}

void Optimizer::apply_gradients(const Tensors& gradients, const std::vector<Variable>& variables) const {
  apply_scaled(require(), gradients, variables);
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
void Optimizer::build(const std::vector<Variable>& variables) const {
  OptimizerState& state = require();
  if (auto* wrapper = dynamic_cast<LossScaleState*>(&state); wrapper != nullptr && !variables.empty())
    wrapper->attach(variables);
  updating(state_)->build(variables);
}
bool Optimizer::built() const {
  require();
  return updating(state_)->built();
}
Variable Optimizer::iterations() const {
  require();
  return updating(state_)->iterations();
}

Tensor Optimizer::scale_loss(const Tensor& loss) const {
  const auto* wrapper = dynamic_cast<const LossScaleState*>(&require());
  if (wrapper == nullptr) return loss;
  strata::detail::set_scaled_by_hand();
  return loss * cast(wrapper->scale()->scale.read(), loss.dtype());
}
Tensor Optimizer::loss_scale() const {
  const auto scale = loss_scale_of(require());
  return scale ? scale->scale.read() : constant(1.0, float32);
}
Tensor Optimizer::skipped_steps() const {
  const auto scale = loss_scale_of(require());
  return scale ? scale->skipped_steps.read() : constant(0, int64);
}
std::vector<Variable> Optimizer::variables() const { return require().variables(); }
void Optimizer::exclude_from_weight_decay(const std::vector<Variable>& variables,
                                          const std::vector<std::string>& names) const {
  require();
  updating(state_)->exclude_from_weight_decay(variables, names);
}
void Optimizer::finalize_variable_values(const std::vector<Variable>& variables) const {
  require();
  updating(state_)->finalize_variable_values(variables);
}
void Optimizer::swap_averages() const {
  require();
  updating(state_)->swap_averages();
}
std::string Optimizer::name() const { return require().name(); }
std::string Optimizer::class_name() const { return require().class_name(); }
Config Optimizer::get_config() const { return require().get_config(); }
Optimizer Optimizer::clone() const { return made(class_name(), get_config()); }

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
  return made(named.class_name, named.config);
}

}  // namespace strata::optimizers
