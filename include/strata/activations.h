/// \file
/// ActivationFunction: what layers take as their `activation`.
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "strata/config.h"
#include "strata/tensor.h"

namespace strata {

/// A handle on an activation function. A string names one by Keras's names ("relu", "gelu", "softmax"); a callable
/// from a tensor to a tensor is one; the empty string is none at all.
///
///     Dense(64, {.activation = "relu"});
///     Dense(64, {.activation = [](const Tensor& x) { return nn::leaky_relu(x, 0.1); }});
class STRATA_API ActivationFunction {
 public:
  ActivationFunction() = default;
  ActivationFunction(const char* name);
  /// Throws ValueError that lists near names where there is none of this name.
  ActivationFunction(const std::string& name);
  template <class F>
  requires(!std::derived_from<F, ActivationFunction> && !std::convertible_to<F, std::string> &&
           std::is_invocable_r_v<Tensor, const F&, const Tensor&>) ActivationFunction(const F& function)
      : name_("<lambda>"),
        function_(std::make_shared<F>(function)),
        call_([](const void* f, const Tensor& x) -> Tensor { return (*static_cast<const F*>(f))(x); }) {}

  /// A function of strata with its defaults, `nn::relu`, `nn::gelu`, `nn::softmax`: known by its name, as the string.
  template <class Option>
  ActivationFunction(Tensor (*function)(const Tensor&, Option))
      : ActivationFunction(reinterpret_cast<void (*)()>(function)) {}
  ActivationFunction(Tensor (*function)(const Tensor&));

  /// x itself where there is no activation.
  Tensor operator()(const Tensor& x) const;
  /// False for none and for "linear".
  explicit operator bool() const { return call_ != nullptr; }
  /// Keras's name; "linear" where there is none, "<lambda>" for a callable.
  const std::string& name() const;
  /// True for a callable: it has no name under which a file could keep it.
  bool is_callable() const { return function_ != nullptr; }

  /// The name. Throws ValueError for a callable.
  Config::Value to_config_value() const;
  static ActivationFunction from_config_value(const Config::Value& value);

 private:
  explicit ActivationFunction(void (*function)());
  using Call = Tensor (*)(const void* function, const Tensor& x);
  std::string name_;
  std::shared_ptr<const void> function_;
  const void* table_row_ = nullptr;
  Call call_ = nullptr;
};

namespace activations {
/// The names that ActivationFunction knows.
STRATA_API std::vector<std::string> names();
/// What a name stands for: `activations::get("relu")(x)`.
inline ActivationFunction get(const ActivationFunction& activation) { return activation; }
}  // namespace activations

}  // namespace strata
