// What the handles of an optimizer share, and what each kind of optimizer adds.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "graph/op.h"
#include "graph/variable.h"
#include "strata/optimizers.h"

namespace strata::optimizers {

// What all optimizers are configured by.
struct CommonOptions {
  schedules::Schedule learning_rate;
  std::optional<double> weight_decay, clipnorm, clipvalue, global_clipnorm;
  bool use_ema;
  double ema_momentum;
  std::optional<int> ema_overwrite_frequency, gradient_accumulation_steps;
  std::string name;
};

class OptimizerState {
 public:
  OptimizerState(const char* class_name, const char* default_name, CommonOptions options);
  virtual ~OptimizerState();
  OptimizerState(const OptimizerState&) = delete;
  OptimizerState& operator=(const OptimizerState&) = delete;

  void apply_gradients(const Tensors& gradients, const std::vector<Variable>& variables);
  void build(const std::vector<Variable>& variables);
  bool built() const { return built_; }
  void finalize_variable_values(const std::vector<Variable>& variables);
  void swap_averages();
  void exclude_from_weight_decay(const std::vector<Variable>& variables, const std::vector<std::string>& names);

  Tensor learning_rate() const;
  void set_learning_rate(const Tensor& value);
  void set_schedule(const schedules::Schedule& schedule);
  schedules::Schedule schedule() const;

  virtual std::vector<Variable> variables() const;
  const std::vector<Variable>& trained() const { return trained_; }
  const Variable& iterations() const { return iterations_; }
  const std::string& name() const { return options_.name; }
  const char* class_name() const { return class_name_; }
  virtual Config get_config() const;
  // Of a wrapper: the optimizer that makes the updates; null for the others.
  virtual std::shared_ptr<OptimizerState> inner() const { return nullptr; }

 protected:
  // What the update of one variable works with. `due` is undefined, or a bool scalar: false in steps that only add to
  // the accumulated gradients. `magnitudes` is undefined, or the sum over the rows that make up the gradient
  // (graph/row_gradients.h) of what magnitude() says.
  struct Step {
    Tensor gradient, learning_rate, steps_before, due;
    double weight_decay;
    Tensor magnitudes;
    Tensor squares() const;  // of the gradient, or of its rows
  };
  enum class Magnitude { none, squares, absolutes };
  // What the optimizer computes of a gradient's rows beside their sum.
  virtual Magnitude magnitude() const { return Magnitude::squares; }
  // Makes the slots, by add_slots.
  virtual void make_slots(const std::vector<Variable>& variables) = 0;
  // The op that changes a variable: its inputs are gradient, learning rate, the number of steps taken before, and
  // `due` and `magnitudes` where they are defined. Optimizers that need more than one op override update() instead.
  virtual OpPtr update_op(const Variable& variable, std::size_t index, double weight_decay) const;
  virtual void update(const Variable& variable, std::size_t index, const Step& step) const;
  // Before the updates of a step.
  virtual void begin_step(const Tensor& /*steps_before*/, const Tensor& /*due*/) const {}
  virtual double weight_decay_for(const Variable& /*variable*/) const { return options_.weight_decay.value_or(0); }
  virtual void add_config(Config& config) const = 0;
  // One slot for each variable and name, interleaved as Keras does; the lists are by name. Zeros, or `initial`.
  std::vector<std::vector<Variable>> add_slots(const std::vector<Variable>& variables,
                                               const std::vector<std::string>& names,
                                               const std::vector<double>& initial = {});
  Variable add_slot(const Tensor& value, const std::string& name);
  const CommonOptions& options() const { return options_; }

 private:
  std::string where(const Variable& variable) const;
  std::size_t index_of(const Variable& variable) const;
  Tensors checked(const Tensors& gradients, const std::vector<Variable>& variables) const;
  Tensors clipped(Tensors gradients) const;
  Tensor magnitudes_of(const Tensor& gradient) const;
  Tensors accumulated(const Tensors& gradients, const std::vector<Variable>& variables, const Tensor& due) const;
  double weight_decay_of(const Variable& variable) const;
  void update_averages(const Tensor& steps_before) const;

  const char* class_name_;
  CommonOptions options_;
  Variable iterations_, learning_rate_;  // the latter is empty where a schedule rules
  std::vector<Variable> slots_, trained_, averages_, accumulators_;
  std::unordered_map<const strata::detail::VariableState*, std::size_t> indices_;
  std::unordered_set<const strata::detail::VariableState*> excluded_;
  std::vector<std::string> excluded_names_;
  bool built_ = false;
};

// Sets the variable, unless the step is not due.
void assign_when(const Tensor& due, const Variable& variable, const Tensor& value);
// "dense/kernel" -> "dense_kernel_momentum"
std::string slot_name(const Variable& variable, const std::string& slot);

// From Keras's name in any case; throws ValueError that lists the names.
STRATA_API std::shared_ptr<OptimizerState> make_optimizer(const std::string& name, const Config& config);

}  // namespace strata::optimizers
