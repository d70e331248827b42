// The weights of a model in HDF5, in the layouts of Keras 2 and Keras 3.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "io/hdf5/reader.h"
#include "io/hdf5/writer.h"
#include "strata/model.h"

namespace strata::keras {

// A weight and where it is in the file.
struct Place {
  std::string path;
  Variable variable;
};

// Weights that were found, and what was not: checked as a whole before anything is changed.
struct Matches {
  std::vector<std::pair<Variable, hdf5::Object>> found;
  LoadReport report;
};
// Adds the weight, or says how it does not fit.
void match(Matches& matches, const Variable& variable, const hdf5::Object& object);
// Throws ValueError unless all fits or the options allow it; then assigns.
LoadReport assign(const Matches& matches, const std::string& file, const LoadWeightsOptions& options);
// Throws ValueError with the number of tensors and the shape to build for, where the model has no weights yet.
void require_created(const Model& model, const hdf5::Object& root, const std::string& file);
// The shape that the model was built for, as an attribute that Keras does not read.
void write_build_shape(hdf5::Writer& file, const Model& model);

// keras3_weights.cpp: layers/dense/vars/0. `from`: the file that is read, by which lists and attributes of the same
// names are told apart; null when writing.
std::vector<Place> keras3_places(const Layer& model, const hdf5::Object* from);
// Also the optimizer's variables, where there is one.
void write_keras3(hdf5::Writer& file, const Model& model, bool include_optimizer);
Matches match_keras3(const Model& model, const hdf5::Object& root);
// False where the file has no state of the optimizer, or one of another optimizer.
bool read_optimizer_keras3(const Model& model, const hdf5::Object& root);

// keras2_weights.cpp: groups by layer, under `group` ("" or "/model_weights").
void write_keras2(hdf5::Writer& file, const Model& model, const std::string& group);
Matches match_keras2(const Model& model, const hdf5::Object& group, const LoadWeightsOptions& options,
                     const std::string& file);
void write_optimizer_keras2(hdf5::Writer& file, const Model& model);
bool read_optimizer_keras2(const Model& model, const hdf5::Object& root);

}  // namespace strata::keras
