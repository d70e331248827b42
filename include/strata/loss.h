/// \file
/// The loss: a handle on how far predictions are from the truth, and the base of losses of one's own.
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "strata/class_name.h"
#include "strata/config.h"
#include "strata/tensor.h"

namespace strata {

class Layer;

namespace losses {

/// What every loss takes.
struct LossOptions {
  /// "sum_over_batch_size" or "mean" (of all values), "sum", "mean_with_sample_weight" (sum over the sum of the
  /// weights), or "none" (one value for each sample).
  std::string reduction = "sum_over_batch_size";
  std::string name = {};   ///< the class's name in Keras's spelling where it is not given
  std::string dtype = {};  ///< in which the loss is computed and reported: "float32" where it is not given
};

/// A handle on a loss: `loss(y_true, y_pred)` is a tensor, a scalar unless the reduction is "none". Copies share.
///
/// It is made by a class of this namespace, from Keras's name of one ("mse", "categorical_crossentropy"; "crossentropy"
/// chooses by the shapes), or from a callable that takes y_true and y_pred and gives one value for each sample.
class STRATA_API Loss {
 public:
  /// What a loss does.
  class STRATA_API Base {
   public:
    virtual ~Base();
    /// One value for each sample. `y_pred` is floating, in the dtype of the loss; `y_true` as it was given.
    virtual Tensor call(const Tensor& y_true, const Tensor& y_pred) const = 0;
    /// Where the values count (bool, the shape of the values); undefined where all do.
    virtual Tensor mask(const Tensor& y_true, const Tensor& y_pred) const;
    virtual std::string class_name() const = 0;
    /// Options besides those of LossOptions.
    virtual Config get_config() const;
    virtual bool expects_probabilities() const { return false; }

    LossOptions options;
  };

  /// No loss: `defined()` is false.
  Loss();
  Loss(const char* name);
  Loss(const std::string& name);
  explicit Loss(std::shared_ptr<const Base> base);
  template <class F>
  requires(!std::derived_from<F, Layer> && !std::derived_from<F, Loss> &&
           std::is_invocable_r_v<Tensor, const F&, const Tensor&, const Tensor&>) Loss(const F& function);
  Loss(const Loss& other) : base_(other.self()) {}
  Loss& operator=(const Loss& other) {
    base_ = other.self();
    return *this;
  }
  virtual ~Loss();

  /// The loss of a batch. A label or a prediction of rank 1 more than the other loses its last axis of size 1.
  /// `sample_weight` is broadcast against the values of the samples. Throws ShapeError where the shapes do not fit.
  Tensor operator()(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) const;

  bool defined() const { return self() != nullptr; }
  std::string name() const;
  std::string reduction() const;
  std::string class_name() const;
  Config get_config() const;
  /// Whether predictions have to be probabilities (so that logits, without from_logits, would be a mistake).
  bool expects_probabilities() const;

  Config::Value to_config_value() const;
  static Loss from_config_value(const Config::Value& value);
  /// For the engine: what the handle shares.
  std::shared_ptr<const Base> impl() const { return self(); }

 protected:
  struct Share {};
  Loss(const Loss& other, Share) : base_(other.base_) {}
  /// A custom class overrides this, so that a copy as plain Loss keeps the object.
  virtual std::shared_ptr<const Base> self() const { return base_; }

 private:
  std::shared_ptr<const Base> require() const;
  std::shared_ptr<const Base> base_;
};

namespace detail {
/// `y_true` in the dtype of `y_pred`.
STRATA_API Tensor cast_labels(const Tensor& y_true, const Tensor& y_pred);

/// A loss that calls an object: a callable, or an instance of a CustomLoss.
template <class T>
class ObjectLoss final : public Loss::Base {
 public:
  ObjectLoss(const T& object, const std::string& class_name, const LossOptions& o)
      : object_(object), class_name_(class_name) {
    options = o;
  }
  Tensor call(const Tensor& y_true, const Tensor& y_pred) const override {
    if constexpr (std::derived_from<T, Loss>)
      return object_.call(cast_labels(y_true, y_pred), y_pred);
    else
      return object_(cast_labels(y_true, y_pred), y_pred);
  }
  std::string class_name() const override { return class_name_; }
  Config get_config() const override {
    if constexpr (std::derived_from<T, Loss>)
      if constexpr (!std::same_as<decltype(&T::get_config), Config (Loss::*)() const>) return object_.get_config();
    return {};
  }

 private:
  T object_;
  std::string class_name_;
};
}  // namespace detail

/// A loss from a callable: one value for each sample from y_true (in y_pred's dtype) and y_pred.
///
///     auto cubed = losses::custom([](const Tensor& y_true, const Tensor& y_pred) {
///       return reduce_mean(pow(abs(y_true - y_pred), 3.f), -1);
///     }, "mean_cubed");
template <class F>
requires std::is_invocable_r_v<Tensor, const F&, const Tensor&, const Tensor&> Loss custom(const F& function,
                                                                                           const std::string& name,
                                                                                           LossOptions options = {}) {
  options.name = name;
  return Loss(std::make_shared<detail::ObjectLoss<std::decay_t<F>>>(function, name, options));
}
template <class F>
requires(!std::derived_from<F, Layer> && !std::derived_from<F, Loss> &&
         std::is_invocable_r_v<Tensor, const F&, const Tensor&, const Tensor&>) Loss::Loss(const F& function)
    : Loss(custom(function, "loss")) {}

/// What a name stands for: `losses::get("mse")`.
inline Loss get(const Loss& loss) { return loss; }

}  // namespace losses

/// The base of a loss of one's own: `class MyLoss : public CustomLoss<MyLoss>` with a public
/// `Tensor call(const Tensor& y_true, const Tensor& y_pred) const` that gives one value for each sample.
template <class Self>
class CustomLoss : public losses::Loss {
 public:
  explicit CustomLoss(const losses::LossOptions& options = {}) : options_(options) {}
  CustomLoss(const CustomLoss& other) : Loss(other, Share{}), options_(other.options_) {}
  CustomLoss& operator=(const CustomLoss& other) {
    options_ = other.options_;
    return *this;
  }

 private:
  std::shared_ptr<const Base> self() const override {
    losses::LossOptions options = options_;
    const std::string class_name = detail::class_name_of<Self>();
    if (options.name.empty()) options.name = detail::to_snake_case(class_name);
    return std::make_shared<losses::detail::ObjectLoss<Self>>(static_cast<const Self&>(*this), class_name, options);
  }
  losses::LossOptions options_;
};

}  // namespace strata
