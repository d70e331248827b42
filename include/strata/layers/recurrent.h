/// \file
/// Recurrent layers on sequences (batch, steps, features): SimpleRNN, GRU, LSTM, RNN over any cell; and Masking.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "strata/layers/recurrent_cells.h"

namespace strata::layers {

struct KeptStates;  // what a stateful layer keeps from call to call

struct RNNOptions {
  bool return_sequences = false;      ///< the outputs of all steps, (batch, steps, units), not the last alone
  bool return_state = false;          ///< the last states, too
  bool go_backwards = false;          ///< from the last step to the first; the outputs stay in that order
  bool stateful = false;              ///< begin where the last call ended: reset_state() begins anew
  bool unroll = false;                ///< step by step, which has derivatives of every order
  bool zero_output_for_mask = false;  ///< zeros for masked steps, not the output of the step before
  std::string name = {}, dtype = {};
};

/// What a call of a recurrent layer may be given by name: `lstm(x, {.initial_state = {h, c}, .mask = mask})`. More
/// states than the layer has are a ValueError.
struct RecurrentArguments {
  Tensors initial_state = {};
  std::optional<Tensor> mask = {};  ///< (batch, steps) of bool: steps that count
  std::optional<bool> training = {};
};

/// Runs a cell over the steps. `lstm(x)`, `lstm(x, h, c)` with initial states; a mask on `x` (Masking, Embedding) is
/// heeded: a masked step changes no state. With return_state the outputs are taken apart by `.as<N>()`.
class STRATA_API RNN final : public CustomLayer<RNN> {
 public:
  /// Throws ValueError unless `cell` is a RecurrentCell.
  explicit RNN(const Layer& cell, const RNNOptions& options = {});
  /// Several cells become StackedRNNCells.
  explicit RNN(const std::vector<Layer>& cells, const RNNOptions& options = {});
  void build(const Shape& sequences) const;
  Outputs call(const Tensor& sequences, const std::optional<Tensor>& state_0, const std::optional<Tensor>& state_1,
               const std::optional<Tensor>& state_2, const std::optional<Tensor>& state_3,
               const std::optional<Tensor>& mask, bool training) const;
  using CustomLayer<RNN>::operator();
  Outputs operator()(const Tensor& sequences, const RecurrentArguments& arguments) const;
  void reset_state() const;
  Config get_config() const;
  static RNN from_config(const Config& config);

 private:
  Layer cell_;
  RNNOptions options_;
  std::shared_ptr<KeptStates> kept_;
};

struct SimpleRNNOptions {
  ActivationFunction activation = "tanh";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform", recurrent_initializer = "orthogonal", bias_initializer = "zeros";
  Regularizer kernel_regularizer = {}, recurrent_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint kernel_constraint = {}, recurrent_constraint = {}, bias_constraint = {};
  double dropout = 0, recurrent_dropout = 0;
  bool return_sequences = false, return_state = false, go_backwards = false, stateful = false, unroll = false;
  bool zero_output_for_mask = false;
  std::optional<std::int64_t> seed = {};
  std::string name = {}, dtype = {};
};

/// Keras's SimpleRNN: see SimpleRNNCell for the formula and RNN for the rest.
class STRATA_API SimpleRNN final : public CustomLayer<SimpleRNN> {
 public:
  explicit SimpleRNN(std::int64_t units, const SimpleRNNOptions& options = {});
  void build(const Shape& sequences) const;
  Outputs call(const Tensor& sequences, const std::optional<Tensor>& initial_state, const std::optional<Tensor>& mask,
               bool training) const;
  using CustomLayer<SimpleRNN>::operator();
  Outputs operator()(const Tensor& sequences, const RecurrentArguments& arguments) const;
  void reset_state() const;
  Config get_config() const;
  static SimpleRNN from_config(const Config& config);

 private:
  SimpleRNNOptions options_;
  SimpleRNNCell cell_;
  std::shared_ptr<KeptStates> kept_;
};

struct GRUOptions {
  ActivationFunction activation = "tanh", recurrent_activation = "sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform", recurrent_initializer = "orthogonal", bias_initializer = "zeros";
  Regularizer kernel_regularizer = {}, recurrent_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint kernel_constraint = {}, recurrent_constraint = {}, bias_constraint = {};
  double dropout = 0, recurrent_dropout = 0;
  std::optional<std::int64_t> seed = {};
  bool return_sequences = false, return_state = false, go_backwards = false, stateful = false, unroll = false;
  bool zero_output_for_mask = false;
  bool reset_after = true;
  std::string name = {}, dtype = {};
};

/// Keras's GRU: see GRUCell for the formula and RNN for the rest.
class STRATA_API GRU final : public CustomLayer<GRU> {
 public:
  explicit GRU(std::int64_t units, const GRUOptions& options = {});
  void build(const Shape& sequences) const;
  Outputs call(const Tensor& sequences, const std::optional<Tensor>& initial_state, const std::optional<Tensor>& mask,
               bool training) const;
  using CustomLayer<GRU>::operator();
  Outputs operator()(const Tensor& sequences, const RecurrentArguments& arguments) const;
  void reset_state() const;
  Config get_config() const;
  static GRU from_config(const Config& config);

 private:
  GRUOptions options_;
  GRUCell cell_;
  std::shared_ptr<KeptStates> kept_;
};

struct LSTMOptions {
  ActivationFunction activation = "tanh", recurrent_activation = "sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform", recurrent_initializer = "orthogonal", bias_initializer = "zeros";
  bool unit_forget_bias = true;
  Regularizer kernel_regularizer = {}, recurrent_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint kernel_constraint = {}, recurrent_constraint = {}, bias_constraint = {};
  double dropout = 0, recurrent_dropout = 0;
  std::optional<std::int64_t> seed = {};
  bool return_sequences = false, return_state = false, go_backwards = false, stateful = false, unroll = false;
  bool zero_output_for_mask = false;
  std::string name = {}, dtype = {};
};

/// Keras's LSTM: see LSTMCell for the formula and RNN for the rest. Its states are h and the carry c:
/// `auto [y, h, c] = lstm(x).as<3>();` with return_state.
class STRATA_API LSTM final : public CustomLayer<LSTM> {
 public:
  explicit LSTM(std::int64_t units, const LSTMOptions& options = {});
  void build(const Shape& sequences) const;
  Outputs call(const Tensor& sequences, const std::optional<Tensor>& initial_state,
               const std::optional<Tensor>& initial_carry, const std::optional<Tensor>& mask, bool training) const;
  using CustomLayer<LSTM>::operator();
  Outputs operator()(const Tensor& sequences, const RecurrentArguments& arguments) const;
  void reset_state() const;
  Config get_config() const;
  static LSTM from_config(const Config& config);

 private:
  LSTMOptions options_;
  LSTMCell cell_;
  std::shared_ptr<KeptStates> kept_;
};

struct MaskingOptions {
  double mask_value = 0;
  std::string name = {}, dtype = {};
};

/// Masks the steps whose features all equal `mask_value`; they become zeros.
class STRATA_API Masking final : public CustomLayer<Masking> {
 public:
  explicit Masking(const MaskingOptions& options = {});
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static Masking from_config(const Config& config);

 private:
  MaskingOptions options_;
};

}  // namespace strata::layers

namespace strata {
extern template class Custom<layers::RNN, Layer>;
extern template class Custom<layers::SimpleRNN, Layer>;
extern template class Custom<layers::GRU, Layer>;
extern template class Custom<layers::LSTM, Layer>;
extern template class Custom<layers::Masking, Layer>;
}  // namespace strata
