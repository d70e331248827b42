// What the readers of TensorFlow's protocol buffers share.
#pragma once

#include <cstdint>
#include <string>

#include "io/exchange/parsing.h"
#include "io/protobuf.h"
#include "strata/tensor.h"

namespace strata::saved_model {

using exchange::checked_bytes;
using exchange::kMetadataLimit;
using exchange::parsing;
using exchange::read_file;

// A TensorShapeProto; a rank that is not known is an error. Dimensions of -1 become None.
Shape read_shape(protozero::data_view bytes, const std::string& where);
// A TensorProto. Throws where the shape and the data do not agree or it takes more than `limit` bytes.
Tensor read_tensor(protozero::data_view bytes, const std::string& where, std::uint64_t limit);

}  // namespace strata::saved_model
