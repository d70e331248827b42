#include "models/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <set>

#include "core/tensor_data.h"
#include "models/layer_state.h"
#include "models/model_state.h"
#include "strata/array.h"
#include "strata/call.h"
#include "strata/function.h"
#include "strata/math.h"
#include "strata/reduce.h"
#include "strata/tape.h"

namespace strata {

namespace {

Tensor batch_size_of(const Tensors& x) { return cast(strata::shape(x.at(0))[0], float32); }

std::string list_of(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& n : names) out += (out.empty() ? "" : ", ") + n;
  return out;
}

std::size_t index_of(const std::vector<std::string>& names, const std::string& name, const char* what) {
  const auto it = std::find(names.begin(), names.end(), name);
  if (it == names.end())
    throw ValueError(std::string("compile: ") + what + " is given for an output '" + name +
                     "' that the model does not have. Its outputs are: " + list_of(names) + ".");
  return static_cast<std::size_t>(it - names.begin());
}

}  // namespace

Trainer::Trainer(const CompileOptions& options) : options_(options), loss_tracker_({.name = "loss"}) {
  const FunctionOptions train{.name = "train_step"}, test{.name = "test_step"}, predict{.name = "predict_step"};
  auto train_lambda = [this](const Tensors& x, const Tensors& y, const Tensor& w) {
    return train_step(*running_, x, y, w);
  };
  auto test_lambda = [this](const Tensors& x, const Tensors& y, const Tensor& w) {
    return test_step(*running_, x, y, w);
  };
  auto predict_lambda = [this](const Tensors& x) { return object_of(*running_).call_with(CallArguments(x, false)); };
  if (options.run_eagerly) {
    train_ = train_lambda;
    test_ = test_lambda;
    predict_ = predict_lambda;
  } else {
    train_ = function(train_lambda, train);
    test_ = function(test_lambda, test);
    predict_ = function(predict_lambda, predict);
  }
}

const Model& Trainer::object_of(const Model& model) {
  const auto* object = dynamic_cast<const Model*>(&model.object());
  return object != nullptr ? *object : model;
}

void Trainer::resolve(const Model& model, std::size_t outputs) {
  if (!outputs_.empty()) return;
  std::vector<std::string> names = model.output_names();
  if (names.size() != outputs) {
    names.clear();
    for (std::size_t i = 0; i < outputs; ++i) names.push_back("output_" + std::to_string(i + 1));
  }
  outputs_.resize(outputs);
  for (std::size_t i = 0; i < outputs; ++i) outputs_[i].name = outputs > 1 ? names[i] : "";
  resolve_losses(names);
  resolve_metrics(names, options_.metrics, false);
  resolve_metrics(names, options_.weighted_metrics, true);
}

void Trainer::resolve_losses(const std::vector<std::string>& names) {
  const auto& losses = options_.loss;
  const std::size_t n = outputs_.size();
  if (losses.is_list && losses.values.size() != n)
    throw ValueError(
        fmt::format("compile: {} losses are given for {} outputs. Give one for each.", losses.values.size(), n));
  for (std::size_t i = 0; i < losses.values.size(); ++i) {
    const auto& [name, loss] = losses.values[i];
    if (!name.empty())
      outputs_[index_of(names, name, "a loss")].loss = loss;
    else if (losses.is_list)
      outputs_[i].loss = loss;
    else
      for (Output& o : outputs_) o.loss = loss;
  }
  const auto& weights = options_.loss_weights;
  for (std::size_t i = 0; i < weights.values.size(); ++i) {
    const auto& [name, weight] = weights.values[i];
    if (!name.empty())
      outputs_[index_of(names, name, "a loss weight")].weight = weight;
    else if (weights.is_list && i < n)
      outputs_[i].weight = weight;
    else if (!weights.is_list)
      for (Output& o : outputs_) o.weight = weight;
  }
  if (n > 1)
    for (Output& o : outputs_)
      if (o.loss.defined()) o.loss_metric.emplace(metrics::MetricOptions{.name = o.name + "_loss"});
}

void Trainer::resolve_metrics(const std::vector<std::string>& names, const MetricsOption& option, bool weighted) {
  auto add = [&](Output& o, const std::vector<metrics::Metric>& list) {
    auto& to = weighted ? o.weighted_metrics : o.metrics;
    to.insert(to.end(), list.begin(), list.end());
  };
  if (!option.all.empty() && outputs_.size() == 1) {
    add(outputs_[0], option.all);
  } else if (!option.all.empty()) {
    // One list for several outputs: each output has metrics of its own.
    for (Output& o : outputs_)
      for (const auto& m : option.all) add(o, {m.clone()});
  }
  for (const auto& [name, list] : option.by_output) add(outputs_[index_of(names, name, "a metric")], list);
}

Tensor Trainer::compute_loss(const Model& model, const Tensors& y, const Tensors& y_pred, const Tensor& sample_weight) {
  resolve(model, y_pred.size());
  Tensor total;
  auto add = [&](const Tensor& loss) { total = total.defined() ? total + loss : loss; };
  last_output_losses_.assign(outputs_.size(), Tensor());
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const Output& o = outputs_[i];
    if (!o.loss.defined()) continue;
    if (i >= y.size())
      throw ValueError(fmt::format("fit: {} targets are given for {} outputs with losses. Give y for each output.",
                                   y.size(), outputs_.size()));
    const Tensor loss = o.loss(y[i], y_pred[i], sample_weight);
    last_output_losses_[i] = loss;
    add(o.weight == 1 ? loss : loss * o.weight);
  }
  for (const Tensor& loss : model.losses()) add(cast(reduce_sum(loss), float32));
  if (!total.defined())
    throw ValueError(model.state()->describe() +
                     ": there is no loss to train on. Give compile() a .loss, or call add_loss() in a layer.");
  last_loss_ = total;
  return total;
}

