// fit, evaluate and predict: the loops over batches.
#include <fmt/format.h>

#include <iostream>

#include "models/layer_state.h"
#include "models/model_state.h"
#include "models/progbar.h"
#include "models/trainer.h"
#include "strata/array.h"
#include "strata/call.h"
#include "strata/data.h"
#include "strata/math.h"
#include "strata/reduce.h"

namespace strata {

namespace {

using data::detail::SourcePtr;

Progbar::Values values_of(const Logs& logs) {
  Progbar::Values out;
  for (const auto& [name, value] : logs.entries()) out.emplace_back(name, value.item<double>());
  return out;
}

// Where batches come from, and how an element is taken apart.
struct Feed {
  SourcePtr source;
  std::size_t inputs = 1, targets = 1;

  Batch batch_of(const Tensors& element) const {
    Batch b;
    const std::size_t n = element.size();
    if (n < inputs)
      throw ValueError(fmt::format("a data set's element has {} tensors, but the model has {} inputs.", n, inputs));
    b.x.assign(element.begin(), element.begin() + static_cast<std::ptrdiff_t>(inputs));
    const std::size_t end = std::min(n, inputs + targets);
    b.y.assign(element.begin() + static_cast<std::ptrdiff_t>(inputs),
               element.begin() + static_cast<std::ptrdiff_t>(end));
    if (n > inputs + targets) b.sample_weight = element[inputs + targets];
    return b;
  }
  std::int64_t steps(const std::optional<std::int64_t>& limit) const {
    const std::int64_t n = data::AnyDataset(source).cardinality();
    if (limit && (n < 0 || *limit < n)) return *limit;
    return n >= 0 ? n : -1;
  }
};

std::int64_t check_samples(const Tensors& x, const Tensors& y, const char* where) {
  if (x.empty()) throw ValueError(std::string(where) + ": no x is given.");
  std::int64_t n = -1;
  for (const Tensors* list : {&x, &y})
    for (const Tensor& t : *list) {
      if (!t.defined() || t.rank() == 0)
        throw ValueError(std::string(where) + ": x and y must be tensors with samples along the first dimension.");
      if (n >= 0 && t.shape()[0] != n)
        throw ShapeError(fmt::format("{}: x and y have {} and {} samples. Their first dimensions must be equal.", where,
                                     n, t.shape()[0]));
      n = t.shape()[0];
    }
  if (n == 0) throw ValueError(std::string(where) + ": there are no samples (the first dimension is 0).");
  return n;
}

Tensors part(const Tensors& all, std::int64_t from, std::int64_t to) {
  Tensors out;
  for (const Tensor& t : all) out.push_back(t[Slice(from, to)]);
  return out;
}

// The weight of each sample's class; labels are integers or one-hot rows.
Tensor class_weights(const Tensor& y, const std::vector<std::pair<int, double>>& weights) {
  const Tensor labels = y.rank() > 1 && y.shape().back() > 1 ? argmax(y, -1) : reshape(cast(y, int64), {-1});
  std::vector<float> out;
  for (std::int64_t label : labels.to_vector<std::int64_t>()) {
    double w = 1;
    for (const auto& [c, value] : weights)
      if (c == label) w = value;
    out.push_back(static_cast<float>(w));
  }
  const std::int64_t n = static_cast<std::int64_t>(out.size());
  return Tensor::adopt(std::move(out), {n});
}

Feed feed_of_arrays(const Tensors& x, const Tensors& y, const Tensor& sample_weight, std::int64_t batch_size,
                    bool shuffle) {
  if (batch_size <= 0) throw ValueError(fmt::format("batch_size is {}; it must be positive.", batch_size));
  Tensors all = x;
  all.insert(all.end(), y.begin(), y.end());
  if (sample_weight.defined()) all.push_back(sample_weight);
  SourcePtr source = data::detail::slices(all);
  if (shuffle) source = data::detail::shuffle(source, x[0].shape()[0], {});
  source = data::detail::batch(source, batch_size, {});
  return {data::detail::prefetch(source, 2), x.size(), y.size()};
}

Feed feed_of_dataset(const Model& model, const data::AnyDataset& dataset) {
  const std::size_t inputs = std::max<std::size_t>(model.inputs().size(), 1);
  const std::size_t outputs = std::max<std::size_t>(model.outputs().size(), 1);
  return {dataset.source(), inputs, outputs};
}

// The callbacks of one run, told which model it is.
class CallbackList {
 public:
  CallbackList(const std::vector<callbacks::AnyCallback>& list, const Model& model) : list_(list) {
    const auto handle = list.empty() ? nullptr : std::make_shared<Model>(model);
    for (auto& c : list_) c->set_model(handle);
  }
  ~CallbackList() {
    for (auto& c : list_) c->set_model(nullptr);
  }
  CallbackList(const CallbackList&) = delete;
  CallbackList& operator=(const CallbackList&) = delete;
  bool empty() const { return list_.empty(); }
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
  explicit MetricsKept(const Trainer& trainer) {
    for (const auto& m : trainer.all_metrics())
      for (const Variable& v : m.variables()) kept_.emplace_back(v, v.read());
  }
  ~MetricsKept() {
    for (const auto& [v, value] : kept_) v.assign(value);
  }
  MetricsKept(const MetricsKept&) = delete;
  MetricsKept& operator=(const MetricsKept&) = delete;

