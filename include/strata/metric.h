/// \file
/// The metric: a handle on a running value such as an accuracy, and the base of metrics of one's own.
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "strata/class_name.h"
#include "strata/config.h"
#include "strata/variable.h"

namespace strata {

class Layer;

namespace metrics {

/// What every metric takes.
struct MetricOptions {
  std::string name = {};   ///< the class's name in Keras's spelling where it is not given
  std::string dtype = {};  ///< of the state and the result: "float32" where it is not given
};

/// A handle on a metric. Its state lives in variables, so it can be updated inside function(); copies share it.
///
/// It is made by a class of this namespace, from Keras's name of one ("mae", "auc"; "accuracy" chooses by the shapes
/// between binary, categorical and sparse), or from a callable on (y_true, y_pred) whose values are averaged.
class STRATA_API Metric {
 public:
  /// What a metric does; all that changes is in variables.
  class STRATA_API Base {
   public:
    explicit Base(MetricOptions options = {}) : options(std::move(options)) {}
    virtual ~Base();
    virtual void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) const = 0;
    virtual Tensor result() const = 0;
    /// Zeros, in all variables.
    virtual void reset_state() const;
    virtual Variables variables() const = 0;
    virtual std::string class_name() const = 0;
    /// Options besides those of MetricOptions.
    virtual Config get_config() const;
    /// One of the same options with a state of its own.
    virtual std::shared_ptr<const Base> clone() const = 0;

    MetricOptions options;
  };

  /// No metric: `defined()` is false.
  Metric();
  Metric(const char* name);
  Metric(const std::string& name);
  explicit Metric(std::shared_ptr<const Base> base);
  template <class F>
  requires(!std::derived_from<F, Layer> && !std::derived_from<F, Metric> &&
           std::is_invocable_r_v<Tensor, const F&, const Tensor&, const Tensor&>) Metric(const F& function);
  Metric(const Metric& other) : base_(other.self()) {}
  Metric& operator=(const Metric& other) {
    base_ = other.self();
    return *this;
  }
  virtual ~Metric();

  /// Takes a batch into account; `sample_weight` is broadcast against the values of the samples. Mean and Sum take
  /// (values, sample_weight). Throws ShapeError where the shapes do not fit.
  void update_state(const Tensor& y_true, const Tensor& y_pred = {}, const Tensor& sample_weight = {}) const;
  /// The value over all that was seen since the last reset.
  Tensor result() const;
  void reset_state() const;
  /// Updates, and returns the result.
  Tensor operator()(const Tensor& y_true, const Tensor& y_pred = {}, const Tensor& sample_weight = {}) const;

  bool defined() const { return self() != nullptr; }
  std::string name() const;
  std::string class_name() const;
  Variables variables() const;
  Config get_config() const;
  /// One of the same options with a state of its own.
  Metric clone() const;

  Config::Value to_config_value() const;
  static Metric from_config_value(const Config::Value& value);
  /// For the engine: what the handle shares.
  std::shared_ptr<const Base> impl() const { return self(); }

 protected:
  struct Share {};
  Metric(const Metric& other, Share) : base_(other.base_) {}
  /// A custom class overrides this, so that a copy as plain Metric keeps the object.
  virtual std::shared_ptr<const Base> self() const { return base_; }

