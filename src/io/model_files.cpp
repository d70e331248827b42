#include "io/model_files.h"

#include <filesystem>
#include <fstream>

#include "core/atomic_file.h"
#include "io/keras/archive.h"
#include "io/keras/weights.h"
#include "models/file_formats.h"
#include "strata/artifact.h"
#include "strata/saved_model.h"

namespace strata {

namespace {

namespace fs = std::filesystem;

std::string first_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string out(8, '\0');
  in.read(out.data(), 8);
  out.resize(static_cast<std::size_t>(in.gcount()));
  return out;
}

bool is_zip(const std::string& path) { return first_bytes(path).starts_with("PK"); }
bool is_hdf5(const std::string& path) {
  const std::string bytes = first_bytes(path);
  return hdf5::has_signature(bytes.data(), bytes.size());
}

const ModelFormat kFormats[] = {
    {"Artifact", [](const std::string&) { return false; }, is_artifact, nullptr,
     [](const std::string& p, const LoadOptions&) { return Artifact(p).model(); }},
    {".keras (Keras 3)", [](const std::string& p) { return p.ends_with(".keras"); }, is_zip, keras::save_archive,
     keras::load_archive},
    {".h5 (Keras 2)", [](const std::string& p) { return p.ends_with(".h5") || p.ends_with(".hdf5"); }, is_hdf5,
     keras::save_whole_hdf5, keras::load_whole_hdf5},
    {"a name without extension (SavedModel)", [](const std::string& p) { return !fs::path(p).has_extension(); },
     saved_model::is_saved_model,
     [](const Model& model, const std::string& path, const SaveOptions&) { saved_model::save(model, path); },
     [](const std::string& path, const LoadOptions&) { return saved_model::load(path); }},
};

std::string known_formats() {
  std::string out;
  for (const ModelFormat& f : kFormats)
    if (f.save != nullptr) out += (out.empty() ? "" : ", ") + std::string(f.name);
  return out;
}

void save_model(const Model& model, const std::string& path, const SaveOptions& options) {
  remove_stale_temporaries(path);  // what a killed process left
  for (const ModelFormat& f : kFormats)
    if (f.has_name(path)) return f.save(model, path, options);
  throw ValueError("'" + path + "': the name says no format of whole models. Known are " + known_formats() + ".");
}

void save_weights(const Model& model, const std::string& path, const SaveWeightsOptions&) {
  if (!path.ends_with(".h5") && !path.ends_with(".hdf5") && !path.ends_with(".keras"))
    throw ValueError("'" + path + "': weights are kept in files that end in .weights.h5 (Keras 3), .h5 (Keras 2) or " +
                     ".npz. Use save_weights(\"" + path + ".weights.h5\").");
  if (path.ends_with(".keras"))
    throw ValueError("'" + path + "': .keras files hold whole models. Use save(\"" + path +
                     "\"), or a name that ends " + "in .weights.h5.");
  remove_stale_temporaries(path);
  hdf5::Writer file(path);
  if (path.ends_with(".weights.h5")) {
    keras::write_keras3(file, model, false);
  } else {
    keras::write_keras2(file, model, "");
    keras::write_build_shape(file, model);
  }
  file.commit();
}

LoadReport load_weights(const Model& model, const std::string& path, const LoadWeightsOptions& options) {
  if (!fs::exists(path)) throw FileError("'" + path + "' does not exist.");
  if (is_zip(path)) {
    const hdf5::Object root = keras::open_archive_weights(path);
    keras::require_created(model, root, path);
    return keras::assign(keras::match_keras3(model, root), path, options);
  }
  const hdf5::Object root = hdf5::open_file(path);
  keras::require_created(model, root, path);
  const bool whole = root.find("model_weights").has_value();
  const bool keras2 = whole || root.has_attribute("layer_names") || root.has_attribute("layer_names0");
  return keras::assign(keras2 ? keras::match_keras2(model, whole ? root.at("model_weights") : root, options, path)
                              : keras::match_keras3(model, root),
                       path, options);
}

// Runs when strata::io is loaded.
const bool registered = (set_file_formats({save_model, save_weights, load_weights}), true);

}  // namespace

std::span<const ModelFormat> model_formats() { return kFormats; }

Model load_model(const std::string& path, const LoadOptions& options) {
  if (!fs::exists(path)) throw FileError("'" + path + "' does not exist.");
  const CustomObjectScope scope(options.custom_objects);
  for (const ModelFormat& f : kFormats)
    if (f.has_content(path)) return f.load(path, options);
  throw FileError("'" + path +
                  "' is no model that strata reads: its first bytes are those of no known format. Known are " +
                  known_formats() + ".");
}

}  // namespace strata

// What strata_io asks linkers to keep (src/CMakeLists.txt).
extern "C" STRATA_API bool strata_io_file_formats();
bool strata_io_file_formats() { return strata::registered; }
