/// \file
/// What saving and loading of models takes and gives.
#pragma once

#include <string>
#include <vector>

namespace strata {

struct SaveOptions {
  bool overwrite = true;          ///< false: a file of that name is an error
  bool include_optimizer = true;  ///< its state, where the model is compiled
};

struct SaveWeightsOptions {
  bool overwrite = true;
};

struct LoadWeightsOptions {
  bool by_name = false;        ///< layers of the same names, instead of in order (Keras 2's HDF5)
  bool skip_mismatch = false;  ///< leaves out weights of other shapes, and layers that the file or the model lacks
};

/// What load_weights() did, by the paths of the model's weights.
struct LoadReport {
  struct Mismatch {
    std::string weight, in_model, in_file;  ///< shapes as text
  };
  std::vector<std::string> matched;
  std::vector<std::string> missing;     ///< in the model, not in the file
  std::vector<std::string> unexpected;  ///< in the file, not in the model
  std::vector<Mismatch> mismatched;
};

}  // namespace strata
