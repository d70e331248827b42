// LoopRun: what a TrainingLoop does, and how callbacks are told.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "models/progbar.h"
#include "strata/loop.h"

namespace strata {

Progbar::Values progbar_values(const Logs& logs);

// The callbacks of one run, told which model it is for as long as this lives.
class CallbackList {
 public:
  CallbackList(const std::vector<callbacks::AnyCallback>& list, const Model& model, TrainingLoop* loop = nullptr);
  ~CallbackList();
  CallbackList(const CallbackList&) = delete;
  CallbackList& operator=(const CallbackList&) = delete;
  bool empty() const { return list_.empty(); }
  bool has_progbar() const;
  template <class F>
  void each(F f) {
    for (auto& c : list_) f(*c.operator->());
  }

 private:
  std::vector<callbacks::AnyCallback> list_;
};

// Values of metrics, put back at the end: an evaluation inside of fit() leaves the running ones as they were.
class MetricsKept {
 public:
  explicit MetricsKept(const std::vector<metrics::Metric>& metrics);
  ~MetricsKept();
  MetricsKept(const MetricsKept&) = delete;
  MetricsKept& operator=(const MetricsKept&) = delete;

 private:
  std::vector<std::pair<Variable, Tensor>> kept_;
};

namespace detail {

// A data set that is read on from epoch to epoch, and begun anew where it ends.
class ContinuedData final : public data::detail::Iterator {
 public:
  explicit ContinuedData(const data::AnyDataset& dataset) : dataset_(dataset) { begin_pass(); }
  void begin_epoch() { is_at_start_ = true; }
  bool next(Tensors& element) override;
  const TrainingLoop::DataPosition& position() const { return position_; }

 private:
  void begin_pass();
  data::AnyDataset dataset_;
  TrainingLoop::DataPosition position_;
  std::unique_ptr<data::detail::Iterator> run_;
  bool is_at_start_ = true;
};

class LoopRun {
 public:
  LoopRun(const Model& model, const LoopOptions& options, TrainingLoop* loop);

  bool begin_epoch();  // ends the one before; false where none is left
  void finish();       // on_train_end, once
  bool begin_pass(bool is_validation, std::int64_t cardinality);
  bool next_step(data::detail::Iterator* data, Tensors& element, Tensor& step);
  // The data of a pass. With steps_per_epoch, training goes on where the epoch before ended.
  std::shared_ptr<data::detail::Iterator> read(const data::AnyDataset& dataset);
  void log(const std::string& name, const Tensor& value);

  const LoopOptions options;
  History history;
  std::int64_t global_step = 0;
  int epoch = 0;                 // of the one that runs
  std::int64_t train_steps = 0;  // done in it
  std::int64_t steps_to_skip = 0, elements_to_skip = 0;
  const ContinuedData* continued() const { return continued_.get(); }

 private:
  enum class Pass { none, training, validation };
  std::vector<metrics::Metric> metrics() const;
  void reset_metrics() const;
  void begin_step();
  void end_step();
  void tell_step_end();
  void end_pass();
  void end_epoch();
  void add_results(Logs& logs) const;

  Model model_;
  CallbackList callbacks_;
  int verbose_;
  Pass pass_ = Pass::none;
  bool is_in_step_ = false, is_in_epoch_ = false, is_begun_ = false, is_finished_ = false;
  std::int64_t limit_ = -1, step_ = 0, told_ = 0;  // of the pass
  Logs pass_logs_, epoch_logs_;
  std::shared_ptr<ContinuedData> continued_;
  std::optional<MetricsKept> kept_;
  std::optional<Progbar> bar_;
};

}  // namespace detail
}  // namespace strata
