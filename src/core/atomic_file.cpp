#include "core/atomic_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/pread_all.h"
#include "strata/error.h"

namespace strata {

namespace fs = std::filesystem;

namespace {

// So many bytes are written, and then begin their way to the disk while the next are copied: commit() waits less.
constexpr std::size_t kChunk = std::size_t{32} << 20;
constexpr const char* kMark = ".tmp-";  // of temporaries: "net.npz.tmp-PROCESS-NUMBER"

[[noreturn]] void fail_on(const std::string& path, const std::string& what, int error = errno) {
  throw FileError("'" + path + "': " + what + ": " + std::strerror(error) + ".");
}

std::string temporary_name(const std::string& path) {
  static std::atomic<unsigned> counter = 0;
  return path + kMark + std::to_string(getpid()) + "-" + std::to_string(counter++);
}

// What a rename shall replace: the file that a link leads to, not the link.
std::string resolved(const std::string& path) {
  std::error_code error;
  if (!fs::is_symlink(path, error)) return path;
  const auto target = fs::weakly_canonical(path, error);
  return error ? path : target.string();
}

std::string folder_of(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

// A new name has to reach the disk, too; a file system that cannot do that is no reason to fail.
void sync_folder(const std::string& path) {
  const int folder = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  (void)fsync(folder);
  close(folder);
}

// Files that other libraries wrote, too.
void sync_tree(const std::string& path) {
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(path, error)) {
    if (entry.is_directory(error)) sync_folder(entry.path().string());
    if (!fs::is_regular_file(entry.symlink_status(error))) continue;
    const int file = open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    const bool done = file >= 0 && fsync(file) == 0;
    const int reason = errno;
    if (file >= 0) close(file);
    if (!done) fail_on(entry.path().string(), "cannot be written to the disk", reason);
  }
  sync_folder(path);
}

// Hard links where they can be made, copies elsewhere.
void link_tree(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (fs::is_directory(fs::symlink_status(from))) {
    fs::create_directory(to);
    for (const auto& entry : fs::directory_iterator(from)) link_tree(entry.path(), to / entry.path().filename());
    return;
  }
  fs::create_hard_link(from, to, error);
  if (error) fs::copy(from, to, fs::copy_options::copy_symlinks);
}

bool exchange(const std::string& a, const std::string& b) {
  constexpr unsigned kExchange = 2;  // RENAME_EXCHANGE
  return syscall(SYS_renameat2, AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), kExchange) == 0;
}

// Whether `name` is a temporary of a process that has ended.
bool is_stale(const std::string& name) {
  const std::size_t mark = name.rfind(kMark);
  if (mark == std::string::npos) return false;
  const std::string rest = name.substr(mark + std::strlen(kMark));
  const std::size_t dash = rest.find('-');
  auto is_number = [](const std::string& s) {
    return !s.empty() && s.size() < 10 && s.find_first_not_of("0123456789") == std::string::npos;
  };
  if (dash == std::string::npos || !is_number(rest.substr(0, dash)) || !is_number(rest.substr(dash + 1))) return false;
  return kill(std::stoi(rest.substr(0, dash)), 0) != 0 && errno == ESRCH;
}

}  // namespace

