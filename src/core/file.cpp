#include "core/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "strata/error.h"

namespace strata {

namespace {

// Linux moves at most 2 GiB at once.
constexpr std::size_t kChunk = std::size_t{1} << 30;

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
  char* to = static_cast<char*>(out);
  while (bytes > 0) {
    const ssize_t got = pread(fd_, to, std::min(bytes, kChunk), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_on(path_, "cannot be read");
    if (got == 0)
      throw FileError("'" + path_ + "': ends at byte " + std::to_string(offset) + ", expected " +
                      std::to_string(bytes) + " bytes more. The file is truncated.");
    to += got;
    offset += static_cast<std::uint64_t>(got);
    bytes -= static_cast<std::size_t>(got);
  }
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
