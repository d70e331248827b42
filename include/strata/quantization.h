/// \file
/// Quantization: numbers rounded as 8 bits would hold them, while a model trains, so that it learns to live with it.
#pragma once

#include <cstdint>
#include <initializer_list>
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

struct CalibrateOptions {
  std::int64_t batch_size = 32;
  /// Of what each layer gets in a batch, so many percent lie inside of the range; the rest, half of it at each end, is
  /// clipped. Less than 100 keeps outliers from making the grid coarse.
  double percentile = 100;
};

/// Sets the ranges of the inputs in a quantize_model() from samples, without training: the smallest and largest value
/// of all batches (below a percentile of 100, the mean of the batches' bounds). The model computes with its float
/// weights meanwhile. With that a trained model is quantized:
///
///     Model quantized = quantization::quantize_model(model);
///     quantization::calibrate(quantized, x);
///     FrozenModel fast = quantization::convert(quantized, {64, 32, 32, 3});
///
/// Throws ValueError where no layer is a quantized one or there are no samples.
STRATA_API void calibrate(const Model& quantized, const Inputs& x, const CalibrateOptions& options = {});

/// A quantize_model() whose ranges were trained or calibrated, frozen as `model.freeze(shape)` does it, that computes
/// with 8-bit integers: the dense and convolutional layers, their bias, batch normalization and ReLU, and what lies
/// between them and only moves or compares values (concatenations, maximum pools, reshapes), where all that take a
/// value take its bytes. Values between them that are joined have one grid, of their joint range. All else, inputs and
/// results are float32; results differ from those of the quantized model by rounding. Throws as freeze() does, and
/// ValueError where nothing has a range, for num_bits other than 8, and for .dtype.
STRATA_API FrozenModel convert(const Model& quantized, const Shape& input_shape, const FreezeOptions& options = {});
STRATA_API FrozenModel convert_shapes(const Model& quantized, const std::vector<Shape>& input_shapes,
                                      const FreezeOptions& options = {});
inline FrozenModel convert(const Model& quantized, std::initializer_list<Shape> input_shapes,
                           const FreezeOptions& options = {}) {
  return convert_shapes(quantized, {input_shapes.begin(), input_shapes.end()}, options);
}

}  // namespace strata::quantization
