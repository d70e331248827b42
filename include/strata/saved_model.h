/// \file
/// SavedModel: TensorFlow 2's folder of a program with its weights. It needs no class's source to be loaded.
#pragma once

#include <string>

#include "strata/model.h"

namespace strata::saved_model {

/// Writes the folder `directory`: saved_model.pb, variables/, assets/, fingerprint.pb. It holds the calls for inference
/// and for training, for any size of the batch, and the signature "serving_default"; TensorFlow loads it
/// (`tf.saved_model.load`, `keras.layers.TFSMLayer`) and can differentiate through it. An old folder of that name is
/// exchanged for the new one when that is whole. Throws ValueError where the model is not built or has an op that
/// TensorFlow lacks, FileError where the folder cannot be written or is something else.
STRATA_API void save(const Model& model, const std::string& directory);

/// Whether the path is a folder with a saved_model.pb.
STRATA_API bool is_saved_model(const std::string& path);

}  // namespace strata::saved_model