Logs Trainer::compute_metrics(const Tensors& x, const Tensors& y, const Tensors& y_pred, const Tensor& sample_weight) {
  const Tensor n = batch_size_of(x);
  if (last_loss_.defined()) loss_tracker_.update_state(last_loss_, n);
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    Output& o = outputs_[i];
    if (o.loss_metric && i < last_output_losses_.size() && last_output_losses_[i].defined())
      o.loss_metric->update_state(last_output_losses_[i], n);
    if (i >= y.size()) continue;
    for (const auto& m : o.metrics) m.update_state(y[i], y_pred[i]);
    for (const auto& m : o.weighted_metrics) m.update_state(y[i], y_pred[i], sample_weight);
  }
  last_loss_ = Tensor();
  last_output_losses_.clear();
  return results();
}

Logs Trainer::results() const {
  Logs logs;
  logs.set("loss", loss_tracker_.result());
  for (const Output& o : outputs_)
    if (o.loss_metric) logs.set(o.loss_metric->name(), o.loss_metric->result());
  for (const Output& o : outputs_) {
    const std::string prefix = o.name.empty() ? "" : o.name + "_";
    for (const auto& m : o.metrics) logs.set(prefix + m.name(), m.result());
    for (const auto& m : o.weighted_metrics) logs.set(prefix + m.name(), m.result());
  }
  return logs;
}

std::vector<metrics::Metric> Trainer::all_metrics() const {
  std::vector<metrics::Metric> out = {loss_tracker_};
  for (const Output& o : outputs_) {
    if (o.loss_metric) out.push_back(*o.loss_metric);
    out.insert(out.end(), o.metrics.begin(), o.metrics.end());
    out.insert(out.end(), o.weighted_metrics.begin(), o.weighted_metrics.end());
  }
  return out;
}

void Trainer::reset_metrics() const {
  for (const auto& m : all_metrics()) m.reset_state();
}

Logs Trainer::train_step(const Model& model, const Tensors& x, const Tensors& y, const Tensor& sample_weight) {
  const Model& object = object_of(model);
  if (auto logs = object.custom_train_step(Inputs(x), Inputs(y))) return *logs;
  GradientTape tape;
  const Tensors y_pred = object.call_with(CallArguments(x, true));
  const Tensor loss = compute_loss(model, y, y_pred, sample_weight);
  const std::vector<Variable> weights = model.trainable_weights();
  if (!weights.empty()) options_.optimizer.apply_gradients(tape.gradient(loss, weights), weights);
  return compute_metrics(x, y, y_pred, sample_weight);
}

Logs Trainer::test_step(const Model& model, const Tensors& x, const Tensors& y, const Tensor& sample_weight) {
  const Model& object = object_of(model);
  if (auto logs = object.custom_test_step(Inputs(x), Inputs(y))) return *logs;
  const Tensors y_pred = object.call_with(CallArguments(x, false));
  compute_loss(model, y, y_pred, sample_weight);
  return compute_metrics(x, y, y_pred, sample_weight);
}

Logs Trainer::run(Step& step, const Model& model, const Batch& batch) {
  running_ = &model;
  Logs logs = step(batch.x, batch.y, batch.sample_weight);
  running_ = nullptr;
  // A tensor of a trace must not outlive it.
  last_loss_ = Tensor();
  last_output_losses_.clear();
  return logs;
}

Logs Trainer::train(const Model& model, const Batch& batch) { return run(train_, model, batch); }
Logs Trainer::test(const Model& model, const Batch& batch) { return run(test_, model, batch); }

Tensors Trainer::predict(const Model& model, const Tensors& x) {
  running_ = &model;
  return predict_(x);
}

void Trainer::warn_about_logits(const Model& model, const Tensors& x) {
  if (warned_) return;
  warned_ = true;
  const Tensors outputs = object_of(model).call_with(CallArguments(x, false));
  resolve(model, outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs_[i].loss.defined() || !outputs_[i].loss.expects_probabilities() || outputs[i].size() == 0) continue;
    const double low = reduce_min(outputs[i]).item<double>(), high = reduce_max(outputs[i]).item<double>();
    if (low >= -1e-3 && high <= 1 + 1e-3) continue;
    const auto origin = outputs[i].impl()->origin.lock();
    const std::string name = origin ? origin->ensure_name() : model.name(), loss = outputs_[i].loss.class_name();
    const char* activation = loss.starts_with("Binary") ? "sigmoid" : "softmax";
    const std::string cure =
        origin && origin->class_name == "Dense"
            ? fmt::format("Dense({}, {{.activation = \"{}\"}})", outputs[i].shape().back(), activation)
            : fmt::format("a layer with .activation = \"{}\"", activation);
    static std::set<std::string> said;  // once in a process for each loss and cure
    if (!said.insert(loss + cure).second) continue;
    std::cerr << fmt::format(
        "warning: {} expects probabilities, but '{}' has no {} (outputs in [{:.1f}, {:.1f}]). Use {} or "
        "{}({{.from_logits = true}}).\n",
        loss, name, activation, low, high, cure, loss);
  }
}

}  // namespace strata
