/// \file
/// Quantization: numbers rounded as 8 bits would hold them, while a model trains, so that it learns to live with it.
#pragma once

#include <string>
#include <vector>

#include "strata/model.h"

namespace strata::quantization {

struct FakeQuantOptions {
  int num_bits = 8;           ///< 2 to 16
  bool narrow_range = false;  ///< leaves the lowest value out, so that the grid is symmetric around zero
};

/// The values on a grid of 2^num_bits steps from `min` to `max`, moved a little so that it holds zero exactly, as
/// TensorFlow's tf.quantization does it (Jacob et al. 2017, arXiv:1712.05877); what lies outside is clipped. Gradients
/// pass where a value lies inside, and go to the bound that clips it elsewhere. `min` and `max` are scalars, min <= 0
/// <= max. Throws ShapeError and ValueError.
STRATA_API Tensor fake_quant_with_min_max_vars(const Tensor& inputs, const Tensor& min, const Tensor& max,
                                               const FakeQuantOptions& options = {});
/// The same with bounds (d) for each channel of the last axis.
STRATA_API Tensor fake_quant_with_min_max_vars_per_channel(const Tensor& inputs, const Tensor& min, const Tensor& max,
                                                           const FakeQuantOptions& options = {});
struct FakeQuantArgsOptions {
  double min = -6, max = 6;
  int num_bits = 8;
  bool narrow_range = false;
};
/// The same with fixed bounds.
STRATA_API Tensor fake_quant_with_min_max_args(const Tensor& inputs, const FakeQuantArgsOptions& options = {});

struct QuantizeOptions {
  int num_bits = 8;
  /// The kernels of Dense and convolutions have a grid for each output channel; false: one for each kernel.
  bool per_channel = true;
  double momentum = 0.99;                 ///< of the moving averages of the inputs' ranges
  std::vector<std::string> exclude = {};  ///< layers that stay as they are, by path or name
};

/// The model, of any kind, with the kernels and the inputs of its dense and convolutional layers quantized by the
/// functions above, for quantization-aware training by fit() or in a tape loop:
///
///     Model aware = quantization::quantize_model(model);
///     aware.fit(x, y);               // or: GradientTape tape; ... aware(x, training = true) ...
///
/// The layers are those of `model`: training one trains the other, and `model` computes without the grid. A kernel's
/// range is that of its values, symmetric around zero. An input's is a moving average of what training saw, kept in
/// two weights for each layer, "<layer path>_min" and "_max"; without any training, nothing of it is clipped or
/// rounded. Throws ValueError where nothing can be quantized, or a name in `exclude` is no layer.
STRATA_API Model quantize_model(const Model& model, const QuantizeOptions& options = {});

}  // namespace strata::quantization
