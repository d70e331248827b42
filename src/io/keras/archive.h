// Keras 3's archive: config.json, metadata.json, model.weights.h5, assets.
#pragma once

#include <string>

#include "io/hdf5/reader.h"
#include "strata/saving.h"

namespace strata::keras {

void save_archive(const Model& model, const std::string& path, const SaveOptions& options);
Model load_archive(const std::string& path, const LoadOptions& options);
// The weights inside of an archive.
STRATA_API hdf5::Object open_archive_weights(const std::string& path);
// The text of an entry such as "config.json". Throws FileError where it is missing.
STRATA_API std::string read_archive_text(const std::string& path, const std::string& name);

// Keras 2's whole model in HDF5.
void save_whole_hdf5(const Model& model, const std::string& path, const SaveOptions& options);
Model load_whole_hdf5(const std::string& path, const LoadOptions& options);

// Compiles as the configuration says; false where it says nothing.
bool compile_from(const Model& model, const Config::Value* config);
// Builds a model that has no inputs of its own for the shapes of "build_config".
void build_from(const Model& model, const Config& config);

}  // namespace strata::keras
