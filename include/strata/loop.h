/// \file
/// TrainingLoop: epochs, steps, progress bar, callbacks, metrics and validation around a step of one's own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "strata/data.h"
#include "strata/model.h"

namespace strata {

/// What fit() takes, without the data.
struct LoopOptions {
  int epochs = 1;
  int verbose = 1;  ///< 0 silent, 1 progress bar, 2 one line an epoch
  std::vector<callbacks::AnyCallback> callbacks = {};
  /// Set to zero at the start of each epoch and of each validation, which leaves the running values as they were; their
  /// results are in the logs. Without any, those of a compiled model are set to zero.
  std::vector<metrics::Metric> metrics = {};
  int initial_epoch = 0;
  std::optional<std::int64_t> steps_per_epoch = {}, validation_steps = {};
  int validation_freq = 1;
  int steps_per_execution = 1;
};

namespace detail {
class LoopRun;
struct LoopPhase {
  std::shared_ptr<LoopRun> run;
  bool is_validation;
};
/// Starts a pass of so many steps (-1 where that is not known); returns how the data are read, null where nothing is
/// due.
STRATA_API std::shared_ptr<data::detail::Iterator> begin_pass(const LoopPhase& phase, const data::AnyDataset& dataset);
STRATA_API bool begin_counted_pass(const LoopPhase& phase, std::int64_t steps);
/// Ends the step before and begins the next one; false at the end. `data` may be null.
STRATA_API bool next_step(const LoopPhase& phase, data::detail::Iterator* data, Tensors& element, Tensor& step);

template <std::size_t... I>
auto step_tuple(const Tensor& step, const Tensors& element, std::index_sequence<I...>) {
  return std::tuple<Tensor, std::tuple_element_t<I * 0, std::tuple<Tensor>>...>(step, element[I]...);
}
}  // namespace detail

/// The steps of one pass: elements are tuples of the step, an int64 scalar counted over all epochs, and the tensors of
/// the data set's element. N = 0: the steps alone; N = -1: the element as one list.
template <int N>
class Steps {
  static auto make(const Tensor& step, const Tensors& element) {
    if constexpr (N < 0)
      return std::tuple<Tensor, Tensors>(step, element);
    else
      return detail::step_tuple(step, element, std::make_index_sequence<static_cast<std::size_t>(N)>());
  }

 public:
  using value_type = decltype(make(Tensor(), Tensors()));
  struct Sentinel {};
  class Iterator {
   public:
    Iterator(const detail::LoopPhase& phase, std::shared_ptr<data::detail::Iterator> data, bool is_due)
        : phase_(phase), data_(std::move(data)), has_step_(is_due) {
      if (is_due) ++*this;
    }
    value_type operator*() const { return make(step_, element_); }
    Iterator& operator++() {
      has_step_ = detail::next_step(phase_, data_.get(), element_, step_);
      return *this;
    }
    friend bool operator==(const Iterator& a, Sentinel) { return !a.has_step_; }
    friend bool operator!=(const Iterator& a, Sentinel) { return a.has_step_; }

   private:
    detail::LoopPhase phase_;
    std::shared_ptr<data::detail::Iterator> data_;
    Tensors element_;
    Tensor step_;
    bool has_step_;
  };
  Steps(const detail::LoopPhase& phase, const data::AnyDataset& dataset) : phase_(phase), dataset_(dataset) {}
  Steps(const detail::LoopPhase& phase, std::int64_t count) : phase_(phase), count_(count) {}
  Iterator begin() const {
    if (!dataset_) return {phase_, nullptr, detail::begin_counted_pass(phase_, count_)};
    std::shared_ptr<data::detail::Iterator> data = detail::begin_pass(phase_, *dataset_);
    const bool is_due = data != nullptr;
    return {phase_, std::move(data), is_due};
  }
  Sentinel end() const { return {}; }

