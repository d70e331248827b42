// A file of events in TFRecord format that TensorBoard reads while it grows.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "strata/export.h"

namespace strata::summary::detail {

// The bytes of a TFRecord: length, checksum of the length, data, checksum of the data; little endian.
STRATA_API std::string tfrecord(std::string_view data);

// What waits to be written: whole records in a list of blocks. One thread appends at a time and one takes at a time;
// they need no lock between them, so that a signal handler can take what a stopped thread left.
class RecordQueue {
 public:
  RecordQueue();
  ~RecordQueue();
  RecordQueue(const RecordQueue&) = delete;
  RecordQueue& operator=(const RecordQueue&) = delete;
  void append(std::string_view record);
  // The longest run of bytes at the front, empty where there is none; pop() takes it away.
  std::string_view front();
  void pop(std::size_t bytes);
  std::size_t bytes() const { return bytes_; }
  // Takes all, run by run, without giving memory back: for signal handlers. Empty at the end.
  std::string_view take_for_rescue() noexcept;

 private:
  struct Block;
  Block* first_;
  Block* last_;
  std::atomic<std::size_t> bytes_{0};
};

class STRATA_API EventFile {
 public:
  EventFile(const std::string& logdir, double flush_seconds, const std::string& suffix);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  // Appends an event that holds one summary value: `value` is a serialized tensorflow.Summary.Value.
  void add(std::int64_t step, std::string_view value);
  // The same for a graph: a serialized tensorflow.GraphDef.
  void add_graph(std::string_view graph);
  void flush();
  void close();
  bool is_closed() const;
  const std::string& path() const { return path_; }
  // Writes what is left, from a signal handler or at the exit of the process: no lock, no allocation.
  void rescue() noexcept;

  struct Statistics {
    std::int64_t events = 0, bytes = 0, dropped = 0;
    double seconds = 0;  // that callers spent in add()
  };
  Statistics statistics() const;

 private:
  class Writing;
  void append(std::string_view event);
  void wait_for_room(std::unique_lock<std::mutex>& lock);
  void flush_now_and_then();
  std::string write_pending();  // what went wrong, or empty
  void stop();

  std::string path_;
  int file_ = -1;
  int process_;
  double flush_seconds_;
  std::atomic<bool> is_writing_{false};  // one writer to the file at a time, taken before mutex_
  mutable std::mutex mutex_;             // of appending, and of all that follows
  std::condition_variable changed_, drained_;
  RecordQueue queue_;
  Statistics statistics_;
  bool closed_ = false, warned_ = false;
  std::atomic<bool> failing_{false};
  std::int64_t written_ = 0;  // bytes of whole records in the file
  std::thread thread_;
};

}  // namespace strata::summary::detail
