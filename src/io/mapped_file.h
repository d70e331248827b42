// A file as memory, for reading.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace strata {

class MappedFile {
 public:
  // Throws FileError where it cannot be opened, or is empty.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  const void* bytes() const { return bytes_; }
  std::size_t size() const { return size_; }

 private:
  void* bytes_ = nullptr;
  std::size_t size_ = 0;
};

inline std::shared_ptr<const MappedFile> map_file(const std::string& path) {
  return std::make_shared<MappedFile>(path);
}

}  // namespace strata
