// Writing that leaves the old file or the new one under its name, never a half: after a crash, a kill or a full disk.
//
//   AtomicFile file("net.npz");                 AtomicFolder folder("net", {"saved_model.pb", "variables"});
//   file.write(bytes.data(), bytes.size());     { AtomicFile part(folder.path("saved_model.pb")); ...; part.commit(); }
//   file.commit();                              folder.commit();
//
// Every writer of the project goes through one of the two. Errors are FileErrors that name the file; without commit(),
// by an exception too, nothing is left behind. A killed process leaves a temporary: see remove_stale_temporaries().
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "strata/export.h"

namespace strata {

// Writes to a temporary file beside `path`; commit() gives it that name. Without commit() nothing is left behind.
class STRATA_API AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  // Behind what was written before.
  void write(const void* bytes, std::size_t count);
  std::uint64_t position() const { return position_; }
  // At any place. position() moves to the end of what is written, where it was before that.
  void write_at(std::uint64_t offset, const void* bytes, std::size_t count);
  // Of what was written; zeros where nothing was.
  void read_at(std::uint64_t offset, void* out, std::size_t count) const;
  // Waits until the bytes are on the disk, then renames.
  void commit();

 private:
  [[noreturn]] void fail(const char* what) const;
  std::string path_, temporary_;
  int fd_ = -1;
  std::uint64_t position_ = 0;
  std::size_t kept_back_ = 0;  // bytes that the system may not have begun to bring to the disk
};

// Collects files in a temporary folder beside `path`; commit() gives it that name in one step.
class STRATA_API AtomicFolder {
 public:
  // `owned`: the entries, at the top, that such a folder consists of. What an older folder holds beside them is the
  // user's and stays (as hard links, so that the old folder is whole until the last moment). Throws FileError where
  // `path` is a file, or the folder cannot be made.
  explicit AtomicFolder(const std::string& path, std::vector<std::string> owned = {});
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;
  // Where to write an entry for now ("variables/variables.index"); makes the folders on the way.
  std::string path(const std::string& entry) const;
  // Waits until everything is on the disk, then exchanges the new folder for the old one and removes that. Where the
  // file system cannot exchange names (NFS), the old folder is moved aside first: for a moment there is none.
  void commit();

 private:
  std::string path_, temporary_;
  std::vector<std::string> owned_;
};

// Removes what killed processes left beside `path` and, where it is a folder, in it: temporaries of processes that run
// no more.
STRATA_API void remove_stale_temporaries(const std::string& path);

}  // namespace strata
