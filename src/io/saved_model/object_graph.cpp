#include "io/saved_model/object_graph.h"


#include "io/protobuf.h"
#include "strata/variable.h"

namespace strata::saved_model {

namespace {

template <class F>
std::string build(F fill) {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  fill(out);
  return bytes;
}

void put_references(protozero::pbf_writer& out, const std::vector<std::pair<int, std::string>>& children) {
  for (const auto& [number, name] : children) {
    protozero::pbf_writer reference(out, ObjectField::children);
    reference.add_int32(ReferenceField::node_id, number);
    reference.add_string(ReferenceField::local_name, name);
  }
}

}  // namespace

namespace structured {

std::string none() {
  return build([](auto& out) { out.add_message(StructuredField::none, std::string()); });
}
std::string boolean(bool v) {
  return build([&](auto& out) { out.add_bool(StructuredField::boolean, v); });
}
std::string text(const std::string& v) {
  return build([&](auto& out) { out.add_string(StructuredField::string, v); });
}
std::string spec(const std::string& name, const Spec& s) {
  return build([&](auto& out) {
    protozero::pbf_writer spec(out, StructuredField::tensor_spec);
    spec.add_string(TensorSpecField::name, name);
    spec.add_message(TensorSpecField::shape, shape_bytes(s.shape));
    spec.add_enum(TensorSpecField::dtype, data_type(s.dtype));
  });
}

namespace {
std::string sequence(int field, const std::vector<std::string>& values) {
  const std::string inner = build([&](auto& out) {
    for (const std::string& v : values) out.add_message(1, v);
  });
  return attr::message(field, inner);  // an empty one is written, too
}
}  // namespace

std::string list(const std::vector<std::string>& values) { return sequence(StructuredField::list, values); }
std::string tuple(const std::vector<std::string>& values) { return sequence(StructuredField::tuple, values); }
std::string dict(const std::vector<std::pair<std::string, std::string>>& fields) {
  const std::string inner = build([&](auto& out) {
    for (const auto& [key, value] : fields) put_attribute(out, 1, key, value);
  });
  return attr::message(StructuredField::dict, inner);
}

std::string function_spec(const std::vector<std::string>& arguments, const std::vector<std::string>& defaults) {
  std::vector<std::string> names;
  for (const std::string& a : arguments) names.push_back(text(a));
  const std::pair<const char*, std::string> fields[] = {
      {"args", list(names)},    {"varargs", none()},
      {"varkw", none()},        {"defaults", defaults.empty() ? none() : list(defaults)},
      {"kwonlyargs", list({})}, {"kwonlydefaults", none()},
      {"annotations", dict({})}};
  const std::string argspec = build([&](auto& out) {
    protozero::pbf_writer tuple(out, StructuredField::named_tuple);
    tuple.add_string(1, "FullArgSpec");
    for (const auto& [key, value] : fields) put_attribute(tuple, 2, key, value);
  });
  return build([&](auto& out) {
    out.add_message(1, argspec);
    out.add_message(5, none());
  });
}

}  // namespace structured

std::string ObjectGraph::user_object(const std::string& identifier) {
  return build([&](auto& out) {
    protozero::pbf_writer user(out, ObjectField::user_object);
    user.add_string(1, identifier);
    protozero::pbf_writer version(user, 2);
    version.add_int32(1, 1);
    version.add_int32(2, 1);
  });
}

int ObjectGraph::add(int parent, const std::string& name, const std::string& kind) {
  nodes_.emplace_back(kind);
  const int number = static_cast<int>(nodes_.size()) - 1;
  nodes_[static_cast<std::size_t>(parent)].children.emplace_back(number, name);
  return number;
}

int ObjectGraph::child(int parent, const std::string& name) const {
  for (const auto& [number, known] : nodes_[static_cast<std::size_t>(parent)].children)
    if (known == name) return number;
  return -1;
}

int ObjectGraph::object(const std::string& path) {
  int at = 0;
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    const int known = child(at, name);
    at = known >= 0 ? known : add(at, name, user_object("_generic_user_object"));
    begin = end + 1;
  }
  return at;
}

