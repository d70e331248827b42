#include "ops/window.h"

#include <algorithm>

#include "strata/error.h"

namespace strata::window {

Padding padding_from_string(std::string_view op, const std::string& text, bool causal_allowed) {
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (lower == "valid") return Padding::valid;
  if (lower == "same") return Padding::same;
  if (lower == "causal" && causal_allowed) return Padding::causal;
  throw ValueError(std::string(op) + ": padding is \"" + text + "\". Use \"valid\"" +
                   (causal_allowed ? ", \"same\" or \"causal\"." : " or \"same\"."));
}

Ints spread(std::string_view op, const char* option, const Ints& values, std::size_t rank) {
  Ints out = values.size() == 1 ? Ints(rank, values[0]) : values;
  bool good = out.size() == rank;
  for (const std::int64_t v : out) good = good && v >= 1;
  if (!good)
    throw ValueError(std::string(op) + ": " + option + " is " + to_string(Shape(values)) +
                     ". Give one positive number, or " + std::to_string(rank) +
                     " of them, one for each spatial dimension.");
  return out;
}

std::int64_t Axis::output(std::int64_t in) const {
  if (in == None || (kernel == None && padding == Padding::valid)) return None;
  if (padding != Padding::valid) return (in + stride - 1) / stride;
  return in < reach() ? 0 : (in - reach()) / stride + 1;
}

std::int64_t Axis::pad(std::int64_t in) const {
  switch (padding) {
    case Padding::valid:
      return 0;
    case Padding::causal:
      return reach() - 1;
    case Padding::same:
      break;
  }
  return std::max<std::int64_t>((output(in) - 1) * stride + reach() - in, 0) / 2;
}

Shape output_dims(std::string_view op, const Shape& input, const std::vector<Axis>& axes) {
  Shape out;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::int64_t in = input[i + 1], size = axes[i].output(in);
    if (in != None && size != None && size <= 0)
      throw ShapeError(std::string(op) + ": a window of " + std::to_string(axes[i].reach()) +
                       " does not fit into spatial dimension " + std::to_string(i) + " of size " + std::to_string(in) +
                       " (input shape " + to_string(input) +
                       "). Use padding=\"same\", a smaller window, or a larger input.");
    out.push_back(size);
  }
  return out;
}

std::string with_rank(std::string_view op, std::int64_t rank) {
  return std::string(op) + std::to_string(rank - 2) + "d";
}

}  // namespace strata::window
