/// \file
/// Checkpoints: the state of a training in files, and a manager that keeps the last, the best and the timely ones.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "strata/layer.h"
#include "strata/metric.h"
#include "strata/optimizer.h"
#include "strata/variable.h"

namespace strata {

namespace data {
/// In a Checkpoint: how often each shuffle of this process has begun a pass, and its seed. Restored in a program that
/// makes its data sets in the same order, the passes that follow have the orders that they would have had.
struct Orders {};
}  // namespace data
namespace random {
/// In a Checkpoint: the global generator that dropout, initializers and augmentation draw from.
struct GlobalGenerator {};
}  // namespace random

/// What a Checkpoint can keep: anything that holds variables, the order of data, and the random state.
class STRATA_API Trackable {
 public:
  /// A model or layer: all its weights.
  Trackable(const Layer& layer);
  /// An optimizer: its steps, rate, slots, and the loss scale.
  Trackable(const optimizers::Optimizer& optimizer);
  Trackable(const metrics::Metric& metric);
  /// A variable, such as a counter of steps.
  Trackable(const Variable& variable);
  Trackable(const Variables& variables);
  Trackable(data::Orders);
  Trackable(random::GlobalGenerator);

  class Base;
  /// For the engine.
  explicit Trackable(std::shared_ptr<const Base> impl) : impl_(std::move(impl)) {}
  const std::shared_ptr<const Base>& impl() const { return impl_; }

 private:
  std::shared_ptr<const Base> impl_;
};

struct CheckpointSaveOptions {
  std::int64_t shard_bytes = std::int64_t{1} << 30;  ///< what one file of a checkpoint holds at most, one tensor apart
};
struct CheckpointRestoreOptions {
  bool partial = false;  ///< parts that the file or the Checkpoint lacks are reported instead of an error
};
/// What restore() found, as names of parts.
struct CheckpointReport {
  std::vector<std::string> restored;
  std::vector<std::string> missing;     ///< in the Checkpoint, not in the file
  std::vector<std::string> unexpected;  ///< in the file, not in the Checkpoint
};

/// Named parts of a training that are saved and restored together, bit for bit.
///
///     Checkpoint checkpoint({{"model", model}, {"optimizer", optimizer}, {"random", random::GlobalGenerator()}});
///     checkpoint.save("run/checkpoint");
///     checkpoint.restore("run/checkpoint");
///
/// A checkpoint is a folder: `checkpoint.json`, which lists what it holds, and NumPy archives with a checksum for each
/// tensor. It appears under its name when it is complete, in place of an older one.
class STRATA_API Checkpoint {
 public:
  Checkpoint(std::initializer_list<std::pair<const char*, Trackable>> parts = {});
  /// Throws ValueError where the name is empty, taken, or holds a '/'.
  void add(const std::string& name, const Trackable& part);

  /// Throws FileError where the folder cannot be written (the older one stays then), and ValueError where a model is
  /// not built.
  void save(const std::string& path, const CheckpointSaveOptions& options = {}) const;
  /// Everything is read and checked before anything is changed. An optimizer without slots gets those for the model of
  /// the checkpoint. Throws FileError where the files are damaged, ValueError where the parts or the numbers of their
  /// tensors differ, ShapeError where a shape does.
  CheckpointReport restore(const std::string& path, const CheckpointRestoreOptions& options = {}) const;

 private:
  friend class CheckpointManager;
  struct State;
  std::shared_ptr<State> state_;
};

struct CheckpointManagerOptions {
  int max_to_keep = 5;                                       ///< of the last ones; 0 keeps all
  std::optional<double> keep_checkpoint_every_n_hours = {};  ///< one in so many hours is kept for good
  std::string checkpoint_name = "ckpt";                      ///< files are "<directory>/<name>-<number>"
  std::string monitor = {};                                  ///< a value given to save(): the best is kept as well
  std::string mode = "min";                                  ///< or "max": which of its values is the best
  bool asynchronous = false;                                 ///< save() returns at once, a thread writes
  std::int64_t shard_bytes = std::int64_t{1} << 30;          ///< as in CheckpointSaveOptions
};
struct ManagerSaveOptions {
  std::optional<std::int64_t> checkpoint_number = {};       ///< one more than the last where it is not given
  std::vector<std::pair<std::string, double>> values = {};  ///< such as {{"val_loss", 0.31}}
};

/// Numbered checkpoints in a directory, of which old ones are removed.
///
///     CheckpointManager manager(checkpoint, "run", {.max_to_keep = 3, .monitor = "val_loss"});
///     manager.restore_or_initialize();
///     ...
///     manager.save({.values = {{"val_loss", loss}}});
class STRATA_API CheckpointManager {
 public:
  /// Makes the directory. Throws FileError, and ValueError where an option is out of range.
  CheckpointManager(const Checkpoint& checkpoint, const std::string& directory,
                    const CheckpointManagerOptions& options = {});
  /// Waits for a save that is on its way.
  ~CheckpointManager();
  CheckpointManager(const CheckpointManager&) = delete;
  CheckpointManager& operator=(const CheckpointManager&) = delete;

  /// Saves, removes what is not to be kept, and returns the path. With `.asynchronous`, training may go on at once: the
  /// values are those of this moment. An error of the save before is thrown here or by wait().
  std::string save(const ManagerSaveOptions& options = {});
  /// Until everything is on the disk. Throws what the writing thread threw.
  void wait();

  /// The paths that are there, oldest first.
  std::vector<std::string> checkpoints() const;
  /// Empty where there is none.
  std::string latest_checkpoint() const;
  std::string best_checkpoint() const;

  /// Restores the last checkpoint; where it is damaged, the one before, with a warning. Returns its path, empty where
  /// there is none: then nothing is changed.
  std::string restore_or_initialize();
  /// Throws ValueError where none has a value of `monitor`.
  std::string restore_best();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata
