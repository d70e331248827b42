#include "io/event_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <protozero/pbf_writer.hpp>

#include "io/crc32c.h"
#include "strata/error.h"

namespace strata::summary::detail {

namespace {

// Field numbers of tensorflow.Event and its SourceMetadata.
enum EventField { kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5, kSourceMetadata = 10 };
constexpr int kSummaryValue = 1, kSourceWriter = 1;

constexpr std::size_t kFlushBytes = std::size_t{1} << 20;  // written at once, not only after the interval
constexpr std::size_t kLostBytes = std::size_t{64} << 20;  // kept while the file cannot be written

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

template <class T>
void append_number(std::string& out, T v) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>((v >> (8 * i)) & 0xff);
}

// events.out.tfevents.<seconds>.<host>.<pid>.<n><suffix>: what TensorBoard looks for.
std::string file_name(const std::string& suffix) {
  static std::atomic<int> number = 0;
  char host[256] = "localhost";
  if (gethostname(host, sizeof(host) - 1) != 0) std::strcpy(host, "localhost");
  host[sizeof(host) - 1] = '\0';
  char seconds[32];
  std::snprintf(seconds, sizeof(seconds), "%010lld", static_cast<long long>(std::time(nullptr)));
  return "events.out.tfevents." + std::string(seconds) + "." + host + "." + std::to_string(getpid()) + "." +
         std::to_string(number++) + suffix;
}

std::string first_event() {
  std::string event;
  protozero::pbf_writer out(event);
  out.add_double(kWallTime, now());
  out.add_string(kFileVersion, "brain.Event:2");
  std::string source;
  protozero::pbf_writer(source).add_string(kSourceWriter, "strata");
  out.add_message(kSourceMetadata, source);
  return event;
}

}  // namespace

std::string tfrecord(std::string_view data) {
  std::string out;
  out.reserve(data.size() + 16);
  append_number<std::uint64_t>(out, data.size());
  append_number<std::uint32_t>(out, masked_crc32c(out));
  out += data;
  append_number<std::uint32_t>(out, masked_crc32c(data));
  return out;
}

EventFile::EventFile(const std::string& logdir, double flush_seconds, const std::string& suffix)
    : flush_seconds_(flush_seconds) {
  std::error_code error;
  std::filesystem::create_directories(logdir, error);
  if (error)
    throw FileError("summary::create_file_writer: cannot make the directory '" + logdir + "': " + error.message() +
                    ".");
  path_ = (std::filesystem::path(logdir) / file_name(suffix)).string();
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
  if (file_ < 0)
    throw FileError("summary::create_file_writer: cannot write '" + path_ + "': " + std::strerror(errno) + ".");
  pending_ = tfrecord(first_event());
  if (const std::string problem = write_pending(); !problem.empty()) {
    ::close(file_);
    throw FileError("summary::create_file_writer: " + problem);
  }
  thread_ = std::thread([this] { flush_now_and_then(); });
}

EventFile::~EventFile() {
  stop();
  if (file_ < 0) return;
  const std::lock_guard writing(writing_);
  write_pending();
  ::close(file_);
}

void EventFile::add(std::int64_t step, std::string_view value) {
  std::string event, summary;
  protozero::pbf_writer(summary).add_message(kSummaryValue, value.data(), value.size());
  protozero::pbf_writer out(event);
  out.add_double(kWallTime, now());
  out.add_int64(kStep, step);
  out.add_message(kSummary, summary);
  const std::string record = tfrecord(event);
  {
    const std::lock_guard lock(mutex_);
    if (closed_)
      throw ValueError("summary: the writer of '" + path_ + "' is closed. Write before close(), or make a new one.");
    if (pending_.size() > kLostBytes) pending_.clear();
    const bool was_empty = pending_.empty();
    pending_ += record;
    if (!was_empty && pending_.size() < kFlushBytes) return;
  }
  changed_.notify_one();
}

void EventFile::flush() {
  std::string problem;
  {
    const std::lock_guard writing(writing_);
    if (is_closed()) return;
    problem = write_pending();
  }
  if (!problem.empty()) throw FileError("summary: " + problem);
}

void EventFile::close() {
  stop();
  const std::lock_guard writing(writing_);
  if (file_ < 0) return;
  const std::string problem = write_pending();
  ::close(file_);
  file_ = -1;
  if (!problem.empty()) throw FileError("summary: " + problem);
}

bool EventFile::is_closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

void EventFile::stop() {
  std::thread thread;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    thread = std::move(thread_);
  }
  changed_.notify_all();
  if (thread.joinable()) thread.join();
}

void EventFile::flush_now_and_then() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return closed_ || !pending_.empty(); });
      changed_.wait_for(lock, std::chrono::duration<double>(flush_seconds_),
                        [&] { return closed_ || pending_.size() >= kFlushBytes; });
      if (closed_) return;
    }
    const std::lock_guard writing(writing_);
    const std::string problem = write_pending();
    if (!problem.empty() && !std::exchange(warned_, true))
      std::fprintf(stderr, "warning: summary: %s It is tried again later.\n", problem.c_str());
  }
}

std::string EventFile::write_pending() {
  std::string bytes;
  {
    const std::lock_guard lock(mutex_);
    bytes.swap(pending_);
  }
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::write(file_, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const std::string problem = "cannot write '" + path_ + "': " + std::strerror(errno) + ".";
      // Readers must not find half a record.
      if (done > 0 && ::ftruncate(file_, written_) != 0) return problem + " The end of the file is damaged.";
      const std::lock_guard lock(mutex_);
      pending_.insert(0, bytes);
      return problem;
    }
    done += static_cast<std::size_t>(n);
  }
  written_ += static_cast<std::int64_t>(bytes.size());
  return {};
}

}  // namespace strata::summary::detail
