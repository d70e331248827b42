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
#include <new>
#include <utility>

#include "io/event_rescue.h"
#include "io/protobuf.h"
#include "kernels/crc32c.h"
#include "strata/error.h"

namespace strata::summary::detail {

namespace {

// Field numbers of tensorflow.Event and its SourceMetadata.
enum EventField { kWallTime = 1, kStep = 2, kFileVersion = 3, kGraphDef = 4, kSummary = 5, kSourceMetadata = 10 };
constexpr int kSummaryValue = 1, kSourceWriter = 1;

constexpr std::size_t kFlushBytes = std::size_t{1} << 20;  // written at once, not only after the interval
constexpr std::size_t kMostBytes = std::size_t{64} << 20;  // kept in memory; then callers wait

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

struct RecordQueue::Block {
  explicit Block(std::size_t capacity) : capacity(capacity), bytes(new char[capacity]) {}
  std::size_t capacity, taken = 0;
  std::atomic<std::size_t> filled{0};  // bytes of whole records
  std::atomic<Block*> next{nullptr};
  std::unique_ptr<char[]> bytes;
};

namespace {
constexpr std::size_t kBlockBytes = std::size_t{64} << 10;
}

RecordQueue::RecordQueue() : first_(new Block(kBlockBytes)), last_(first_) {}
RecordQueue::~RecordQueue() {
  while (first_ != nullptr) delete std::exchange(first_, first_->next.load());
}

void RecordQueue::append(std::string_view record) {
  if (last_->capacity - last_->filled < record.size()) {
    auto* block = new Block(std::max(kBlockBytes, record.size()));
    last_->next = block;
    last_ = block;
  }
  const std::size_t at = last_->filled;
  std::memcpy(last_->bytes.get() + at, record.data(), record.size());
  bytes_ += record.size();
  last_->filled = at + record.size();
}

std::string_view RecordQueue::front() {
  while (first_->taken == first_->filled && first_->next.load() != nullptr) {
    // The record that made the next block may have been appended to this one just before.
    if (first_->taken != first_->filled) break;
    delete std::exchange(first_, first_->next.load());
  }
  return {first_->bytes.get() + first_->taken, first_->filled - first_->taken};
}

void RecordQueue::pop(std::size_t bytes) {
  first_->taken += bytes;
  bytes_ -= bytes;
}

std::string_view RecordQueue::take_for_rescue() noexcept {
  for (Block* block = first_; block != nullptr; block = block->next.load()) {
    const std::size_t from = block->taken, to = block->filled;
    if (from == to) continue;
    block->taken = to;
    bytes_ -= to - from;
    return {block->bytes.get() + from, to - from};
  }
  return {};
}

// Writes to the file are one at a time. Signals that end the process wait meanwhile, so that their handler never finds
// its own thread writing.
class EventFile::Writing {
 public:
  explicit Writing(EventFile& file) : file_(file) {
    while (file_.is_writing_.exchange(true)) std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  ~Writing() { file_.is_writing_ = false; }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;

 private:
  SignalsHeld held_;
  EventFile& file_;
};

EventFile::EventFile(const std::string& logdir, double flush_seconds, const std::string& suffix)
    : process_(getpid()), flush_seconds_(flush_seconds) {
  std::error_code error;
  std::filesystem::create_directories(logdir, error);
  if (error)
    throw FileError("summary::create_file_writer: cannot make the directory '" + logdir + "': " + error.message() +
                    ".");
  path_ = (std::filesystem::path(logdir) / file_name(suffix)).string();
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
  if (file_ < 0)
    throw FileError("summary::create_file_writer: cannot write '" + path_ + "': " + std::strerror(errno) + ".");
  queue_.append(tfrecord(first_event()));
  if (const std::string problem = write_pending(); !problem.empty()) {
    ::close(file_);
    throw FileError("summary::create_file_writer: " + problem);
  }
  const SignalsHeld inherited;  // the thread leaves signals to others
  thread_ = std::thread([this] { flush_now_and_then(); });
  watch_over(this);
}

EventFile::~EventFile() {
  stop();
  release(this);
  if (file_ < 0) return;
  const Writing writing(*this);
  write_pending();
  ::close(file_);
}

void EventFile::add(std::int64_t step, std::string_view value) {
  const auto start = std::chrono::steady_clock::now();
  std::string event, summary;
  protozero::pbf_writer(summary).add_message(kSummaryValue, value.data(), value.size());
  {
    protozero::pbf_writer out(event);
    out.add_double(kWallTime, now());
    out.add_int64(kStep, step);
    out.add_message(kSummary, summary);
  }
  append(event);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const std::lock_guard lock(mutex_);
  statistics_.seconds += seconds;
}

void EventFile::add_graph(std::string_view graph) {
  std::string event;
  {
    protozero::pbf_writer out(event);
    out.add_double(kWallTime, now());
    out.add_bytes(kGraphDef, graph.data(), graph.size());
  }
  append(event);
}

void EventFile::append(std::string_view event) {
  const std::string record = tfrecord(event);
  {
    std::unique_lock lock(mutex_);
    if (queue_.bytes() > kMostBytes) wait_for_room(lock);
    if (closed_)
      throw ValueError("summary: the writer of '" + path_ + "' is closed. Write before close(), or make a new one.");
    if (queue_.bytes() > kMostBytes) {
      ++statistics_.dropped;
      return;
    }
    const bool was_empty = queue_.bytes() == 0;
    queue_.append(record);
    ++statistics_.events;
    statistics_.bytes += static_cast<std::int64_t>(record.size());
    if (!was_empty && queue_.bytes() < kFlushBytes) return;
  }
  changed_.notify_one();
}

// Memory is bounded: a slow disk slows the caller down; one that fails costs events, not the training.
void EventFile::wait_for_room(std::unique_lock<std::mutex>& lock) {
  changed_.notify_one();
  drained_.wait_for(lock, std::chrono::seconds(30),
                    [&] { return closed_ || failing_ || queue_.bytes() <= kMostBytes; });
}

void EventFile::flush() {
  std::string problem;
  {
    const Writing writing(*this);
    if (is_closed()) return;
    problem = write_pending();
  }
  if (!problem.empty()) throw FileError("summary: " + problem);
}

void EventFile::close() {
  stop();
  const Writing writing(*this);
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

EventFile::Statistics EventFile::statistics() const {
  const std::lock_guard lock(mutex_);
  return statistics_;
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
      changed_.wait(lock, [&] { return closed_ || queue_.bytes() > 0; });
      changed_.wait_for(lock, std::chrono::duration<double>(flush_seconds_),
                        [&] { return closed_ || queue_.bytes() >= kFlushBytes; });
      if (closed_) return;
    }
    const Writing writing(*this);
    const std::string problem = write_pending();
    if (!problem.empty() && !std::exchange(warned_, true))
      std::fprintf(stderr, "warning: summary: %s It is tried again later.\n", problem.c_str());
  }
}

std::string EventFile::write_pending() {
  for (std::string_view bytes = queue_.front(); !bytes.empty(); bytes = queue_.front()) {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t n = ::write(file_, bytes.data() + done, bytes.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        failing_ = true;
        drained_.notify_all();
        const std::string problem = "cannot write '" + path_ + "': " + std::strerror(errno) + ".";
        // Readers must not find half a record.
        if (done > 0 && ::ftruncate(file_, written_) != 0) return problem + " The end of the file is damaged.";
        return problem;
      }
      done += static_cast<std::size_t>(n);
    }
    written_ += static_cast<std::int64_t>(bytes.size());
    queue_.pop(bytes.size());
  }
  failing_ = false;
  drained_.notify_all();
  return {};
}

void EventFile::rescue() noexcept {
  if (getpid() != process_ || file_ < 0) return;  // a forked child leaves the file to its parent
  timespec pause{0, 1000000};
  for (int i = 0; is_writing_.exchange(true); ++i) {
    if (i == 2000) return;
    nanosleep(&pause, nullptr);
  }
  // Blocks are not freed here: an interrupted thread may hold the allocator's lock.
  for (std::string_view bytes = queue_.take_for_rescue(); !bytes.empty(); bytes = queue_.take_for_rescue()) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(file_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  is_writing_ = false;
}

}  // namespace strata::summary::detail
