/// \file
/// Layers that join several inputs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "strata/custom.h"

namespace strata::layers {

struct MergeOptions {
  std::string name = {}, dtype = {};
};

/// The sum of its inputs. They are broadcast.
class STRATA_API Add final : public CustomLayer<Add> {
 public:
  explicit Add(const MergeOptions& options = {});
  Tensor call(const Tensors& inputs) const;
  Config get_config() const;
  static Add from_config(const Config& config);
};

/// The first of two inputs less the second. They are broadcast.
class STRATA_API Subtract final : public CustomLayer<Subtract> {
 public:
  explicit Subtract(const MergeOptions& options = {});
  Tensor call(const Tensors& inputs) const;
  Config get_config() const;
  static Subtract from_config(const Config& config);
};

/// The product of its inputs. They are broadcast.
class STRATA_API Multiply final : public CustomLayer<Multiply> {
 public:
  explicit Multiply(const MergeOptions& options = {});
  Tensor call(const Tensors& inputs) const;
  Config get_config() const;
  static Multiply from_config(const Config& config);
};

/// The mean of its inputs. They are broadcast.
class STRATA_API Average final : public CustomLayer<Average> {
 public:
  explicit Average(const MergeOptions& options = {});
  Tensor call(const Tensors& inputs) const;
  Config get_config() const;
  static Average from_config(const Config& config);
};

/// The largest of its inputs, element by element. They are broadcast.
class STRATA_API Maximum final : public CustomLayer<Maximum> {
 public:
  explicit Maximum(const MergeOptions& options = {});
  Tensor call(const Tensors& inputs) const;
  Config get_config() const;
  static Maximum from_config(const Config& config);
};

/// The smallest of its inputs, element by element. They are broadcast.
class STRATA_API Minimum final : public CustomLayer<Minimum> {
 public:
  explicit Minimum(const MergeOptions& options = {});
  Tensor call(const Tensors& inputs) const;
  Config get_config() const;
  static Minimum from_config(const Config& config);
};

struct ConcatenateOptions {
  std::int64_t axis = -1;
  std::string name = {}, dtype = {};
};

/// Its inputs one after another along an axis; other dimensions must be equal.
class STRATA_API Concatenate final : public CustomLayer<Concatenate> {
 public:
  explicit Concatenate(const ConcatenateOptions& options = {});
  explicit Concatenate(std::int64_t axis) : Concatenate(ConcatenateOptions{.axis = axis}) {}
  Tensor call(const Tensors& inputs) const;
  Config get_config() const;
  static Concatenate from_config(const Config& config);

 private:
  ConcatenateOptions options_;
};

struct DotOptions {
  bool normalize = false;  ///< cosine similarity: both inputs scaled to an L2 norm of 1 along the axes
  std::string name = {}, dtype = {};
};

/// The dot product of two inputs along an axis of each: one number for both, or two.
class STRATA_API Dot final : public CustomLayer<Dot> {
 public:
  explicit Dot(std::int64_t axes, const DotOptions& options = {})
      : Dot(std::vector<std::int64_t>{axes, axes}, options) {}
  explicit Dot(int axes, const DotOptions& options = {}) : Dot(static_cast<std::int64_t>(axes), options) {}
  explicit Dot(const std::vector<std::int64_t>& axes, const DotOptions& options = {});
  Tensor call(const Tensors& inputs) const;
  Config get_config() const;
  static Dot from_config(const Config& config);

 private:
  std::vector<std::int64_t> axes_;
  DotOptions options_;
};

}  // namespace strata::layers

namespace strata {
extern template class Custom<layers::Add, Layer>;
extern template class Custom<layers::Subtract, Layer>;
extern template class Custom<layers::Multiply, Layer>;
extern template class Custom<layers::Average, Layer>;
extern template class Custom<layers::Maximum, Layer>;
extern template class Custom<layers::Minimum, Layer>;
extern template class Custom<layers::Concatenate, Layer>;
extern template class Custom<layers::Dot, Layer>;
}  // namespace strata
