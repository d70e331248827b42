// Groups and data sets as their users see them.
#include <algorithm>
#include <unordered_set>

#include "core/tensor_data.h"
#include "io/hdf5/format.h"

namespace strata::hdf5 {

namespace {

constexpr std::size_t kLongestPath = 64;  // groups within groups

std::string joined(const std::string& path, const std::string& name) {
  return path == "/" ? "/" + name : path + "/" + name;
}

struct Dataset {
  std::vector<Message> messages;
  Datatype type;
  Shape shape;
};

Dataset dataset_of(const FileData& file, std::uint64_t header, const std::string& path) {
  Dataset out{read_messages(file, header), {}, {}};
  const Message* type = find_message(out.messages, 0x0003);
  const Message* space = find_message(out.messages, 0x0001);
  if (type == nullptr || space == nullptr) throw FileError("'" + file.name + "': " + path + " is not a data set.");
  out.type = read_datatype(file, type->data);
  out.shape = read_dataspace(file, space->data);
  return out;
}

}  // namespace

Object::Object(std::shared_ptr<const FileData> file, std::uint64_t header, std::string path)
    : file_(std::move(file)), header_(header), path_(std::move(path)) {}

bool Object::is_dataset() const { return find_message(read_messages(*file_, header_), 0x0008) != nullptr; }

std::vector<std::string> Object::names() const {
  std::vector<std::string> out;
  for (const Link& link : read_links(*file_, read_messages(*file_, header_))) out.push_back(link.name);
  std::sort(out.begin(), out.end());
  return out;
}

std::optional<Object> Object::find(std::string_view path) const {
  Object at = *this;
  for (std::size_t depth = 0; !path.empty(); ++depth) {
    const auto slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    if (name.empty() || name == ".") continue;
    if (depth > kLongestPath) return std::nullopt;
    const auto links = read_links(*file_, read_messages(*file_, at.header_));
    const auto it = std::find_if(links.begin(), links.end(), [&](const Link& l) { return l.name == name; });
    if (it == links.end()) return std::nullopt;
    if (it->header == kUndefined)
      throw FileError("'" + file_->name + "': '" + joined(at.path_, it->name) +
                      "' is a soft or external link, which strata does not follow.");
    at = Object(file_, it->header, joined(at.path_, it->name));
  }
  return at;
}

Object Object::at(std::string_view path) const {
  if (auto found = find(path)) return *found;
  throw FileError("'" + file_->name + "': '" + joined(path_, std::string(path)) + "' is missing.");
}

std::vector<Object> Object::datasets(const std::vector<std::string>& leave_out) const {
  std::vector<Object> out, left = {*this};
  std::unordered_set<std::uint64_t> seen = {header_};
  while (!left.empty()) {
    const Object object = left.back();
    left.pop_back();
    if (object.is_dataset()) {
      out.push_back(object);
      continue;
    }
    std::vector<std::string> names = object.names();
    std::reverse(names.begin(), names.end());  // the last in the list is the next
    for (const std::string& name : names) {
      if (std::find(leave_out.begin(), leave_out.end(), name) != leave_out.end()) continue;
      Object below = object.at(name);
      if (seen.insert(below.header_).second) left.push_back(std::move(below));
    }
  }
  return out;
}

Shape Object::shape() const { return dataset_of(*file_, header_, path_).shape; }
DType Object::dtype() const { return tensor_dtype(*file_, dataset_of(*file_, header_, path_).type, path_); }
std::uint64_t Object::declared_bytes() const {
  const Dataset d = dataset_of(*file_, header_, path_);
  return checked_bytes(*file_, d.shape, d.type.size, path_);
}

Tensor Object::read() const {
  const Dataset d = dataset_of(*file_, header_, path_);
  const DType to = tensor_dtype(*file_, d.type, path_);
  checked_bytes(*file_, d.shape, std::max(d.type.size, size_of(to)), path_);
  const Storage storage = read_storage(*file_, d.messages, d.shape, d.type, path_);
  Tensor out = strata::detail::allocate(d.shape, to);
  const auto count = static_cast<std::size_t>(out.size());
  if (count > 0) convert_elements(d.type, storage.bytes().data(), count, to, strata::detail::data_of(out).raw());
  return out;
}

std::vector<std::string> Object::read_strings() const {
  const Dataset d = dataset_of(*file_, header_, path_);
  const Storage storage = read_storage(*file_, d.messages, d.shape, d.type, path_);
  return strings_of(*file_, d.type, storage.bytes(), static_cast<std::size_t>(d.shape.num_elements()));
}

std::vector<std::string> Object::attribute_names() const {
  std::vector<std::string> out;
  for (const Attribute& a : read_attributes(*file_, read_messages(*file_, header_))) out.push_back(a.name);
  return out;
}

bool Object::has_attribute(std::string_view name) const {
  for (const Attribute& a : read_attributes(*file_, read_messages(*file_, header_)))
    if (a.name == name) return true;
  return false;
}

std::vector<std::string> Object::attribute(std::string_view name) const {
  for (const Attribute& a : read_attributes(*file_, read_messages(*file_, header_)))
    if (a.name == name) return strings_of(*file_, a.type, a.data, static_cast<std::size_t>(a.shape.num_elements()));
  throw FileError("'" + file_->name + "': '" + path_ + "' has no attribute '" + std::string(name) + "'.");
}

std::string Object::attribute_text(std::string_view name) const {
  if (!has_attribute(name)) return {};
  const auto all = attribute(name);
  return all.empty() ? std::string() : all[0];
}

}  // namespace strata::hdf5
