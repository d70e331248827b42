#include "models/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <mutex>
#include <set>

#include "core/tensor_data.h"
#include "models/layer_state.h"
#include "models/model_state.h"
#include "models/training_state.h"
#include "strata/array.h"
#include "strata/call.h"
#include "strata/indexing.h"
#include "strata/math.h"
#include "strata/reduce.h"
#include "strata/tape.h"

namespace strata {

namespace {

// All layers inside, and the layer itself.
void collect_layers(const Layer& layer, std::vector<Layer>& out) {
  out.push_back(layer);
  for (const Layer& child : layer.layers()) collect_layers(child, out);
}

bool has_layer(const Model& model, std::initializer_list<const char*> classes) {
  std::vector<Layer> all;
  collect_layers(model, all);
  return std::any_of(all.begin(), all.end(), [&](const Layer& l) {
    return std::find(classes.begin(), classes.end(), l.class_name()) != classes.end();
  });
}

bool is_same(const Tensor& a, const Tensor& b) {
  if (a.impl() == b.impl()) return true;
  return a.dtype() == b.dtype() && a.shape() == b.shape() && reduce_all(equal(a, b)).item<bool>();
}

Finding probabilities_finding(const Model& model, const losses::Loss& loss, const Tensor& output, double low,
                              double high) {
  const auto origin = output.impl()->origin.lock();
  const std::string name = origin ? origin->ensure_name() : model.name(), cls = loss.class_name();
  const char* activation = cls.starts_with("Binary") ? "sigmoid" : "softmax";
  const std::string cure = origin && origin->class_name == "Dense"
                               ? fmt::format("Dense({}, {{.activation = \"{}\"}})", output.shape().back(), activation)
                               : fmt::format("a layer with .activation = \"{}\"", activation);
  return {"logits", name,
          fmt::format("{} expects probabilities, but '{}' has no {} (outputs in [{:.1f}, {:.1f}]).", cls, name,
                      activation, low, high),
          fmt::format("Use {} or {}({{.from_logits = true}}).", cure, cls)};
}

void check_labels(Findings& found, const losses::Loss& loss, const Tensor& y, const Tensor& output) {
  const std::string cls = loss.class_name();
  if (output.rank() < 2 || output.shape().back() < 2) return;
  const std::int64_t classes = output.shape().back();
  if (cls == "SparseCategoricalCrossentropy" && y.rank() == output.rank() && y.shape().back() == classes)
    found.push_back({"labels", "y",
                     fmt::format("{} expects class numbers, but y has shape {}: {} values for each sample.", cls,
                                 to_string(y.shape()), classes),
                     "Use CategoricalCrossentropy(), or argmax(y, -1) as y."});
  if (cls.starts_with("Categorical") && (y.rank() < output.rank() || y.shape().back() == 1))
    found.push_back(
        {"labels", "y",
         fmt::format("{} expects a row of {} values for each sample, but y has shape {}.", cls, classes,
                     to_string(y.shape())),
         fmt::format("Use SparseCategoricalCrossentropy(), or utils::to_categorical(y, {}) as y.", classes)});
}

// Without the batch.
std::vector<Shape> sample_shapes(const Batch& batch) {
  std::vector<Shape> out;
  for (const Tensors* list : {&batch.x, &batch.y})
    for (const Tensor& t : *list) out.push_back(t.shape().sub(1));
  return out;
}

}  // namespace

void check_outputs(Findings& found, const Model& model, const std::vector<losses::Loss>& losses, const Tensors& y,
                   const Tensors& outputs) {
  for (std::size_t i = 0; i < outputs.size() && i < losses.size(); ++i) {
    if (!losses[i].defined() || outputs[i].size() == 0) continue;
    if (i < y.size()) check_labels(found, losses[i], y[i], outputs[i]);
    if (!losses[i].expects_probabilities()) continue;
    const double low = reduce_min(outputs[i]).item<double>(), high = reduce_max(outputs[i]).item<double>();
    if (low < -1e-3 || high > 1 + 1e-3) found.push_back(probabilities_finding(model, losses[i], outputs[i], low, high));
  }
}

void check_inputs(Findings& found, const Model& model, const Tensors& x) {
  if (has_layer(model, {"Rescaling", "Normalization", "BatchNormalization", "LayerNormalization", "Embedding"})) return;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Tensor& t = x[i];
    // Few values for a sample may be features of a table, which have ranges of their own.
    if (t.rank() < 2 || t.size() == 0 || t.size() / t.shape()[0] < 64) continue;
    const Tensor values = cast(t, float32);
    const double low = reduce_min(values).item<double>(), high = reduce_max(values).item<double>();
    if (low < 0 || high <= 100 || high > 255 || !is_same(values, floor(values))) continue;
    const std::string name = x.size() == 1 ? "x" : fmt::format("input {}", i);
    found.push_back({"input_range", name,
                     fmt::format("{} holds whole numbers in [{:g}, {:g}], as pictures do that are not scaled; weights "
                                 "start for inputs of about 1, so training is slow or diverges.",
                                 name, low, high),
                     "Use x / 255.f, or a layer Rescaling(1. / 255) in front."});
  }
}

