#include "optimizers/state.h"

#include "graph/graph.h"
#include "graph/row_gradients.h"
#include "strata/array.h"
#include "strata/math.h"
#include "strata/reduce.h"
#include "strata/tape.h"

namespace strata::optimizers {

namespace {

Variable make_variable(const Tensor& value, const std::string& name) {
  return Variable(value, {.trainable = false, .name = name});
}

template <class T>
Config::Value value_of(const std::optional<T>& v) {
  return v ? Config::Value(*v) : Config::Value();
}

}  // namespace

OptimizerState::OptimizerState(const char* class_name, const char* default_name, CommonOptions options)
    : class_name_(class_name), options_(std::move(options)) {
  if (options_.name.empty()) options_.name = default_name;
  const int clips =
      options_.clipnorm.has_value() + options_.clipvalue.has_value() + options_.global_clipnorm.has_value();
  if (clips > 1)
    throw ValueError(std::string(class_name) +
                     ": only one of clipnorm, clipvalue and global_clipnorm can be set, but " + std::to_string(clips) +
                     " are.");
  if (!(options_.ema_momentum >= 0 && options_.ema_momentum <= 1))
    throw ValueError(std::string(class_name) + ": ema_momentum is " + std::to_string(options_.ema_momentum) +
                     ". It is in [0, 1].");
  if (options_.ema_overwrite_frequency && *options_.ema_overwrite_frequency < 1)
    throw ValueError(std::string(class_name) + ": ema_overwrite_frequency is " +
                     std::to_string(*options_.ema_overwrite_frequency) + ". Use a number of steps above 0.");
  if (options_.gradient_accumulation_steps && *options_.gradient_accumulation_steps < 2)
    throw ValueError(std::string(class_name) + ": gradient_accumulation_steps is " +
                     std::to_string(*options_.gradient_accumulation_steps) + ". Use 2 or more, or leave it out.");
  TraceScope outside(nullptr);
  strata::detail::RecordingPause pause;
  iterations_ = make_variable(constant(0, int64), "iteration");
  set_schedule(options_.learning_rate);
}

OptimizerState::~OptimizerState() = default;

std::string OptimizerState::where(const Variable& variable) const {
  return std::string(class_name_) + ": variable '" + variable.path() + "'";
}

Tensor OptimizerState::learning_rate() const {
  if (learning_rate_.state()) return learning_rate_.read();
  return cast(options_.learning_rate(iterations_.read()), float32);
}

void OptimizerState::set_learning_rate(const Tensor& value) {
  if (!learning_rate_.state())
    throw ValueError(std::string(class_name_) + ": the learning rate is the schedule " +
                     options_.learning_rate.class_name() +
                     " and cannot be set to a number. Make the optimizer with a number, or assign another schedule.");
  learning_rate_.assign(value);
}

void OptimizerState::set_schedule(const schedules::Schedule& schedule) {
  if (schedule.is_constant() && learning_rate_.state()) {
    learning_rate_.assign(schedule.constant());
    return;
  }
  options_.learning_rate = schedule;
  learning_rate_ = Variable();
  if (!schedule.is_constant()) return;
  TraceScope outside(nullptr);
  strata::detail::RecordingPause pause;
  learning_rate_ = make_variable(constant(schedule.constant(), float32), "learning_rate");
}

schedules::Schedule OptimizerState::schedule() const {
  if (!learning_rate_.state()) return options_.learning_rate;
  TraceScope outside(nullptr);
  return schedules::Schedule(learning_rate_.read().item<double>());
}

std::vector<Variable> OptimizerState::variables() const {
  std::vector<Variable> all = {iterations_};
  if (learning_rate_.state()) all.push_back(learning_rate_);
  all.insert(all.end(), slots_.begin(), slots_.end());
  return all;
}

void OptimizerState::build(const std::vector<Variable>& variables) {
  if (built_) return;
  TraceScope outside(nullptr);
  strata::detail::RecordingPause pause;
  for (const Variable& v : variables) {
    if (!v.created())
      throw ValueError(where(v) + " has no value yet. Call the model, or build it, before the optimizer.");
    if (!is_floating(v.dtype()))
      throw DTypeError(where(v) + " has dtype " + to_string(v.dtype()) + "; only floating variables can be trained.");
    indices_.emplace(v.state().get(), trained_.size());
    if (indices_.size() > trained_.size()) trained_.push_back(v);
  }
  if (options_.use_ema) averages_ = add_slots(trained_, {"average"})[0];
  if (options_.gradient_accumulation_steps) accumulators_ = add_slots(trained_, {"gradient_accumulator"})[0];
  make_slots(trained_);
  built_ = true;
}

std::vector<std::vector<Variable>> OptimizerState::add_slots(const std::vector<Variable>& variables,
                                                             const std::vector<std::string>& names,
                                                             const std::vector<double>& initial) {
  std::vector<std::vector<Variable>> slots(names.size());
  for (const Variable& v : variables)
    for (std::size_t i = 0; i < names.size(); ++i)
      slots[i].push_back(
          add_slot(full(v.shape(), i < initial.size() ? initial[i] : 0.0, v.dtype()), slot_name(v, names[i])));
  return slots;
}

Variable OptimizerState::add_slot(const Tensor& value, const std::string& name) {
  slots_.push_back(make_variable(value, name));
  return slots_.back();
}

std::string slot_name(const Variable& variable, const std::string& slot) {
  std::string path = variable.path();
  for (char& c : path)
    if (c == '/') c = '_';
  return path + "_" + slot;
}

void assign_when(const Tensor& due, const Variable& variable, const Tensor& value) {
  variable.assign(due.defined() ? where(due, value, variable.read()) : value);
}

Tensor OptimizerState::Step::squares() const { return magnitudes.defined() ? magnitudes : square(gradient); }

OpPtr OptimizerState::update_op(const Variable&, std::size_t, double) const { return nullptr; }

void OptimizerState::update(const Variable& variable, std::size_t index, const Step& s) const {
  Tensors inputs = {s.gradient, s.learning_rate, s.steps_before};
  if (s.due.defined()) inputs.push_back(s.due);
  if (s.magnitudes.defined()) inputs.push_back(s.magnitudes);
  strata::apply(update_op(variable, index, s.weight_decay), inputs);
}

void OptimizerState::exclude_from_weight_decay(const std::vector<Variable>& variables,
                                               const std::vector<std::string>& names) {
  if (built_)
    throw ValueError(std::string(class_name_) +
                     ": exclude_from_weight_decay has to be called before the optimizer is built (by the first step).");
  for (const Variable& v : variables) excluded_.insert(v.state().get());
  excluded_names_ = names;
}

double OptimizerState::weight_decay_of(const Variable& variable) const {
  if (excluded_.count(variable.state().get()) > 0) return 0;
  for (const std::string& part : excluded_names_)
    if (variable.name().find(part) != std::string::npos) return 0;
  return weight_decay_for(variable);
}

std::size_t OptimizerState::index_of(const Variable& variable) const {
  const auto found = indices_.find(variable.state().get());
  if (found == indices_.end())
    throw ValueError(
        where(variable) + " is not one of the " + std::to_string(trained_.size()) +
        " variables that this optimizer was built with at its first step. Make another optimizer for other " +
        "variables, or build() it with all of them before the first step.");
  return found->second;
}

// The gradients in the dtypes of their variables.
Tensors OptimizerState::checked(const Tensors& gradients, const std::vector<Variable>& variables) const {
  Tensors out;
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const Variable& v = variables[i];
    if (!gradients[i].defined())
      throw ValueError(where(v) +
                       " has no gradient (an undefined tensor). Does the loss depend on it? Leave it out, or " +
                       "ask the tape for zeros: gradient(loss, variables, {.unconnected_gradients = \"zero\"}).");
    const Shape &g = gradients[i].shape(), &s = v.shape();
    bool fits = g.size() == s.size();
    for (std::size_t d = 0; fits && d < s.size(); ++d) fits = g[d] == s[d] || g[d] == None;
    if (!fits)
      throw ShapeError(where(v) + " has shape " + to_string(s) + ", but its gradient has shape " + to_string(g) +
                       ". Are gradients and variables in the same order?");
    out.push_back(cast(gradients[i], v.dtype()));
  }
  return out;
}

