// compile, fit, evaluate, predict and their steps on single batches. fit() is a TrainingLoop around the compiled step.
#include <fmt/format.h>

#include <iostream>

#include "models/doctor.h"
#include "models/feed.h"
#include "models/layer_state.h"
#include "models/loop_run.h"
#include "models/model_state.h"
#include "models/nan_trace.h"
#include "models/progbar.h"
#include "models/trainer.h"
#include "strata/array.h"
#include "strata/call.h"
#include "strata/loss_scale.h"

namespace strata {

namespace {

Trainer& trainer_of(const Model& model, const char* call) {
  auto& trainer = model_state(model).trainer;
  if (!trainer)
    throw ValueError(model.state()->describe() + ": " + call +
                     "() needs a compiled model. Call model.compile({.optimizer = ..., .loss = ...}) first.");
  return *trainer;
}

std::int64_t steps_of(const Feed& feed, const std::optional<std::int64_t>& limit) {
  const std::int64_t n = feed.dataset().cardinality();
  if (limit && (n < 0 || *limit < n)) return *limit;
  return n >= 0 ? n : -1;
}

Logs run_test(const Model& model, const Feed& feed, const EvaluateOptions& options) {
  Trainer& trainer = trainer_of(model, "evaluate");
  CallbackList callbacks(options.callbacks, model);
  std::optional<MetricsKept> kept;
  if (trainer.fits > 0) kept.emplace(trainer.all_metrics(model));
  trainer.reset_metrics(model);
  Progbar bar(steps_of(feed, options.steps), options.verbose);
  callbacks.each([](auto& c) { c.on_test_begin({}); });
  auto run = feed.dataset().make_iterator();
  Tensors element;
  std::int64_t step = 0;
  Logs logs;
  while ((!options.steps || step < *options.steps) && run->next(element)) {
    callbacks.each([&](auto& c) { c.on_test_batch_begin(step, {}); });
    logs = trainer.test(model, feed.batch_of(element));
    callbacks.each([&](auto& c) { c.on_test_batch_end(step, logs); });
    ++step;
    bar.update(step, [&] { return progbar_values(logs); });
  }
  if (step == 0) throw ValueError("evaluate: there are no samples.");
  bar.finish(step, progbar_values(logs));
  callbacks.each([&](auto& c) { c.on_test_end(logs); });
  return logs;
}

class FitScope {
 public:
  explicit FitScope(Trainer& trainer) : trainer_(trainer) { ++trainer_.fits; }
  ~FitScope() { --trainer_.fits; }
  FitScope(const FitScope&) = delete;
  FitScope& operator=(const FitScope&) = delete;

