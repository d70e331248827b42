#include "core/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "strata/error.h"

namespace strata {

namespace {

// Linux moves at most 2 GiB at once.
constexpr std::size_t kChunk = std::size_t{1} << 30;

[[noreturn]] void fail_on(const std::string& path, const std::string& what) {
  throw FileError("'" + path + "': " + what + ": " + std::strerror(errno) + ".");
}

// What a rename shall replace: the file that a link leads to, not the link.
std::string resolved(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_symlink(path, error)) return path;
  const auto target = std::filesystem::weakly_canonical(path, error);
  return error ? path : target.string();
}

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
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

AtomicFile::AtomicFile(const std::string& path) : path_(resolved(path)) {
  static std::atomic<unsigned> counter = 0;
  struct stat old {};
  const bool exists = stat(path_.c_str(), &old) == 0;
  if (exists && S_ISDIR(old.st_mode)) throw FileError("'" + path_ + "': cannot be written: it is a folder.");
  do {
    temporary_ = path_ + ".tmp-" + std::to_string(getpid()) + "-" + std::to_string(counter++);
    fd_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (fd_ < 0 && errno == EEXIST);
  if (fd_ < 0) fail_on(path_, "cannot be written: a file in folder '" + folder_of(path_) + "' cannot be made");
  if (exists) (void)fchmod(fd_, old.st_mode & 07777);  // the new file keeps the permissions where it may
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  close(fd_);
  unlink(temporary_.c_str());
}

void AtomicFile::fail(const char* what) const { fail_on(path_, what); }

void AtomicFile::write(const void* bytes, std::size_t count) {
  const char* from = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t done = ::write(fd_, from, std::min(count, kChunk));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("cannot be written");
    from += done;
    count -= static_cast<std::size_t>(done);
    position_ += static_cast<std::uint64_t>(done);
  }
}

void AtomicFile::commit() {
  if (fsync(fd_) != 0) fail("cannot be written to the disk");
  if (rename(temporary_.c_str(), path_.c_str()) != 0) fail("cannot be given its name");
  close(fd_);
  fd_ = -1;
  // The new name has to reach the disk, too; a file system that cannot do that is no reason to fail.
  const int folder = open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  (void)fsync(folder);
  close(folder);
}

}  // namespace strata
