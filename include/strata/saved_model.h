/// \file
/// SavedModel: TensorFlow 2's folder of a program with its weights. It needs no class's source to be loaded.
#pragma once

#include <cstdint>
#include <string>

#include "strata/model.h"

namespace strata::saved_model {

/// Writes the folder `directory`: saved_model.pb, variables/, assets/, fingerprint.pb. It holds the calls for inference
/// and for training, for any size of the batch, and the signature "serving_default"; TensorFlow loads it
/// (`tf.saved_model.load`, `keras.layers.TFSMLayer`) and can differentiate through it. An old folder of that name is
/// exchanged for the new one when that is whole. Throws ValueError where the model is not built or has an op that
/// TensorFlow lacks, FileError where the folder cannot be written or is something else.
STRATA_API void save(const Model& model, const std::string& directory);

struct LoadOptions {
  std::int64_t memory_limit = std::int64_t{8} << 30;  ///< bytes of tensors that the folder may declare
};

/// A model that runs the functions of the folder, written by strata or by TensorFlow: its call for inference and, where
/// it has one, for training. It predicts, and it can be compiled and trained further. Throws FileError where a file is
/// missing or damaged, ValueError with the node's name for an op that strata does not have (docs/exchange.md lists
/// those it has).
STRATA_API Model load(const std::string& directory, const LoadOptions& options = {});

/// Whether the path is a folder with a saved_model.pb.
STRATA_API bool is_saved_model(const std::string& path);

}  // namespace strata::saved_model
