/// \file
/// Initializers: how weights get their first values. Names, defaults and distributions are Keras's.
#pragma once

#include <concepts>
#include <memory>
#include <string>

#include "strata/config.h"
#include "strata/tensor.h"

namespace strata {

/// A handle on an initializer. A string names one by Keras's names ("glorot_uniform", "GlorotUniform", "zeros");
/// the empty string is "no initializer given".
class STRATA_API Initializer {
 public:
  /// What an initializer does; derive from it to write one.
  class STRATA_API Base {
   public:
    virtual ~Base();
    virtual Tensor operator()(const Shape& shape, DType dtype) const = 0;
    virtual std::string class_name() const = 0;
    virtual Config get_config() const { return {}; }
  };

  Initializer() = default;
  Initializer(const char* name);
  Initializer(const std::string& name);
  Initializer(std::shared_ptr<const Base> base) : base_(std::move(base)) {}
  template <std::derived_from<Base> T>
  Initializer(const T& initializer) : base_(std::make_shared<T>(initializer)) {}

  Tensor operator()(const Shape& shape, DType dtype = float32) const;
  explicit operator bool() const { return base_ != nullptr; }
  std::string class_name() const;
  Config get_config() const;
  Config::Value to_config_value() const;
  static Initializer from_config_value(const Config::Value& value);

 private:
  std::shared_ptr<const Base> base_;
};

}  // namespace strata
