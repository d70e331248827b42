// Zip archives as far as NumPy's .npz needs them: entries stored or deflated, with zip64 sizes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/atomic_file.h"
#include "core/file.h"
#include "strata/export.h"

namespace strata {

struct ZipEntry {
  std::string name;
  std::uint16_t method = 0;
  std::uint32_t crc = 0;
  std::uint64_t compressed = 0, uncompressed = 0, offset = 0;
};

class STRATA_API ZipReader {
 public:
  // Reads the directory. Throws FileError where the file is no archive, or damaged.
  explicit ZipReader(const InputFile& file);
  const std::vector<ZipEntry>& entries() const { return entries_; }

  // The bytes of an entry.
  class Entry : public ByteSource {
   public:
    // Reads what is left and compares the checksum. Throws FileError.
    virtual void finish() = 0;
  };
  std::unique_ptr<Entry> open(const ZipEntry& entry) const;
  // Where the bytes of an entry begin in the file; those of one that is stored (method 0) are read there as they are.
  // Throws FileError where they would not lie in the file.
  std::uint64_t position_of(const ZipEntry& entry) const;

 private:
  void read_directory(std::uint64_t offset, std::uint64_t bytes, std::uint64_t count);
  [[noreturn]] void fail(const std::string& what) const;
  const InputFile& file_;
  std::vector<ZipEntry> entries_;
};

class STRATA_API ZipWriter {
 public:
  // Sizes and offsets from `limit` on are written in the zip64 form.
  explicit ZipWriter(AtomicFile& file, std::uint64_t limit = 0xffffffffu) : file_(file), limit_(limit) {}
  // Adds an entry that consists of `head` and then `body`.
  void add(const std::string& name, std::string_view head, std::string_view body, bool compressed);
  // An entry that somebody else writes into the file, stored, from position() of the file on; end() once it is there.
  // `most`: bytes that it will not exceed.
  void begin(const std::string& name, std::uint64_t most);
  void end();
  // Writes the directory.
  void finish();

 private:
  // Before the bytes of an entry; again, in the same place, once their checksum and size are known.
  void write_header(const ZipEntry& entry, bool wide);
  AtomicFile& file_;
  std::uint64_t limit_;
  std::vector<ZipEntry> entries_;
  bool wide_ = false;        // the entry between begin() and end(),
  std::uint64_t start_ = 0;  // and where its bytes begin
};

}  // namespace strata
