// EarlyStopping, ModelCheckpoint and ReduceLROnPlateau: what they do when a value improves, or does not.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>

#include "callbacks/monitor.h"
#include "strata/array.h"
#include "strata/callbacks.h"

namespace strata::callbacks {

struct EarlyStopping::State {
  EarlyStoppingOptions options;
  Monitor monitor;
  int wait = 0, stopped_epoch = 0, best_epoch = 0;
  std::optional<double> best = {};
  std::optional<Tensors> best_weights = {};
};

EarlyStopping::EarlyStopping(const EarlyStoppingOptions& o)
    : state_(std::make_shared<State>(State{o, Monitor("EarlyStopping", o.monitor, o.mode, o.min_delta)})) {}

void EarlyStopping::on_train_begin(const Logs&) {
  State& s = *state_;
  s.wait = s.stopped_epoch = s.best_epoch = 0;
  s.best.reset();
  s.best_weights.reset();
}

void EarlyStopping::on_epoch_end(int epoch, const Logs& logs) {
  State& s = *state_;
  const auto current = s.monitor.value(logs);
  if (!current || epoch < s.options.start_from_epoch) return;
  if (s.options.restore_best_weights && !s.best_weights) {
    s.best_weights = model().get_weights();
    s.best_epoch = epoch;
  }
  ++s.wait;
  if (s.monitor.is_better(*current, s.best, model())) {
    s.best = current;
    s.best_epoch = epoch;
    if (s.options.restore_best_weights) s.best_weights = model().get_weights();
    if (!s.options.baseline || s.monitor.is_better(*current, s.options.baseline, model())) s.wait = 0;
    return;
  }
  if (s.wait >= s.options.patience && epoch > 0) {
    s.stopped_epoch = epoch;
    model().stop_training = true;
  }
}

void EarlyStopping::on_train_end(const Logs&) {
  State& s = *state_;
  const bool says = s.options.verbose > 0;
  if (s.stopped_epoch > 0 && says) std::cout << "Epoch " << s.stopped_epoch + 1 << ": early stopping\n";
  if (!s.best_weights) return;
  if (says) std::cout << "Restoring model weights from the end of the best epoch: " << s.best_epoch + 1 << ".\n";
  model().set_weights(*s.best_weights);
}

int EarlyStopping::stopped_epoch() const { return state_->stopped_epoch; }
int EarlyStopping::best_epoch() const { return state_->best_epoch; }
double EarlyStopping::best() const {
  if (!state_->best) throw ValueError("EarlyStopping: there is no best value before the first epoch.");
  return *state_->best;
}

struct ModelCheckpoint::State {
  std::string path;
  ModelCheckpointOptions options;
  Monitor monitor;
  std::optional<double> best = {};
  int epoch = 0;
  std::int64_t batches = 0, last_batch = -1;
  std::string last_file = {};
};

ModelCheckpoint::ModelCheckpoint(const std::string& filepath, const ModelCheckpointOptions& o)
    : state_(std::make_shared<State>(State{filepath, o, Monitor("ModelCheckpoint", o.monitor, o.mode, 0)})) {
  state_->best = o.initial_value_threshold;
  if (o.save_freq && *o.save_freq < 1)
    throw ValueError("ModelCheckpoint: save_freq is " + std::to_string(*o.save_freq) +
                     ". Use a number of batches, or leave it out to save after each epoch.");
}

void ModelCheckpoint::on_epoch_begin(int epoch, const Logs&) { state_->epoch = epoch; }

void ModelCheckpoint::on_train_batch_end(int batch, const Logs& logs) {
  State& s = *state_;
  if (!s.options.save_freq) return;
  s.batches += batch <= s.last_batch ? batch + 1 : batch - s.last_batch;
  s.last_batch = batch;
  if (s.batches < *s.options.save_freq) return;
  s.batches = 0;
  save(s.epoch, batch, logs);
}

void ModelCheckpoint::on_epoch_end(int epoch, const Logs& logs) {
  if (!state_->options.save_freq) save(epoch, {}, logs);
}

bool ModelCheckpoint::is_wanted(int epoch, const Logs& logs, const std::string& path) {
  State& s = *state_;
  const bool says = s.options.verbose > 0;
  const auto current = s.options.save_best_only ? s.monitor.value(logs) : std::nullopt;
  if (!current) {
    if (says && !s.options.save_best_only)
      std::cout << fmt::format("\nEpoch {}: saving model to {}\n", epoch + 1, path);
    return true;
  }
  const std::string best = s.best ? fmt::format("{:.5f}", *s.best) : "None";
  if (!s.monitor.is_better(*current, s.best, model())) {
    if (says) std::cout << fmt::format("\nEpoch {}: {} did not improve from {}\n", epoch + 1, s.monitor.name(), best);
    return false;
  }
  if (says)
    std::cout << fmt::format("\nEpoch {}: {} improved from {} to {:.5f}, saving model to {}\n", epoch + 1,
                             s.monitor.name(), best, *current, path);
  s.best = current;
  return true;
}

void ModelCheckpoint::save(int epoch, std::optional<std::int64_t> batch, const Logs& logs) {
  State& s = *state_;
  const std::string path = format_path(s.path, epoch, batch, logs);
  if (!is_wanted(epoch, logs, path)) return;
  if (std::filesystem::is_directory(path))
    throw FileError("ModelCheckpoint: '" + path + "' is a folder. Give the path of a file.");
  const auto folder = std::filesystem::path(path).parent_path();
  std::error_code failure;
  if (!folder.empty()) std::filesystem::create_directories(folder, failure);
  if (failure) throw FileError("ModelCheckpoint: the folder of '" + path + "' cannot be made: " + failure.message());
  if (s.options.save_weights_only)
    model().save_weights(path);
  else
    model().save(path);
  s.last_file = path;
  if (s.options.verbose > 0) std::cout << fmt::format("\nEpoch {}: finished saving model to {}\n", epoch + 1, path);
}

const std::string& ModelCheckpoint::last_file() const { return state_->last_file; }

struct ReduceLROnPlateau::State {
  ReduceLROnPlateauOptions options;
  Monitor monitor;
  std::optional<double> best = {};
  int cooldown = 0, wait = 0;
};

ReduceLROnPlateau::ReduceLROnPlateau(const ReduceLROnPlateauOptions& o)
    : state_(std::make_shared<State>(State{o, Monitor("ReduceLROnPlateau", o.monitor, o.mode, o.min_delta)})) {
  if (o.factor >= 1)
    throw ValueError("ReduceLROnPlateau: factor is " + python_number(o.factor) + ". It must be below 1.");
}

void ReduceLROnPlateau::on_train_begin(const Logs&) {
  state_->best.reset();
  state_->cooldown = state_->wait = 0;
}

void ReduceLROnPlateau::add_epoch_logs(int, Logs& logs) {
  logs.set("learning_rate", model().optimizer().learning_rate());
}

void ReduceLROnPlateau::on_epoch_end(int epoch, const Logs& logs) {
  State& s = *state_;
  const auto current = s.monitor.value(logs);
  if (!current) return;
  if (s.cooldown > 0) {
    --s.cooldown;
    s.wait = 0;
  }
  if (s.monitor.is_better(*current, s.best, model())) {
    s.best = current;
    s.wait = 0;
    return;
  }
  if (s.cooldown > 0 || ++s.wait < s.options.patience) return;
  const auto& rate = model().optimizer().learning_rate;
  const double old = rate().item<double>();
  if (old <= static_cast<double>(static_cast<float>(s.options.min_lr))) return;
  const double next = std::max(old * s.options.factor, s.options.min_lr);
  rate.assign(static_cast<float>(next));
  if (s.options.verbose > 0)
    std::cout << "\nEpoch " << epoch + 1 << ": ReduceLROnPlateau reducing learning rate to " << python_number(next)
              << ".\n";
  s.cooldown = s.options.cooldown;
  s.wait = 0;
}

}  // namespace strata::callbacks
