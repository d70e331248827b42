#include "strata/loop.h"

#include <fmt/format.h>

#include <exception>
#include <iostream>
#include <utility>

#include "data/order_state.h"
#include "models/log_values.h"
#include "models/loop_run.h"
#include "models/model_state.h"
#include "models/trainer.h"
#include "strata/array.h"
#include "strata/callbacks.h"

namespace strata {

Progbar::Values progbar_values(const Logs& logs) {
  Progbar::Values out;
  for (const auto& [name, value] : logs.entries()) out.emplace_back(name, shown_value(value));
  return out;
}

CallbackList::CallbackList(const std::vector<callbacks::AnyCallback>& list, const Model& model, TrainingLoop* loop)
    : list_(list) {
  const auto handle = list.empty() ? nullptr : std::make_shared<Model>(model);
  for (auto& c : list_) {
    c->set_model(handle);
    c->set_loop(loop);
  }
}
CallbackList::~CallbackList() {
  for (auto& c : list_) {
    c->set_model(nullptr);
    c->set_loop(nullptr);
  }
}
bool CallbackList::has_progbar() const {
  for (const auto& c : list_)
    if (dynamic_cast<const callbacks::ProgbarLogger*>(c.operator->()) != nullptr) return true;
  return false;
}

MetricsKept::MetricsKept(const std::vector<metrics::Metric>& metrics) {
  for (const auto& m : metrics)
    for (const Variable& v : m.variables()) kept_.emplace_back(v, v.read());
}
MetricsKept::~MetricsKept() {
  for (const auto& [v, value] : kept_) v.assign(value);
}

namespace detail {

LoopRun::LoopRun(const Model& model, const LoopOptions& o, TrainingLoop* loop)
    : options(o), model_(model), callbacks_(o.callbacks, model, loop), verbose_(o.verbose) {
  if (options.epochs < 0 || options.initial_epoch < 0)
    throw ValueError(fmt::format("fit: epochs is {} and initial_epoch {}; neither can be negative.", options.epochs,
                                 options.initial_epoch));
  if (options.validation_freq < 1 || options.steps_per_execution < 1)
    throw ValueError(fmt::format("fit: validation_freq is {} and steps_per_execution {}; both must be at least 1.",
                                 options.validation_freq, options.steps_per_execution));
  if (verbose_ == 0 && callbacks_.has_progbar()) verbose_ = 1;
  epoch = options.initial_epoch - 1;
}

std::vector<metrics::Metric> LoopRun::metrics() const {
  if (!options.metrics.empty()) return options.metrics;
  return model_.compiled() ? model_.metrics() : std::vector<metrics::Metric>();
}
void LoopRun::reset_metrics() const {
  for (const auto& m : metrics()) m.reset_state();
}
void LoopRun::add_results(Logs& logs) const {
  for (const auto& m : options.metrics)
    if (!logs.contains(m.name())) logs.set(m.name(), m.result());
}

bool LoopRun::begin_epoch() {
  if (is_finished_) throw ValueError("TrainingLoop: it has run already. Make another one to train on.");
  if (!is_begun_) {
    is_begun_ = true;
    model_.stop_training = false;
    callbacks_.each([](auto& c) { c.on_train_begin({}); });
  } else {
    end_epoch();
  }
  if (epoch + 1 >= options.epochs || model_.stop_training) return false;
  ++epoch;
  is_in_epoch_ = true;
  train_steps = 0;
  epoch_logs_ = {};
  if (verbose_ != 0 && options.epochs > 1) std::cout << "Epoch " << epoch + 1 << '/' << options.epochs << '\n';
  callbacks_.each([&](auto& c) { c.on_epoch_begin(epoch, {}); });
  if (steps_to_skip == 0) reset_metrics();
  return true;
}

bool LoopRun::begin_pass(bool is_validation, std::int64_t cardinality) {
  end_pass();
  if (!is_in_epoch_) throw ValueError("TrainingLoop: steps run inside of an epoch: for (auto& epoch : loop).");
  if (is_validation && ((epoch + 1) % options.validation_freq != 0 || model_.stop_training)) return false;
  pass_ = is_validation ? Pass::validation : Pass::training;
  const auto& limit = is_validation ? options.validation_steps : options.steps_per_epoch;
  limit_ = limit && (cardinality < 0 || *limit < cardinality) ? *limit : std::max<std::int64_t>(cardinality, -1);
  step_ = told_ = 0;
  pass_logs_ = {};
  if (is_validation) {
    kept_.emplace(metrics());
    reset_metrics();
    callbacks_.each([](auto& c) { c.on_test_begin({}); });
  } else if (!bar_) {
    bar_.emplace(limit_, verbose_);
  }
  return true;
}

void ContinuedData::begin_pass() {
  position_ = {data::detail::order_states(), 0};
  run_ = dataset_.make_iterator();
}

bool ContinuedData::next(Tensors& element) {
  bool is_there = run_->next(element);
  if (!is_there) {
    begin_pass();
    is_there = is_at_start_ && run_->next(element);
  }
  is_at_start_ = false;
  position_.elements += is_there;
  return is_there;
}

std::shared_ptr<data::detail::Iterator> LoopRun::read(const data::AnyDataset& dataset) {
  if (pass_ != Pass::training) return dataset.make_iterator();
  std::shared_ptr<data::detail::Iterator> data;
  if (options.steps_per_epoch) {
    if (!continued_) continued_ = std::make_shared<ContinuedData>(dataset);
    continued_->begin_epoch();
    data = continued_;
    Tensors element;
    if (elements_to_skip > 0) {
      for (; elements_to_skip > 0 && data->next(element);) --elements_to_skip;
      step_ = told_ = train_steps = std::exchange(steps_to_skip, 0);
      if (train_steps == 0) continued_->begin_epoch();
    }
  } else {
    data = dataset.make_iterator();
  }
  Tensors element;
  for (; steps_to_skip > 0 && data->next(element); --steps_to_skip) step_ = told_ = ++train_steps;
  // Where nothing is left of the epoch, its values are those of the metrics.
  if (train_steps > 0 && model_.compiled()) pass_logs_ = model_state(model_).trainer->results();
  steps_to_skip = 0;
  return data;
}

void LoopRun::begin_step() {
  is_in_step_ = true;
  if (step_ % options.steps_per_execution != 0) return;
  if (pass_ == Pass::training)
    callbacks_.each([&](auto& c) { c.on_train_batch_begin(step_, {}); });
  else
    callbacks_.each([&](auto& c) { c.on_test_batch_begin(step_, {}); });
}

void LoopRun::tell_step_end() {
  if (told_ == step_) return;
  told_ = step_;
  if (!callbacks_.empty()) {
    Logs logs = pass_logs_;
    add_results(logs);
    if (pass_ == Pass::training)
      callbacks_.each([&](auto& c) { c.on_train_batch_end(step_ - 1, logs); });
    else
      callbacks_.each([&](auto& c) { c.on_test_batch_end(step_ - 1, logs); });
  }
  if (pass_ != Pass::training) return;
  bar_->update(step_, [&] {
    Logs logs = pass_logs_;
    add_results(logs);
    return progbar_values(logs);
  });
}

void LoopRun::end_step() {
  if (!is_in_step_) return;
  is_in_step_ = false;
  ++step_;
  if (pass_ == Pass::training) {
    ++global_step;
    train_steps = step_;
  }
  if (step_ % options.steps_per_execution == 0) tell_step_end();
}

bool LoopRun::next_step(data::detail::Iterator* data, Tensors& element, Tensor& step) {
  end_step();
  const bool stops = pass_ == Pass::training && model_.stop_training;
  if (pass_ == Pass::none || stops || (limit_ >= 0 && step_ >= limit_) || (data != nullptr && !data->next(element))) {
    end_pass();
    return false;
  }
  step = constant(global_step, int64);
  begin_step();
  return true;
}

void LoopRun::end_pass() {
  if (pass_ == Pass::none) return;
  end_step();
  tell_step_end();
  add_results(pass_logs_);
  const bool is_validation = pass_ == Pass::validation;
  pass_ = Pass::none;
  if (step_ == 0)
    throw ValueError(is_validation ? "fit: there are no samples to validate on."
                                   : "fit: there are no samples to train on.");
  for (const auto& [name, value] : pass_logs_.entries()) epoch_logs_.set(is_validation ? "val_" + name : name, value);
  if (!is_validation) return;
  callbacks_.each([&](auto& c) { c.on_test_end(pass_logs_); });
  kept_.reset();
}

void LoopRun::end_epoch() {
  if (!is_in_epoch_) return;
  end_pass();
  is_in_epoch_ = false;
  callbacks_.each([&](auto& c) { c.add_epoch_logs(epoch, epoch_logs_); });
  if (bar_) bar_->finish(train_steps, progbar_values(epoch_logs_));
  bar_.reset();
  for (const auto& [name, value] : epoch_logs_.entries()) append_values(history.history, name, value);
  history.epoch.push_back(epoch);
  callbacks_.each([&](auto& c) { c.on_epoch_end(epoch, epoch_logs_); });
}

void LoopRun::finish() {
  if (is_finished_ || !is_begun_) return;
  end_epoch();
  is_finished_ = true;
  callbacks_.each([&](auto& c) { c.on_train_end(epoch_logs_); });
}

void LoopRun::log(const std::string& name, const Tensor& value) {
  if (pass_ == Pass::none)
    epoch_logs_.set(name, value);
  else
    pass_logs_.set(name, value);
}

std::shared_ptr<data::detail::Iterator> begin_pass(const LoopPhase& phase, const data::AnyDataset& dataset) {
  return phase.run->begin_pass(phase.is_validation, dataset.cardinality()) ? phase.run->read(dataset) : nullptr;
}
bool begin_counted_pass(const LoopPhase& phase, std::int64_t steps) {
  return phase.run->begin_pass(phase.is_validation, steps);
}
bool next_step(const LoopPhase& phase, data::detail::Iterator* data, Tensors& element, Tensor& step) {
  return phase.run->next_step(data, element, step);
}

}  // namespace detail

int Epoch::number() const { return run_->epoch; }
void Epoch::log(const std::string& name, const Tensor& value) const { run_->log(name, value); }
void Epoch::log(const Logs& logs) const {
  for (const auto& [name, value] : logs.entries()) run_->log(name, value);
}

TrainingLoop::TrainingLoop(const Model& model, const LoopOptions& options)
    : run_(std::make_shared<detail::LoopRun>(model, options, this)) {}
TrainingLoop::~TrainingLoop() {
  if (std::uncaught_exceptions() > 0) return;
  try {
    run_->finish();
  } catch (const std::exception& e) {  // a loop left by `break` ends here, where nothing can be thrown
    std::cerr << "TrainingLoop: " << e.what() << '\n';
  }
}

TrainingLoop::Iterator TrainingLoop::begin() { return Iterator(run_); }
TrainingLoop::Iterator& TrainingLoop::Iterator::operator++() {
  has_epoch_ = epoch_.run_->begin_epoch();
  if (!has_epoch_) epoch_.run_->finish();
  return *this;
}

const History& TrainingLoop::history() const { return run_->history; }
std::int64_t TrainingLoop::global_step() const { return run_->global_step; }
int TrainingLoop::epochs() const { return run_->options.epochs; }
int TrainingLoop::epoch() const { return run_->epoch; }
std::int64_t TrainingLoop::step() const { return run_->train_steps; }
void TrainingLoop::start_at(int epoch, std::int64_t step, std::int64_t global_step) {
  run_->epoch = epoch - 1;
  run_->steps_to_skip = step;
  run_->global_step = global_step;
}
void TrainingLoop::skip_data(std::int64_t elements) { run_->elements_to_skip = elements; }
std::optional<TrainingLoop::DataPosition> TrainingLoop::data_position() const {
  if (run_->continued() == nullptr) return {};
  return run_->continued()->position();
}

}  // namespace strata
