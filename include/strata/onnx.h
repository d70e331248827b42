/// \file
/// ONNX files: the exchange format that ONNX Runtime and many others run.
#pragma once

#include <cstdint>
#include <string>

#include "strata/model.h"

namespace strata::onnx {

struct SaveOptions {
  std::string doc_string = {};  ///< kept in the file
  /// Weights lie in a second file beside it, "PATH.data" ("PATH.2.data" where an older one has that name), as they do
  /// in any case where they take 2 GiB: that is more than one file of ONNX can hold. Move both files together.
  bool external_data = false;
};

/// Writes the inference of a model, with its weights, as ONNX (operator set 18; 22 for models that compute in
/// bfloat16). The first dimension of inputs and outputs is named "batch" and may have any size. Nodes and weights are
/// named by the layers' paths. Throws ValueError where the model is not built, and for an op that ONNX does not have,
/// with the layer that uses it; FileError where the file cannot be written, and an old file stays as it was.
STRATA_API void save(const Model& model, const std::string& path, const SaveOptions& options = {});

struct LoadOptions {
  std::int64_t memory_limit = std::int64_t{8} << 30;  ///< bytes of tensors that the file may declare
};

/// Reads a model from an ONNX file, and from the second file beside it where its weights lie in one. Its initializers
/// of floating numbers become trainable weights, under their names.
/// Throws FileError where the file is damaged, ValueError with the node's name for an operator that strata does not
/// have (docs/exchange.md lists those it has).
STRATA_API Model load(const std::string& path, const LoadOptions& options = {});

}  // namespace strata::onnx
