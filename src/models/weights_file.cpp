// Weights of a model in one .npz file: an array for each variable, by its path below the model.
#include <fmt/format.h>

#include "models/layer_state.h"
#include "strata/array.h"
#include "strata/model.h"
#include "strata/npy.h"

namespace strata {

namespace {

void check_name(const std::string& path) {
  if (path.ends_with(".npz")) return;
  throw ValueError("'" + path + "': weights are kept in files that end in .npz. Use save_weights(\"" + path +
                   ".npz\").");
}

// Paths below the model, since its own name may differ in another program. Several of one name get a number.
std::vector<std::string> keys_of(const Model& model, const std::vector<Variable>& weights) {
  const std::string prefix = model.path() + "/";
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::string path = weights[i].path();
    keys.push_back(fmt::format("{:05}/{}", i, path.starts_with(prefix) ? path.substr(prefix.size()) : path));
  }
  return keys;
}

}  // namespace

void Model::save_weights(const std::string& path) const {
  check_name(path);
  const auto all = weights();
  if (all.empty() && !built())
    throw ValueError(state()->describe() +
                     " has no weights to save: it is not built. Call it on a tensor, or build({None, ...}) first.");
  const auto keys = keys_of(*this, all);
  std::vector<std::pair<std::string, Tensor>> entries;
  for (std::size_t i = 0; i < all.size(); ++i) entries.emplace_back(keys[i], all[i].read());
  save_npz(path, entries);
}

void Model::load_weights(const std::string& path) const {
  check_name(path);
  const auto entries = load_npz(path);
  const auto all = weights();
  if (all.empty())
    throw ValueError(
        fmt::format("Unable to load weights into a Model which has not created its variables yet. Call the Model "
                    "first, then load the weights.\n'{}' holds {} tensors; call build({{None, ...}}) first.",
                    path, entries.size()));
  if (entries.size() != all.size())
    throw ValueError(fmt::format("'{}' holds {} tensors, but {} has {} weights. It was saved from another model.", path,
                                 entries.size(), state()->describe(), all.size()));
  // All is checked before anything is changed.
  for (std::size_t i = 0; i < all.size(); ++i)
    if (entries[i].second.shape() != all[i].shape())
      throw ShapeError(fmt::format("'{}': '{}' has shape {}, but weight '{}' has shape {}.", path, entries[i].first,
                                   to_string(entries[i].second.shape()), all[i].path(), to_string(all[i].shape())));
  for (std::size_t i = 0; i < all.size(); ++i) all[i].assign(entries[i].second);
}

}  // namespace strata
