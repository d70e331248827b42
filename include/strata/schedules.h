/// \file
/// Learning rates that change with the step. Names, defaults and numbers are Keras 3.15's.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "strata/config.h"
#include "strata/tensor.h"

namespace strata::optimizers::schedules {

/// A handle on a schedule: `schedule(step)` is the learning rate, a float32 scalar, at a step counted from 0. It is
/// made of a number (a constant rate), of a class below, or of a callable that takes the step (an int64 scalar,
/// symbolic inside function()) and gives a tensor.
class STRATA_API Schedule {
 public:
  /// What a schedule does; derive from it to write one that can be saved.
  class STRATA_API Base {
   public:
    virtual ~Base();
    /// Computed with ops on `step`, so that it works inside function().
    virtual Tensor operator()(const Tensor& step) const = 0;
    virtual std::string class_name() const = 0;
    virtual Config get_config() const { return {}; }
  };

  /// A constant rate of 0.001.
  Schedule() : Schedule(0.001) {}
  Schedule(double learning_rate) : constant_(learning_rate) {}
  Schedule(std::shared_ptr<const Base> base) : base_(std::move(base)) {}
  template <std::derived_from<Base> T>
  Schedule(const T& schedule) : base_(std::make_shared<T>(schedule)) {}
  template <class F>
  requires(std::is_invocable_r_v<Tensor, const F&, const Tensor&> && !std::derived_from<F, Base> &&
           !std::convertible_to<const F*, const Schedule*>) Schedule(const F& function)
      : base_(std::make_shared<Function<F>>(function)) {}

  Tensor operator()(const Tensor& step) const;
  bool is_constant() const { return base_ == nullptr; }
  /// Of a constant one.
  double constant() const { return constant_; }
  std::string class_name() const;
  Config get_config() const;
  Config::Value to_config_value() const;
  static Schedule from_config_value(const Config::Value& value);

 private:
  template <class F>
  struct Function final : Base {
    explicit Function(const F& f) : f(f) {}
    Tensor operator()(const Tensor& step) const override { return f(step); }
    std::string class_name() const override { return "function"; }
    F f;
  };
  double constant_ = 0;
  std::shared_ptr<const Base> base_;
};

/// initial * decay_rate^(step / decay_steps)
struct DecayOptions {
  double decay_rate = 0.96;
  bool staircase = false;  ///< the exponent is rounded down
  std::string name = {};
};
struct STRATA_API ExponentialDecay : Schedule {
  ExponentialDecay(double initial_learning_rate, std::int64_t decay_steps, const DecayOptions& options);
  ExponentialDecay(double initial_learning_rate, std::int64_t decay_steps, double decay_rate,
                   const DecayOptions& options = {});
};
/// initial / (1 + decay_rate * step / decay_steps)
struct STRATA_API InverseTimeDecay : Schedule {
  InverseTimeDecay(double initial_learning_rate, std::int64_t decay_steps, const DecayOptions& options);
  InverseTimeDecay(double initial_learning_rate, std::int64_t decay_steps, double decay_rate,
                   const DecayOptions& options = {});
};

struct PiecewiseConstantDecayOptions {
  std::string name = {};
};
/// values[i] up to and including step boundaries[i], the last value from then on. Throws ValueError unless there is one
/// value more than boundaries.
struct STRATA_API PiecewiseConstantDecay : Schedule {
  PiecewiseConstantDecay(const std::vector<std::int64_t>& boundaries, const std::vector<double>& values,
                         const PiecewiseConstantDecayOptions& options = {});
};

/// From the initial to the end rate along (1 - step / decay_steps)^power.
struct PolynomialDecayOptions {
  double end_learning_rate = 0.0001, power = 1;
  bool cycle = false;  ///< begins again, with decay_steps grown to a multiple, instead of staying at the end
  std::string name = {};
};
struct STRATA_API PolynomialDecay : Schedule {
  PolynomialDecay(double initial_learning_rate, std::int64_t decay_steps, const PolynomialDecayOptions& options = {});
};

/// Half a cosine from the initial rate to alpha times it (Loshchilov and Hutter 2016). With a warm-up, first linear
/// from the initial rate to `warmup_target` in `warmup_steps`, and then the cosine from there in decay_steps.
struct CosineDecayOptions {
  double alpha = 0;
  std::optional<double> warmup_target = {};
  std::int64_t warmup_steps = 0;
  std::string name = {};
};
struct STRATA_API CosineDecay : Schedule {
  CosineDecay(double initial_learning_rate, std::int64_t decay_steps, const CosineDecayOptions& options = {});
};

/// Cosines again and again, each t_mul times as long as the last and m_mul times as high.
struct CosineDecayRestartsOptions {
  double t_mul = 2, m_mul = 1, alpha = 0;
  std::string name = {};
};
struct STRATA_API CosineDecayRestarts : Schedule {
  CosineDecayRestarts(double initial_learning_rate, std::int64_t first_decay_steps,
                      const CosineDecayRestartsOptions& options = {});
};

}  // namespace strata::optimizers::schedules
