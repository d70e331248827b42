#include "core/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/pread_all.h"
#include "strata/error.h"

namespace strata {

namespace {

[[noreturn]] void fail_on(const std::string& path, const std::string& what) {
  throw FileError("'" + path + "': " + what + ": " + std::strerror(errno) + ".");
}

}  // namespace

ByteSource::~ByteSource() = default;

InputFile::InputFile(const std::string& path) : path_(path), fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (fd_ < 0) fail_on(path, "cannot be opened for reading");
  struct stat info {};
  if (fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode)) {
    const bool folder = S_ISDIR(info.st_mode);
    close(fd_);
    throw FileError("'" + path + "': expected a file, found " + (folder ? "a folder." : "something else."));
  }
  size_ = static_cast<std::uint64_t>(info.st_size);
}

InputFile::~InputFile() { close(fd_); }

void InputFile::read_at(std::uint64_t offset, void* out, std::size_t bytes) const {
  const ssize_t got = pread_all(fd_, offset, out, bytes);
  if (got < 0) fail_on(path_, "cannot be read");
  const auto read = static_cast<std::size_t>(got);
  if (read < bytes)
    throw FileError("'" + path_ + "': ends at byte " + std::to_string(offset + read) + ", expected " +
                    std::to_string(bytes - read) + " bytes more. The file is truncated.");
}

void FileSource::read(void* out, std::size_t bytes) {
  if (bytes > remaining_)
    throw FileError(where() + ": found " + std::to_string(remaining_) + " bytes, expected " + std::to_string(bytes) +
                    ". The file is truncated or damaged.");
  file_.read_at(offset_, out, bytes);
  offset_ += bytes;
  remaining_ -= bytes;
}

}  // namespace strata
