#include "io/saved_model/node_writer.h"

#include <algorithm>

#include "io/protobuf.h"

namespace strata::saved_model {

std::string NodeWriter::add(const std::string& op, const Names& inputs, const Attributes& attributes,
                            const std::string& name) {
  std::string base = !name.empty() ? name : scope_.empty() ? op : scope_ + "/" + op;
  // TensorFlow's names consist of these characters.
  for (char& c : base)
    if (!std::isalnum(static_cast<unsigned char>(c)) && std::string("_./-").find(c) == std::string::npos) c = '_';
  std::string unique = base;
  while (taken_.contains(unique)) unique = base + "_" + std::to_string(taken_[base]++);
  taken_[unique] = 1;

  std::string bytes;
  protozero::pbf_writer out(bytes);
  out.add_string(NodeField::name, unique);
  out.add_string(NodeField::op, op);
  for (const std::string& i : inputs) out.add_string(NodeField::input, i);
  for (const auto& [key, value] : attributes) {
    protozero::pbf_writer entry(out, NodeField::attr);
    entry.add_string(MapField::key, key);
    entry.add_message(MapField::value, value);
  }
  nodes_.push_back(bytes);
  return unique;
}

std::string NodeWriter::constant(const Tensor& value) {
  constexpr std::size_t kShared = 256;
  const std::string bytes = attr::tensor(value);
  if (value.bytes() <= kShared)
    if (const auto it = constants_.find(bytes); it != constants_.end()) return it->second;
  const std::string outer = std::exchange(scope_, "");
  const std::string name = add("Const", {}, {{"value", bytes}, {"dtype", attr::type(value.dtype())}}) + ":output:0";
  scope_ = outer;
  if (value.bytes() <= kShared) constants_[bytes] = name;
  return name;
}

}  // namespace strata::saved_model
