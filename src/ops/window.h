// Arithmetic of windows that slide over an image: what convolutions and pools share.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "strata/shape.h"

namespace strata::window {

using Ints = std::vector<std::int64_t>;
using Three = std::array<std::int64_t, 3>;

enum class Padding { valid, same, causal };
// Throws ValueError that lists what there is.
STRATA_API Padding padding_from_string(std::string_view op, const std::string& text, bool causal_allowed);

// `values` for each of `rank` spatial dimensions; a single one counts for all. Throws ValueError unless all are >= 1.
Ints spread(std::string_view op, const char* option, const Ints& values, std::size_t rank);

// One spatial dimension.
struct STRATA_API Axis {
  std::int64_t kernel = 1, stride = 1, dilation = 1;
  Padding padding = Padding::valid;

  std::int64_t reach() const { return (kernel - 1) * dilation + 1; }
  // The number of windows; None for None. Zero or less where not even one fits.
  std::int64_t output(std::int64_t in) const;
  // Zeros in front, as TensorFlow puts them: with "same" the odd one goes behind.
  std::int64_t pad(std::int64_t in) const;
};

// The spatial part of an output shape. Throws ShapeError that names the op where a window does not fit.
Shape output_dims(std::string_view op, const Shape& input, const std::vector<Axis>& axes);

// "conv" and rank 4 give "conv2d".
std::string with_rank(std::string_view op, std::int64_t rank);

// Fills the last entries of a depth-height-width triple.
template <class F>
Three three(std::size_t rank, std::int64_t otherwise, F&& value) {
  Three out{otherwise, otherwise, otherwise};
  for (std::size_t i = 0; i < rank; ++i) out[3 - rank + i] = value(i);
  return out;
}

}  // namespace strata::window
