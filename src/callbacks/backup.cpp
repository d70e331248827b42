#include "strata/backup.h"

#include <fmt/format.h>

#include <filesystem>
#include <iostream>

#include "core/atomic_file.h"
#include "data/order_state.h"
#include "models/layer_state.h"
#include "models/model_state.h"
#include "models/trackable.h"
#include "models/trainer.h"
#include "strata/array.h"
#include "strata/checkpoint.h"
#include "strata/loop.h"

namespace strata::callbacks {

namespace fs = std::filesystem;

namespace {

// The orders as they were when the epoch began: the epoch that is continued begins anew, and its first batches are
// passed over.
class EpochOrders final : public Trackable::Base {
 public:
  NamedTensors values() const override {
    std::vector<std::int64_t> copy = orders;
    const auto n = static_cast<std::int64_t>(copy.size());
    return {{"orders", Tensor::adopt(std::move(copy), {n})}};
  }
  void assign(const Tensors& values) const override {
    orders = values.at(0).to_vector<std::int64_t>();
    data::detail::set_order_states(orders);
  }
  bool is_flexible() const override { return true; }
  mutable std::vector<std::int64_t> orders;
};

}  // namespace

struct BackupAndRestore::State {
  std::string folder;
  BackupAndRestoreOptions options;
  std::shared_ptr<EpochOrders> orders = std::make_shared<EpochOrders>();
  // Epoch, step, steps of all epochs, and elements of a pass that runs on through the epochs.
  Variable position{zeros({4}, int64), {.trainable = false, .name = "position"}};
  std::int64_t batches_since = 0;

  std::string latest() const { return (fs::path(folder) / "latest").string(); }
  std::string previous() const { return (fs::path(folder) / "previous").string(); }

  Checkpoint checkpoint(const Model& model) const {
    Checkpoint all({{"model", model},
                    {"position", position},
                    {"orders", Trackable(orders)},
                    {"random", random::GlobalGenerator()}});
    if (!model.compiled()) return all;
    if (model.optimizer().defined()) all.add("optimizer", model.optimizer());
    // Metrics are given to the outputs when their number is known.
    Trainer& trainer = *model_state(model).trainer;
    const auto& built_for = model.state()->input_shapes;
    trainer.losses(model, built_for.empty() ? std::max<std::size_t>(model.outputs().size(), 1)
                                            : infer_outputs(model, built_for).size());
    Variables metrics;
    for (const auto& m : trainer.all_metrics(model))
      for (const Variable& v : m.variables()) metrics.push_back(v);
    all.add("metrics", metrics);
    return all;
  }
};

BackupAndRestore::BackupAndRestore(const std::string& backup_dir, const BackupAndRestoreOptions& options)
    : state_(std::make_shared<State>()) {
  if (backup_dir.empty()) throw ValueError("BackupAndRestore: backup_dir is empty. Give it the name of a folder.");
  if (options.save_freq && *options.save_freq < 1)
    throw ValueError(
        fmt::format("BackupAndRestore: save_freq is {}. Use a number of batches, or leave it out to save "
                    "at the end of each epoch.",
                    *options.save_freq));
  state_->folder = backup_dir;
  state_->options = options;
}

void BackupAndRestore::on_train_begin(const Logs&) {
  State& s = *state_;
  if (!model().built())
    throw ValueError(model().state()->describe() +
                     ": BackupAndRestore needs a model that is built before fit(). Call it on a batch, or "
                     "build({None, ...}).");
  s.batches_since = 0;
  remove_stale_temporaries(s.folder);
  for (const std::string& path : {s.latest(), s.previous()}) {
    if (!fs::exists(path)) continue;
    try {
      s.checkpoint(model()).restore(path);
    } catch (const FileError& e) {
      if (path == s.previous() || !fs::exists(s.previous())) throw;
      std::cerr << "warning: BackupAndRestore: " << e.what() << " The backup before it is taken.\n";
      continue;
    }
    const auto position = s.position.read().to_vector<std::int64_t>();
    if (loop() == nullptr) return;
    loop()->start_at(static_cast<int>(position[0]), position[1], position[2]);
    loop()->skip_data(position[3]);
    return;
  }
}

void BackupAndRestore::on_epoch_begin(int, const Logs&) { state_->orders->orders = data::detail::order_states(); }

void BackupAndRestore::on_train_batch_end(int, const Logs&) {
  State& s = *state_;
  if (!s.options.save_freq || ++s.batches_since < *s.options.save_freq) return;
  s.batches_since = 0;
  save(loop()->epoch(), loop()->step());
}

void BackupAndRestore::on_epoch_end(int epoch, const Logs&) {
  state_->orders->orders = data::detail::order_states();
  if (!state_->options.save_freq) save(epoch + 1, 0);
}

void BackupAndRestore::save(int epoch, std::int64_t step) {
  State& s = *state_;
  std::error_code error;
  fs::create_directories(s.folder, error);
  if (error) throw FileError("'" + s.folder + "': cannot be made: " + error.message() + ".");
  const auto data = loop()->data_position();
  if (data) s.orders->orders = data->orders;
  s.position.assign(Tensor::adopt(
      std::vector<std::int64_t>{epoch, step, loop()->global_step(), data ? data->elements : 0}, {4}));
  if (s.options.double_checkpoint && fs::exists(s.latest())) {
    fs::remove_all(s.previous(), error);
    fs::rename(s.latest(), s.previous(), error);
  }
  s.checkpoint(model()).save(s.latest());
}

void BackupAndRestore::on_train_end(const Logs&) {
  if (!state_->options.delete_checkpoint) return;
  std::error_code error;
  fs::remove_all(state_->latest(), error);
  fs::remove_all(state_->previous(), error);
  fs::remove(state_->folder, error);  // unless something else is in it
}

}  // namespace strata::callbacks
