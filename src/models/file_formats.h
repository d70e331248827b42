// What strata::io tells strata::core about the formats of files, so that core does not depend on it.
#pragma once

#include <string>

#include "strata/model.h"

namespace strata {

struct FileFormats {
  void (*save)(const Model& model, const std::string& path, const SaveOptions& options) = nullptr;
  void (*save_weights)(const Model& model, const std::string& path, const SaveWeightsOptions& options) = nullptr;
  LoadReport (*load_weights)(const Model& model, const std::string& path, const LoadWeightsOptions& options) = nullptr;
};

// Called when strata::io is loaded (src/io/model_files.cpp).
STRATA_API void set_file_formats(const FileFormats& formats);
// Throws ValueError where the program is linked without strata::io.
const FileFormats& file_formats(const std::string& path);
// Throws ValueError where the model has no weights yet.
STRATA_API void require_weights(const Model& model);
// A file of that name is an error unless it may be overwritten.
STRATA_API void check_overwrite(const std::string& path, bool overwrite);

}  // namespace strata