int ObjectGraph::variable(const std::string& path, const Variable& v, bool trainable) {
  const std::size_t slash = path.rfind('/');
  const int parent = slash == std::string::npos ? 0 : object(path.substr(0, slash));
  const std::string kind = build([&](auto& out) {
    protozero::pbf_writer variable(out, ObjectField::variable);
    variable.add_enum(VariableField::dtype, data_type(v.dtype()));
    variable.add_message(VariableField::shape, shape_bytes(v.shape()));
    variable.add_bool(VariableField::trainable, trainable);
    variable.add_string(VariableField::name, path);
  });
  const int number = add(parent, slash == std::string::npos ? path : path.substr(slash + 1), kind);
  nodes_[static_cast<std::size_t>(number)].variable = path;
  return number;
}

int ObjectGraph::list(int parent, const std::string& name, const std::vector<int>& elements) {
  const int number = add(parent, name, user_object("trackable_list_wrapper"));
  for (std::size_t i = 0; i < elements.size(); ++i)
    nodes_[static_cast<std::size_t>(number)].children.emplace_back(elements[i], std::to_string(i));
  return number;
}

void ObjectGraph::function(const std::string& name, const std::vector<std::string>& concrete, const std::string& spec) {
  add(0, name, build([&](auto& out) {
        protozero::pbf_writer function(out, ObjectField::function);
        for (const std::string& c : concrete) function.add_string(1, c);
        function.add_message(2, spec);
      }));
}

void ObjectGraph::signature(const std::string& name, const std::string& concrete,
                            const std::vector<std::string>& keywords) {
  int map = child(0, "signatures");
  if (map < 0) map = add(0, "signatures", user_object("signature_map"));
  add(map, name, build([&](auto& out) {
        protozero::pbf_writer bare(out, ObjectField::bare_function);
        bare.add_string(1, concrete);
        for (const std::string& k : keywords) bare.add_string(2, k);
        bare.add_int64(3, static_cast<std::int64_t>(keywords.size()));
      }));
}

void ObjectGraph::concrete(const std::string& name, const std::vector<int>& bound, const std::string& inputs,
                           const std::string& outputs) {
  concrete_.emplace_back(name, build([&](auto& out) {
                           out.add_packed_int32(ConcreteField::bound_inputs, bound.begin(), bound.end());
                           out.add_message(ConcreteField::input_signature, inputs);
                           out.add_message(ConcreteField::output_signature, outputs);
                         }));
}

std::string ObjectGraph::saved_bytes() const {
  return build([&](auto& out) {
    for (const Node& n : nodes_) {
      std::string bytes;
      protozero::pbf_writer node(bytes);
      put_references(node, n.children);
      out.add_message(1, bytes + n.kind);
    }
    for (const auto& [name, value] : concrete_) put_attribute(out, 2, name, value);
  });
}

// Dots and slashes in names are escaped; a path's own slashes separate names.
std::string ObjectGraph::checkpoint_key(const std::string& path) {
  std::string out;
  for (const char ch : path) out += ch == '.' ? std::string("..") : std::string(1, ch);
  return out + "/.ATTRIBUTES/VARIABLE_VALUE";
}

std::string ObjectGraph::checkpoint_bytes() const {
  return build([&](auto& out) {
    for (const Node& n : nodes_) {
      std::string bytes;
      protozero::pbf_writer node(bytes);
      put_references(node, n.children);
      if (!n.variable.empty()) {
        protozero::pbf_writer attribute(node, 2);
        attribute.add_string(1, "VARIABLE_VALUE");
        attribute.add_string(2, n.variable);
        attribute.add_string(3, checkpoint_key(n.variable));
      }
      std::string flag;
      if (!n.variable.empty()) protozero::pbf_writer(flag).add_bool(1, true);
      node.add_message(5, flag);
      out.add_message(1, bytes);
    }
  });
}

}  // namespace strata::saved_model
