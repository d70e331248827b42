#include "io/onnx/writer.h"

#include <algorithm>

#include "core/tensor_data.h"
#include "io/onnx/proto.h"
#include "io/protobuf.h"
#include "strata/array.h"

namespace strata::onnx {

namespace {

std::string_view raw_bytes(const Tensor& t) {
  return t.bytes() == 0 ? std::string_view()
                        : std::string_view(static_cast<const char*>(detail::data_of(t).raw()), t.bytes());
}

void put_place(protozero::pbf_writer& tensor, const ExternalPlace& place) {
  const std::pair<const char*, std::string> entries[] = {{"location", place.location},
                                                         {"offset", std::to_string(place.offset)},
                                                         {"length", std::to_string(*place.length)}};
  for (const auto& [key, value] : entries) {
    protozero::pbf_writer entry(tensor, TensorField::external_data);
    entry.add_string(EntryField::key, key);
    entry.add_string(EntryField::value, value);
  }
  tensor.add_enum(TensorField::data_location, TensorField::outside);
}

void put_tensor(protozero::pbf_writer& parent, int field, const std::string& name, const Tensor& value, int type,
                ExternalWriter* outside = nullptr) {
  constexpr std::size_t kSmall = 1024;  // what readers look at before they run a model, such as shapes, stays here
  protozero::pbf_writer out(parent, static_cast<protozero::pbf_tag_type>(field));
  const Ints dims = value.shape().to_vector();
  out.add_packed_int64(TensorField::dims, dims.begin(), dims.end());
  out.add_int32(TensorField::data_type, type);
  out.add_string(TensorField::name, name);
  const std::string_view raw = raw_bytes(value);
  if (outside != nullptr && outside->is_wanted() && raw.size() >= kSmall)
    put_place(out, outside->add(raw));
  else
    out.add_bytes(TensorField::raw_data, raw.data(), raw.size());
}

void put_attribute(protozero::pbf_writer& node, const Attribute& a) {
  protozero::pbf_writer out(node, NodeField::attribute);
  out.add_string(AttributeField::name, a.name);
  if (const auto* i = std::get_if<std::int64_t>(&a.value)) {
    out.add_int64(AttributeField::i, *i);
    out.add_enum(AttributeField::type, AttributeType::i);
  } else if (const auto* f = std::get_if<double>(&a.value)) {
    out.add_float(AttributeField::f, static_cast<float>(*f));
    out.add_enum(AttributeField::type, AttributeType::f);
  } else if (const auto* s = std::get_if<std::string>(&a.value)) {
    out.add_bytes(AttributeField::s, *s);
    out.add_enum(AttributeField::type, AttributeType::s);
  } else if (const auto* list = std::get_if<Ints>(&a.value)) {
    for (const std::int64_t v : *list) out.add_int64(AttributeField::ints, v);
    out.add_enum(AttributeField::type, AttributeType::ints);
  } else {
    const Tensor& value = std::get<Tensor>(a.value);
    put_tensor(out, AttributeField::t, "", value, data_type(value.dtype()));
    out.add_enum(AttributeField::type, AttributeType::t);
  }
}

void put_node(protozero::pbf_writer& graph, const WrittenNode& n) {
  protozero::pbf_writer out(graph, GraphField::node);
  for (const std::string& s : n.inputs) out.add_string(NodeField::input, s);
  for (const std::string& s : n.outputs) out.add_string(NodeField::output, s);
  out.add_string(NodeField::name, n.name);
  out.add_string(NodeField::op_type, n.op);
  for (const Attribute& a : n.attributes) put_attribute(out, a);
}

// The first dimension, where it is not known, is the batch; others have a name of their own.
void put_value(protozero::pbf_writer& graph, int field, const std::string& name, const Spec& spec) {
  protozero::pbf_writer value(graph, static_cast<protozero::pbf_tag_type>(field));
  value.add_string(ValueField::name, name);
  protozero::pbf_writer type(value, ValueField::type);
  protozero::pbf_writer tensor(type, TypeField::tensor_type);
  tensor.add_enum(TypeField::elem_type, data_type(spec.dtype));
  protozero::pbf_writer shape(tensor, TypeField::shape);
  for (std::size_t i = 0; i < spec.shape.size(); ++i) {
    protozero::pbf_writer dim(shape, TypeField::dim);
    if (spec.shape[i] != None)
      dim.add_int64(TypeField::dim_value, spec.shape[i]);
    else
      dim.add_string(TypeField::dim_param, i == 0 ? "batch" : name + "_dim_" + std::to_string(i));
  }
}

}  // namespace

std::string GraphWriter::fresh(const std::string& stem) {
  std::string name = stem;
  int& number = next_number_[stem];
  while (!taken_.insert(name).second) name = stem + "_" + std::to_string(++number);
  return name;
}

std::string GraphWriter::node(const std::string& op, const Names& inputs, const Attributes& attributes) {
  return nodes(op, inputs, 1, attributes)[0];
}

Names GraphWriter::nodes(const std::string& op, const Names& inputs, std::size_t outputs,
                         const Attributes& attributes) {
  WrittenNode n{op, fresh(scope_.empty() ? op : scope_ + "/" + op), inputs, {}, attributes};
  for (std::size_t i = 0; i < outputs; ++i) n.outputs.push_back(fresh(n.name + ":" + std::to_string(i)));
  nodes_.push_back(n);
  return n.outputs;
}

std::string GraphWriter::ints(const Ints& values) {
  return tensor(Tensor::from(values, {static_cast<std::int64_t>(values.size())}), "");
}

std::string GraphWriter::scalar(double value, DType dtype) { return tensor(cast(Tensor(value), dtype), ""); }

std::string GraphWriter::tensor(const Tensor& value, const std::string& name) {
  constexpr std::size_t kShared = 256;
  std::string key;
  if (value.bytes() <= kShared && name.empty()) {
    key = to_string(value.dtype()) + to_string(value.shape()) + std::string(raw_bytes(value));
    if (const auto it = constants_.find(key); it != constants_.end()) return it->second;
  }
  const std::string unique = fresh(name.empty() ? "constant" : name);
  fixed_.insert(unique);
  initializers_.push_back({unique, value, data_type(value.dtype())});
  if (!key.empty()) constants_[key] = unique;
  return unique;
}

std::string GraphWriter::signed_bytes(const Tensor& value, const std::string& name) {
  const std::string unique = fresh(name.empty() ? "constant" : name);
  fixed_.insert(unique);
  initializers_.push_back({unique, value, kInt8});
  return unique;
}

void GraphWriter::input(const std::string& name, const Spec& spec) {
  taken_.insert(name);
  fixed_.insert(name);
  inputs_.push_back({name, spec});
}

void GraphWriter::output(const std::string& name, const std::string& value, const Spec& spec) {
  std::string unique = name;
  for (int n = 1; fixed_.contains(unique); ++n) unique = name + "_" + std::to_string(n);
  if (taken_.contains(unique)) rename(unique, fresh(unique + "_value"));
  taken_.insert(unique);
  if (fixed_.contains(value)) {
    set_scope("");
    nodes_.push_back({"Identity", fresh("Identity"), {value}, {unique}, {}});
  } else {
    rename(value, unique);
  }
  fixed_.insert(unique);
  outputs_.push_back({unique, spec});
}

void GraphWriter::rename(const std::string& from, const std::string& to) {
  for (WrittenNode& n : nodes_) {
    std::replace(n.inputs.begin(), n.inputs.end(), from, to);
    std::replace(n.outputs.begin(), n.outputs.end(), from, to);
  }
}

std::string GraphWriter::graph_bytes(const std::string& name, ExternalWriter& outside) const {
  std::string bytes;
  protozero::pbf_writer graph(bytes);
  for (const WrittenNode& n : nodes_) put_node(graph, n);
  graph.add_string(GraphField::name, name);
  for (const Initializer& i : initializers_)
    put_tensor(graph, GraphField::initializer, i.name, i.value, i.data_type, &outside);
  for (const Value& v : inputs_) put_value(graph, GraphField::input, v.name, v.spec);
  for (const Value& v : outputs_) put_value(graph, GraphField::output, v.name, v.spec);
  return bytes;
}

std::uint64_t GraphWriter::bytes_of_initializers() const {
  std::uint64_t total = 0;
  for (const Initializer& i : initializers_) total += i.value.bytes();
  return total;
}

std::string GraphWriter::serialize(const Header& header, ExternalWriter& outside) const {
  std::string bytes;
  protozero::pbf_writer model(bytes);
  model.add_int64(ModelField::ir_version, header.ir_version);
  model.add_string(ModelField::producer_name, "strata");
  model.add_string(ModelField::producer_version, header.producer_version);
  if (!header.doc_string.empty()) model.add_string(ModelField::doc_string, header.doc_string);
  model.add_message(ModelField::graph, graph_bytes(header.graph_name, outside));
  {
    protozero::pbf_writer opset(model, ModelField::opset_import);
    opset.add_string(OpsetField::domain, "");
    opset.add_int64(OpsetField::version, header.opset);
  }
  for (const auto& [key, value] : header.metadata) {
    protozero::pbf_writer entry(model, ModelField::metadata_props);
    entry.add_string(EntryField::key, key);
    entry.add_string(EntryField::value, value);
  }
  return bytes;
}

}  // namespace strata::onnx
