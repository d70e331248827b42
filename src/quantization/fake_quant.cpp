#include <cmath>

#include "strata/array.h"
#include "strata/math.h"
#include "strata/quantization.h"
#include "strata/tape.h"

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

// The value with the gradient of `like`.
Tensor straight_through(const Tensor& value, const Tensor& like) { return like + stop_gradient(value - like); }

// Bounds that broadcast against the inputs.
Tensor on_grid(const Tensor& x, const Tensor& min, const Tensor& max, const FakeQuantOptions& o) {
  const float lowest = o.narrow_range ? 1.f : 0.f, highest = std::ldexp(1.f, o.num_bits) - 1.f;
  const Tensor scale = (max - min) / (highest - lowest), inverse = divide_no_nan(Tensor(1.f), scale);
  // The step that stands for zero, and the bounds that it gives.
  const Tensor zero = clip(floor(lowest - min * inverse + 0.5f), lowest, highest);
  const Tensor low = straight_through((lowest - zero) * scale, min),
               high = straight_through((highest - zero) * scale, max);
  const Tensor clipped = minimum(maximum(x, low), high);
  const Tensor rounded = straight_through(floor((clipped - low) * inverse + 0.5f) * scale + low, clipped);
  // Bounds that are one, as before anything was seen, give zeros; gradients pass as they are.
  return where(equal(min, max), straight_through(zeros_like(x), x), rounded);
}

// In float32, as the grid of 16 bits needs.
Tensor quantized(const Tensor& inputs, const Tensor& min, const Tensor& max, const FakeQuantOptions& options) {
  return cast(on_grid(cast(inputs, float32), cast(min, float32), cast(max, float32), options), inputs.dtype());
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
