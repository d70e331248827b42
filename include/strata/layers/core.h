/// \file
/// Dense, Embedding, Lambda and Identity.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "strata/activations.h"
#include "strata/custom.h"

namespace strata::layers {

struct DenseOptions {
  ActivationFunction activation = {};
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint kernel_constraint = {}, bias_constraint = {};
  std::string name = {}, dtype = {};
};

/// activation(x @ kernel + bias) over the last axis: (..., n) gives (..., units).
class STRATA_API Dense final : public CustomLayer<Dense> {
 public:
  explicit Dense(std::int64_t units, const DenseOptions& options = {});
  /// Keras's second argument: `Dense(64, "relu")`.
  template <std::convertible_to<const char*> Name>
  Dense(std::int64_t units, const Name& activation) : Dense(units, DenseOptions{.activation = activation}) {}
  void build(const Shape& input) const;
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static Dense from_config(const Config& config);

 private:
  std::int64_t units_;
  DenseOptions options_;
  Variable kernel_ = weight("kernel"), bias_;
};

struct EmbeddingOptions {
  Initializer embeddings_initializer = "uniform";
  Regularizer embeddings_regularizer = {};
  Constraint embeddings_constraint = {};
  bool mask_zero = false;  ///< 0 is no word but padding: those steps are masked
  std::string name = {}, dtype = {};
};

/// Rows of a trained table: integers (...) in [0, input_dim) give (..., output_dim). Throws IndexError for others.
class STRATA_API Embedding final : public CustomLayer<Embedding> {
 public:
  Embedding(std::int64_t input_dim, std::int64_t output_dim, const EmbeddingOptions& options = {});
  void build(const Shape& input) const;
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static Embedding from_config(const Config& config);

 private:
  std::int64_t input_dim_, output_dim_;
  EmbeddingOptions options_;
  Variable embeddings_ = weight("embeddings");
};

struct LayerOptions {
  std::string name = {}, dtype = {};
};

/// A callable on one tensor, as a layer. Files cannot keep it.
class STRATA_API Lambda final : public CustomLayer<Lambda> {
 public:
  template <class F>
  requires std::is_invocable_r_v<Tensor, const F&, const Tensor&>
  explicit Lambda(const F& function, const LayerOptions& options = {})
      : Lambda(
            std::make_shared<F>(function),
            [](const void* f, const Tensor& x) -> Tensor { return (*static_cast<const F*>(f))(x); }, options) {}
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static Lambda from_config(const Config& config);

 private:
  using Call = Tensor (*)(const void*, const Tensor&);
  Lambda(std::shared_ptr<const void> function, Call call, const LayerOptions& options);
  std::shared_ptr<const void> function_;
  Call call_;
};

/// Gives back what it gets.
class STRATA_API Identity final : public CustomLayer<Identity> {
 public:
  explicit Identity(const LayerOptions& options = {});
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static Identity from_config(const Config& config);
};

}  // namespace strata::layers

namespace strata {
extern template class Custom<layers::Dense, Layer>;
extern template class Custom<layers::Embedding, Layer>;
extern template class Custom<layers::Lambda, Layer>;
extern template class Custom<layers::Identity, Layer>;
}  // namespace strata