void check_gradients(Findings& found, const Model& model, const std::vector<losses::Loss>& losses, const Batch& batch) {
  const std::vector<Variable> weights = model.trainable_weights();
  GradientTape tape;
  const Tensors outputs = Trainer::object_of(model).call_with(CallArguments(batch.x, true));
  Tensor total;
  auto add = [&](const Tensor& loss) { total = total.defined() ? total + loss : loss; };
  for (std::size_t i = 0; i < outputs.size() && i < batch.y.size() && i < losses.size(); ++i)
    if (losses[i].defined()) add(losses[i](batch.y[i], outputs[i]));
  for (const Tensor& loss : model.losses()) add(cast(reduce_sum(loss), float32));
  if (!total.defined() || weights.empty()) return;
  const Tensors gradients = tape.gradient(total, weights, {.unconnected_gradients = "none"});
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (!gradients[i].defined())
      found.push_back({"no_gradient", weights[i].path(),
                       "the weight '" + weights[i].path() +
                           "' gets no gradient: the loss does not depend on it, so it "
                           "stays as it is.",
                       "Use the layer's output in call(), or set .trainable = false on it."});
}

void check_validation(Findings& found, const Feed& training, const Feed& validation) {
  const Tensors &a = training.arrays, &b = validation.arrays;
  bool is_one = !a.empty() && a.size() == b.size();
  for (std::size_t i = 0; is_one && i < a.size(); ++i) is_one = is_same(a[i], b[i]);
  if (!is_one && training.source != validation.source) return;
  found.push_back({"validation_is_training", "validation_data",
                   "the validation data are the training data, so that val_loss cannot show overfitting.",
                   "Hold samples back: {.validation_split = 0.2}."});
}

void LabelOrder::add(const Tensors& y) {
  ++batches_;
  if (y.empty() || y[0].size() == 0 || y[0].rank() == 0 || y[0].rank() > 2) {
    is_classification_ = false;
    return;
  }
  const bool is_one_hot = y[0].rank() > 1 && y[0].shape().back() > 1;
  if (!is_one_hot && y[0].size() != y[0].shape()[0]) is_classification_ = false;
  const std::vector<float> labels =
      (is_one_hot ? cast(argmax(y[0], -1), float32) : cast(y[0], float32)).to_vector<float>();
  rows_ += static_cast<std::int64_t>(labels.size());
  of_one_class_ += std::all_of(labels.begin(), labels.end(), [&](float v) { return v == labels[0]; });
}

