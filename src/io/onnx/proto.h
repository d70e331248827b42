// Field numbers of onnx.proto (IR version 10), as far as they are used.
#pragma once

#include <cstdint>
#include <string>

#include "strata/dtype.h"

namespace strata::onnx {

struct ModelField {
  enum { ir_version = 1, producer_name = 2, producer_version = 3, domain = 4, doc_string = 6, graph = 7 };
  enum { opset_import = 8, metadata_props = 14, functions = 25 };
};
struct OpsetField {
  enum { domain = 1, version = 2 };
};
struct EntryField {
  enum { key = 1, value = 2 };
};
struct GraphField {
  enum { node = 1, name = 2, initializer = 5, input = 11, output = 12, sparse_initializer = 15 };
};
struct NodeField {
  enum { input = 1, output = 2, name = 3, op_type = 4, attribute = 5, domain = 7 };
};
struct AttributeField {
  enum { name = 1, f = 2, i = 3, s = 4, t = 5, g = 6, floats = 7, ints = 8, strings = 9, type = 20 };
};
struct AttributeType {
  enum { f = 1, i = 2, s = 3, t = 4, floats = 6, ints = 7, strings = 8 };
};
struct ValueField {
  enum { name = 1, type = 2 };
};
struct TypeField {
  enum { tensor_type = 1, elem_type = 1, shape = 2, dim = 1, dim_value = 1, dim_param = 2 };
};
struct TensorField {
  enum { dims = 1, data_type = 2, segment = 3, float_data = 4, int32_data = 5, string_data = 6, int64_data = 7 };
  enum { name = 8, raw_data = 9, double_data = 10, external_data = 13, data_location = 14 };
  enum { outside = 1 };  // of data_location
};

// Of TensorProto.DataType, beside those that tensors have.
inline constexpr int kInt8 = 3, kUint16 = 4, kInt16 = 5;

// TensorProto.DataType.
inline int data_type(DType dtype) {
  switch (dtype) {
    case DType::boolean:
      return 9;
    case DType::uint8:
      return 2;
    case DType::int32:
      return 6;
    case DType::int64:
      return 7;
    case DType::float16:
      return 10;
    case DType::bfloat16:
      return 16;
    case DType::float32:
      return 1;
    case DType::float64:
      return 11;
  }
  return 0;
}

}  // namespace strata::onnx