 private:
  std::shared_ptr<const Base> require() const;
  std::shared_ptr<const Base> base_;
};

namespace detail {
/// A variable of zeros, made at once, outside of every trace.
STRATA_API Variable make_state(const std::string& name, const Shape& shape, DType dtype = float32);
STRATA_API std::shared_ptr<const Metric::Base> make_mean_of(std::shared_ptr<const void> function,
                                                            Tensor (*call)(const void*, const Tensor&, const Tensor&),
                                                            const MetricOptions& options);
[[noreturn]] STRATA_API void throw_not_cloneable(const std::string& class_name);

/// A metric that calls an instance of a CustomMetric.
template <class T>
class ObjectMetric final : public Metric::Base {
 public:
  ObjectMetric(const T& object, const MetricOptions& options, std::shared_ptr<const Variables> states)
      : Base(options), object_(object), states_(std::move(states)) {}
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) const override {
    if constexpr (requires { object_.update_state(y_true, y_pred, sample_weight); })
      object_.update_state(y_true, y_pred, sample_weight);
    else if constexpr (requires { object_.update_state(y_true, y_pred); })
      object_.update_state(y_true, y_pred);
    else
      object_.update_state(y_true);
  }
  Tensor result() const override { return object_.result(); }
  void reset_state() const override {
    if constexpr (!std::same_as<decltype(&T::reset_state), void (Metric::*)() const>)
      object_.reset_state();
    else
      Base::reset_state();
  }
  Variables variables() const override { return *states_; }
  std::string class_name() const override { return strata::detail::class_name_of<T>(); }
  Config get_config() const override {
    if constexpr (kHasConfig) return object_.get_config();
    return {};
  }
  std::shared_ptr<const Base> clone() const override {
    if constexpr (kHasConfig && requires(const Config& c) {
                    { T::from_config(c) } -> std::same_as<T>;
                  })
      return T::share(T::from_config(object_.get_config()));
    else if constexpr (std::default_initializable<T>)
      return T::share(T());
    throw_not_cloneable(class_name());
  }

 private:
  static constexpr bool kHasConfig = !std::same_as<decltype(&T::get_config), Config (Metric::*)() const>;
  T object_;
  std::shared_ptr<const Variables> states_;
};
}  // namespace detail

/// The mean of a callable's values, one for each sample.
template <class F>
requires std::is_invocable_r_v<Tensor, const F&, const Tensor&, const Tensor&> Metric
custom(const F& function, const std::string& name, MetricOptions options = {}) {
  options.name = name;
  using Callable = std::decay_t<F>;
  return Metric(detail::make_mean_of(
      std::make_shared<const Callable>(function),
      [](const void* f, const Tensor& y_true, const Tensor& y_pred) -> Tensor {
        return (*static_cast<const Callable*>(f))(y_true, y_pred);
      },
      options));
}
template <class F>
requires(!std::derived_from<F, Layer> && !std::derived_from<F, Metric> &&
         std::is_invocable_r_v<Tensor, const F&, const Tensor&, const Tensor&>) Metric::Metric(const F& function)
    : Metric(custom(function, "metric")) {}

/// What a name stands for: `metrics::get("mae")`.
inline Metric get(const Metric& metric) { return metric; }

}  // namespace metrics

/// The base of a metric of one's own, with public `update_state(y_true, y_pred, sample_weight) const` (or with fewer
/// arguments) and `Tensor result() const`, and a state of variables:
///
///     class Count : public CustomMetric<Count> {
///      public:
///       void update_state(const Tensor& y_true, const Tensor& y_pred) const { total_.assign_add(...); }
///       Tensor result() const { return total_; }
///      private:
///       Variable total_ = state("total", {});
///     };
template <class Self>
class CustomMetric : public metrics::Metric {
 public:
  explicit CustomMetric(const metrics::MetricOptions& options = {}) : options_(options) {
    if (options_.name.empty()) options_.name = detail::to_snake_case(detail::class_name_of<Self>());
  }
  CustomMetric(const CustomMetric& other) : Metric(other, Share{}), options_(other.options_), states_(other.states_) {}
  CustomMetric& operator=(const CustomMetric& other) {
    options_ = other.options_;
    states_ = other.states_;
    return *this;
  }

  /// Updates, and returns the result.
  template <class... A>
  Tensor operator()(const A&... arguments) const {
    static_cast<const Self&>(*this).update_state(arguments...);
    return static_cast<const Self&>(*this).result();
  }

 protected:
  /// A variable of zeros, which reset_state() sets to zeros again.
  Variable state(const std::string& name, const Shape& shape, DType dtype = float32) const {
    states_->push_back(metrics::detail::make_state(name, shape, dtype));
    return states_->back();
  }

 private:
  friend class metrics::detail::ObjectMetric<Self>;
  std::shared_ptr<const Base> self() const override { return share(static_cast<const Self&>(*this)); }
  static std::shared_ptr<const Base> share(const Self& object) {
    const CustomMetric& custom = object;
    return std::make_shared<metrics::detail::ObjectMetric<Self>>(object, custom.options_, custom.states_);
  }
  metrics::MetricOptions options_;
  std::shared_ptr<Variables> states_ = std::make_shared<Variables>();
};

}  // namespace strata
