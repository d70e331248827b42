/// \file
/// Regularizers: penalties on weights or activations, added to a model's losses. Names and defaults are Keras's.
#pragma once

#include <concepts>
#include <memory>
#include <string>

#include "strata/config.h"
#include "strata/tensor.h"

namespace strata {

/// A handle on a regularizer. A string names one by Keras's names ("l1", "l2", "l1_l2"); empty is none.
class STRATA_API Regularizer {
 public:
  /// What a regularizer does; derive from it to write one.
  class STRATA_API Base {
   public:
    virtual ~Base();
    /// The penalty, a scalar.
    virtual Tensor operator()(const Tensor& x) const = 0;
    virtual std::string class_name() const = 0;
    virtual Config get_config() const { return {}; }
  };

  Regularizer() = default;
  Regularizer(const char* name);
  Regularizer(const std::string& name);
  Regularizer(std::shared_ptr<const Base> base) : base_(std::move(base)) {}
  template <std::derived_from<Base> T>
  Regularizer(const T& regularizer) : base_(std::make_shared<T>(regularizer)) {}

  Tensor operator()(const Tensor& x) const;
  explicit operator bool() const { return base_ != nullptr; }
  std::string class_name() const;
  Config get_config() const;
  Config::Value to_config_value() const;
  static Regularizer from_config_value(const Config::Value& value);

 private:
  std::shared_ptr<const Base> base_;
};

}  // namespace strata
