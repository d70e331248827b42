// Writes HDF5 files, by libhdf5. One at a time in a process, since libhdf5 is not thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/atomic_file.h"
#include "io/hdf5/driver.h"
#include "strata/tensor.h"

namespace strata::hdf5 {

class STRATA_API Writer {
 public:
  // The file appears under its name with commit(). Throws FileError, as all below.
  explicit Writer(const std::string& path);
  // A part of a file, behind what it holds. `name`: what errors call it.
  Writer(AtomicFile& file, const std::string& name);
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
  // Completes the part of a file.
  void finish();
  // Completes the file, waits until the bytes are on the disk, then renames.
  void commit();

 private:
  [[noreturn]] void fail(const std::string& what) const;
  void open();
  bool close();
  std::unique_lock<std::mutex> lock_;
  std::string name_;
  std::optional<AtomicFile> own_;
  Target target_;
  std::int64_t file_ = -1;
};

}  // namespace strata::hdf5
