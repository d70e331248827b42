#include "ops/fake_quant.h"

#include "strata/array.h"
#include "strata/quantization.h"

namespace strata::quantization {

namespace {

void check(const char* name, const FakeQuantOptions& options, const Tensor& inputs) {
  if (options.num_bits < 2 || options.num_bits > 16)
    throw ValueError(std::string(name) + ": num_bits is " + std::to_string(options.num_bits) +
                     ". Use a number from 2 to 16.");
  if (!is_floating(inputs.dtype()))
    throw DTypeError(std::string(name) + ": the inputs are " + to_string(inputs.dtype()) +
                     "; only real numbers can be rounded to a grid. Use cast(x, float32).");
}

// In float32, as the grid of 16 bits needs.
Tensor quantized(const Tensor& inputs, const Tensor& min, const Tensor& max, const FakeQuantOptions& options) {
  const Tensor x = cast(inputs, float32), low = cast(min, float32), high = cast(max, float32);
  return cast(quantize::fake_quant({options.num_bits, options.narrow_range}, false, x, low, high), inputs.dtype());
}

}  // namespace

Tensor fake_quant_with_min_max_vars(const Tensor& inputs, const Tensor& min, const Tensor& max,
                                    const FakeQuantOptions& options) {
  check("fake_quant_with_min_max_vars", options, inputs);
  if (min.rank() != 0 || max.rank() != 0)
    throw ShapeError("fake_quant_with_min_max_vars: min has shape " + to_string(min.shape()) + ", max " +
                     to_string(max.shape()) +
                     ", but scalars are expected. For one of each channel use "
                     "fake_quant_with_min_max_vars_per_channel.");
  return quantized(inputs, min, max, options);
}

Tensor fake_quant_with_min_max_vars_per_channel(const Tensor& inputs, const Tensor& min, const Tensor& max,
                                                const FakeQuantOptions& options) {
  check("fake_quant_with_min_max_vars_per_channel", options, inputs);
  const bool fits =
      inputs.rank() > 0 && min.rank() == 1 && min.shape() == max.shape() && min.shape()[0] == inputs.shape().back();
  if (!fits)
    throw ShapeError("fake_quant_with_min_max_vars_per_channel: min has shape " + to_string(min.shape()) + ", max " +
                     to_string(max.shape()) + ", the inputs " + to_string(inputs.shape()) +
                     ". Give one min and one max for each channel of the last axis.");
  return quantized(inputs, min, max, options);
}

Tensor fake_quant_with_min_max_args(const Tensor& inputs, const FakeQuantArgsOptions& o) {
  if (!(o.min <= 0 && o.max >= 0 && o.min < o.max))
    throw ValueError("fake_quant_with_min_max_args: min is " + std::to_string(o.min) + ", max " +
                     std::to_string(o.max) + ". Zero must lie between them.");
  return fake_quant_with_min_max_vars(inputs, constant(static_cast<float>(o.min)), constant(static_cast<float>(o.max)),
                                      {.num_bits = o.num_bits, .narrow_range = o.narrow_range});
}

}  // namespace strata::quantization
