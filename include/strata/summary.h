/// \file
/// Event files for TensorBoard.
#pragma once

#include <memory>
#include <string>

#include "strata/tensor.h"

namespace strata::summary {

namespace detail {
class EventFile;
}

/// While it lives, this thread's summaries go to its writer. Returned by SummaryWriter::as_default().
class STRATA_API Scope {
 public:
  Scope(std::shared_ptr<detail::EventFile> file, const Tensor& step);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  std::shared_ptr<detail::EventFile> outer_file_;
  Tensor outer_step_;
};

/// A handle on an event file; copies write to the same one. Events reach the file within two seconds, at flush() and
/// close(), and when the last handle goes; records are appended as a whole, so TensorBoard may read meanwhile.
class STRATA_API SummaryWriter {
 public:
  explicit SummaryWriter(std::shared_ptr<detail::EventFile> file);
  SummaryWriter(const SummaryWriter&);
  SummaryWriter& operator=(const SummaryWriter&) &;
  ~SummaryWriter();

  /// `auto scope = writer.as_default();`: until the scope ends, summaries of this thread go here. `step` is what they
  /// use that name none. Throws ValueError where the writer is closed.
  [[nodiscard]] Scope as_default(const Tensor& step = {}) const;
  /// Hands all that was written so far to the file. Throws FileError where that fails.
  void flush() const;
  /// Flushes and closes; what is written later throws ValueError.
  void close() const;
  /// The event file.
  const std::string& path() const;

 private:
  std::shared_ptr<detail::EventFile> file_;
};

struct FileWriterOptions {
  double flush_seconds = 2;             ///< at the latest so long after an event the file has it
  std::string filename_suffix = ".v2";  ///< after events.out.tfevents.<time>.<host>.<pid>.<n>
};

/// A new event file in `logdir`, which is made where it does not exist. Throws FileError.
STRATA_API SummaryWriter create_file_writer(const std::string& logdir, const FileWriterOptions& options = {});

struct ScalarOptions {
  Tensor step = {};  ///< an integer scalar, the horizontal axis; needed unless as_default has one
};

/// Writes one number under a name, to the default writer; without one it does nothing. Inside function() it writes each
/// time that the program runs. Returns whether there is a default writer. Throws ShapeError unless `value` is a scalar,
/// ValueError without a step.
STRATA_API bool scalar(const std::string& name, const Tensor& value, const ScalarOptions& options = {});

}  // namespace strata::summary
