/// \file
/// Attention, AdditiveAttention, MultiHeadAttention, and EinsumDense, of which the last is made.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "strata/activations.h"
#include "strata/custom.h"

namespace strata::layers {

struct AttentionOptions {
  bool use_scale = false;          ///< multiply the scores by a trained number
  std::string score_mode = "dot";  ///< query . key, or "concat": w * sum(tanh(query + key))
  double dropout = 0;              ///< of the weights, in training
  std::optional<std::int64_t> seed = {};
  bool use_causal_mask = false;          ///< no look at later steps (Keras asks at the call)
  bool return_attention_scores = false;  ///< give the weights, too (Keras asks at the call)
  std::string name = {}, dtype = {};
};

/// softmax(scores(query, key)) @ value (Luong et al. 2015, arXiv:1508.04025). Called on a list:
/// `attention({query, value})` or `{query, value, key}` of shapes (batch, Tq, dim), (batch, Tv, dim); gives
/// (batch, Tq, dim), and the weights (batch, Tq, Tv) where they are asked for. Masked steps of the value get no weight,
/// those of the query give zeros.
class STRATA_API Attention final : public CustomLayer<Attention> {
 public:
  explicit Attention(const AttentionOptions& options = {});
  void build(const std::vector<Shape>& shapes) const;
  Outputs call(const Tensors& inputs, bool training) const;
  Config get_config() const;
  static Attention from_config(const Config& config);

 private:
  Tensor scores(const Tensor& query, const Tensor& key) const;
  AttentionOptions options_;
  Variable scale_, concat_score_weight_;
};

struct AdditiveAttentionOptions {
  bool use_scale = true;  ///< a trained weight for each feature
  double dropout = 0;
  std::optional<std::int64_t> seed = {};
  bool use_causal_mask = false;
  bool return_attention_scores = false;
  std::string name = {}, dtype = {};
};

/// The same with scores sum(scale * tanh(query + key)) (Bahdanau et al. 2014, arXiv:1409.0473).
class STRATA_API AdditiveAttention final : public CustomLayer<AdditiveAttention> {
 public:
  explicit AdditiveAttention(const AdditiveAttentionOptions& options = {});
  void build(const std::vector<Shape>& shapes) const;
  Outputs call(const Tensors& inputs, bool training) const;
  Config get_config() const;
  static AdditiveAttention from_config(const Config& config);

 private:
  AdditiveAttentionOptions options_;
  Variable scale_;
};

struct EinsumDenseOptions {
  ActivationFunction activation = {};
  std::string bias_axes = {};  ///< letters of the output that the bias has; empty: no bias
  Initializer kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  Regularizer kernel_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint kernel_constraint = {}, bias_constraint = {};
  std::string name = {}, dtype = {};
};

/// activation(einsum(equation, x, kernel) + bias): `EinsumDense("abc,cde->abde", {None, 4, 16}, {.bias_axes = "de"})`.
class STRATA_API EinsumDense final : public CustomLayer<EinsumDense> {
 public:
  /// `output_shape` is that of the result without the batch; None keeps the input's dimension. Throws ValueError for an
  /// equation that is not "input,kernel->output".
  EinsumDense(const std::string& equation, const Shape& output_shape, const EinsumDenseOptions& options = {});
  void build(const Shape& input) const;
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static EinsumDense from_config(const Config& config);

 private:
  std::string equation_;
  Shape output_shape_;
  EinsumDenseOptions options_;
  Variable kernel_ = weight("kernel"), bias_;
};

struct MultiHeadAttentionOptions {
  std::optional<std::int64_t> value_dim = {};  ///< that of the keys without it
  double dropout = 0;
  bool use_bias = true;
  std::vector<std::int64_t> output_shape = {};    ///< empty: the query's last dimension
  std::vector<std::int64_t> attention_axes = {};  ///< empty: all between the batch and the features
  Initializer kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  Regularizer kernel_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint kernel_constraint = {}, bias_constraint = {};
  std::optional<std::int64_t> seed = {};
  bool use_causal_mask = false;          ///< no look at later steps, in every call
  bool return_attention_scores = false;  ///< give the weights, too, in every call
  std::string name = {}, dtype = {};
};

/// What a call of MultiHeadAttention may be given by name, as in Keras:
/// `mha(x, x, {.attention_mask = mask, .return_attention_scores = true})`.
struct MultiHeadAttentionArguments {
  std::optional<Tensor> key = {}, attention_mask = {};
  bool return_attention_scores = false, use_causal_mask = false;
  std::optional<bool> training = {};
};

/// Attention in several heads at once (Vaswani et al. 2017, arXiv:1706.03762): `mha(query, value)`, with the key after
/// them where it is another. Steps that a mask on query, value or key leaves out are not attended to;
/// `attention_mask` (batch, Tq, Tv) of bool adds to that.
class STRATA_API MultiHeadAttention final : public CustomLayer<MultiHeadAttention> {
 public:
  MultiHeadAttention(std::int64_t num_heads, std::int64_t key_dim, const MultiHeadAttentionOptions& options = {});
  void build(const std::vector<Shape>& shapes) const;
  Outputs call(const Tensor& query, const Tensor& value, const std::optional<Tensor>& key,
               const std::optional<Tensor>& attention_mask, bool training) const;
  using CustomLayer<MultiHeadAttention>::operator();
  Outputs operator()(const Tensor& query, const Tensor& value, const MultiHeadAttentionArguments& arguments) const;
  Config get_config() const;
  static MultiHeadAttention from_config(const Config& config);

 private:
  struct Parts;
  std::int64_t num_heads_, key_dim_;
  MultiHeadAttentionOptions options_;
  std::shared_ptr<Parts> parts_;  // the projections, whose equations the ranks of the inputs determine
};

}  // namespace strata::layers

namespace strata {
extern template class Custom<layers::Attention, Layer>;
extern template class Custom<layers::AdditiveAttention, Layer>;
extern template class Custom<layers::EinsumDense, Layer>;
extern template class Custom<layers::MultiHeadAttention, Layer>;
}  // namespace strata
