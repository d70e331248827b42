#include "datasets/download.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "datasets/bytes.h"
#include "strata/error.h"
#include "strata/version.h"

namespace strata::datasets::detail {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// The file in the making, locked against other processes while this object lives.
class Part {
 public:
  explicit Part(const fs::path& path) : path_(path) {
    while (true) {
      file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
      if (file_ < 0) throw FileError("cannot write '" + path.string() + "': " + std::strerror(errno) + ".");
      while (::flock(file_, LOCK_EX) != 0 && errno == EINTR) {
      }
      // Whoever had the lock may have renamed or removed the file meanwhile.
      struct stat mine = {}, there = {};
      if (::fstat(file_, &mine) == 0 && ::stat(path.c_str(), &there) == 0 && mine.st_ino == there.st_ino) return;
      ::close(file_);
    }
  }
  ~Part() { ::close(file_); }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  std::int64_t size() const {
    struct stat info = {};
    return ::fstat(file_, &info) == 0 ? static_cast<std::int64_t>(info.st_size) : 0;
  }
  bool append(const char* data, std::size_t count) const {
    while (count > 0) {
      const ssize_t n = ::write(file_, data, count);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      data += n;
      count -= static_cast<std::size_t>(n);
    }
    return true;
  }
  void clear() const {
    if (::ftruncate(file_, 0) != 0)
      throw FileError("cannot write '" + path_.string() + "': " + std::strerror(errno) + ".");
  }
  void sync() const { ::fsync(file_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
  int file_ = -1;
};

// Shows how far a download is: a line that is written over on a terminal, else one at times.
class Progress {
 public:
  Progress(const Remote& remote, std::int64_t had) : remote_(remote), had_(had), terminal_(isatty(2) != 0) {}
  void show(std::int64_t now, bool last) {
    const auto time = Clock::now();
    if (!last && time - shown_ < std::chrono::milliseconds(terminal_ ? 100 : 10000)) return;
    shown_ = time;
    const double seconds = std::chrono::duration<double>(time - start_).count();
    const double total = static_cast<double>(remote_.bytes) / 1e6, done = static_cast<double>(now) / 1e6;
    std::fprintf(stderr, "%sDownloading %s: %3.0f%% of %.1f MB, %.1f MB/s%s", terminal_ ? "\r" : "",
                 remote_.name.c_str(), total > 0 ? 100 * done / total : 100.0, total,
                 static_cast<double>(now - had_) / 1e6 / std::max(seconds, 1e-3), terminal_ && !last ? "   " : "\n");
    std::fflush(stderr);
  }

 private:
  const Remote& remote_;
  std::int64_t had_;
  bool terminal_;
  Clock::time_point start_ = Clock::now(), shown_ = start_;
};

struct Transfer {
  const Remote& remote;
  const Part& part;
  Progress progress;
  std::int64_t had;
  std::string problem;
};

std::size_t on_data(char* data, std::size_t size, std::size_t count, void* user) {
  auto& t = *static_cast<Transfer*>(user);
  if (t.part.size() + static_cast<std::int64_t>(size * count) > t.remote.bytes) {
    t.problem = "it sends more than the expected " + std::to_string(t.remote.bytes) + " bytes";
    return 0;
  }
  if (!t.part.append(data, size * count)) {
    t.problem = "cannot write '" + t.part.path().string() + "': " + std::strerror(errno);
    return 0;
  }
  return size * count;
}

int on_progress(void* user, curl_off_t, curl_off_t now, curl_off_t, curl_off_t) {
  auto& t = *static_cast<Transfer*>(user);
  t.progress.show(t.had + static_cast<std::int64_t>(now), false);
  return 0;
}

void start_curl() {
  static const CURLcode status = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (status != CURLE_OK) throw FileError(std::string("libcurl does not start: ") + curl_easy_strerror(status));
}

void set_options(CURL* curl, const std::string& url, Transfer& transfer, char* message) {
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 20L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);  // bytes a second, for so many seconds: given up
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, 60L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, (std::string("strata/") + version()).c_str());
  curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(transfer.had));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
}

// Fetches what is missing of the file; returns what went wrong, or nothing.
std::string fetch_rest(const Remote& remote, const std::string& url, const Part& part) {
  start_curl();
  const std::int64_t had = part.size();
  Transfer transfer{remote, part, Progress(remote, had), had, {}};
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  if (curl == nullptr) return "libcurl does not start";
  char message[CURL_ERROR_SIZE] = "";
  set_options(curl.get(), url, transfer, message);
  const CURLcode status = curl_easy_perform(curl.get());
  long response = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &response);
  if (status == CURLE_OK) {
    transfer.progress.show(part.size(), true);
    return {};
  }
  if (had > 0 && (status == CURLE_RANGE_ERROR || response == 416)) {
    part.clear();  // a server that cannot go on in the middle
    return fetch_rest(remote, url, part);
  }
  if (!transfer.problem.empty()) return transfer.problem;
  return message[0] != '\0' ? message : curl_easy_strerror(status);
}

// What is wrong with the complete file, or nothing.
std::string check(const Remote& remote, const Part& part) {
  if (part.size() != remote.bytes)
    return "it has " + std::to_string(part.size()) + " bytes instead of " + std::to_string(remote.bytes);
  const std::string sum = sha256_of_file(part.path());
  if (sum != remote.sha256) return "its SHA-256 is " + sum + " instead of " + remote.sha256;
  return {};
}

std::string fetch_and_check(const Remote& remote, const std::string& url, const Part& part) {
  if (part.size() >= remote.bytes && !check(remote, part).empty()) part.clear();
  for (bool resumed = part.size() > 0;; resumed = false) {
    if (part.size() < remote.bytes)
      if (std::string problem = fetch_rest(remote, url, part); !problem.empty()) return problem;
    std::string problem = check(remote, part);
    if (problem.empty()) return {};
    // A short file may be continued another time; a wrong one is of no use.
    if (part.size() >= remote.bytes || resumed) part.clear();
    if (!resumed) return "what was downloaded is not the published file: " + problem;
  }
}

}  // namespace

fs::path download(const Remote& remote, const fs::path& directory) {
  const fs::path target = directory / remote.name;
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) throw FileError("cannot make the directory '" + directory.string() + "': " + error.message() + ".");
  if (fs::exists(target, error)) return target;
  const Part part(target.string() + ".part");
  if (fs::exists(target, error)) {  // another process was faster
    fs::remove(part.path(), error);
    return target;
  }
  std::vector<std::string> urls = remote.urls;
  if (const char* mirror = std::getenv("STRATA_DATA_MIRROR"); mirror != nullptr && *mirror != '\0')
    urls.insert(urls.begin(), std::string(mirror) + (std::string(mirror).ends_with('/') ? "" : "/") + remote.name);
  std::string problems;
  for (const std::string& url : urls) {
    const std::string problem = fetch_and_check(remote, url, part);
    if (problem.empty()) {
      part.sync();
      fs::rename(part.path(), target, error);
      if (error) throw FileError("cannot make '" + target.string() + "': " + error.message() + ".");
      return target;
    }
    problems += (problems.empty() ? "" : "; ") + url + ": " + problem;
  }
  if (part.size() == 0) fs::remove(part.path(), error);
  throw FileError(problems);
}

}  // namespace strata::datasets::detail
