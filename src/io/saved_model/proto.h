// TensorFlow's protocol buffers, as far as a SavedModel needs them: field numbers, and the small messages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graph/op.h"
#include "io/protobuf.h"
#include "strata/dtype.h"
#include "strata/shape.h"
#include "strata/tensor.h"

namespace strata::saved_model {

// DataType of tensorflow/core/framework/types.proto.
enum DataType : int { kString = 7, kResource = 20 };
int data_type(DType dtype);
// Throws ValueError that names `where` for a type that strata does not have.
DType dtype_of_type(std::int64_t type, const std::string& where);

struct NodeField {
  enum { name = 1, op = 2, input = 3, device = 4, attr = 5 };
};
struct GraphField {
  enum { node = 1, library = 2, versions = 4 };
};
struct FunctionField {
  enum { signature = 1, node_def = 3, ret = 4, attr = 5, control_ret = 6, arg_attr = 7 };
};
struct OpField {
  enum { name = 1, input_arg = 2, output_arg = 3, is_stateful = 17, control_output = 20 };
};
struct ArgField {
  enum { name = 1, type = 3 };
};
struct AttrField {
  enum { list = 1, s = 2, i = 3, f = 4, b = 5, type = 6, shape = 7, tensor = 8, func = 10 };
};
struct TensorField {
  enum { dtype = 1, shape = 2, content = 4, float_val = 5, double_val = 6, int_val = 7, string_val = 8 };
  enum { int64_val = 10, bool_val = 11, half_val = 13 };
};
struct ShapeField {
  enum { dim = 2, unknown_rank = 3, size = 1 };
};
struct MapField {
  enum { key = 1, value = 2 };
};
struct MetaGraphField {
  enum { meta_info = 1, graph = 2, saver = 3, collection = 4, signature = 5, objects = 7 };
};
struct MetaInfoField {
  enum { tags = 4, tensorflow_version = 5, stripped_default_attrs = 7 };
};
struct ObjectField {
  enum { children = 1, dependencies = 15, user_object = 4, asset = 5, function = 6, variable = 7 };
  enum { bare_function = 8, constant = 9, resource = 10 };
};
struct ReferenceField {
  enum { node_id = 1, local_name = 2 };
};
struct VariableField {
  enum { dtype = 1, shape = 2, trainable = 3, name = 6 };
};
struct ConcreteField {
  enum { bound_inputs = 2, input_signature = 3, output_signature = 4 };
};
struct StructuredField {
  enum { none = 1, float64 = 11, int64 = 12, string = 13, boolean = 14, tensor_spec = 33 };
  enum { list = 51, tuple = 52, dict = 53, named_tuple = 54 };
};
struct TensorSpecField {
  enum { name = 1, shape = 2, dtype = 3 };
};

// Serialized messages.
std::string shape_bytes(const Shape& shape);
std::string tensor_bytes(const Tensor& tensor);
// A scalar of strings, or a vector of them.
std::string string_tensor_bytes(const std::vector<std::string>& values, bool scalar);

// An argument or result of an OpDef.
void put_argument(protozero::pbf_writer& op, int field, const std::string& name, int type);
// Entries of maps: of texts, and of messages.
void put_text_entry(protozero::pbf_writer& out, int field, const std::string& key, const std::string& value);
void put_attribute(protozero::pbf_writer& out, int field, const std::string& key, const std::string& message);

// Serialized AttrValues.
namespace attr {
std::string type(int data_type);
std::string type(DType dtype);
std::string types(const std::vector<int>& data_types);
std::string integer(std::int64_t v);
std::string real(double v);
std::string boolean(bool v);
std::string text(std::string_view v);
std::string ints(const std::vector<std::int64_t>& v);
std::string shape(const Shape& v);
std::string shapes(const std::vector<Shape>& v);
std::string tensor(const Tensor& v);
std::string function(std::string_view name);
std::string message(int field, const std::string& bytes);
}  // namespace attr

}  // namespace strata::saved_model
