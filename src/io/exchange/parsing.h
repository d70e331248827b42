// What the readers of protocol buffers share: limits, and errors that name the file.
#pragma once

#include <cstdint>
#include <string>

#include "io/protobuf.h"
#include "strata/error.h"
#include "strata/tensor.h"

namespace strata::exchange {

// Graphs and indices, which hold no weights.
inline constexpr std::uint64_t kMetadataLimit = std::uint64_t{1} << 30;

// The whole file. Throws FileError where it is larger than `limit` or cannot be read.
std::string read_file(const std::string& path, std::uint64_t limit);

// The bytes that such a tensor takes. Throws FileError where that is beyond all bounds.
std::uint64_t checked_bytes(const Shape& shape, DType dtype, const std::string& where);

// An attribute that was rounded to float when it was written, as the number that was meant: 0.001, not
// 0.0010000000474974513, so that kernels that compute in double get what they got before.
double decimal_of(float value);

// Runs f; what is wrong with the encoding becomes a FileError that begins with `where`.
template <class F>
auto parsing(const std::string& where, F f) {
  try {
    return f();
  } catch (const protozero::exception& e) {
    throw FileError(where + ": the file is damaged (" + e.what() + ").");
  }
}

}  // namespace strata::exchange
