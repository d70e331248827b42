/// \file
/// Event files for TensorBoard.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "strata/tensor.h"

namespace strata {
class Model;
}
namespace strata::detail {
class FunctionCore;
}

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

/// What writing has cost so far.
struct WriterStatistics {
  std::int64_t events = 0, bytes = 0;
  std::int64_t dropped = 0;  ///< events lost, because the file could not be written and memory is bounded
  double seconds = 0;        ///< that callers spent; the disk is written by another thread
};

/// A handle on an event file; copies write to the same one. A thread writes; events reach the file within two seconds,
/// at flush() and close(), when the last handle goes, and when the process exits, crashes or gets SIGTERM, SIGINT or
/// SIGHUP (handlers are installed where the program has none). Records are appended as a whole, so TensorBoard may read
/// meanwhile. At most 64 MiB wait in memory: then a slow disk slows the caller down, and a full one costs events.
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
  WriterStatistics statistics() const;

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

struct ImageOptions {
  Tensor step = {};
  int max_outputs = 3;  ///< so many of the batch, from the first
};
/// Images (n, height, width, channels) with 1, 3 or 4 channels: uint8, or floats between 0 and 1. As scalar()
/// otherwise. A plot is one: `summary::image("confusion", expand_dims(figure.to_tensor(), 0), {.step = epoch})`.
STRATA_API bool image(const std::string& name, const Tensor& images, const ImageOptions& options = {});

struct HistogramOptions {
  Tensor step = {};
  int buckets = 30;
};
/// How the elements are distributed, in buckets of equal width; those that are not finite are left out.
STRATA_API bool histogram(const std::string& name, const Tensor& values, const HistogramOptions& options = {});

struct PrCurveOptions {
  Tensor step = {};
  int num_thresholds = 201;
};
/// Precision and recall of 0/1 labels and predictions between 0 and 1, at thresholds of equal distances.
STRATA_API bool pr_curve(const std::string& name, const Tensor& labels, const Tensor& predictions,
                         const PrCurveOptions& options = {});

struct TextOptions {
  Tensor step = {};  ///< 0 where neither this nor the scope says one
};
/// Markdown, or a table of one column. Written at once: inside function() while it is traced alone.
STRATA_API bool text(const std::string& name, const std::string& markdown, const TextOptions& options = {});
STRATA_API bool text(const std::string& name, const std::vector<std::string>& lines, const TextOptions& options = {});

struct GraphOptions {
  std::string name = "keras";
  bool ops = false;  ///< the graph of its ops, too
};
/// The layers of a model of any kind, which must be built: the conceptual graph (tag "keras").
STRATA_API bool graph(const Model& model, const GraphOptions& options = {});

namespace detail {
STRATA_API bool write_function_graph(const strata::detail::FunctionCore& core);
/// A serialized tensorflow.Summary.Value to the default writer.
STRATA_API bool write_value(const std::string& value, std::int64_t step);
}  // namespace detail

/// The ops of a function()'s last trace, grouped by the layers that called them. Throws ValueError before its first
/// call.
template <class F>
requires requires(const F& f) { f.core(); }
bool graph(const F& function) { return detail::write_function_graph(*function.core()); }

/// With the step in TensorFlow's place: `summary::scalar("loss", loss, step)`.
inline bool scalar(const std::string& name, const Tensor& value, std::int64_t step) {
  return scalar(name, value, {.step = step});
}
inline bool image(const std::string& name, const Tensor& images, std::int64_t step) {
  return image(name, images, {.step = step});
}
inline bool histogram(const std::string& name, const Tensor& values, std::int64_t step) {
  return histogram(name, values, {.step = step});
}
inline bool text(const std::string& name, const std::string& markdown, std::int64_t step) {
  return text(name, markdown, {.step = step});
}

}  // namespace strata::summary
