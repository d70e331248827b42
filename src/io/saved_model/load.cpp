#include <algorithm>
#include <filesystem>
#include <set>

#include "io/saved_model/bundle.h"
#include "io/saved_model/import.h"
#include "strata/saved_model.h"

namespace strata::saved_model {

namespace {

using Kind = SavedObject::Kind;

std::optional<bool> training_of(const ConcreteFunction& f) {
  std::optional<bool> out;
  for (const Leaf& l : f.inputs)
    if (l.boolean) out = out.value_or(false) || *l.boolean;
  return out;
}

// The functions that a model calls: of `__call__`, of Keras 3's and strata's endpoints, or of the signature.
struct Calls {
  std::string inference, training;
};
Calls find_calls(const SavedModelFile& file) {
  Calls out;
  auto take = [&](const std::vector<std::string>& path, bool may_train, bool only_training) {
    const int number = file.find(path);
    if (number < 0) return;
    for (const std::string& name : file.objects[static_cast<std::size_t>(number)].concrete) {
      const auto it = file.concrete.find(name);
      if (it == file.concrete.end()) continue;
      const std::optional<bool> training = training_of(it->second);
      std::string& slot = only_training || (training && *training) ? out.training : out.inference;
      if (slot.empty() && (may_train || &slot == &out.inference)) slot = name;
    }
  };
  take({"__call__"}, true, false);
  if (out.inference.empty()) {
    out.training.clear();
    take({"serve"}, false, false);
    if (out.inference.empty()) take({"signatures", "serving_default"}, false, false);
    if (!out.inference.empty()) take({"serve_training"}, true, true);
  }
  if (!out.inference.empty()) return out;
  std::string known;
  if (const int signatures = file.find({"signatures"}); signatures >= 0)
    for (const auto& [number, name] : file.objects[static_cast<std::size_t>(signatures)].children)
      known += (known.empty() ? "" : ", ") + name;
  throw ValueError(file.path +
                   ": there is no call of a model in it: neither __call__ nor serve nor the signature "
                   "serving_default. Its signatures are: " +
                   (known.empty() ? "none" : known) + ".");
}

void fill_interface(const ConcreteFunction& f, const std::string& path, exchange::ImportedProgram& program) {
  for (const Leaf& l : f.inputs) {
    if (!l.spec) continue;
    Spec spec = *l.spec;
    program.inputs.push_back(spec);
    program.input_names.push_back(!l.name.empty() ? l.name : !l.key.empty() ? l.key : "inputs");
  }
  for (const Leaf& l : f.outputs) {
    if (!l.spec) continue;
    const std::string name = !l.key.empty() ? l.key : l.name;
    const std::string number = "output_" + std::to_string(program.output_names.size() + 1);
    program.output_names.push_back(name.empty() || name == "unknown" ? number : name);
  }
  if (program.inputs.empty()) throw ValueError(path + ": the call of the model takes no tensors.");
}

// The variables that the functions use, in the order of the file.
std::vector<int> used_variables(const SavedModelFile& file, const Calls& calls) {
  std::vector<int> out;
  std::set<int> seen;
  for (const std::string& name : {calls.inference, calls.training}) {
    if (name.empty()) continue;
    for (const int number : file.concrete.at(name).bound) {
      if (number < 0 || number >= static_cast<int>(file.objects.size()))
        throw FileError(file.path + ": function '" + name + "' is bound to object " + std::to_string(number) +
                        ", which is not there.");
      if (file.objects[static_cast<std::size_t>(number)].kind == Kind::variable && seen.insert(number).second)
        out.push_back(number);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

void read_weights(const SavedModelFile& file, const std::string& prefix, std::uint64_t limit,
                  const std::vector<int>& numbers, SavedModelProgram& program) {
  if (numbers.empty()) return;
  const BundleReader bundle(prefix);
  if (bundle.total_bytes() > limit)
    throw FileError(prefix + ".index: it declares " + std::to_string(bundle.total_bytes()) +
                    " bytes of tensors, more than the limit of " + std::to_string(limit) +
                    ". Raise memory_limit where the file can be trusted.");
  const auto keys = checkpoint_keys(file, bundle.text("_CHECKPOINTABLE_OBJECT_GRAPH"));
  std::set<std::string> taken;
  for (const int number : numbers) {
    const SavedObject& o = file.objects[static_cast<std::size_t>(number)];
    const auto key = keys.find(number);
    if (key == keys.end()) throw FileError(file.path + ": variable '" + o.name + "' has no value in variables/.");
    std::string name = o.name.empty() ? "variable" : o.name;
    const std::string base = name;
    for (int n = 1; !taken.insert(name).second; ++n) name = base + "_" + std::to_string(n);
    Tensor value = bundle.tensor(key->second);
    if (value.shape() != o.spec.shape && o.spec.shape.is_known())
      throw FileError(file.path + ": variable '" + o.name + "' has shape " + to_string(o.spec.shape) + ", its value " +
                      to_string(value.shape()) + ".");
    program.variable_numbers[number] = static_cast<int>(program.weights.size());
    program.weights.push_back({name, value, o.trainable && is_floating(value.dtype())});
  }
}

}  // namespace

Model load(const std::string& directory, const LoadOptions& options) {
  const std::filesystem::path folder(directory);
  if (!is_saved_model(directory))
    throw FileError("'" + directory + "' is no SavedModel: there is no file saved_model.pb in it.");
  const auto limit = static_cast<std::uint64_t>(std::max<std::int64_t>(options.memory_limit, 0));
  auto file = read_saved_model((folder / "saved_model.pb").string(), limit);
  const SavedModelFile& read = *file;
  const Calls calls = find_calls(read);
  auto program = std::make_shared<SavedModelProgram>(std::move(file), limit);
  program->inference = calls.inference;
  program->training = calls.training;
  const std::string stem =
      folder.has_filename() ? folder.filename().string() : folder.parent_path().filename().string();
  program->name = stem.empty() ? "saved_model" : stem;
  program->class_name = "SavedModel";
  fill_interface(read.concrete.at(calls.inference), read.path, *program);
  for (const std::string& name : {calls.inference, calls.training})
    if (!name.empty()) program->prepare(name);
  read_weights(read, (folder / "variables" / "variables").string(), limit, used_variables(read, calls), *program);
  return exchange::make_model(program);
}

}  // namespace strata::saved_model
