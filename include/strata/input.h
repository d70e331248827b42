/// \file
/// Where tensors enter a model: Input and InputLayer.
#pragma once

#include <optional>
#include <string>

#include "strata/custom.h"

namespace strata {

struct InputOptions {
  std::string name = {};
  std::string dtype = {};              ///< "float32"
  std::optional<int> batch_size = {};  ///< None
};
/// A symbolic tensor of this shape, without the batch, from which functional models are built.
STRATA_API Tensor Input(const Shape& shape, const InputOptions& options = {});

namespace layers {

/// An input among the layers of a functional model, and another way to write `Input(shape)` at the head of a
/// Sequential. output() is the symbolic tensor.
class STRATA_API InputLayer final : public CustomLayer<InputLayer> {
 public:
  explicit InputLayer(const Shape& shape, const InputOptions& options = {});
  /// Keras's `input_tensor`: for a tensor that Input() gave.
  static InputLayer of(const Tensor& input);
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static InputLayer from_config(const Config& config);

 private:
  InputLayer() = default;
  void set_input(const Tensor& input);
  Tensor input_;
};

}  // namespace layers

extern template class Custom<layers::InputLayer, Layer>;

}  // namespace strata
