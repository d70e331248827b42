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

namespace regularizers {

/// l1 * sum(|x|)
class STRATA_API L1 final : public Regularizer::Base {
 public:
  explicit L1(double l1 = 0.01);
  Tensor operator()(const Tensor& x) const override;
  std::string class_name() const override { return "L1"; }
  Config get_config() const override;

 private:
  double l1_;
};

/// l2 * sum(x^2)
class STRATA_API L2 final : public Regularizer::Base {
 public:
  explicit L2(double l2 = 0.01);
  Tensor operator()(const Tensor& x) const override;
  std::string class_name() const override { return "L2"; }
  Config get_config() const override;

 private:
  double l2_;
};

struct L1L2Options {
  double l1 = 0, l2 = 0;
};
/// l1 * sum(|x|) + l2 * sum(x^2). The string "l1_l2" names one with 0.01 for both.
class STRATA_API L1L2 final : public Regularizer::Base {
 public:
  explicit L1L2(double l1 = 0, double l2 = 0);
  explicit L1L2(const L1L2Options& options) : L1L2(options.l1, options.l2) {}
  Tensor operator()(const Tensor& x) const override;
  std::string class_name() const override { return "L1L2"; }
  Config get_config() const override;

 private:
  double l1_, l2_;
};

/// Keras's functions.
inline L1 l1(double l1 = 0.01) { return L1(l1); }
inline L2 l2(double l2 = 0.01) { return L2(l2); }
inline L1L2 l1_l2(double l1 = 0.01, double l2 = 0.01) { return L1L2(l1, l2); }
/// What a name stands for.
inline Regularizer get(const Regularizer& regularizer) { return regularizer; }

struct OrthogonalOptions {
  std::string mode = "rows";  ///< or "columns"
};

/// factor times the mean of |cosine| between any two rows (or columns) of a matrix.
class STRATA_API OrthogonalRegularizer final : public Regularizer::Base {
 public:
  explicit OrthogonalRegularizer(double factor = 0.01, const OrthogonalOptions& options = {});
  Tensor operator()(const Tensor& x) const override;
  std::string class_name() const override { return "OrthogonalRegularizer"; }
  Config get_config() const override;

 private:
  double factor_;
  OrthogonalOptions options_;
};

}  // namespace regularizers
}  // namespace strata
