/// \file
/// Initializers: how weights get their first values. Names, defaults and distributions are Keras's.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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

namespace initializers {

/// Initializers that draw numbers: with a seed each call gives the same ones; without it they continue the global
/// generator, so that one initializer used for two weights fills them differently.
struct SeedOptions {
  std::optional<std::int64_t> seed = {};
};
struct RandomNormalOptions {
  double mean = 0;
  double stddev = 0.05;
  std::optional<std::int64_t> seed = {};
};
struct RandomUniformOptions {
  double minval = -0.05;
  double maxval = 0.05;
  std::optional<std::int64_t> seed = {};
};
struct VarianceScalingOptions {
  double scale = 1;
  std::string mode = "fan_in";                    ///< "fan_in", "fan_out" or "fan_avg"
  std::string distribution = "truncated_normal";  ///< or "untruncated_normal", "uniform"
  std::optional<std::int64_t> seed = {};
  std::vector<int> input_axes = {}, output_axes = {};  ///< where given, the fans are products of these dimensions
};
struct OrthogonalOptions {
  double gain = 1;
  std::optional<std::int64_t> seed = {};
};
struct IdentityOptions {
  double gain = 1;
};

class STRATA_API Zeros final : public Initializer::Base {
 public:
  Tensor operator()(const Shape& shape, DType dtype = float32) const override;
  std::string class_name() const override { return "Zeros"; }
};

class STRATA_API Ones final : public Initializer::Base {
 public:
  Tensor operator()(const Shape& shape, DType dtype = float32) const override;
  std::string class_name() const override { return "Ones"; }
};

class STRATA_API Constant final : public Initializer::Base {
 public:
  explicit Constant(double value = 0) : value_(value) {}
  Tensor operator()(const Shape& shape, DType dtype = float32) const override;
  std::string class_name() const override { return "Constant"; }
  Config get_config() const override;

 private:
  double value_;
};

class STRATA_API RandomNormal final : public Initializer::Base {
 public:
  explicit RandomNormal(const RandomNormalOptions& options = {}) : options_(options) {}
  RandomNormal(double mean, double stddev) : options_{.mean = mean, .stddev = stddev} {}
  Tensor operator()(const Shape& shape, DType dtype = float32) const override;
  std::string class_name() const override { return "RandomNormal"; }
  Config get_config() const override;

 private:
  RandomNormalOptions options_;
};

/// As RandomNormal; no number is more than two standard deviations away from the mean.
class STRATA_API TruncatedNormal final : public Initializer::Base {
 public:
  explicit TruncatedNormal(const RandomNormalOptions& options = {}) : options_(options) {}
  TruncatedNormal(double mean, double stddev) : options_{.mean = mean, .stddev = stddev} {}
  Tensor operator()(const Shape& shape, DType dtype = float32) const override;
  std::string class_name() const override { return "TruncatedNormal"; }
  Config get_config() const override;

 private:
  RandomNormalOptions options_;
};

class STRATA_API RandomUniform final : public Initializer::Base {
 public:
  explicit RandomUniform(const RandomUniformOptions& options = {}) : options_(options) {}
  RandomUniform(double minval, double maxval) : options_{.minval = minval, .maxval = maxval} {}
  Tensor operator()(const Shape& shape, DType dtype = float32) const override;
  std::string class_name() const override { return "RandomUniform"; }
  Config get_config() const override;

 private:
  RandomUniformOptions options_;
};

/// Numbers of variance scale / fan. The fans of a kernel (..., in, out) are in and out times the sizes before them.
/// Throws ValueError for a scale that is not positive, and for unknown words.
class STRATA_API VarianceScaling : public Initializer::Base {
 public:
  explicit VarianceScaling(const VarianceScalingOptions& options = {});
  Tensor operator()(const Shape& shape, DType dtype = float32) const override;
  std::string class_name() const override { return "VarianceScaling"; }
  Config get_config() const override;

 protected:
  VarianceScalingOptions options_;
};

/// The named cases of VarianceScaling. Glorot: scale 1 by the average of the fans; He: scale 2 by the fan-in (He et al.
/// 2015); LeCun: scale 1 by the fan-in. Normal ones are truncated.
class STRATA_API GlorotUniform final : public VarianceScaling {
 public:
  explicit GlorotUniform(const SeedOptions& options = {});
  std::string class_name() const override { return "GlorotUniform"; }
  Config get_config() const override;
};
class STRATA_API GlorotNormal final : public VarianceScaling {
 public:
  explicit GlorotNormal(const SeedOptions& options = {});
  std::string class_name() const override { return "GlorotNormal"; }
  Config get_config() const override;
};
class STRATA_API HeUniform final : public VarianceScaling {
 public:
  explicit HeUniform(const SeedOptions& options = {});
  std::string class_name() const override { return "HeUniform"; }
  Config get_config() const override;
};
class STRATA_API HeNormal final : public VarianceScaling {
 public:
  explicit HeNormal(const SeedOptions& options = {});
  std::string class_name() const override { return "HeNormal"; }
  Config get_config() const override;
};
class STRATA_API LecunUniform final : public VarianceScaling {
 public:
  explicit LecunUniform(const SeedOptions& options = {});
  std::string class_name() const override { return "LecunUniform"; }
  Config get_config() const override;
};
class STRATA_API LecunNormal final : public VarianceScaling {
 public:
  explicit LecunNormal(const SeedOptions& options = {});
  std::string class_name() const override { return "LecunNormal"; }
  Config get_config() const override;
};

/// A matrix with orthonormal rows or columns (those that are fewer), of the shape (product of the others, last), times
/// `gain` (Saxe et al. 2014). Throws ShapeError below two dimensions.
class STRATA_API Orthogonal final : public Initializer::Base {
 public:
  explicit Orthogonal(const OrthogonalOptions& options = {}) : options_(options) {}
  Tensor operator()(const Shape& shape, DType dtype = float32) const override;
  std::string class_name() const override { return "Orthogonal"; }
  Config get_config() const override;

 private:
  OrthogonalOptions options_;
};

/// `gain` on the diagonal of a matrix. Throws ShapeError unless there are two dimensions.
class STRATA_API Identity final : public Initializer::Base {
 public:
  explicit Identity(const IdentityOptions& options = {}) : options_(options) {}
  Tensor operator()(const Shape& shape, DType dtype = float32) const override;
  std::string class_name() const override { return "Identity"; }
  Config get_config() const override;

 private:
  IdentityOptions options_;
};

/// What a name stands for: `initializers::get("he_normal")({3, 2})`.
inline Initializer get(const Initializer& initializer) { return initializer; }

}  // namespace initializers
}  // namespace strata
