// Files: reading within bounds. Writing: core/atomic_file.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/atomic_file.h"
#include "strata/export.h"

namespace strata {

// Bytes that are read once, from front to back.
class STRATA_API ByteSource {
 public:
  virtual ~ByteSource();
  virtual std::uint64_t remaining() const = 0;
  // Fills `out`. Throws FileError where fewer bytes are left.
  virtual void read(void* out, std::size_t bytes) = 0;
  // What error messages call it: "'a.npz', entry 'x.npy'".
  virtual std::string where() const = 0;
};

// A file open for reading. Throws FileError where it cannot be.
class STRATA_API InputFile {
 public:
  explicit InputFile(const std::string& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  const std::string& path() const { return path_; }
  std::uint64_t size() const { return size_; }
  // Fills `out` from `offset` on. Throws FileError at the end of the file.
  void read_at(std::uint64_t offset, void* out, std::size_t bytes) const;

 private:
  std::string path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

// A part of a file.
class STRATA_API FileSource final : public ByteSource {
 public:
  FileSource(const InputFile& file, std::uint64_t offset, std::uint64_t bytes)
      : file_(file), offset_(offset), remaining_(bytes) {}
  std::uint64_t remaining() const override { return remaining_; }
  void read(void* out, std::size_t bytes) override;
  std::string where() const override { return "'" + file_.path() + "'"; }

 private:
  const InputFile& file_;
  std::uint64_t offset_, remaining_;
};

}  // namespace strata
