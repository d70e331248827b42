/// \file
/// Constraints: projections of a weight after each update of an optimizer. Names and defaults are Keras's.
#pragma once

#include <concepts>
#include <memory>
#include <string>

#include "strata/config.h"
#include "strata/tensor.h"

namespace strata {

/// A handle on a constraint. A string names one by Keras's names ("max_norm", "non_neg", "unit_norm"); empty is none.
class STRATA_API Constraint {
 public:
  /// What a constraint does; derive from it to write one.
  class STRATA_API Base {
   public:
    virtual ~Base();
    /// The projected weight.
    virtual Tensor operator()(const Tensor& w) const = 0;
    virtual std::string class_name() const = 0;
    virtual Config get_config() const { return {}; }
  };

  Constraint() = default;
  Constraint(const char* name);
  Constraint(const std::string& name);
  Constraint(std::shared_ptr<const Base> base) : base_(std::move(base)) {}
  template <std::derived_from<Base> T>
  Constraint(const T& constraint) : base_(std::make_shared<T>(constraint)) {}

  Tensor operator()(const Tensor& w) const;
  explicit operator bool() const { return base_ != nullptr; }
  std::string class_name() const;
  Config get_config() const;
  Config::Value to_config_value() const;
  static Constraint from_config_value(const Config::Value& value);

 private:
  std::shared_ptr<const Base> base_;
};

}  // namespace strata