void LabelOrder::check(Findings& found, const std::vector<losses::Loss>& losses) const {
  const bool is_crossentropy =
      !losses.empty() && losses[0].defined() && losses[0].class_name().find("rossentropy") != std::string::npos;
  // By chance, batches of this size are not all of one class.
  if (!is_classification_ || !is_crossentropy || batches_ < 4 || of_one_class_ < batches_ || rows_ < 8 * batches_)
    return;
  found.push_back({"sorted_labels", "the data set",
                   fmt::format("each of the first {} batches holds samples of one class alone: the data are sorted by "
                               "label, and shuffle()'s buffer is too small to mix them.",
                               batches_),
                   "Shuffle before batch(), with a buffer as large as the data set: dataset.shuffle(dataset.size())."});
}

StepEffects::StepEffects(const Model& model) {
  std::vector<Layer> all;
  collect_layers(model, all);
  const Variables trained = model.trainable_weights();
  // Frozen itself, or inside of a layer that is: then its statistics have to stay.
  auto is_frozen = [&](const Layer& layer) {
    const Variables weights = layer.trainable_weights();
    return !layer.trainable ||
           (!weights.empty() && std::find(trained.begin(), trained.end(), weights[0]) == trained.end());
  };
  for (const Layer& layer : all)
    if (layer.class_name() == "BatchNormalization" && layer.built() && !is_frozen(layer))
      for (const Variable& v : layer.non_trainable_weights()) statistics_.push_back({layer.path(), v, v.read()});
}

void StepEffects::check_batch_norms(Findings& found) const {
  for (const Statistics& s : statistics_) {
    if (!is_same(s.variable.read(), s.before)) return;
  }
  if (statistics_.empty()) return;
  const std::string& layer = statistics_[0].layer;
  found.push_back({"batch_norm", layer,
                   "the training step runs BatchNormalization '" + layer +
                       "' in inference mode: its moving mean and variance do not change.",
                   "Call the model by model(x, training = true) in the training step."});
}

void check_logs(Findings& found, const Model& model, const Logs& logs) {
  std::vector<double> results;
  for (const auto& m : model.metrics()) {
    const Tensor result = m.result();
    if (result.size() == 1) results.push_back(result.item<double>());
  }
  for (const auto& [name, value] : logs.entries()) {
    const bool is_average = name.find("loss") != std::string::npos || name.find("acc") != std::string::npos;
    if (value.size() != 1) continue;
    const double v = value.item<double>();
    if (!is_average || !std::isfinite(v) || std::find(results.begin(), results.end(), v) != results.end()) continue;
    found.push_back(
        {"last_batch", name,
         "train_step returns '" + name +
             "' of its batch, so that fit() reports the last batch as if it "
             "were the epoch.",
         "Return compute_metrics(x, y, y_pred), or the result() of a metrics::Mean that metrics() returns."});
    return;
  }
}

FitDoctor::FitDoctor(const Model& model, Trainer& trainer, bool is_on)
    : model_(model), trainer_(trainer), is_on_(is_on) {}

void FitDoctor::warn(const Findings& found) const {
  static std::mutex mutex;
  static std::set<std::string> said;
  const std::lock_guard lock(mutex);
  for (const Finding& f : found)
    if (said.insert(f.kind + f.remedy).second) std::cerr << "warning: " << f.message() << '\n';
}

void FitDoctor::check_sets(const Feed& training, const Feed& validation) {
  if (!is_on_) return;
  Findings found;
  check_validation(found, training, validation);
  warn(found);
}

void FitDoctor::check_batch(const Batch& batch) {
  if (!is_on_ || steps_ > 8) return;
  Findings found;
  if (steps_ == 0) {
    const Batch few{rows_of(batch.x, 0, 32), rows_of(batch.y, 0, 32), {}};
    // A forward pass is as dear as half a step: once is enough for a model that is fitted epoch by epoch.
    if (const auto shapes = sample_shapes(few); trainer_.examined != shapes) {
      const Tensors outputs = Trainer::object_of(model_).call_with(CallArguments(few.x, false));
      check_outputs(found, model_, trainer_.losses(model_, outputs.size()), few.y, outputs);
      trainer_.examined = shapes;
    }
    check_inputs(found, model_, few.x);
    effects_.emplace(model_);
  }
  order_.add(batch.y);
  if (order_.batches() == 4 && model_.compiled()) order_.check(found, trainer_.losses(model_, batch.y.size()));
  warn(found);
}

