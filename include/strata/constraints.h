/// \file
/// Constraints: projections of a weight after each update of an optimizer. Names and defaults are Keras's.
#pragma once

#include <concepts>
#include <memory>
#include <string>

#include "strata/config.h"
#include "strata/reduce.h"
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

namespace constraints {

/// Norms are taken along `axis`: 0 for each unit of a Dense kernel, {0, 1, 2} for each filter of a Conv2D kernel.
struct NormOptions {
  Axes axis = 0;
};
struct MinMaxNormOptions {
  double min_value = 0;
  double max_value = 1;
  double rate = 1;  ///< 1 enforces the bounds at once, less moves towards them
  Axes axis = 0;
};

/// Scales weights whose norm is above max_value down to it.
class STRATA_API MaxNorm final : public Constraint::Base {
 public:
  explicit MaxNorm(double max_value = 2, const NormOptions& options = {});
  Tensor operator()(const Tensor& w) const override;
  std::string class_name() const override { return "MaxNorm"; }
  Config get_config() const override;

 private:
  double max_value_;
  NormOptions options_;
};

/// Sets negative weights to 0.
class STRATA_API NonNeg final : public Constraint::Base {
 public:
  Tensor operator()(const Tensor& w) const override;
  std::string class_name() const override { return "NonNeg"; }
};

/// Scales weights to norm 1.
class STRATA_API UnitNorm final : public Constraint::Base {
 public:
  explicit UnitNorm(const NormOptions& options = {});
  Tensor operator()(const Tensor& w) const override;
  std::string class_name() const override { return "UnitNorm"; }
  Config get_config() const override;

 private:
  NormOptions options_;
};

/// Scales weights so that their norm lies between two bounds.
class STRATA_API MinMaxNorm final : public Constraint::Base {
 public:
  explicit MinMaxNorm(const MinMaxNormOptions& options = {});
  Tensor operator()(const Tensor& w) const override;
  std::string class_name() const override { return "MinMaxNorm"; }
  Config get_config() const override;

 private:
  MinMaxNormOptions options_;
};

}  // namespace constraints
}  // namespace strata
