/// \file
/// One step of recurrent layers: SimpleRNNCell, GRUCell, LSTMCell, StackedRNNCells, and what a cell of one's own is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "strata/activations.h"
#include "strata/custom.h"

namespace strata::layers {

/// What RNN asks of a cell. A cell of one's own is a CustomLayer and this:
///
///     class Sum : public CustomLayer<Sum>, public RecurrentCell {
///      public:
///       // The output, then the new states.
///       Tensors call(const Tensor& x, const Tensor& sum) const { return {x + sum, x + sum}; }
///       std::vector<std::int64_t> state_size() const override { return {8}; }
///     };
class STRATA_API RecurrentCell {
 public:
  virtual ~RecurrentCell();
  /// The last dimension of each state, (batch, size). The output has that of the first.
  virtual std::vector<std::int64_t> state_size() const = 0;
};

struct SimpleRNNCellOptions {
  ActivationFunction activation = "tanh";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform", recurrent_initializer = "orthogonal", bias_initializer = "zeros";
  Regularizer kernel_regularizer = {}, recurrent_regularizer = {}, bias_regularizer = {};
  Constraint kernel_constraint = {}, recurrent_constraint = {}, bias_constraint = {};
  double dropout = 0, recurrent_dropout = 0;
  std::optional<std::int64_t> seed = {};
  std::string name = {}, dtype = {};
};

/// h = activation(x @ kernel + h @ recurrent_kernel + bias).
class STRATA_API SimpleRNNCell final : public CustomLayer<SimpleRNNCell>, public RecurrentCell {
 public:
  explicit SimpleRNNCell(std::int64_t units, const SimpleRNNCellOptions& options = {});
  void build(const Shape& input) const;
  /// (batch, features) and the state (batch, units); gives the output and the new state, which are equal.
  Tensors call(const Tensor& x, const std::optional<Tensor>& state, bool training) const;
  std::vector<std::int64_t> state_size() const override { return {units_}; }
  Config get_config() const;
  static SimpleRNNCell from_config(const Config& config);
  const SimpleRNNCellOptions& options() const { return options_; }
  Variable kernel() const { return kernel_; }
  Variable recurrent_kernel() const { return recurrent_kernel_; }
  Variable bias() const { return bias_; }

 private:
  std::int64_t units_;
  SimpleRNNCellOptions options_;
  Variable kernel_ = weight("kernel"), recurrent_kernel_ = weight("recurrent_kernel"), bias_;
};

struct GRUCellOptions {
  ActivationFunction activation = "tanh", recurrent_activation = "sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform", recurrent_initializer = "orthogonal", bias_initializer = "zeros";
  Regularizer kernel_regularizer = {}, recurrent_regularizer = {}, bias_regularizer = {};
  Constraint kernel_constraint = {}, recurrent_constraint = {}, bias_constraint = {};
  double dropout = 0, recurrent_dropout = 0;
  bool reset_after = true;  ///< the reset gate multiplies h @ recurrent_kernel, not h
  std::optional<std::int64_t> seed = {};
  std::string name = {}, dtype = {};
};

/// Gates z, r and the candidate, in this order in the weights (Cho et al. 2014, arXiv:1406.1078).
class STRATA_API GRUCell final : public CustomLayer<GRUCell>, public RecurrentCell {
 public:
  explicit GRUCell(std::int64_t units, const GRUCellOptions& options = {});
  void build(const Shape& input) const;
  /// (batch, features) and the state (batch, units); gives the output and the new state, which are equal.
  Tensors call(const Tensor& x, const std::optional<Tensor>& state, bool training) const;
  std::vector<std::int64_t> state_size() const override { return {units_}; }
  Config get_config() const;
  static GRUCell from_config(const Config& config);
  const GRUCellOptions& options() const { return options_; }
  Variable kernel() const { return kernel_; }
  Variable recurrent_kernel() const { return recurrent_kernel_; }
  Variable bias() const { return bias_; }  ///< (2, 3 * units) with reset_after: of the input, of the state

 private:
  std::int64_t units_;
  GRUCellOptions options_;
  Variable kernel_ = weight("kernel"), recurrent_kernel_ = weight("recurrent_kernel"), bias_;
};

struct LSTMCellOptions {
  ActivationFunction activation = "tanh", recurrent_activation = "sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform", recurrent_initializer = "orthogonal", bias_initializer = "zeros";
  bool unit_forget_bias = true;  ///< the bias of the forget gate begins at 1
  Regularizer kernel_regularizer = {}, recurrent_regularizer = {}, bias_regularizer = {};
  Constraint kernel_constraint = {}, recurrent_constraint = {}, bias_constraint = {};
  double dropout = 0, recurrent_dropout = 0;
  std::optional<std::int64_t> seed = {};
  std::string name = {}, dtype = {};
};

/// Gates i, f, the candidate c and o, in this order in the weights (Hochreiter, Schmidhuber 1997).
class STRATA_API LSTMCell final : public CustomLayer<LSTMCell>, public RecurrentCell {
 public:
  explicit LSTMCell(std::int64_t units, const LSTMCellOptions& options = {});
  void build(const Shape& input) const;
  /// (batch, features), the state h and the carry c (batch, units); gives h, h and c of the step.
  Tensors call(const Tensor& x, const std::optional<Tensor>& state, const std::optional<Tensor>& carry,
               bool training) const;
  std::vector<std::int64_t> state_size() const override { return {units_, units_}; }
  Config get_config() const;
  static LSTMCell from_config(const Config& config);
  const LSTMCellOptions& options() const { return options_; }
  Variable kernel() const { return kernel_; }
  Variable recurrent_kernel() const { return recurrent_kernel_; }
  Variable bias() const { return bias_; }

 private:
  std::int64_t units_;
  LSTMCellOptions options_;
  Variable kernel_ = weight("kernel"), recurrent_kernel_ = weight("recurrent_kernel"), bias_;
};

struct StackedRNNCellsOptions {
  std::string name = {}, dtype = {};
};

/// Cells one upon the other, as one cell with the states of all.
class STRATA_API StackedRNNCells final : public CustomLayer<StackedRNNCells>, public RecurrentCell {
 public:
  /// Throws ValueError where a layer is no cell.
  explicit StackedRNNCells(const std::vector<Layer>& cells, const StackedRNNCellsOptions& options = {});
  /// The input, then the states of the first cell, of the second, ...
  Tensors call(const Tensors& inputs, bool training) const;
  std::vector<std::int64_t> state_size() const override;
  Config get_config() const;
  static StackedRNNCells from_config(const Config& config);

 private:
  std::vector<Layer> cells_;
};

}  // namespace strata::layers

namespace strata {
extern template class Custom<layers::SimpleRNNCell, Layer>;
extern template class Custom<layers::GRUCell, Layer>;
extern template class Custom<layers::LSTMCell, Layer>;
extern template class Custom<layers::StackedRNNCells, Layer>;
}  // namespace strata
