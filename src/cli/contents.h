// What a file holds, whatever its format: arrays by path, and texts such as the configuration.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "strata/model.h"
#include "strata/npy.h"

namespace strata::cli {

struct Array {
  std::string path;
  Shape shape;
  std::string dtype;
  std::uint64_t bytes = 0;
};

class Contents {
 public:
  // Throws FileError where the format is not known.
  explicit Contents(const std::string& path);
  const std::string& format() const { return format_; }
  const std::vector<Array>& arrays() const { return arrays_; }
  // "keras_version", "config", ...
  const std::vector<std::pair<std::string, std::string>>& texts() const { return texts_; }
  std::string text(const std::string& name) const;
  Tensor read(const std::string& array) const;

 private:
  void read_hdf5();
  void read_archive();
  void read_folder();
  void read_onnx();
  void read_artifact();
  void take(const std::string& format, const NamedTensors& tensors);
  void take(const std::string& format, const Model& model);
  std::string path_, format_;
  NamedTensors tensors_;  // of formats that are read as a whole
  std::vector<Array> arrays_;
  std::vector<std::pair<std::string, std::string>> texts_;
};

}  // namespace strata::cli
