#include "io/saved_model/reader.h"

#include <set>

#include "io/protobuf.h"
#include "io/saved_model/parse.h"

namespace strata::saved_model {

namespace {

using protozero::data_view;
using protozero::pbf_reader;

constexpr int kDepth = 32;  // of nested arguments

std::string text(pbf_reader& in) { return in.get_string(); }

// Calls f(key, value) for an entry of a map.
template <class F>
void entry(pbf_reader& in, F f) {
  pbf_reader e = in.get_message();
  std::string key;
  data_view value;
  while (e.next()) {
    if (e.tag() == MapField::key)
      key = e.get_string();
    else if (e.tag() == MapField::value)
      value = e.get_view();
    else
      e.skip();
  }
  f(key, value);
}

NodeDef read_node(data_view bytes) {
  NodeDef n;
  pbf_reader in(bytes);
  while (in.next()) switch (in.tag()) {
      case NodeField::name:
        n.name = text(in);
        break;
      case NodeField::op:
        n.op = text(in);
        break;
      case NodeField::input:
        n.inputs.push_back(text(in));
        break;
      case NodeField::attr:
        entry(in, [&](const std::string& key, data_view value) { n.attributes[key] = value; });
        break;
      default:
        in.skip();
    }
  return n;
}

std::string argument_name(data_view bytes) {
  std::string name;
  pbf_reader in(bytes);
  while (in.next()) {
    if (in.tag() == ArgField::name)
      name = text(in);
    else
      in.skip();
  }
  return name;
}

void read_signature(data_view bytes, FunctionDef& f) {
  pbf_reader in(bytes);
  while (in.next()) switch (in.tag()) {
      case OpField::name:
        f.name = text(in);
        break;
      case OpField::input_arg:
        f.inputs.push_back(argument_name(in.get_view()));
        break;
      case OpField::output_arg:
        f.outputs.push_back(argument_name(in.get_view()));
        break;
      default:
        in.skip();
    }
}

FunctionDef read_function(data_view bytes) {
  FunctionDef f;
  pbf_reader in(bytes);
  while (in.next()) switch (in.tag()) {
      case FunctionField::signature:
        read_signature(in.get_view(), f);
        break;
      case FunctionField::node_def:
        f.nodes.push_back(read_node(in.get_view()));
        break;
      case FunctionField::ret:
        entry(in, [&](const std::string& key, data_view value) { f.results[key] = std::string(value); });
        break;
      case FunctionField::control_ret:
        entry(in, [&](const std::string&, data_view value) { f.effects.emplace_back(value); });
        break;
      default:
        in.skip();
    }
  return f;
}

void read_graph(data_view bytes, SavedModelFile& file) {
  pbf_reader in(bytes);
  while (in.next()) {
    if (in.tag() != GraphField::library) {
      in.skip();
      continue;
    }
    pbf_reader library = in.get_message();
    while (library.next()) {
      if (library.tag() == 1) {
        FunctionDef f = read_function(library.get_view());
        file.functions[f.name] = std::move(f);
      } else {
        library.skip();
      }
    }
  }
}

// The tensors and constants of a StructuredValue, in the order in which Python flattens them.
void read_leaves(data_view bytes, const std::string& key, const std::string& where, int depth, std::vector<Leaf>& out) {
  if (depth > kDepth) throw FileError(where + ": arguments are nested too deeply.");
  pbf_reader in(bytes);
  while (in.next()) switch (in.tag()) {
      case StructuredField::boolean:
        out.push_back({key, "", {}, in.get_bool()});
        break;
      case StructuredField::tensor_spec: {
        Leaf leaf{key, "", Spec(), {}};
        pbf_reader spec = in.get_message();
        while (spec.next()) switch (spec.tag()) {
            case TensorSpecField::name:
              leaf.name = text(spec);
              break;
            case TensorSpecField::shape:
              leaf.spec->shape = read_shape(spec.get_view(), where);
              break;
            case TensorSpecField::dtype:
              leaf.spec->dtype = dtype_of_type(spec.get_enum(), where);
              break;
            default:
              spec.skip();
          }
        out.push_back(leaf);
        break;
      }
      case StructuredField::list:
      case StructuredField::tuple: {
        pbf_reader values = in.get_message();
        while (values.next()) {
          if (values.tag() == 1)
            read_leaves(values.get_view(), key, where, depth + 1, out);
          else
            values.skip();
        }
        break;
      }
      case StructuredField::dict: {
        std::map<std::string, data_view> fields;  // in the order of their keys
        pbf_reader dict = in.get_message();
        while (dict.next()) {
          if (dict.tag() == 1)
            entry(dict, [&](const std::string& name, data_view value) { fields[name] = value; });
          else
            dict.skip();
        }
        for (const auto& [name, value] : fields) read_leaves(value, name, where, depth + 1, out);
        break;
      }
      default:
        in.skip();
    }
}

ConcreteFunction read_concrete(data_view bytes, const std::string& where) {
  ConcreteFunction f;
  pbf_reader in(bytes);
  while (in.next()) switch (in.tag()) {
      case ConcreteField::bound_inputs:
        if (in.wire_type() == protozero::pbf_wire_type::length_delimited)
          for (const std::int32_t v : in.get_packed_int32()) f.bound.push_back(v);
        else
          f.bound.push_back(in.get_int32());
        break;
      case ConcreteField::input_signature:
        read_leaves(in.get_view(), "", where, 0, f.inputs);
        break;
      case ConcreteField::output_signature:
        read_leaves(in.get_view(), "", where, 0, f.outputs);
        break;
      default:
        in.skip();
    }
  return f;
}

std::pair<int, std::string> read_reference(data_view bytes) {
  std::pair<int, std::string> out{0, ""};
  pbf_reader in(bytes);
  while (in.next()) {
    if (in.tag() == ReferenceField::node_id)
      out.first = in.get_int32();
    else if (in.tag() == ReferenceField::local_name)
      out.second = text(in);
    else
      in.skip();
  }
  return out;
}

void read_variable(data_view bytes, const std::string& where, SavedObject& o) {
  o.kind = SavedObject::Kind::variable;
  o.trainable = false;
  pbf_reader in(bytes);
  int type = 0;
  data_view shape;
  while (in.next()) switch (in.tag()) {
      case VariableField::dtype:
        type = in.get_enum();
        break;
      case VariableField::shape:
        shape = in.get_view();
        break;
      case VariableField::trainable:
        o.trainable = in.get_bool();
        break;
      case VariableField::name:
        o.name = text(in);
        break;
      default:
        in.skip();
    }
  o.spec.shape = read_shape(shape, where);
  // Variables of other types (the state of a random generator) matter only where a function reads them.
  if (type == 1 || type == 2 || type == 3 || type == 9 || type == 10 || type == 14 || type == 19)
    o.spec.dtype = dtype_of_type(type, where);
  else
    o.kind = SavedObject::Kind::other;
}

SavedObject read_object(data_view bytes, const std::string& where) {
  SavedObject o;
  pbf_reader in(bytes);
  while (in.next()) switch (in.tag()) {
      case ObjectField::children:
        o.children.push_back(read_reference(in.get_view()));
        break;
      case ObjectField::variable:
        read_variable(in.get_view(), where, o);
        break;
      case ObjectField::asset:
        o.kind = SavedObject::Kind::asset;
        in.skip();
        break;
      case ObjectField::constant:
        o.kind = SavedObject::Kind::constant;
        in.skip();
        break;
      case ObjectField::function:
      case ObjectField::bare_function: {
        o.kind = in.tag() == ObjectField::function ? SavedObject::Kind::function : SavedObject::Kind::bare_function;
        pbf_reader f = in.get_message();
        while (f.next()) {
          if (f.tag() == 1)
            o.concrete.push_back(text(f));
          else
            f.skip();
        }
        break;
      }
      default:
        in.skip();
    }
  return o;
}

void read_objects(data_view bytes, SavedModelFile& file) {
  pbf_reader in(bytes);
  while (in.next()) {
    if (in.tag() == 1)
      file.objects.push_back(read_object(in.get_view(), file.path));
    else if (in.tag() == 2)
      entry(in, [&](const std::string& key, data_view value) {
        // Functions over types that strata lacks are left out, and missed only where they are called.
        try {
          file.concrete[key] = read_concrete(value, file.path);
        } catch (const FileError&) {
          throw;
        } catch (const ValueError&) {
        }
      });
    else
      in.skip();
  }
}

}  // namespace

int SavedModelFile::find(const std::vector<std::string>& names) const {
  int at = objects.empty() ? -1 : 0;
  for (const std::string& name : names) {
    if (at < 0 || at >= static_cast<int>(objects.size())) return -1;
    int next = -1;
    for (const auto& [number, local] : objects[static_cast<std::size_t>(at)].children)
      if (local == name) next = number;
    at = next;
  }
  return at < static_cast<int>(objects.size()) ? at : -1;
}

std::unique_ptr<SavedModelFile> read_saved_model(const std::string& path, std::uint64_t limit) {
  auto file = std::make_unique<SavedModelFile>();
  file->path = path;
  file->bytes = read_file(path, std::min(limit, kMetadataLimit * 2));
  parsing(path, [&] {
    pbf_reader in(file->bytes);
    bool found = false;
    while (in.next()) {
      if (in.tag() != 2 || found) {
        in.skip();
        continue;
      }
      found = true;
      pbf_reader meta = in.get_message();
      while (meta.next()) switch (meta.tag()) {
          case MetaGraphField::graph:
            read_graph(meta.get_view(), *file);
            break;
          case MetaGraphField::objects:
            read_objects(meta.get_view(), *file);
            break;
          default:
            meta.skip();
        }
    }
  });
  if (file->objects.empty())
    throw ValueError(path +
                     ": there are no objects in this SavedModel: it is one of TensorFlow 1, or damaged. Save it "
                     "again with TensorFlow 2.");
  return file;
}

namespace {

struct CheckpointNode {
  std::vector<std::pair<int, std::string>> children;
  std::string key;
};

CheckpointNode read_checkpoint_node(data_view bytes) {
  CheckpointNode n;
  pbf_reader in(bytes);
  while (in.next()) {
    if (in.tag() == 1) {
      n.children.push_back(read_reference(in.get_view()));
    } else if (in.tag() == 2) {
      std::string name, key;
      pbf_reader attribute = in.get_message();
      while (attribute.next()) {
        if (attribute.tag() == 1)
          name = text(attribute);
        else if (attribute.tag() == 3)
          key = text(attribute);
        else
          attribute.skip();
      }
      if (name == "VARIABLE_VALUE") n.key = key;
    } else {
      in.skip();
    }
  }
  return n;
}

}  // namespace

// Both graphs are walked from their roots along the same names.
std::unordered_map<int, std::string> checkpoint_keys(const SavedModelFile& file, const std::string& checkpoint_graph) {
  std::vector<CheckpointNode> nodes;
  parsing(file.path, [&] {
    pbf_reader in(checkpoint_graph);
    while (in.next()) {
      if (in.tag() == 1)
        nodes.push_back(read_checkpoint_node(in.get_view()));
      else
        in.skip();
    }
  });
  std::unordered_map<int, std::string> out;
  std::set<int> seen;
  std::vector<std::pair<int, int>> pending = {{0, 0}};
  while (!pending.empty()) {
    const auto [object, node] = pending.back();
    pending.pop_back();
    if (object < 0 || object >= static_cast<int>(file.objects.size()) || node < 0 ||
        node >= static_cast<int>(nodes.size()) || !seen.insert(object).second)
      continue;
    const CheckpointNode& n = nodes[static_cast<std::size_t>(node)];
    if (!n.key.empty()) out[object] = n.key;
    const std::unordered_map<std::string, int> by_name = [&] {
      std::unordered_map<std::string, int> names;
      for (const auto& [other, name] : n.children) names.emplace(name, other);
      return names;
    }();
    for (const auto& [child, name] : file.objects[static_cast<std::size_t>(object)].children)
      if (const auto other = by_name.find(name); other != by_name.end()) pending.emplace_back(child, other->second);
  }
  return out;
}

}  // namespace strata::saved_model