void FitDoctor::check_step(const Logs& logs) {
  if (!is_on_ || ++steps_ > 2) return;
  Findings found;
  if (steps_ == 1) effects_->check_batch_norms(found);
  if (steps_ == 2) check_logs(found, model_, logs);
  warn(found);
}

bool DoctorReport::contains(const std::string& kind) const {
  return std::any_of(findings.begin(), findings.end(), [&](const Finding& f) { return f.kind == kind; });
}
std::string DoctorReport::text() const {
  if (findings.empty()) return "doctor: nothing to report.\n";
  std::string out;
  for (const Finding& f : findings) out += "doctor: " + f.message() + "\n";
  return out;
}
std::ostream& operator<<(std::ostream& out, const DoctorReport& report) { return out << report.text(); }

namespace {

DoctorReport examine(const Model& model, const Feed& feed, const std::optional<Feed>& validation,
                     const std::optional<losses::Loss>& loss, const DoctorOptions& options) {
  DoctorReport report;
  Findings& found = report.findings;
  const auto run = feed.dataset().make_iterator();
  Tensors element;
  LabelOrder order;
  std::vector<losses::Loss> losses;
  std::optional<TrainingState> before;
  for (int i = 0; i < options.batches && run->next(element); ++i) {
    const Batch batch = feed.batch_of(element);
    order.add(batch.y);
    if (i > 0) continue;
    const Tensors outputs = Trainer::object_of(model).call_with(CallArguments(batch.x, false));
    losses = loss ? std::vector(outputs.size(), *loss) : model_state(model).trainer->losses(model, outputs.size());
    before.emplace(model);
    check_outputs(found, model, losses, batch.y, outputs);
    check_inputs(found, model, batch.x);
    if (!found.empty() && report.contains("labels")) continue;  // the loss cannot be computed
    check_gradients(found, model, losses, batch);
    if (!model.compiled()) continue;
    const StepEffects effects(model);
    Trainer& trainer = *model_state(model).trainer;
    trainer.train_eagerly(model, batch);
    effects.check_batch_norms(found);
    check_logs(found, model, trainer.train_eagerly(model, batch));
  }
  if (!before) throw ValueError("doctor: the data set has no batches.");
  before->restore();
  order.check(found, losses);
  if (validation) check_validation(found, feed, *validation);
  return report;
}

std::optional<Feed> validation_of(const Model& model, const DoctorOptions& options) {
  const ValidationData& v = options.validation_data;
  if (v.source) return feed_of_source(model, v.source);
  if (v.x.empty()) return {};
  return feed_of_arrays(ordered_inputs(model, v.x), v.y.tensors(), {}, options.batch_size, false);
}

}  // namespace

DoctorReport doctor(const Model& model, const data::AnyDataset& dataset, const losses::Loss& loss,
                    const DoctorOptions& options) {
  return examine(model, feed_of_source(model, dataset.source()), validation_of(model, options), loss, options);
}
DoctorReport doctor(const Model& model, const data::AnyDataset& dataset, const DoctorOptions& options) {
  if (!model.compiled())
    throw ValueError("doctor: the model is not compiled. Give a loss, doctor(model, data, loss), or compile it.");
  return examine(model, feed_of_source(model, dataset.source()), validation_of(model, options), {}, options);
}
DoctorReport doctor(const Model& model, const Inputs& x, const Inputs& y, const losses::Loss& loss,
                    const DoctorOptions& options) {
  const Tensors xs = ordered_inputs(model, x);
  check_samples(xs, y.tensors(), {}, "doctor");
  return examine(model, feed_of_arrays(xs, y.tensors(), {}, options.batch_size, false), validation_of(model, options),
                 loss, options);
}

}  // namespace strata
