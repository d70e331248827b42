// Saving and loading of models: weights in .npz here, all other formats by strata::io.
#include <fmt/format.h>

#include <filesystem>

#include "core/npy_reader.h"
#include "models/file_formats.h"
#include "models/layer_state.h"
#include "strata/array.h"
#include "strata/npy.h"

namespace strata {

namespace {

FileFormats& formats() {
  static FileFormats all;
  return all;
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

LoadReport load_npz_weights(const Model& model, const std::string& path) {
  const NpzReader entries(path);
  const auto all = model.weights();
  if (all.empty())
    throw ValueError(
        fmt::format("Unable to load weights into a Model which has not created its variables yet. Call the Model "
                    "first, then load the weights.\n'{}' holds {} tensors; call build({{None, ...}}) first.",
                    path, entries.size()));
  if (entries.size() != all.size())
    throw ValueError(fmt::format("'{}' holds {} tensors, but {} has {} weights. It was saved from another model.", path,
                                 entries.size(), model.state()->describe(), all.size()));
  // All is checked before anything is changed.
  for (std::size_t i = 0; i < all.size(); ++i)
    if (const Shape shape = entries.checked_shape(i); shape != all[i].shape())
      throw ShapeError(fmt::format("'{}': '{}' has shape {}, but weight '{}' has shape {}.", path, entries.name(i),
                                   to_string(shape), all[i].path(), to_string(all[i].shape())));
  LoadReport report;
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].assign(entries.read(i));
    report.matched.push_back(all[i].path());
  }
  return report;
}

}  // namespace

void set_file_formats(const FileFormats& given) { formats() = given; }

const FileFormats& file_formats(const std::string& path) {
  if (formats().save == nullptr)
    throw ValueError("'" + path + "': this program is linked with strata::core alone, which keeps weights in files " +
                     "that end in .npz. Link strata::strata or strata::io for the other formats.");
  return formats();
}

void require_weights(const Model& model) {
  if (model.weights().empty() && !model.built())
    throw ValueError(model.state()->describe() +
                     " has no weights to save: it is not built. Call it on a tensor, or build({None, ...}) first.");
}

void check_overwrite(const std::string& path, bool overwrite) {
  if (!overwrite && std::filesystem::exists(path))
    throw FileError("'" + path + "' exists, and overwrite is false. Use another name, or {.overwrite = true}.");
}

void Model::save(const std::string& path, const SaveOptions& options) const {
  check_overwrite(path, options.overwrite);
  file_formats(path).save(*this, path, options);
}

void Model::save_weights(const std::string& path, const SaveWeightsOptions& options) const {
  require_weights(*this);
  check_overwrite(path, options.overwrite);
  if (!path.ends_with(".npz")) return file_formats(path).save_weights(*this, path, options);
  const auto all = weights();
  const auto keys = keys_of(*this, all);
  std::vector<std::pair<std::string, Tensor>> entries;
  for (std::size_t i = 0; i < all.size(); ++i) entries.emplace_back(keys[i], all[i].read());
  save_npz(path, entries);
}

LoadReport Model::load_weights(const std::string& path, const LoadWeightsOptions& options) const {
  if (path.ends_with(".npz")) return load_npz_weights(*this, path);
  return file_formats(path).load_weights(*this, path, options);
}

}  // namespace strata
