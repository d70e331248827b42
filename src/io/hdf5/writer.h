// Writes HDF5 files, by libhdf5, which makes them in memory: after a write that fails it crashes when it closes the
// file. One at a time in a process, since libhdf5 is not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/atomic_file.h"
#include "strata/tensor.h"

namespace strata::hdf5 {

// The file appears under its name when it is complete. Throws FileError.
class STRATA_API Writer {
 public:
  // Without a path: for finish() alone.
  Writer();
  explicit Writer(const std::string& path);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Groups above are made as needed.
  void group(const std::string& path);
  void dataset(const std::string& path, const Tensor& tensor);
  void attribute(const std::string& path, const std::string& name, const std::string& value);
  // An array of strings of a fixed length. Beyond 64512 bytes, which is what an object header holds, it is spread over
  // name0, name1, ... as Keras does.
  void attribute(const std::string& path, const std::string& name, const std::vector<std::string>& values);
  // Waits until the bytes are on the disk, then renames.
  void commit();
  // The bytes of the file, as long as this object lives.
  std::string_view finish();

 private:
  struct Image;
  [[noreturn]] void fail(const std::string& what) const;
  void open();
  void close();
  std::unique_lock<std::mutex> lock_;
  std::string path_;
  std::optional<AtomicFile> target_;
  std::unique_ptr<Image> image_;
  std::int64_t file_ = -1;
};

}  // namespace strata::hdf5
