// The formats of whole models, by name and by content: the table that Model::save() and load_model() read.
#pragma once

#include <span>
#include <string>

#include "strata/saving.h"

namespace strata {

struct ModelFormat {
  const char* name;  // for messages
  bool (*has_name)(const std::string& path);
  // Whether what is there under this path is of the format.
  bool (*has_content)(const std::string& path);
  void (*save)(const Model& model, const std::string& path, const SaveOptions& options);
  Model (*load)(const std::string& path, const LoadOptions& options);
};

// A new format adds a row in model_files.cpp.
STRATA_API std::span<const ModelFormat> model_formats();

}  // namespace strata
