// What the readers of protocol buffers share: limits, and errors that name the file.
#pragma once

#include <cstdint>
#include <protozero/data_view.hpp>
#include <protozero/exception.hpp>
#include <protozero/types.hpp>
#include <string>

#include "strata/error.h"
#include "strata/tensor.h"

namespace strata::saved_model {

// Graphs and indices, which hold no weights.
inline constexpr std::uint64_t kMetadataLimit = std::uint64_t{1} << 30;

// The whole file. Throws FileError where it is larger than `limit` or cannot be read.
std::string read_file(const std::string& path, std::uint64_t limit);

// Runs f; what is wrong with the encoding becomes a FileError that begins with `where`.
template <class F>
auto parsing(const std::string& where, F f) {
  try {
    return f();
  } catch (const protozero::exception& e) {
    throw FileError(where + ": the file is damaged (" + e.what() + ").");
  }
}

// A TensorShapeProto; a rank that is not known is an error. Dimensions of -1 become None.
Shape read_shape(protozero::data_view bytes, const std::string& where);
// The bytes that such a tensor takes. Throws FileError where that is beyond all bounds.
std::uint64_t checked_bytes(const Shape& shape, DType dtype, const std::string& where);
// A TensorProto. Throws where the shape and the data do not agree or it takes more than `limit` bytes.
Tensor read_tensor(protozero::data_view bytes, const std::string& where, std::uint64_t limit);

}  // namespace strata::saved_model
