/// \file
/// The optimizer: a handle on what turns gradients into new weights.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "strata/config.h"
#include "strata/schedules.h"
#include "strata/variable.h"

namespace strata::optimizers {

class OptimizerState;

/// The learning rate of an optimizer: `optimizer.learning_rate()` reads it as a tensor, `optimizer.learning_rate = 0.1`
/// and `optimizer.learning_rate.assign(0.1)` set it for all handles of the optimizer, in steps that are traced already,
/// too. A schedule set later holds in new traces alone.
class STRATA_API LearningRate {
 public:
  /// Of the next step: a float32 scalar.
  Tensor operator()() const;
  operator Tensor() const { return (*this)(); }
  template <class T>
  requires std::is_arithmetic_v<T> T item()
  const { return (*this)().template item<T>(); }
  template <class T>
  requires std::is_arithmetic_v<T>
  explicit operator T() const { return item<T>(); }
  /// Throws ValueError where a schedule rules: another schedule can take its place, a number cannot.
  void assign(const Tensor& learning_rate) const;
  const LearningRate& operator=(double learning_rate) const;
  const LearningRate& operator=(const schedules::Schedule& schedule) const;
  const LearningRate& operator=(const LearningRate& other) const;
  LearningRate(const LearningRate& other) = default;
  LearningRate& operator=(const LearningRate& other);
  /// The schedule, which is a constant one for a plain number.
  schedules::Schedule schedule() const;

 private:
  friend class Optimizer;
  LearningRate() = default;
  std::shared_ptr<OptimizerState> state_;
};

/// A handle on an optimizer; copies share its state. A string names one by Keras's names ("adam", "SGD", "rmsprop")
/// with its defaults.
class STRATA_API Optimizer {
 public:
  /// No optimizer: `defined()` is false.
  Optimizer();
  Optimizer(const char* name);
  Optimizer(const std::string& name);
  explicit Optimizer(std::shared_ptr<OptimizerState> state);
  Optimizer(const Optimizer& other);
  Optimizer& operator=(const Optimizer& other);
  ~Optimizer();

  /// One step: changes each variable by its gradient, applies its constraint, and counts the step. The first call
  /// builds the slots. Throws ValueError that names the variable where a gradient is undefined, a variable is not one
  /// of those that the optimizer was built with, or the lists differ in length; ShapeError where a gradient has another
  /// shape.
  void apply_gradients(const Tensors& gradients, const std::vector<Variable>& variables) const;
  /// Under Keras 3's name.
  void apply(const Tensors& gradients, const std::vector<Variable>& variables) const {
    apply_gradients(gradients, variables);
  }
  /// Keras's pairs.
  void apply_gradients(const std::vector<std::pair<Tensor, Variable>>& gradients_and_variables) const;
  /// Makes the slots for these variables, once.
  void build(const std::vector<Variable>& variables) const;
  bool built() const;

  /// The loss times the loss scale, for gradients that are taken without a tape, or as Keras writes it. A GradientTape
  /// scales by itself where a model computes in float16; it leaves a loss alone that this function scaled. Optimizers
  /// other than LossScaleOptimizer return the loss as it is.
  Tensor scale_loss(const Tensor& loss) const;
  /// By what losses of float16 models are multiplied now, a float32 scalar: 1 where nothing is scaled.
  Tensor loss_scale() const;
  /// How many steps were left out because a gradient was not finite, an int64 scalar.
  Tensor skipped_steps() const;

  /// The number of steps taken, an int64 variable.
  Variable iterations() const;
  /// Readable and assignable.
  LearningRate learning_rate;
  void set_learning_rate(double rate) const { learning_rate.assign(rate); }

  /// With `use_ema`: sets the variables to their moving averages. fit() calls it at its end.
  void finalize_variable_values(const std::vector<Variable>& variables) const;
  /// With `use_ema`: exchanges the values of all variables with their moving averages. Throws ValueError without.
  void swap_averages() const;

  /// "iteration", "learning_rate" (unless a schedule rules), and the slots as Keras names and orders them:
  /// "dense_kernel_momentum", "dense_kernel_velocity", ...
  std::vector<Variable> variables() const;
  /// Leaves variables out of weight decay: those in the list, and those whose names contain one of the texts. Before
  /// the optimizer is built.
  void exclude_from_weight_decay(const std::vector<Variable>& variables,
                                 const std::vector<std::string>& names = {}) const;

  bool defined() const { return state_ != nullptr; }
  std::string name() const;
  std::string class_name() const;
  Config get_config() const;
  /// One of the same configuration without slots and steps.
  Optimizer clone() const;
  Config::Value to_config_value() const;
  static Optimizer from_config_value(const Config::Value& value);
  /// For the engine: what the handles share.
  const std::shared_ptr<OptimizerState>& state() const { return state_; }

 private:
  OptimizerState& require() const;
  std::shared_ptr<OptimizerState> state_;
};

/// What a name stands for: `optimizers::get("adam")`.
inline Optimizer get(const Optimizer& optimizer) { return optimizer; }

}  // namespace strata::optimizers
