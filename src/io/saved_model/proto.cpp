#include "io/saved_model/proto.h"

#include "core/tensor_data.h"
#include "strata/error.h"

namespace strata::saved_model {

namespace {
constexpr std::pair<DType, int> kTypes[] = {{DType::float32, 1},   {DType::float64, 2}, {DType::int32, 3},
                                            {DType::uint8, 4},     {DType::int64, 9},   {DType::boolean, 10},
                                            {DType::bfloat16, 14}, {DType::float16, 19}};
}  // namespace

int data_type(DType dtype) {
  for (const auto& [ours, theirs] : kTypes)
    if (ours == dtype) return theirs;
  return 0;
}

DType dtype_of_type(std::int64_t type, const std::string& where) {
  for (const auto& [ours, theirs] : kTypes)
    if (theirs == type) return ours;
  throw ValueError(where + ": TensorFlow's data type " + std::to_string(type) +
                   " is none that strata has (bool, uint8, int32, int64, float16, bfloat16, float32, float64).");
}

std::string shape_bytes(const Shape& shape) {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  for (const std::int64_t d : shape) {
    protozero::pbf_writer dim(out, ShapeField::dim);
    dim.add_int64(ShapeField::size, d == None ? -1 : d);
  }
  return bytes;
}

std::string tensor_bytes(const Tensor& tensor) {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  out.add_enum(TensorField::dtype, data_type(tensor.dtype()));
  out.add_message(TensorField::shape, shape_bytes(tensor.shape()));
  if (tensor.bytes() > 0)
    out.add_bytes(TensorField::content, static_cast<const char*>(detail::data_of(tensor).raw()), tensor.bytes());
  return bytes;
}

std::string string_tensor_bytes(const std::vector<std::string>& values, bool scalar) {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  out.add_enum(TensorField::dtype, kString);
  out.add_message(TensorField::shape, shape_bytes(scalar ? Shape{} : Shape{static_cast<std::int64_t>(values.size())}));
  for (const std::string& v : values) out.add_bytes(TensorField::string_val, v);
  return bytes;
}

void put_argument(protozero::pbf_writer& op, int field, const std::string& name, int type) {
  protozero::pbf_writer arg(op, static_cast<protozero::pbf_tag_type>(field));
  arg.add_string(ArgField::name, name);
  arg.add_enum(ArgField::type, type);
}

void put_text_entry(protozero::pbf_writer& out, int field, const std::string& key, const std::string& value) {
  protozero::pbf_writer entry(out, static_cast<protozero::pbf_tag_type>(field));
  entry.add_string(MapField::key, key);
  entry.add_string(MapField::value, value);
}

void put_attribute(protozero::pbf_writer& out, int field, const std::string& key, const std::string& message) {
  protozero::pbf_writer entry(out, static_cast<protozero::pbf_tag_type>(field));
  entry.add_string(MapField::key, key);
  entry.add_message(MapField::value, message);
}

namespace attr {

namespace {
template <class F>
std::string build(F fill) {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  fill(out);
  return bytes;
}
template <class F>
std::string build_list(F fill) {
  return message(AttrField::list, build(fill));  // an empty list is written, too
}
}  // namespace

std::string type(int data_type) {
  return build([&](auto& out) { out.add_enum(AttrField::type, data_type); });
}
std::string type(DType dtype) { return type(data_type(dtype)); }
std::string types(const std::vector<int>& data_types) {
  return build_list([&](auto& list) { list.add_packed_enum(AttrField::type, data_types.begin(), data_types.end()); });
}
std::string integer(std::int64_t v) {
  return build([&](auto& out) { out.add_int64(AttrField::i, v); });
}
std::string real(double v) {
  return build([&](auto& out) { out.add_float(AttrField::f, static_cast<float>(v)); });
}
std::string boolean(bool v) {
  return build([&](auto& out) { out.add_bool(AttrField::b, v); });
}
std::string text(std::string_view v) {
  return build([&](auto& out) { out.add_bytes(AttrField::s, v.data(), v.size()); });
}
std::string ints(const std::vector<std::int64_t>& v) {
  return build_list([&](auto& list) { list.add_packed_int64(AttrField::i, v.begin(), v.end()); });
}
std::string shape(const Shape& v) { return message(AttrField::shape, shape_bytes(v)); }
std::string shapes(const std::vector<Shape>& v) {
  return build_list([&](auto& list) {
    for (const Shape& s : v) list.add_message(AttrField::shape, shape_bytes(s));
  });
}
std::string tensor(const Tensor& v) { return message(AttrField::tensor, tensor_bytes(v)); }
std::string function(std::string_view name) {
  return build([&](auto& out) {
    protozero::pbf_writer f(out, AttrField::func);
    f.add_string(1, name.data(), name.size());
  });
}
std::string message(int field, const std::string& bytes) {
  return build([&](auto& out) { out.add_message(static_cast<protozero::pbf_tag_type>(field), bytes); });
}

}  // namespace attr

}  // namespace strata::saved_model
