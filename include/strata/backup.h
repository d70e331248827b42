/// \file
/// BackupAndRestore: a fit() that goes on where it was interrupted.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "strata/callback.h"

namespace strata::callbacks {

struct BackupAndRestoreOptions {
  std::optional<int> save_freq = {};  ///< batches; at the end of each epoch where it is not given
  bool double_checkpoint = false;     ///< keeps the backup before, too, for the case that the last one is damaged
  bool delete_checkpoint = true;      ///< removes the backup when training ends
};

/// Backs up the state of a training in a folder, and goes on from there when the same program is started again after a
/// crash or a kill: weights, the optimizer's slots, metrics, the order of the data, random state, epoch and batch, and
/// the choice of kernels. The losses are then those of a run without interruption, bit for bit, on the same machine and
/// number of threads. (Numbers that functions inside the data pipeline draw repeat where they have seeds.)
///
///     model.fit(x, y, {.epochs = 20, .callbacks = {callbacks::BackupAndRestore("backup", {.save_freq = 100})}});
class STRATA_API BackupAndRestore : public Callback {
 public:
  /// Throws ValueError where the folder has no name, or `save_freq` is below 1.
  explicit BackupAndRestore(const std::string& backup_dir, const BackupAndRestoreOptions& options = {});
  /// Throws ValueError where the model is not built or the backup is of another one, and FileError where it is damaged.
  void on_train_begin(const Logs&) override;
  void on_epoch_begin(int epoch, const Logs&) override;
  void on_train_batch_end(int batch, const Logs&) override;
  void on_epoch_end(int epoch, const Logs&) override;
  void on_train_end(const Logs&) override;

 private:
  void save(int epoch, std::int64_t step);
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace strata::callbacks
