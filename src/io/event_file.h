// A file of events in TFRecord format that TensorBoard reads while it grows.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "strata/export.h"

namespace strata::summary::detail {

// The bytes of a TFRecord: length, checksum of the length, data, checksum of the data; little endian.
STRATA_API std::string tfrecord(std::string_view data);

class STRATA_API EventFile {
 public:
  EventFile(const std::string& logdir, double flush_seconds, const std::string& suffix);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  // Appends an event that holds one summary value: `value` is a serialized tensorflow.Summary.Value.
  void add(std::int64_t step, std::string_view value);
  void flush();
  void close();
  bool is_closed() const;
  const std::string& path() const { return path_; }

 private:
  void flush_now_and_then();
  std::string write_pending();  // what went wrong, or empty
  void stop();

  std::string path_;
  int file_ = -1;
  double flush_seconds_;
  std::mutex writing_;        // one writer to the file at a time, taken before mutex_
  mutable std::mutex mutex_;  // of all that follows
  std::condition_variable changed_;
  std::string pending_;
  bool closed_ = false, warned_ = false;
  std::int64_t written_ = 0;  // bytes of whole records in the file
  std::thread thread_;
};

}  // namespace strata::summary::detail
