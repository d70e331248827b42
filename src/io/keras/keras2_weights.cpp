// Keras 2's layout: a group for each layer of the model, with the names of its weights as an attribute.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "io/keras/weights.h"
#include "models/layer_state.h"
#include "models/model_state.h"
#include "serialization/operations.h"
#include "strata/array.h"
#include "strata/version.h"

namespace strata::keras {

namespace {

constexpr const char* kTopLevel = "top_level_model_weights";

// Keras's order: trainable weights of all layers inside first, as long as they are trained.
std::vector<Variable> legacy_weights(const Layer& layer) {
  std::vector<Variable> out = layer.trainable_weights();
  for (const Variable& v : layer.non_trainable_weights()) out.push_back(v);
  return out;
}

std::vector<Variable> own_weights(const Layer& model) {
  std::vector<Variable> out;
  for (const bool trainable : {true, false})
    for (const Variable& v : model.state()->weights)
      if (v.created() && v.trainable() == trainable) out.push_back(v);
  return out;
}

// Below the model's own path; unique within the layer.
std::vector<std::string> weight_names(const Model& model, const std::vector<Variable>& weights) {
  const std::string prefix = model.path() + "/";
  std::vector<std::string> out;
  std::unordered_set<std::string> taken;
  for (const Variable& v : weights) {
    std::string name = v.path();
    if (name.starts_with(prefix)) name = name.substr(prefix.size());
    std::string unique = name;
    for (int n = 1; !taken.insert(unique).second; ++n) unique = name + "_" + std::to_string(n);
    out.push_back(unique + ":0");
  }
  return out;
}

void write_weights(hdf5::Writer& file, const Model& model, const std::string& group,
                   const std::vector<Variable>& weights) {
  const auto names = weight_names(model, weights);
  file.group(group);
  file.attribute(group, "weight_names", names);
  for (std::size_t i = 0; i < weights.size(); ++i) file.dataset(group + "/" + names[i], weights[i].read());
}

// All strings of an attribute that may be in parts.
std::vector<std::string> names_attribute(const hdf5::Object& group, const std::string& name) {
  if (group.has_attribute(name)) return group.attribute(name);
  std::vector<std::string> out;
  for (int part = 0; group.has_attribute(name + std::to_string(part)); ++part)
    for (const std::string& v : group.attribute(name + std::to_string(part))) out.push_back(v);
  return out;
}

struct FileLayer {
  std::string name;
  std::vector<hdf5::Object> weights;
};

std::vector<hdf5::Object> weights_of(const hdf5::Object& group) {
  std::vector<hdf5::Object> out;
  for (const std::string& name : names_attribute(group, "weight_names")) out.push_back(group.at(name));
  return out;
}

std::vector<FileLayer> layers_with_weights(const hdf5::Object& group) {
  std::vector<FileLayer> out;
  for (const std::string& name : names_attribute(group, "layer_names"))
    if (FileLayer layer{name, weights_of(group.at(name))}; !layer.weights.empty()) out.push_back(layer);
  return out;
}

void match_layer(Matches& out, const Layer& layer, const FileLayer& from) {
  const auto weights = legacy_weights(layer);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (i < from.weights.size())
      match(out, weights[i], from.weights[i]);
    else
      out.report.missing.push_back(weights[i].path());
  }
  for (std::size_t i = weights.size(); i < from.weights.size(); ++i)
    out.report.unexpected.push_back(from.weights[i].path());
}

void match_by_name(Matches& out, const std::vector<Layer>& layers, const std::vector<FileLayer>& saved) {
  std::unordered_set<std::string> used;
  for (const Layer& layer : layers) {
    const auto it =
        std::find_if(saved.begin(), saved.end(), [&](const FileLayer& f) { return f.name == layer.name(); });
    if (it == saved.end()) {
      for (const Variable& v : legacy_weights(layer)) out.report.missing.push_back(v.path());
      continue;
    }
    used.insert(it->name);
    match_layer(out, layer, *it);
  }
  for (const FileLayer& f : saved)
    if (!used.contains(f.name))
      for (const auto& w : f.weights) out.report.unexpected.push_back(w.path());
}

bool same_names(const std::vector<Layer>& layers, const std::vector<FileLayer>& saved) {
  if (layers.size() != saved.size()) return false;
  return std::all_of(layers.begin(), layers.end(), [&](const Layer& l) {
    return std::any_of(saved.begin(), saved.end(), [&](const FileLayer& f) { return f.name == l.name(); });
  });
}

std::string list_of(const std::vector<FileLayer>& saved) {
  std::string out;
  for (std::size_t i = 0; i < saved.size() && i < 8; ++i) out += (i > 0 ? ", " : "") + saved[i].name;
  return out + (saved.size() > 8 ? ", ..." : "");
}

}  // namespace

