/// \file
/// Whole models: loading, copying, and their architecture as JSON.
#pragma once

#include <string>

#include "strata/custom_objects.h"
#include "strata/model.h"

namespace strata {

struct LoadOptions {
  CustomObjects custom_objects = {};  ///< classes and functions that the file names
  bool compile = true;                ///< as the model was compiled when it was saved, optimizer state included
};

/// A model from what Model::save() or Keras wrote: Keras 3's `.keras`, Keras 2's `.h5` or a SavedModel's folder, or the
/// one of an Artifact, told apart by content. A SavedModel needs no custom objects; it comes without what it was compiled
/// with.
/// Throws FileError for a damaged file, ValueError that names the layer for a class that is not known.
STRATA_API Model load_model(const std::string& path, const LoadOptions& options = {});

/// A model of fresh weights from what Model::to_json() or Keras 2 or 3 gave.
STRATA_API Model model_from_json(const std::string& json, const CustomObjects& custom_objects = {});

/// A model of the same layers with weights of its own, freshly initialized, made from the configurations.
STRATA_API Model clone_model(const Model& model);

/// Keras's name for the place of these: `models::load_model("net.keras")`.
namespace models {
using strata::clone_model;
using strata::load_model;
using strata::model_from_json;
}  // namespace models

}  // namespace strata