 private:
  std::vector<std::pair<Variable, Tensor>> kept_;
};

Trainer& trainer_of(const Model& model, const char* call) {
  auto& trainer = model_state(model).trainer;
  if (!trainer)
    throw ValueError(model.state()->describe() + ": " + call +
                     "() needs a compiled model. Call model.compile({.optimizer = ..., .loss = ...}) first.");
  return *trainer;
}

Logs run_test(const Model& model, Trainer& trainer, const Feed& feed, std::optional<std::int64_t> limit, int verbose,
              CallbackList& callbacks) {
  trainer.reset_metrics();
  const std::int64_t steps = feed.steps(limit);
  Progbar bar(steps, verbose);
  callbacks.each([](auto& c) { c.on_test_begin({}); });
  auto run = data::AnyDataset(feed.source).make_iterator();
  Tensors element;
  std::int64_t step = 0;
  Logs logs;
  while ((!limit || step < *limit) && run->next(element)) {
    callbacks.each([&](auto& c) { c.on_test_batch_begin(step, {}); });
    logs = trainer.test(model, feed.batch_of(element));
    callbacks.each([&](auto& c) { c.on_test_batch_end(step, logs); });
    ++step;
    bar.update(step, [&] { return values_of(logs); });
  }
  if (step == 0) throw ValueError("evaluate: there are no samples.");
  bar.finish(step, values_of(logs));
  callbacks.each([&](auto& c) { c.on_test_end(logs); });
  return logs;
}

class FitLoop {
 public:
  FitLoop(const Model& model, const Feed& feed, const std::optional<Feed>& validation, const FitOptions& options)
      : model_(model),
        trainer_(trainer_of(model, "fit")),
        feed_(feed),
        validation_(validation),
        options_(options),
        callbacks_(options.callbacks, model) {}

  History run() {
    History history;
    model_.stop_training = false;
    callbacks_.each([](auto& c) { c.on_train_begin({}); });
    Logs logs;
    for (int epoch = options_.initial_epoch; epoch < options_.epochs && !model_.stop_training; ++epoch) {
      if (options_.verbose != 0 && options_.epochs > 1)
        std::cout << "Epoch " << epoch + 1 << '/' << options_.epochs << '\n';
      callbacks_.each([&](auto& c) { c.on_epoch_begin(epoch, {}); });
      logs = run_epoch(epoch);
      for (const auto& [name, value] : logs.entries()) history.history.append(name, value.item<double>());
      history.epoch.push_back(epoch);
      callbacks_.each([&](auto& c) { c.on_epoch_end(epoch, logs); });
    }
    callbacks_.each([&](auto& c) { c.on_train_end(logs); });
    return history;
  }

