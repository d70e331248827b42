// Keras 3's layout: a group "vars" of numbered arrays for each layer, at the path of attributes that leads to it.
#include <algorithm>
#include <map>
#include <unordered_set>

#include "io/keras/weights.h"
#include "models/layer_state.h"
#include "models/model_state.h"
#include "serialization/operations.h"
#include "strata/array.h"
#include "strata/class_name.h"

namespace strata::keras {

namespace {

std::string joined(const std::string& path, const std::string& name) { return path.empty() ? name : path + "/" + name; }

// The name of a layer inside of a list: its class, made unique.
class Numbered {
 public:
  std::string next(const Layer& layer) {
    std::string name = detail::to_snake_case(layer.class_name());
    if (has_graph(layer) && !is_sequential(layer)) name = "functional";
    const int n = counts_[name]++;
    return n == 0 ? name : name + "_" + std::to_string(n);
  }

 private:
  std::map<std::string, int> counts_;
};

// "heads_3" is the fourth of a list "heads" where the layer tracks heads_0 to heads_3 at least.
std::string list_name(const std::string& name, const std::vector<Layer>& children) {
  const auto mark = name.rfind('_');
  if (mark == std::string::npos || mark == 0 || mark + 1 == name.size()) return {};
  if (name.find_first_not_of("0123456789", mark + 1) != std::string::npos) return {};
  const std::string base = name.substr(0, mark);
  const int n = std::stoi(name.substr(mark + 1, 6));
  for (int i = 0; i <= n; ++i)
    if (std::none_of(children.begin(), children.end(),
                     [&](const Layer& l) { return l.name() == base + "_" + std::to_string(i); }))
      return {};
  return base;
}

class Walker {
 public:
  explicit Walker(const hdf5::Object* from) : from_(from) {}

  void walk(const Layer& layer, const std::string& path) {
    if (!seen_.insert(layer.state().get()).second) return;
    // Keras keeps trainable variables before the others.
    int n = 0;
    for (const bool trainable : {true, false})
      for (const Variable& v : layer.state()->weights)
        if (v.created() && v.trainable() == trainable)
          places.push_back({joined(path, "vars/" + std::to_string(n++)), v});
    if (has_graph(layer) || is_sequential(layer))
      walk_list(layer.layers(), path);
    else
      walk_attributes(layer, path);
  }
  std::vector<Place> places;

 private:
  bool in_file(const std::string& path) const { return from_ != nullptr && from_->find(path).has_value(); }

  void walk_list(const std::vector<Layer>& layers, const std::string& path) {
    // tf_keras and the first releases of the format had a longer name.
    const std::string older = joined(path, "_layer_checkpoint_dependencies");
    const std::string list = !in_file(joined(path, "layers")) && in_file(older) ? older : joined(path, "layers");
    Numbered names;
    for (const Layer& layer : layers) walk(layer, joined(list, names.next(layer)));
  }

  void walk_attributes(const Layer& layer, const std::string& path) {
    std::vector<Layer> children = layer.layers();
    std::map<std::string, Numbered> lists;
    std::map<std::string, std::string> names;
    for (const Layer& child : children) {
      const std::string base = list_name(child.name(), children);
      const bool as_attribute = base.empty() || (in_file(joined(path, child.name())) && !in_file(joined(path, base)));
      names[child.name()] = as_attribute ? child.name() : base + "/" + lists[base].next(child);
    }
    // A layer under two attributes counts for the first in the order of names.
    std::stable_sort(children.begin(), children.end(),
                     [&](const Layer& a, const Layer& b) { return names[a.name()] < names[b.name()]; });
    for (const Layer& child : children) walk(child, joined(path, names[child.name()]));
  }

  const hdf5::Object* from_;
  std::unordered_set<const LayerState*> seen_;
};

}  // namespace

std::vector<Place> keras3_places(const Layer& model, const hdf5::Object* from) {
  Walker walker(from);
  walker.walk(model, "");
  return walker.places;
}

void write_keras3(hdf5::Writer& file, const Model& model, bool include_optimizer) {
  for (const Place& p : keras3_places(model, nullptr)) file.dataset("/" + p.path, p.variable.read());
  write_build_shape(file, model);
  if (!include_optimizer || !model.compiled() || !model.optimizer().built()) return;
  int n = 0;
  for (const Variable& v : model.optimizer().variables())
    file.dataset("/optimizer/vars/" + std::to_string(n++), v.read());
}

Matches match_keras3(const Model& model, const hdf5::Object& root) {
  Matches out;
  std::unordered_set<std::string> used;
  for (const Place& p : keras3_places(model, &root)) {
    used.insert(p.path);
    if (const auto object = root.find(p.path))
      match(out, p.variable, *object);
    else
      out.report.missing.push_back(p.variable.path());
  }
  // States of the optimizer, of random generators and (in archives of Keras 2) of metrics are no weights.
  for (const hdf5::Object& object : root.datasets({"seed_generator"})) {
    const std::string path = object.path().substr(1);
    const bool is_state = path.starts_with("optimizer/") || path.starts_with("metrics/");
    if (!is_state && !used.contains(path)) out.report.unexpected.push_back(path);
  }
  return out;
}

bool read_optimizer_keras3(const Model& model, const hdf5::Object& root) {
  const auto vars = root.find("optimizer/vars");
  if (!vars) return false;
  model.optimizer().build(model.trainable_weights());
  auto variables = model.optimizer().variables();
  // Archives of Keras 2 have the learning rate in the configuration alone.
  if (vars->names().size() + 1 == variables.size())
    std::erase_if(variables, [](const Variable& v) { return v.name() == "learning_rate"; });
  if (vars->names().size() != variables.size()) return false;
  std::vector<hdf5::Object> objects;
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const auto object = vars->find(std::to_string(i));
    if (!object || object->shape() != variables[i].shape()) return false;
    objects.push_back(*object);
  }
  for (std::size_t i = 0; i < variables.size(); ++i) variables[i].assign(cast(objects[i].read(), variables[i].dtype()));
  return true;
}

}  // namespace strata::keras
