/// \file
/// Layers around another layer: Bidirectional and TimeDistributed.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "strata/layers/recurrent.h"

namespace strata::layers {

struct BidirectionalOptions {
  std::optional<std::string> merge_mode = "concat";  ///< or "sum", "mul", "ave"; std::nullopt gives both outputs
  Layer backward_layer = {};                         ///< without it, a copy of the layer that goes backwards
  std::string name = {}, dtype = {};
};

/// A recurrent layer over the sequence in both directions. The layer given is a pattern: both directions are made from
/// its configuration. With return_state the states of both follow the output.
class STRATA_API Bidirectional final : public CustomLayer<Bidirectional> {
 public:
  /// Throws ValueError unless the layer is an RNN, SimpleRNN, GRU or LSTM, and where the two layers do not fit.
  explicit Bidirectional(const Layer& layer, const BidirectionalOptions& options = {});
  Outputs call(const Tensor& sequences, const std::optional<Tensor>& state_0, const std::optional<Tensor>& state_1,
               const std::optional<Tensor>& state_2, const std::optional<Tensor>& state_3,
               const std::optional<Tensor>& mask, bool training) const;
  using CustomLayer<Bidirectional>::operator();
  /// With the initial states of both directions, the forward one's first.
  Outputs operator()(const Tensor& sequences, const RecurrentArguments& arguments) const;
  Config get_config() const;
  static Bidirectional from_config(const Config& config);

 private:
  Layer pattern_, forward_, backward_;
  std::optional<std::string> merge_mode_;
  bool own_backward_ = false, return_sequences_ = false, return_state_ = false;
};

struct TimeDistributedOptions {
  std::string name = {}, dtype = {};
};

/// A layer on each step of (batch, steps, ...) alike. All steps go through it at once, as one larger batch; in training a
/// layer with statistics (BatchNormalization) sees one step after the other, as in Keras 3.
class STRATA_API TimeDistributed final : public CustomLayer<TimeDistributed> {
 public:
  explicit TimeDistributed(const Layer& layer, const TimeDistributedOptions& options = {});
  Tensor call(const Tensor& x, const std::optional<Tensor>& mask, bool training) const;
  Config get_config() const;
  static TimeDistributed from_config(const Config& config);

 private:
  Layer layer_;
};

}  // namespace strata::layers

namespace strata {
extern template class Custom<layers::Bidirectional, Layer>;
extern template class Custom<layers::TimeDistributed, Layer>;
}  // namespace strata