 private:
  Logs run_epoch(int epoch) {
    trainer_.reset_metrics();
    Progbar bar(feed_.steps(options_.steps_per_epoch), options_.verbose);
    auto run = data::AnyDataset(feed_.source).make_iterator();
    Tensors element;
    Logs logs;
    std::int64_t step = 0;
    while ((!options_.steps_per_epoch || step < *options_.steps_per_epoch) && !model_.stop_training &&
           run->next(element)) {
      const Batch batch = feed_.batch_of(element);
      if (epoch == options_.initial_epoch && step == 0) trainer_.warn_about_logits(model_, part(batch.x, 0, 32));
      callbacks_.each([&](auto& c) { c.on_train_batch_begin(step, {}); });
      logs = trainer_.train(model_, batch);
      callbacks_.each([&](auto& c) { c.on_train_batch_end(step, logs); });
      ++step;
      bar.update(step, [&] { return values_of(logs); });
    }
    if (step == 0) throw ValueError("fit: there are no samples to train on.");
    if (validation_ && (epoch + 1) % options_.validation_freq == 0) {
      const MetricsKept kept(trainer_);
      const Logs validated = run_test(model_, trainer_, *validation_, options_.validation_steps, 0, callbacks_);
      for (const auto& [name, value] : validated.entries()) logs.set("val_" + name, value);
    }
    bar.finish(step, values_of(logs));
    return logs;
  }