void write_keras2(hdf5::Writer& file, const Model& model, const std::string& group) {
  const std::string root = group.empty() ? "/" : group;
  file.group(root);
  std::vector<std::string> names;
  std::vector<std::pair<std::string, Layer>> layers;
  if (has_graph(model) && !is_sequential(model)) {
    for (const Operation& o : operations_in_order(*model.state()->model)) {
      names.push_back(o.name);
      if (o.kind == Operation::Kind::layer) layers.emplace_back(o.name, o.layer);
    }
  } else {
    for (const Layer& layer : model.layers()) {
      names.push_back(layer.name());
      layers.emplace_back(layer.name(), layer);
    }
  }
  file.attribute(root, "layer_names", names);
  file.attribute(root, "backend", "tensorflow");
  file.attribute(root, "keras_version", "2.15.0");
  file.attribute(root, "strata_version", version());
  for (const std::string& name : names) {
    const auto it = std::find_if(layers.begin(), layers.end(), [&](const auto& l) { return l.first == name; });
    write_weights(file, model, group + "/" + name,
                  it == layers.end() ? std::vector<Variable>() : legacy_weights(it->second));
  }
  write_weights(file, model, group + "/" + kTopLevel, own_weights(model));
}

Matches match_keras2(const Model& model, const hdf5::Object& group, const LoadWeightsOptions& options,
                     const std::string& file) {
  std::vector<Layer> layers;
  for (const Layer& layer : model.layers())
    if (!layer.weights().empty()) layers.push_back(layer);
  const std::vector<FileLayer> saved = layers_with_weights(group);
  Matches out;
  // In order is what Keras does; where all names are the same, they say more.
  if (options.by_name || same_names(layers, saved)) {
    match_by_name(out, layers, saved);
  } else if (layers.size() == saved.size()) {
    for (std::size_t i = 0; i < layers.size(); ++i) match_layer(out, layers[i], saved[i]);
  } else if (options.skip_mismatch) {
    match_by_name(out, layers, saved);
  } else {
    throw ValueError(fmt::format(
        "Layer count mismatch when loading weights from file. Model expected {} layers, found {} saved layers.\n'{}' "
        "has {}. Use {{.by_name = true}} to load the layers of the same names.",
        layers.size(), saved.size(), file, list_of(saved)));
  }
  const auto own = own_weights(model);
  if (const auto top = group.find(kTopLevel); top && !own.empty()) {
    const auto weights = weights_of(*top);
    for (std::size_t i = 0; i < own.size(); ++i) {
      if (i < weights.size())
        match(out, own[i], weights[i]);
      else
        out.report.missing.push_back(own[i].path());
    }
  }
  return out;
}

void write_optimizer_keras2(hdf5::Writer& file, const Model& model) {
  if (!model.compiled() || !model.optimizer().built()) return;
  std::vector<std::string> names;
  std::vector<Tensor> values;
  for (const Variable& v : model.optimizer().variables()) {
    if (v.name() == "learning_rate") continue;  // Keras 2 has it in the configuration
    std::string name = v.name(), unique = name;
    for (int n = 1; std::find(names.begin(), names.end(), unique + ":0") != names.end(); ++n)
      unique = name + "_" + std::to_string(n);
    names.push_back(unique + ":0");
    values.push_back(v.read());
  }
  file.group("/optimizer_weights");
  file.attribute("/optimizer_weights", "weight_names", names);
  for (std::size_t i = 0; i < names.size(); ++i) file.dataset("/optimizer_weights/" + names[i], values[i]);
}

