#include "cli/contents.h"

#include <fstream>

#include "io/hdf5/reader.h"
#include "io/keras/archive.h"
#include "serialization/json.h"
#include "strata/npy.h"

namespace strata::cli {

namespace {

void collect(const hdf5::Object& object, const std::string& path, int depth, std::vector<Array>& out) {
  if (depth > 40) return;
  if (object.is_dataset()) {
    std::string dtype = "text";
    try {
      dtype = to_string(object.dtype());
    } catch (const FileError&) {
    }
    out.push_back({path, object.shape(), dtype, object.declared_bytes()});
    return;
  }
  for (const std::string& name : object.names())
    collect(object.at(name), path.empty() ? name : path + "/" + name, depth + 1, out);
}

}  // namespace

Contents::Contents(const std::string& path) : path_(path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw FileError("'" + path + "' cannot be opened. Is the name right?");
  char head[8] = {};
  in.read(head, 8);
  if (hdf5::has_signature(head, 8))
    read_hdf5();
  else if (head[0] == 'P' && head[1] == 'K' && path.ends_with(".npz"))
    read_npz();
  else if (head[0] == 'P' && head[1] == 'K')
    read_archive();
  else
    throw FileError("'" + path + "' is of no format that strata shows. Known are .keras, .h5, .weights.h5 and .npz.");
}

void Contents::read_hdf5() {
  const hdf5::Object root = hdf5::open_file(path_);
  for (const std::string& name : root.attribute_names()) texts_.emplace_back(name, root.attribute_text(name));
  const bool whole = root.has_attribute("model_config");
  const bool keras2 = whole || root.has_attribute("layer_names") || root.has_attribute("layer_names0");
  format_ = whole    ? "whole model in HDF5 (Keras 2)"
            : keras2 ? "weights in HDF5 (Keras 2)"
                     : "weights in HDF5 (Keras 3)";
  collect(root, "", 0, arrays_);
}

void Contents::read_archive() {
  format_ = "whole model (.keras, Keras 3)";
  const Config metadata =
      parse_config_json(keras::read_archive_text(path_, "metadata.json"), "'" + path_ + "', metadata.json").as_map();
  for (const auto& [key, value] : metadata.entries())
    if (value.kind() == Config::Value::Kind::string) texts_.emplace_back(key, value.as_string());
  texts_.emplace_back("model_config", keras::read_archive_text(path_, "config.json"));
  collect(keras::open_archive_weights(path_), "", 0, arrays_);
}

void Contents::read_npz() {
  format_ = "arrays of NumPy (.npz)";
  for (const auto& [name, tensor] : load_npz(path_))
    arrays_.push_back({name, tensor.shape(), to_string(tensor.dtype()), tensor.bytes()});
}

std::string Contents::text(const std::string& name) const {
  for (const auto& [key, value] : texts_)
    if (key == name) return value;
  return {};
}

Tensor Contents::read(const std::string& array) const {
  if (format_.starts_with("arrays")) {
    for (const auto& [name, tensor] : load_npz(path_))
      if (name == array) return tensor;
    throw FileError("'" + path_ + "' has no array '" + array + "'.");
  }
  return (format_.starts_with("whole model (") ? keras::open_archive_weights(path_) : hdf5::open_file(path_))
      .at(array)
      .read();
}

}  // namespace strata::cli