  const Model& model_;
  Trainer& trainer_;
  Feed feed_;
  std::optional<Feed> validation_;
  const FitOptions& options_;
  CallbackList callbacks_;
};

Outputs run_predict(const Model& model, const Feed& feed, const PredictOptions& options) {
  auto& state = model_state(model);
  if (!state.trainer) state.trainer = std::make_shared<Trainer>(CompileOptions{});
  const std::int64_t steps = feed.steps(options.steps);
  Progbar bar(steps, options.verbose);
  CallbackList callbacks(options.callbacks, model);
  callbacks.each([](auto& c) { c.on_predict_begin({}); });
  auto run = data::AnyDataset(feed.source).make_iterator();
  Tensors element;
  std::vector<Tensors> parts;
  std::int64_t step = 0;
  while ((!options.steps || step < *options.steps) && run->next(element)) {
    const Tensors outputs = state.trainer->predict(model, feed.batch_of(element).x);
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

}  // namespace

History Model::fit(const Inputs& x, const Inputs& y, const FitOptions& options) const {
  trainer_of(*this, "fit");
  Tensors xs = ordered_inputs(*this, x), ys = y.tensors();
  const std::int64_t n = check_samples(xs, ys, "fit");
  Tensor weight = options.sample_weight;
  if (!options.class_weight.empty()) {
    if (ys.size() != 1) throw ValueError("fit: class_weight works for models with one output.");
    const Tensor by_class = class_weights(ys[0], options.class_weight);
    weight = weight.defined() ? weight * by_class : by_class;
  }
  const int batch_size = options.batch_size.value_or(32);
  const int validation_batch = options.validation_batch_size.value_or(batch_size);
  std::optional<Feed> validation;
  if (!options.validation_data.x.empty()) {
    const auto& v = options.validation_data;
    const Tensors vx = ordered_inputs(*this, v.x);
    check_samples(vx, v.y.tensors(), "fit, validation_data");
    validation = feed_of_arrays(vx, v.y.tensors(), v.sample_weight, validation_batch, false);
  } else if (options.validation_split > 0) {
    const auto cut = static_cast<std::int64_t>(static_cast<double>(n) * (1 - options.validation_split));
    if (options.validation_split >= 1 || cut == 0 || cut == n)
      throw ValueError(
          fmt::format("fit: validation_split {} of {} samples leaves nothing to {}. Use a value between 0 and 1.",
                      options.validation_split, n, cut == n ? "validate on" : "train on"));
    const Tensor held = weight.defined() ? weight[Slice(cut, n)] : Tensor();
    validation = feed_of_arrays(part(xs, cut, n), part(ys, cut, n), held, validation_batch, false);
    xs = part(xs, 0, cut);
    ys = part(ys, 0, cut);
    if (weight.defined()) weight = weight[Slice(0, cut)];
  }
  return FitLoop(*this, feed_of_arrays(xs, ys, weight, batch_size, options.shuffle), validation, options).run();
}

History Model::fit(const data::AnyDataset& dataset, const FitOptions& options) const {
  if (options.batch_size || options.validation_split > 0)
    throw ValueError("fit: a data set comes in batches of its own; leave batch_size and validation_split out.");
  std::optional<Feed> validation;
  if (!options.validation_data.x.empty()) {
    const auto& v = options.validation_data;
    validation = feed_of_arrays(ordered_inputs(*this, v.x), v.y.tensors(), v.sample_weight,
                                options.validation_batch_size.value_or(32), false);
  }
  return FitLoop(*this, feed_of_dataset(*this, dataset), validation, options).run();
}

Logs Model::evaluate(const Inputs& x, const Inputs& y, const EvaluateOptions& options) const {
  Trainer& trainer = trainer_of(*this, "evaluate");
  const Tensors xs = ordered_inputs(*this, x);
  check_samples(xs, y.tensors(), "evaluate");
  CallbackList callbacks(options.callbacks, *this);
  return run_test(*this, trainer,
                  feed_of_arrays(xs, y.tensors(), options.sample_weight, options.batch_size.value_or(32), false),
                  options.steps, options.verbose, callbacks);
}

Logs Model::evaluate(const data::AnyDataset& dataset, const EvaluateOptions& options) const {
  Trainer& trainer = trainer_of(*this, "evaluate");
  CallbackList callbacks(options.callbacks, *this);
  return run_test(*this, trainer, feed_of_dataset(*this, dataset), options.steps, options.verbose, callbacks);
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
  return run_predict(*this, feed_of_dataset(*this, dataset), options);
}

Outputs Model::predict_on_batch(const Inputs& x) const {
  auto& state = model_state(*this);
  if (!state.trainer) state.trainer = std::make_shared<Trainer>(CompileOptions{});
  return Outputs(state.trainer->predict(*this, ordered_inputs(*this, x)), state.output_names);
}

Logs Model::train_on_batch(const Inputs& x, const Inputs& y, const Tensor& sample_weight) const {
  return trainer_of(*this, "train_on_batch").train(*this, {ordered_inputs(*this, x), y.tensors(), sample_weight});
}

Logs Model::test_on_batch(const Inputs& x, const Inputs& y, const Tensor& sample_weight) const {
  return trainer_of(*this, "test_on_batch").test(*this, {ordered_inputs(*this, x), y.tensors(), sample_weight});
}

void Model::compile(const CompileOptions& options) const {
  model_state(*this).trainer = std::make_shared<Trainer>(options);
}
bool Model::compiled() const { return state()->model && state()->model->trainer; }

Tensor Model::compute_loss(const Inputs&, const Inputs& y, const Inputs& y_pred, const Tensor& sample_weight) const {
  return trainer_of(*this, "compute_loss").compute_loss(*this, y.tensors(), y_pred.tensors(), sample_weight);
}
Logs Model::compute_metrics(const Inputs& x, const Inputs& y, const Inputs& y_pred, const Tensor& sample_weight) const {
  return trainer_of(*this, "compute_metrics")
      .compute_metrics(x.tensors(), y.tensors(), y_pred.tensors(), sample_weight);
}
optimizers::Optimizer& Model::optimizer() const { return trainer_of(*this, "optimizer").optimizer(); }
std::vector<metrics::Metric> Model::metrics() const { return trainer_of(*this, "metrics").all_metrics(); }
void Model::reset_metrics() const { trainer_of(*this, "reset_metrics").reset_metrics(); }

std::optional<Logs> Model::custom_train_step(const Inputs&, const Inputs&) const { return {}; }
std::optional<Logs> Model::custom_test_step(const Inputs&, const Inputs&) const { return {}; }

}  // namespace strata
