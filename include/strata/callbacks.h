/// \file
/// The callbacks of strata. Names, defaults and behaviour are Keras 3.15's.
#pragma once

#include <optional>
#include <string>
#include <type_traits>

#include "strata/callback.h"

namespace strata::callbacks {

/// Keeps what fit() returns.
class STRATA_API History : public Callback {
 public:
  History();
  void on_train_begin(const Logs&) override;
  void on_epoch_end(int epoch, const Logs& logs) override;
  const strata::History::Table& history() const { return state_->history; }
  const std::vector<int>& epoch() const { return state_->epoch; }

 private:
  std::shared_ptr<strata::History> state_;
};

/// Shows the progress bar, whatever `verbose` says.
class STRATA_API ProgbarLogger : public Callback {};

struct EarlyStoppingOptions {
  std::string monitor = "val_loss";
  double min_delta = 0;
  int patience = 0;
  int verbose = 0;
  std::string mode = "auto";  ///< or "min", "max"
  std::optional<double> baseline = {};
  bool restore_best_weights = false;
  int start_from_epoch = 0;
};
/// Ends training after `patience` epochs without an improvement of more than `min_delta`.
class STRATA_API EarlyStopping : public Callback {
 public:
  EarlyStopping(const EarlyStoppingOptions& options = {});
  void on_train_begin(const Logs&) override;
  void on_epoch_end(int epoch, const Logs& logs) override;
  void on_train_end(const Logs&) override;
  /// The epoch, from 0, at whose end it stopped; 0 where it did not.
  int stopped_epoch() const;
  int best_epoch() const;
  /// Throws ValueError before the first epoch with a value.
  double best() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

struct ModelCheckpointOptions {
  std::string monitor = "val_loss";
  int verbose = 0;
  bool save_best_only = false;
  bool save_weights_only = false;
  std::string mode = "auto";
  std::optional<int> save_freq = {};  ///< batches; at the end of each epoch where it is not given
  std::optional<double> initial_value_threshold = {};
};
/// Saves the model, or its weights. The path may name values: "{epoch:02d}-{val_loss:.2f}.weights.h5", "{batch}".
class STRATA_API ModelCheckpoint : public Callback {
 public:
  ModelCheckpoint(const std::string& filepath, const ModelCheckpointOptions& options = {});
  void on_epoch_begin(int epoch, const Logs&) override;
  void on_train_batch_end(int batch, const Logs& logs) override;
  void on_epoch_end(int epoch, const Logs& logs) override;
  /// The file that was written last; empty before.
  const std::string& last_file() const;

 private:
  void save(int epoch, std::optional<std::int64_t> batch, const Logs& logs);
  bool is_wanted(int epoch, const Logs& logs, const std::string& path);
  struct State;
  std::shared_ptr<State> state_;
};

struct ReduceLROnPlateauOptions {
  std::string monitor = "val_loss";
  double factor = 0.1;
  int patience = 10;
  int verbose = 0;
  std::string mode = "auto";
  double min_delta = 1e-4;
  int cooldown = 0;
  double min_lr = 0;
};
/// Multiplies the learning rate by `factor` after `patience` epochs without an improvement.
class STRATA_API ReduceLROnPlateau : public Callback {
 public:
  ReduceLROnPlateau(const ReduceLROnPlateauOptions& options = {});
  void on_train_begin(const Logs&) override;
  void add_epoch_logs(int epoch, Logs& logs) override;
  void on_epoch_end(int epoch, const Logs& logs) override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

struct LearningRateSchedulerOptions {
  int verbose = 0;
};
/// Sets the learning rate at the start of each epoch, to `schedule(epoch, rate)` or `schedule(epoch)`.
class STRATA_API LearningRateScheduler : public Callback {
 public:
  template <class F>
  requires(std::is_invocable_r_v<double, const F&, int, double> || std::is_invocable_r_v<double, const F&, int>)
      LearningRateScheduler(const F& schedule, const LearningRateSchedulerOptions& options = {})
      : schedule_([schedule](int epoch, double rate) -> double {
          if constexpr (std::is_invocable_r_v<double, const F&, int, double>)
            return schedule(epoch, rate);
          else
            return schedule(epoch);
        }),
        verbose_(options.verbose) {}
  void on_epoch_begin(int epoch, const Logs&) override;
  void add_epoch_logs(int epoch, Logs& logs) override;

 private:
  Hook<double(int, double)> schedule_;
  int verbose_;
};

struct CSVLoggerOptions {
  std::string separator = ",";
  bool append = false;  ///< adds to the file where there is one
};
/// One line of values for each epoch. Throws FileError where the file cannot be written.
class STRATA_API CSVLogger : public Callback {
 public:
  CSVLogger(const std::string& filename, const CSVLoggerOptions& options = {});
  void on_train_begin(const Logs&) override;
  void on_epoch_end(int epoch, const Logs& logs) override;
  void on_train_end(const Logs&) override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

struct TerminateOnNaNOptions {
  bool raise_error = false;  ///< throws ValueError instead of ending the training
};
/// Ends training at a loss that is NaN or infinite.
class STRATA_API TerminateOnNaN : public Callback {
 public:
  TerminateOnNaN(const TerminateOnNaNOptions& options = {}) : options_(options) {}
  void on_train_batch_end(int batch, const Logs& logs) override;

 private:
  TerminateOnNaNOptions options_;
};

struct SwapEMAWeightsOptions {
  bool swap_on_epoch = false;  ///< at the ends of epochs, too, for callbacks that come after this one
};
/// Evaluates with the moving averages of the weights, for optimizers with `use_ema`. Throws ValueError for others.
class STRATA_API SwapEMAWeights : public Callback {
 public:
  SwapEMAWeights(const SwapEMAWeightsOptions& options = {});
  void on_epoch_begin(int epoch, const Logs&) override;
  void on_epoch_end(int epoch, const Logs&) override;
  void on_test_begin(const Logs&) override;
  void on_test_end(const Logs&) override;
  void on_predict_begin(const Logs&) override;
  void on_predict_end(const Logs&) override;

 private:
  void swap(bool in);
  SwapEMAWeightsOptions options_;
  std::shared_ptr<bool> is_in_;
};

/// Callables for the events of fit():
///
///     callbacks::LambdaCallback({.on_epoch_end = [](int epoch, const Logs& logs) { ... }})
struct LambdaCallbackOptions {
  Hook<void(int, const Logs&)> on_epoch_begin = {}, on_epoch_end = {};
  Hook<void(const Logs&)> on_train_begin = {}, on_train_end = {};
  Hook<void(int, const Logs&)> on_train_batch_begin = {}, on_train_batch_end = {};
  Hook<void(const Logs&)> on_test_begin = {}, on_test_end = {};
  Hook<void(int, const Logs&)> on_test_batch_begin = {}, on_test_batch_end = {};
};
class STRATA_API LambdaCallback : public Callback {
 public:
  LambdaCallback(const LambdaCallbackOptions& options) : options_(options) {}
  void on_train_begin(const Logs& logs) override;
  void on_train_end(const Logs& logs) override;
  void on_epoch_begin(int epoch, const Logs& logs) override;
  void on_epoch_end(int epoch, const Logs& logs) override;
  void on_train_batch_begin(int batch, const Logs& logs) override;
  void on_train_batch_end(int batch, const Logs& logs) override;
  void on_test_begin(const Logs& logs) override;
  void on_test_end(const Logs& logs) override;
  void on_test_batch_begin(int batch, const Logs& logs) override;
  void on_test_batch_end(int batch, const Logs& logs) override;

 private:
  LambdaCallbackOptions options_;
};

}  // namespace strata::callbacks