AtomicFile::AtomicFile(const std::string& path) : path_(resolved(path)) {
  struct stat old {};
  const bool exists = stat(path_.c_str(), &old) == 0;
  if (exists && S_ISDIR(old.st_mode)) throw FileError("'" + path_ + "': cannot be written: it is a folder.");
  do {
    temporary_ = temporary_name(path_);
    fd_ = open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
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

void AtomicFile::write(const void* bytes, std::size_t count) { write_at(position_, bytes, count); }

void AtomicFile::write_at(std::uint64_t offset, const void* bytes, std::size_t count) {
  const char* from = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t done = ::pwrite(fd_, from, std::min(count, kChunk), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("cannot be written");
    from += done;
    count -= static_cast<std::size_t>(done);
    offset += static_cast<std::uint64_t>(done);
    position_ = std::max(position_, offset);
    kept_back_ += static_cast<std::size_t>(done);
    if (kept_back_ < kChunk) continue;
    (void)sync_file_range(fd_, 0, 0, SYNC_FILE_RANGE_WRITE);
    kept_back_ = 0;
  }
}

void AtomicFile::read_at(std::uint64_t offset, void* out, std::size_t count) const {
  const ssize_t got = pread_all(fd_, offset, out, count);
  if (got < 0) fail("cannot be read again");
  std::memset(static_cast<char*>(out) + got, 0, count - static_cast<std::size_t>(got));
}

void AtomicFile::commit() {
  if (fsync(fd_) != 0) fail("cannot be written to the disk");
  if (rename(temporary_.c_str(), path_.c_str()) != 0) fail("cannot be given its name");
  close(fd_);
  fd_ = -1;
  sync_folder(folder_of(path_));
}

AtomicFolder::AtomicFolder(const std::string& path, std::vector<std::string> owned)
    : path_(resolved(path)), owned_(std::move(owned)) {
  while (path_.size() > 1 && path_.back() == '/') path_.pop_back();
  std::error_code error;
  if (fs::exists(path_, error) && !fs::is_directory(path_, error))
    throw FileError("'" + path_ + "': cannot be written: it is a file, expected a folder or nothing. Remove it first.");
  do temporary_ = temporary_name(path_);
  while (mkdir(temporary_.c_str(), 0777) != 0 && errno == EEXIST);
  if (!fs::is_directory(temporary_, error))
    throw FileError("'" + path_ + "': a folder in '" + folder_of(path_) + "' cannot be made. Does that folder exist, " +
                    "and may you write there?");
}

AtomicFolder::~AtomicFolder() {
  std::error_code error;
  if (!temporary_.empty()) fs::remove_all(temporary_, error);
}

std::string AtomicFolder::path(const std::string& entry) const {
  const fs::path full = fs::path(temporary_) / entry;
  std::error_code error;
  fs::create_directories(full.parent_path(), error);
  if (error) throw FileError("'" + full.parent_path().string() + "': cannot be made: " + error.message() + ".");
  return full.string();
}

void AtomicFolder::commit() {
  std::error_code error;
  const bool replaces = fs::is_directory(path_, error);
  try {
    if (replaces)
      for (const auto& entry : fs::directory_iterator(path_)) {
        const fs::path name = entry.path().filename(), target = temporary_ / name;
        const bool is_owned = std::find(owned_.begin(), owned_.end(), name.string()) != owned_.end();
        if (!is_owned && !fs::exists(fs::symlink_status(target))) link_tree(entry.path(), target);
      }
  } catch (const fs::filesystem_error& e) {
    throw FileError("'" + path_ + "': the files that it holds cannot be kept: " + e.code().message() + ".");
  }
  sync_tree(temporary_);
  if (!replaces) {
    if (rename(temporary_.c_str(), path_.c_str()) != 0) fail_on(path_, "cannot be given its name");
    temporary_.clear();
  } else if (!exchange(temporary_, path_)) {
    const std::string old = temporary_name(path_);
    if (rename(path_.c_str(), old.c_str()) != 0) fail_on(path_, "cannot be replaced");
    if (rename(temporary_.c_str(), path_.c_str()) != 0) {
      const int reason = errno;
      (void)rename(old.c_str(), path_.c_str());
      fail_on(path_, "cannot be given its name", reason);
    }
    temporary_ = old;
  }
  sync_folder(folder_of(path_));
  if (!temporary_.empty()) fs::remove_all(temporary_, error);  // the old one
  temporary_.clear();
}

void remove_stale_temporaries(const std::string& path) {
  const auto clean = [](const fs::path& folder, const std::string& prefix) {
    std::error_code error;
    std::vector<fs::path> stale;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with(prefix) && is_stale(name)) stale.push_back(entry.path());
    }
    for (const fs::path& p : stale) fs::remove_all(p, error);
  };
  clean(folder_of(path), fs::path(path).filename().string() + kMark);
  std::error_code error;
  if (fs::is_directory(path, error)) clean(path, "");
}

}  // namespace strata
