#include "cli/contents.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "io/hdf5/reader.h"
#include "io/keras/archive.h"
#include "models/checkpoint_file.h"
#include "models/layer_state.h"
#include "serialization/json.h"
#include "strata/artifact.h"
#include "strata/onnx.h"
#include "strata/saved_model.h"

namespace strata::cli {

namespace {

void collect(const hdf5::Object& root, std::vector<Array>& out) {
  for (const hdf5::Object& object : root.datasets()) {
    std::string dtype = "text";
    try {
      dtype = to_string(object.dtype());
    } catch (const FileError&) {
    }
    out.push_back({object.path().substr(1), object.shape(), dtype, object.declared_bytes()});
  }
}

}  // namespace

Contents::Contents(const std::string& path) : path_(path) {
  if (std::filesystem::is_directory(path)) {
    read_folder();
    return;
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) throw FileError("'" + path + "' cannot be opened. Is the name right?");
  char head[8] = {};
  in.read(head, 8);
  if (hdf5::has_signature(head, 8))
    read_hdf5();
  else if (is_artifact(path))
    read_artifact();
  else if (head[0] == 'P' && head[1] == 'K' && path.ends_with(".npz"))
    take("arrays of NumPy (.npz)", load_npz(path));
  else if (head[0] == 'P' && head[1] == 'K')
    read_archive();
  else if (path.ends_with(".npy"))
    take("array of NumPy (.npy)", NamedTensors{{"array", load_npy(path)}});
  else if (path.ends_with(".onnx"))
    read_onnx();
  else
    throw FileError("'" + path +
                    "' is of no format that strata shows. Known are .keras, .h5, .weights.h5, .onnx, .npz, "
                    ".npy, the folders of SavedModels and checkpoints, and the files of artifacts.");
}

void Contents::take(const std::string& format, const NamedTensors& tensors) {
  format_ = format;
  tensors_ = tensors;
  for (const auto& [name, tensor] : tensors)
    arrays_.push_back({name, tensor.shape(), to_string(tensor.dtype()), tensor.bytes()});
}

void Contents::take(const std::string& format, const Model& model) {
  NamedTensors tensors;
  for (const Variable& w : model.weights()) tensors.emplace_back(w.name(), w.read());
  take(format, tensors);
  std::string inputs;
  for (const Shape& s : model.state()->input_shapes) inputs += (inputs.empty() ? "" : ", ") + to_string(s);
  texts_.emplace_back("inputs", inputs);
}

void Contents::read_folder() {
  if (saved_model::is_saved_model(path_)) return take("SavedModel of TensorFlow", saved_model::load(path_));
  if (!std::filesystem::exists(path_ + "/shard-00000.npz"))
    throw FileError("'" + path_ + "' is a folder, but neither a SavedModel nor a checkpoint of strata.");
  NamedTensors tensors;
  for (const CheckpointPart& part : read_checkpoint(path_).parts)
    for (const auto& [name, value] : part.values) tensors.emplace_back(part.name + "/" + name, value);
  take("checkpoint of strata", tensors);
}

void Contents::read_onnx() { take("model in ONNX", onnx::load(path_)); }

void Contents::read_artifact() {
  const Artifact app(path_, {.verify = false});
  take("artifact: program, weights, preprocessing, class names and a golden sample", app.model());
  std::string names;
  for (const std::string& n : app.class_names()) names += (names.empty() ? "" : ", ") + n;
  const Preprocessing& p = app.preprocessing();
  texts_.emplace_back("classes", names);
  texts_.emplace_back("pictures", fmt::format("{} x {} {}, {}, times {:g}", p.target_size[0], p.target_size[1],
                                              p.color_mode, p.interpolation, p.scale));
  if (!app.description().empty()) texts_.emplace_back("description", app.description());
}

void Contents::read_hdf5() {
  const hdf5::Object root = hdf5::open_file(path_);
  for (const std::string& name : root.attribute_names()) texts_.emplace_back(name, root.attribute_text(name));
  const bool whole = root.has_attribute("model_config");
  const bool keras2 = whole || root.has_attribute("layer_names") || root.has_attribute("layer_names0");
  format_ = whole    ? "whole model in HDF5 (Keras 2)"
            : keras2 ? "weights in HDF5 (Keras 2)"
                     : "weights in HDF5 (Keras 3)";
  collect(root, arrays_);
}

void Contents::read_archive() {
  format_ = "whole model (.keras, Keras 3)";
  const Config metadata =
      parse_config_json(keras::read_archive_text(path_, "metadata.json"), "'" + path_ + "', metadata.json").as_map();
  for (const auto& [key, value] : metadata.entries())
    if (value.kind() == Config::Value::Kind::string) texts_.emplace_back(key, value.as_string());
  texts_.emplace_back("model_config", keras::read_archive_text(path_, "config.json"));
  collect(keras::open_archive_weights(path_), arrays_);
}

std::string Contents::text(const std::string& name) const {
  for (const auto& [key, value] : texts_)
    if (key == name) return value;
  return {};
}

Tensor Contents::read(const std::string& array) const {
  for (const auto& [name, tensor] : tensors_)
    if (name == array) return tensor;
  return (format_.starts_with("whole model (") ? keras::open_archive_weights(path_) : hdf5::open_file(path_))
      .at(array)
      .read();
}

}  // namespace strata::cli