 private:
  detail::LoopPhase phase_;
  std::optional<data::AnyDataset> dataset_;
  std::int64_t count_ = 0;
};

/// One epoch of a TrainingLoop.
class STRATA_API Epoch {
 public:
  /// Counted from 0.
  int number() const;
  /// The training steps over a data set:
  ///
  ///     for (auto [step, x, y] : epoch(dataset)) train_step(x, y);
  template <class... T>
  Steps<sizeof...(T)> operator()(const data::Dataset<T...>& dataset) const {
    return {{run_, false}, dataset};
  }
  Steps<-1> operator()(const data::AnyDataset& dataset) const { return {{run_, false}, dataset}; }
  /// So many training steps, without data.
  Steps<0> steps(std::int64_t count) const { return {{run_, false}, count}; }
  /// The steps of validation, after those of training; none in epochs in which none is due. What is logged in them
  /// has "val_" before its name.
  template <class... T>
  Steps<sizeof...(T)> validation(const data::Dataset<T...>& dataset) const {
    return {{run_, true}, dataset};
  }
  Steps<-1> validation(const data::AnyDataset& dataset) const { return {{run_, true}, dataset}; }
  /// Values of this step or epoch, for the bar, the callbacks and the history. Inside of validation, the name gets its
  /// "val_"; after the passes it stays as it is.
  void log(const std::string& name, const Tensor& value) const;
  void log(const Logs& logs) const;

 private:
  friend class TrainingLoop;
  explicit Epoch(std::shared_ptr<detail::LoopRun> run) : run_(std::move(run)) {}
  std::shared_ptr<detail::LoopRun> run_;
};

/// The loop of fit() around a step of one's own:
///
///     TrainingLoop loop(model, {.epochs = 20, .callbacks = {callbacks::EarlyStopping()}, .metrics = {loss,
///     accuracy}}); for (auto& epoch : loop) {
///       for (auto [step, x, y] : epoch(train)) train_step(x, y);
///       for (auto [step, x, y] : epoch.validation(test)) test_step(x, y);
///     }
///
/// `model.stop_training = true` ends it after the current step. A `break` counts the step that it leaves, and ends the
/// pass or the training. It is run once.
class STRATA_API TrainingLoop {
 public:
  explicit TrainingLoop(const Model& model, const LoopOptions& options = {});
  ~TrainingLoop();
  TrainingLoop(const TrainingLoop&) = delete;
  TrainingLoop& operator=(const TrainingLoop&) = delete;

  struct Sentinel {};
  class STRATA_API Iterator {
   public:
    Epoch& operator*() { return epoch_; }
    Iterator& operator++();
    friend bool operator==(const Iterator& a, Sentinel) { return !a.has_epoch_; }
    friend bool operator!=(const Iterator& a, Sentinel) { return a.has_epoch_; }

   private:
    friend class TrainingLoop;
    explicit Iterator(const std::shared_ptr<detail::LoopRun>& run) : epoch_(run) { ++*this; }
    Epoch epoch_;
    bool has_epoch_ = false;
  };
  Iterator begin();
  Sentinel end() const { return {}; }

  /// The values of the epochs that are done.
  const History& history() const;
  /// The number of training steps that are done.
  std::int64_t global_step() const;
  int epochs() const;
  /// The epoch that runs, counted from 0, and the number of its training steps that are done.
  int epoch() const;
  std::int64_t step() const;
  /// From a callback's on_train_begin: goes on at this epoch, after so many of its steps, whose data are passed over.
  void start_at(int epoch, std::int64_t step, std::int64_t global_step);
  /// For BackupAndRestore: how the pass over the data began that runs on through the epochs with steps_per_epoch.
  struct DataPosition {
    std::vector<std::int64_t> orders;  ///< of the shuffles when it began
    std::int64_t elements = 0;         ///< that it gave
  };
  std::optional<DataPosition> data_position() const;
  /// From on_train_begin, too: the first pass passes over so many elements.
  void skip_data(std::int64_t elements);

 private:
  std::shared_ptr<detail::LoopRun> run_;
};

}  // namespace strata
