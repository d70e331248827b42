// Tensors of an ONNX file that lie in another file of its folder.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/file.h"

namespace strata::onnx {

// Where a tensor's bytes lie.
struct ExternalPlace {
  std::string location;  // relative to the model's folder
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length;

  // An entry of TensorProto.external_data. Throws FileError that begins with `where` for a number that is none.
  void set(const std::string& key, const std::string& value, const std::string& where);
};

class ExternalReader {
 public:
  explicit ExternalReader(const std::string& model_path) : model_path_(model_path) {}
  // Fills `out`. Throws FileError where the place leaves the model's folder or its file, or has another size.
  void read(const ExternalPlace& place, const std::string& where, void* out, std::uint64_t size);

 private:
  const InputFile& file(const std::string& location, const std::string& where);
  std::string model_path_;
  std::unordered_map<std::string, std::unique_ptr<InputFile>> files_;
};

// The second file of a model that is being saved. An older model under the same name keeps its own until this one is
// complete, so there are two names that take turns: "m.onnx.data" and "m.onnx.2.data".
class ExternalWriter {
 public:
  // `wanted`: whether the new model has a second file.
  ExternalWriter(const std::string& model_path, bool wanted);
  bool is_wanted() const { return file_ != nullptr; }
  // Appends, at a page's begin, as readers that map the file want.
  ExternalPlace add(std::string_view bytes);
  // Before the model is committed.
  void commit();
  // After it: the older model's file goes.
  void remove_old();

 private:
  std::string folder_, location_, old_;
  std::unique_ptr<AtomicFile> file_;
};

}  // namespace strata::onnx