namespace {

// Keras's norm of a gradient that is a sum of rows is that of all the rows.
Tensor sum_of_squares(const Tensor& gradient, DType dtype) {
  const auto squares = [&](const Tensor& x) { return reduce_sum(square(cast(x, dtype))); };
  const std::vector<SummedRows> rows = summed_rows_of(gradient);
  if (rows.empty()) return squares(gradient);
  Tensor total;
  for (const SummedRows& part : rows) total = total.defined() ? total + squares(part.in[0]) : squares(part.in[0]);
  return total;
}

// The gradient, or each of the rows that make it up, changed.
template <class F>
Tensor changed(const Tensor& gradient, F&& change) {
  std::vector<SummedRows> rows = summed_rows_of(gradient);
  if (rows.empty()) return change(gradient);
  for (SummedRows& part : rows) part.in[0] = change(part.in[0]);
  Tensor sum = sum_of_rows(rows, [](const Tensor& x) { return x; });
  note_rows(sum, std::move(rows));
  return sum;
}

}  // namespace

Tensors OptimizerState::clipped(Tensors gradients) const {
  if (options_.clipnorm && *options_.clipnorm > 0) {
    const double most = *options_.clipnorm;
    for (Tensor& g : gradients) {
      const Tensor norm = maximum(sqrt(sum_of_squares(g, g.dtype())), most);
      g = changed(g, [&](const Tensor& x) { return x * most / norm; });
    }
  } else if (options_.global_clipnorm && *options_.global_clipnorm > 0) {
    const double most = *options_.global_clipnorm;
    Tensors squares;
    for (const Tensor& g : gradients) squares.push_back(sum_of_squares(g, float32));
    const Tensor norm = sqrt(reduce_sum(stack(squares)));
    // norm - norm is 0, and NaN where the norm is not finite: then the weights show it.
    const Tensor scale = most * minimum(1.0 / norm, 1.0 / most) + (norm - norm);
    for (Tensor& g : gradients) g = g * cast(scale, g.dtype());
  } else if (options_.clipvalue && *options_.clipvalue > 0) {
    const double most = *options_.clipvalue;
    for (Tensor& g : gradients) g = changed(g, [&](const Tensor& x) { return clip(x, -most, most); });
  }
  return gradients;
}