namespace {

std::string last_part(std::string name) {
  if (const auto mark = name.rfind(':'); mark != std::string::npos) name.resize(mark);
  return name.substr(name.rfind('/') + 1);
}

// The first optimizers of Keras 2 keep one kind of slot after the other ("Adam/dense/kernel/m:0"): in the order of
// these variables. Fewer than those where one is missing.
std::vector<hdf5::Object> in_order_of(const std::vector<Variable>& variables, const hdf5::Object& group,
                                      const std::vector<std::string>& names) {
  constexpr std::pair<const char*, const char*> kKinds[] = {{"iter", "iteration"},
                                                            {"m", "_momentum"},
                                                            {"v", "_velocity"},
                                                            {"v", "_norm"},
                                                            {"vhat", "_velocity_hat"},
                                                            {"momentum", "_momentum"},
                                                            {"rms", "_velocity"},
                                                            {"mg", "_average_gradient"},
                                                            {"accumulator", "_accumulator"},
                                                            {"linear", "_linear"},
                                                            {"momentum_cache", "u_product"},
                                                            {"accum_grad", "_accumulated_grad"},
                                                            {"accum_var", "_accumulated_delta_var"}};
  std::vector<bool> taken(names.size(), false);
  auto next_of = [&](const Variable& v) {
    for (const auto& [old, own] : kKinds)
      for (std::size_t i = 0; i < names.size() && v.name().ends_with(own); ++i)
        if (!taken[i] && last_part(names[i]) == old) return i;
    return names.size();
  };
  std::vector<hdf5::Object> out;
  for (const Variable& v : variables) {
    const std::size_t i = next_of(v);
    if (i == names.size()) return {};
    taken[i] = true;
    out.push_back(group.at(names[i]));
  }
  return out;
}

// The product of the factors of so many steps, which tf_keras's Nadam does not keep.
Tensor nadam_product(double beta_1, std::int64_t steps) {
  double product = 1;
  for (std::int64_t i = 1; i <= steps && product > 1e-30; ++i)
    product *= beta_1 * (1 - 0.5 * std::pow(0.96, static_cast<double>(i)));
  return Tensor(product);
}

}  // namespace

bool read_optimizer_keras2(const Model& model, const hdf5::Object& root) {
  const auto group = root.find("optimizer_weights");
  if (!group) return false;
  model.optimizer().build(model.trainable_weights());
  std::vector<Variable> variables;
  for (const Variable& v : model.optimizer().variables())
    if (v.name() != "learning_rate") variables.push_back(v);
  const std::vector<std::string> names = names_attribute(*group, "weight_names");
  std::vector<hdf5::Object> objects;
  if (!names.empty() && last_part(names[0]) == "iter") {
    objects = in_order_of(variables, *group, names);
  } else {
    for (const std::string& name : names)
      if (last_part(name) != "learning_rate") objects.push_back(group->at(name));
  }
  // tf_keras keeps momenta where there is no momentum, too.
  const std::string optimizer = model.optimizer().class_name();
  if (optimizer == "SGD" && variables.size() == 1 && objects.size() > 1)
    objects.erase(objects.begin() + 1, objects.end());
  const bool lacks_product = optimizer == "Nadam" && objects.size() + 1 == variables.size() && !objects.empty();
  if (lacks_product) {
    const Tensor steps = objects[0].read();
    if (steps.size() != 1) return false;
    variables.back().assign(cast(
        nadam_product(model.optimizer().get_config().get<double>("beta_1"), cast(steps, int64).item<std::int64_t>()),
        variables.back().dtype()));
    variables.pop_back();
  }
  if (objects.size() != variables.size()) return false;
  for (std::size_t i = 0; i < variables.size(); ++i)
    if (objects[i].shape() != variables[i].shape()) return false;
  for (std::size_t i = 0; i < variables.size(); ++i) variables[i].assign(cast(objects[i].read(), variables[i].dtype()));
  return true;
}

}  // namespace strata::keras
