#include "models/frozen_program.h"
#include "strata/quantization.h"

namespace strata::quantization {

FrozenModel convert(const Model& quantized, const Shape& input_shape, const FreezeOptions& options) {
  return convert_shapes(quantized, {input_shape}, options);
}

FrozenModel convert_shapes(const Model& quantized, const std::vector<Shape>& input_shapes,
                           const FreezeOptions& options) {
  if (options.dtype)
    throw ValueError("convert: .dtype is " + to_string(*options.dtype) +
                     ", but what does not compute with 8 bits stays float32. Leave it out, or use model.freeze().");
  return detail::freeze_model(quantized, input_shapes, options, true);
}

}  // namespace strata::quantization