 private:
  Trainer& trainer_;
};

History run_fit(const Model& model, const Feed& feed, const std::optional<Feed>& validation, const FitOptions& o) {
  Trainer& trainer = trainer_of(model, "fit");
  const FitScope scope(trainer);
  FitDoctor doctor(model, trainer, o.doctor);
  TrainingLoop loop(model, {.epochs = o.epochs,
                            .verbose = o.verbose,
                            .callbacks = o.callbacks,
                            .initial_epoch = o.initial_epoch,
                            .steps_per_epoch = o.steps_per_epoch,
                            .validation_steps = o.validation_steps,
                            .validation_freq = o.validation_freq,
                            .steps_per_execution = trainer.options().steps_per_execution});
  if (validation) doctor.check_sets(feed, *validation);
  for (auto& epoch : loop) {
    for (const auto& [step, element] : epoch(feed.dataset())) {
      const Batch batch = feed.batch_of(element);
      doctor.check_batch(batch);
      std::optional<StepReplay> replay;
      if (o.trace_nan) replay.emplace(model, batch);
      const Logs logs = trainer.train(model, batch);
      doctor.check_step(logs);
      if (replay) replay->check(logs);
      epoch.log(logs);
    }
    if (!validation) continue;
    for (const auto& [step, element] : epoch.validation(validation->dataset()))
      epoch.log(trainer.test(model, validation->batch_of(element)));
  }
  if (o.epochs > o.initial_epoch && trainer.optimizer().built())
    trainer.optimizer().finalize_variable_values(model.trainable_weights());
  return loop.history();
}

Outputs run_predict(const Model& model, const Feed& feed, const PredictOptions& options) {
  auto& state = model_state(model);
  if (!state.trainer) state.trainer = std::make_shared<Trainer>(CompileOptions{});
  Progbar bar(steps_of(feed, options.steps), options.verbose);
  CallbackList callbacks(options.callbacks, model);
  callbacks.each([](auto& c) { c.on_predict_begin({}); });
  auto run = feed.dataset().make_iterator();
  Tensors element;
  std::vector<Tensors> parts;
  std::int64_t step = 0;
  while ((!options.steps || step < *options.steps) && run->next(element)) {
    callbacks.each([&](auto& c) { c.on_predict_batch_begin(step, {}); });
    const Tensors outputs = state.trainer->predict(model, feed.batch_of(element).x);
    callbacks.each([&](auto& c) { c.on_predict_batch_end(step, {}); });
    parts.resize(outputs.size());
    for (std::size_t i = 0; i < outputs.size(); ++i) parts[i].push_back(outputs[i]);
    bar.update(++step, [] { return Progbar::Values{}; });
  }
  bar.finish(step, {});
  callbacks.each([](auto& c) { c.on_predict_end({}); });
  Tensors all;
  for (const Tensors& p : parts) all.push_back(p.size() == 1 ? p[0] : concat(p, 0));
  return Outputs(all, state.output_names);
}

// The last part of the samples goes to validation.
Feed split(Tensors& xs, Tensors& ys, Tensors& weights, std::int64_t n, double share, int batch_size) {
  const auto cut = static_cast<std::int64_t>(static_cast<double>(n) * (1 - share));
  if (share >= 1 || cut == 0 || cut == n)
    throw ValueError(
        fmt::format("fit: validation_split {} of {} samples leaves nothing to {}. Use a value between 0 and 1.", share,
                    n, cut == n ? "validate on" : "train on"));
  const Feed validation =
      feed_of_arrays(rows_of(xs, cut, n), rows_of(ys, cut, n), rows_of(weights, cut, n), batch_size, false);
  xs = rows_of(xs, 0, cut);
  ys = rows_of(ys, 0, cut);
  weights = rows_of(weights, 0, cut);
  return validation;
}

std::optional<Feed> validation_feed(const Model& model, const FitOptions& options) {
  const ValidationData& v = options.validation_data;
  if (v.source) return feed_of_source(model, v.source);
  if (v.x.empty()) return {};
  const Tensors x = ordered_inputs(model, v.x);
  check_samples(x, v.y.tensors(), v.sample_weight.tensors(), "fit, validation_data");
  return feed_of_arrays(x, v.y.tensors(), v.sample_weight.tensors(),
                        options.validation_batch_size.value_or(options.batch_size.value_or(32)), false);
}

}  // namespace

History Model::fit(const Inputs& x, const Inputs& y, const FitOptions& options) const {
  trainer_of(*this, "fit");
  Tensors xs = ordered_inputs(*this, x), ys = y.tensors(), weights = options.sample_weight.tensors();
  const std::int64_t n = check_samples(xs, ys, weights, "fit");
  const int batch_size = options.batch_size.value_or(32);
  std::optional<Feed> validation = validation_feed(*this, options);
  if (!validation && options.validation_split != 0)
    validation =
        split(xs, ys, weights, n, options.validation_split, options.validation_batch_size.value_or(batch_size));
  Feed feed = feed_of_arrays(xs, ys, weights, batch_size, options.shuffle);
  feed.class_weight = options.class_weight;
  return run_fit(*this, feed, validation, options);
}

History Model::fit(const Tensor& x, const FitOptions& options) const { return fit(Inputs(x), Inputs{}, options); }

History Model::fit(const data::AnyDataset& dataset, const FitOptions& options) const {
  if (options.batch_size || options.validation_split > 0 || !options.sample_weight.empty())
    throw ValueError(
        "fit: a data set comes in batches and with sample weights of its own; leave batch_size, validation_split and "
        "sample_weight out.");
  Feed feed = feed_of_source(*this, dataset.source());
  feed.class_weight = options.class_weight;
  return run_fit(*this, feed, validation_feed(*this, options), options);
}

Logs Model::evaluate(const Inputs& x, const Inputs& y, const EvaluateOptions& options) const {
  trainer_of(*this, "evaluate");
  const Tensors xs = ordered_inputs(*this, x), weights = options.sample_weight.tensors();
  check_samples(xs, y.tensors(), weights, "evaluate");
  return run_test(*this, feed_of_arrays(xs, y.tensors(), weights, options.batch_size.value_or(32), false), options);
}

Logs Model::evaluate(const Tensor& x, const EvaluateOptions& options) const {
  return evaluate(Inputs(x), Inputs{}, options);
}

Logs Model::evaluate(const data::AnyDataset& dataset, const EvaluateOptions& options) const {
  return run_test(*this, feed_of_source(*this, dataset.source()), options);
}

Outputs Model::predict(const Inputs& x, const PredictOptions& options) const {
  const Tensors xs = ordered_inputs(*this, x);
  if (xs.empty() || !xs[0].defined() || xs[0].rank() == 0)
    throw ValueError("predict: x must be a tensor with samples along the first dimension.");
  if (xs[0].shape()[0] == 0)  // Keras fails here; an empty batch has an empty prediction
    return Outputs(call_with(CallArguments(xs, false)), model_state(*this).output_names);
  return run_predict(*this, feed_of_arrays(xs, {}, {}, options.batch_size.value_or(32), false), options);
}

Outputs Model::predict(const data::AnyDataset& dataset, const PredictOptions& options) const {
  return run_predict(*this, feed_of_source(*this, dataset.source()), options);
}

Outputs Model::predict_on_batch(const Inputs& x) const {
  auto& state = model_state(*this);
  if (!state.trainer) state.trainer = std::make_shared<Trainer>(CompileOptions{});
  return Outputs(state.trainer->predict(*this, ordered_inputs(*this, x)), state.output_names);
}

Logs Model::train_on_batch(const Inputs& x, const Inputs& y, const Inputs& sample_weight,
                           const ClassWeight& class_weight) const {
  Batch batch{ordered_inputs(*this, x), y.tensors(), sample_weight.tensors()};
  apply_class_weight(batch, class_weight);
  Trainer& trainer = trainer_of(*this, "train_on_batch");
  trainer.reset_metrics(*this);
  return trainer.train(*this, batch);
}

Logs Model::test_on_batch(const Inputs& x, const Inputs& y, const Inputs& sample_weight) const {
  Trainer& trainer = trainer_of(*this, "test_on_batch");
  trainer.reset_metrics(*this);
  return trainer.test(*this, {ordered_inputs(*this, x), y.tensors(), sample_weight.tensors()});
}

void Model::compile(const CompileOptions& options) const {
  CompileOptions used = options;
  if (state()->policy == "mixed_float16" && used.optimizer.defined() &&
      used.optimizer.class_name() != "LossScaleOptimizer")
    used.optimizer = optimizers::LossScaleOptimizer(used.optimizer);
  model_state(*this).trainer = std::make_shared<Trainer>(used);
}
bool Model::compiled() const { return state()->model && state()->model->trainer; }

Tensor Model::compute_loss(const Inputs&, const Inputs& y, const Inputs& y_pred, const Inputs& sample_weight) const {
  return trainer_of(*this, "compute_loss").compute_loss(*this, y.tensors(), y_pred.tensors(), sample_weight.tensors());
}
Logs Model::compute_metrics(const Inputs& x, const Inputs& y, const Inputs& y_pred, const Inputs& sample_weight) const {
  return trainer_of(*this, "compute_metrics")
      .compute_metrics(*this, x.tensors(), y.tensors(), y_pred.tensors(), sample_weight.tensors());
}
optimizers::Optimizer& Model::optimizer() const { return trainer_of(*this, "optimizer").optimizer(); }
std::vector<metrics::Metric> Model::metrics() const { return trainer_of(*this, "metrics").all_metrics(*this); }
void Model::reset_metrics() const { trainer_of(*this, "reset_metrics").reset_metrics(*this); }

std::optional<Logs> Model::custom_train_step(const Inputs&, const Inputs&, const Inputs&) const { return {}; }
std::optional<Logs> Model::custom_test_step(const Inputs&, const Inputs&, const Inputs&) const { return {}; }
std::optional<Outputs> Model::custom_predict_step(const Inputs&) const { return {}; }
std::optional<Tensor> Model::custom_loss(const Inputs&, const Inputs&, const Inputs&, const Inputs&) const {
  return {};
}
std::optional<Logs> Model::custom_logs(const Inputs&, const Inputs&, const Inputs&, const Inputs&) const { return {}; }
std::optional<std::vector<metrics::Metric>> Model::custom_metrics() const { return {}; }

void detail::throw_unused_weights(const std::string& step) {
  throw ValueError("fit: sample weights are given, but the model's own " + step +
                   " does not take them. Give it one argument more: const Tensor& sample_weight.");
}

void detail::throw_step_does_not_fit(const std::string& step) {
  throw ValueError("fit: the model's own " + step + " does not take what the data hold. Expected " + step +
                   "(x, y) with tensors, with `const Inputs&` where there are several, and " + step +
                   "(x) where there is no y.");
}

}  // namespace strata