Tensor OptimizerState::magnitudes_of(const Tensor& gradient) const {
  const std::vector<SummedRows> rows =
      magnitude() == Magnitude::none ? std::vector<SummedRows>() : summed_rows_of(gradient);
  if (rows.empty()) return {};
  return sum_of_rows(rows, [&](const Tensor& x) { return magnitude() == Magnitude::squares ? square(x) : abs(x); });
}

void OptimizerState::apply_gradients(const Tensors& gradients, const std::vector<Variable>& variables) {
  if (gradients.size() != variables.size())
    throw ValueError(std::string(class_name_) + ": " + std::to_string(gradients.size()) + " gradients for " +
                     std::to_string(variables.size()) +
                     " variables. Give one gradient for each variable, in one order.");
  if (gradients.empty()) return;
  for (const Variable& v : variables)
    if (!v.state()) throw ValueError(std::string(class_name_) + ": a variable is empty (default-constructed).");
  build(variables);
  strata::detail::RecordingPause pause;
  Tensors ready = checked(gradients, variables);
  const Tensor rate = learning_rate();
  Tensor steps = iterations_.read(), due;
  if (const auto& every = options_.gradient_accumulation_steps) {
    due = equal((steps + 1) % *every, 0);
    ready = accumulated(ready, variables, due);
    steps = floor_divide(steps, constant(*every, int64));
  }
  ready = clipped(ready);
  begin_step(steps, due);
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const Variable& v = variables[i];
    update(v, index_of(v), {ready[i], rate, steps, due, weight_decay_of(v), magnitudes_of(ready[i])});
  }
  if (options_.use_ema) update_averages(steps);
  for (const Variable& v : variables)
    if (v.constraint()) v.assign(v.constraint()(v.read()));
  iterations_.assign_add(constant(1, int64));
}

// The mean of the gradients since the last update; the sums begin anew where it is due.
Tensors OptimizerState::accumulated(const Tensors& gradients, const std::vector<Variable>& variables,
                                    const Tensor& due) const {
  Tensors means;
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const Variable& sum = accumulators_[index_of(variables[i])];
    const Tensor total = gradients[i] + sum.read();
    means.push_back(total / static_cast<double>(*options_.gradient_accumulation_steps));
    sum.assign(strata::where(due, zeros(total.shape(), total.dtype()), total));
  }
  return means;
}

void OptimizerState::swap_averages() {
  if (!options_.use_ema)
    throw ValueError(std::string(class_name_) + ": there are no moving averages of the weights. Set .use_ema = true.");
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    const Tensor value = trained_[i].read();
    trained_[i].assign(averages_[i].read());
    averages_[i].assign(value);
  }
}

// average = momentum * average + (1 - momentum) * variable, from the first step's variable on.
void OptimizerState::update_averages(const Tensor& steps_before) const {
  for (std::size_t i = 0; i < trained_.size(); ++i) {
    const Variable &variable = trained_[i], &average = averages_[i];
    const Tensor momentum = cast(not_equal(steps_before, 0), variable.dtype()) * options_.ema_momentum;
    average.assign(momentum * average.read() + (1.0 - momentum) * variable.read());
    if (!options_.ema_overwrite_frequency) continue;
    const Tensor now = equal((steps_before + 1) % *options_.ema_overwrite_frequency, 0);
    variable.assign(strata::where(now, average.read(), variable.read()));
  }
}

void OptimizerState::finalize_variable_values(const std::vector<Variable>& variables) {
  if (!options_.use_ema) return;
  for (const Variable& v : variables) v.assign(averages_.at(index_of(v)).read());
}

Config OptimizerState::get_config() const {
  Config config = {{"name", options_.name},
                   {"learning_rate", schedule()},
                   {"weight_decay", value_of(options_.weight_decay)},
                   {"clipnorm", value_of(options_.clipnorm)},
                   {"global_clipnorm", value_of(options_.global_clipnorm)},
                   {"clipvalue", value_of(options_.clipvalue)},
                   {"use_ema", options_.use_ema},
                   {"ema_momentum", options_.ema_momentum},
                   {"ema_overwrite_frequency", value_of(options_.ema_overwrite_frequency)},
                   {"loss_scale_factor", Config::Value()},
                   {"gradient_accumulation_steps", value_of(options_.gradient_accumulation_steps)}};
  add_config(config);
  return config;
}

}  // namespace strata::optimizers
