#include "models/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

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

// Of output i: one weight for all, or one for each.
Tensor weight_of(const Tensors& sample_weight, std::size_t i) {
  if (sample_weight.empty()) return {};
  return sample_weight[sample_weight.size() == 1 ? 0 : i];
}

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
  const std::vector<std::string> off =
      options.jit_compile ? std::vector<std::string>() : std::vector<std::string>{"all"};
  const FunctionOptions train{.disable = off, .name = "train_step"},
      test{.disable = off, .name = "test_step", .inference = true},
      predict{.disable = off, .name = "predict_step", .inference = true};
  auto train_lambda = [this](const Tensors& x, const Tensors& y, const Tensors& w) {
    return train_step(*running_, x, y, w);
  };
  auto test_lambda = [this](const Tensors& x, const Tensors& y, const Tensors& w) {
    return test_step(*running_, x, y, w);
  };
  auto predict_lambda = [this](const Tensors& x) { return predict_step(*running_, x); };
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
  } else if (option.all.size() == outputs_.size()) {
    for (std::size_t i = 0; i < outputs_.size(); ++i) add(outputs_[i], {option.all[i]});
  } else if (!option.all.empty()) {
    // One list for several outputs: each output has metrics of its own.
    for (Output& o : outputs_)
      for (const auto& m : option.all) add(o, {m.clone()});
  }
  if (!option.by_position.empty() && option.by_position.size() != outputs_.size())
    throw ValueError(fmt::format("compile: {} lists of metrics are given for {} outputs. Give one for each.",
                                 option.by_position.size(), outputs_.size()));
  for (std::size_t i = 0; i < option.by_position.size(); ++i) add(outputs_[i], option.by_position[i]);
  for (const auto& [name, list] : option.by_output) add(outputs_[index_of(names, name, "a metric")], list);
}

Tensor Trainer::compute_loss(const Model& model, const Tensors& y, const Tensors& y_pred,
                             const Tensors& sample_weight) {
  resolve(model, y_pred.size());
  if (sample_weight.size() > 1 && sample_weight.size() != outputs_.size())
    throw ValueError(fmt::format("fit: {} sample weights are given for {} outputs. Give one for all, or one for each.",
                                 sample_weight.size(), outputs_.size()));
  Tensor total;
  auto add = [&](const Tensor& loss) { total = total.defined() ? total + loss : loss; };
  last_output_losses_.assign(outputs_.size(), Tensor());
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const Output& o = outputs_[i];
    if (!o.loss.defined()) continue;
    if (i >= y.size())
      throw ValueError(fmt::format("fit: {} targets are given for {} outputs with losses. Give y for each output.",
                                   y.size(), outputs_.size()));
    const Tensor loss = o.loss(y[i], y_pred[i], weight_of(sample_weight, i));
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

Logs Trainer::compute_metrics(const Model& model, const Tensors& x, const Tensors& y, const Tensors& y_pred,
                              const Tensors& sample_weight) {
  resolve(model, y_pred.size());
  const Tensor n = batch_size_of(x);
  if (last_loss_.defined()) loss_tracker_.update_state(last_loss_, n);
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    Output& o = outputs_[i];
    if (o.loss_metric && i < last_output_losses_.size() && last_output_losses_[i].defined())
      o.loss_metric->update_state(last_output_losses_[i]);  // each batch counts alike: so do Keras's
    if (i >= y.size()) continue;
    for (const auto& m : o.metrics) m.update_state(y[i], y_pred[i]);
    for (const auto& m : o.weighted_metrics) m.update_state(y[i], y_pred[i], weight_of(sample_weight, i));
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
  // A name that is there already gets a number, or "weighted_" before it, as in Keras.
  auto add = [&](const Output& o, const metrics::Metric& m, bool weighted) {
    const std::string prefix = o.name.empty() ? "" : o.name + "_";
    std::string name = prefix + m.name();
    if (weighted && logs.contains(name)) name = prefix + "weighted_" + m.name();
    const std::string base = name;
    for (int i = 1; logs.contains(name); ++i) name = base + "_" + std::to_string(i);
    logs.set(name, m.result());
  };
  for (const Output& o : outputs_)
    for (const auto& m : o.metrics) add(o, m, false);
  for (const Output& o : outputs_)
    for (const auto& m : o.weighted_metrics) add(o, m, true);
  return logs;
}

std::vector<metrics::Metric> Trainer::all_metrics(const Model& model) const {
  std::vector<metrics::Metric> out = {loss_tracker_};
  for (const Output& o : outputs_) {
    if (o.loss_metric) out.push_back(*o.loss_metric);
    out.insert(out.end(), o.metrics.begin(), o.metrics.end());
    out.insert(out.end(), o.weighted_metrics.begin(), o.weighted_metrics.end());
  }
  if (const auto own = object_of(model).custom_metrics()) out.insert(out.end(), own->begin(), own->end());
  return out;
}

void Trainer::reset_metrics(const Model& model) const {
  for (const auto& m : all_metrics(model)) m.reset_state();
}

std::vector<losses::Loss> Trainer::losses(const Model& model, std::size_t outputs) {
  resolve(model, outputs);
  std::vector<losses::Loss> out;
  for (const Output& o : outputs_) out.push_back(o.loss);
  return out;
}

// As Keras: weights that the loss does not depend on stay as they are, with a warning.
void Trainer::apply_gradients(const Model& model, const Tensors& gradients, const std::vector<Variable>& weights) {
  Tensors found;
  std::vector<Variable> changed;
  std::string missing;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (gradients[i].defined()) {
      found.push_back(gradients[i]);
      changed.push_back(weights[i]);
    } else {
      missing += (missing.empty() ? "'" : ", '") + weights[i].path() + "'";
    }
  }
  if (changed.empty())
    throw ValueError(model.state()->describe() + ": the loss depends on none of the " + std::to_string(weights.size()) +
                     " trainable weights (" + missing + "). Is it computed from what the model returns?");
  if (!missing.empty() && !warned_) {
    warned_ = true;
    std::cerr << "warning: " << missing << " of " << model.name()
              << " get no gradient: the loss does not depend on them, so they stay as they are. Use the layer's output "
                 "in call(), or set .trainable = false.\n";
  }
  options_.optimizer.build(weights);
  options_.optimizer.apply_gradients(found, changed);
}

Logs Trainer::train_step(const Model& model, const Tensors& x, const Tensors& y, const Tensors& sample_weight) {
  const Model& object = object_of(model);
  const Inputs xs(x), ys(y), weights_of_samples(sample_weight);
  if (auto logs = object.custom_train_step(xs, ys, weights_of_samples)) return *logs;
  GradientTape tape;
  const Tensors y_pred = object.call_with(CallArguments(x, true));
  const Tensor loss = loss_of(model, x, y, y_pred, sample_weight);
  const std::vector<Variable> weights = model.trainable_weights();
  if (!weights.empty())
    apply_gradients(model, tape.gradient(loss, weights, {.unconnected_gradients = "none"}), weights);
  return logs_of(model, x, y, y_pred, sample_weight);
}

Logs Trainer::test_step(const Model& model, const Tensors& x, const Tensors& y, const Tensors& sample_weight) {
  const Model& object = object_of(model);
  if (auto logs = object.custom_test_step(Inputs(x), Inputs(y), Inputs(sample_weight))) return *logs;
  const Tensors y_pred = object.call_with(CallArguments(x, false));
  loss_of(model, x, y, y_pred, sample_weight);
  return logs_of(model, x, y, y_pred, sample_weight);
}

Tensors Trainer::predict_step(const Model& model, const Tensors& x) {
  const Model& object = object_of(model);
  if (auto outputs = object.custom_predict_step(Inputs(x))) return outputs->tensors();
  return object.call_with(CallArguments(x, false));
}

Tensor Trainer::loss_of(const Model& model, const Tensors& x, const Tensors& y, const Tensors& y_pred,
                        const Tensors& sample_weight) {
  if (auto own = object_of(model).custom_loss(Inputs(x), Inputs(y), Inputs(y_pred), Inputs(sample_weight)))
    return last_loss_ = *own;
  return compute_loss(model, y, y_pred, sample_weight);
}

Logs Trainer::logs_of(const Model& model, const Tensors& x, const Tensors& y, const Tensors& y_pred,
                      const Tensors& sample_weight) {
  if (auto own = object_of(model).custom_logs(Inputs(x), Inputs(y), Inputs(y_pred), Inputs(sample_weight))) return *own;
  return compute_metrics(model, x, y, y_pred, sample_weight);
}

Logs Trainer::run(const Step& step, const Model& model, const Batch& batch) {
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
Logs Trainer::train_eagerly(const Model& model, const Batch& batch) {
  return run([&](const Tensors& x, const Tensors& y, const Tensors& w) { return train_step(model, x, y, w); }, model,
             batch);
}

Tensors Trainer::predict(const Model& model, const Tensors& x) {
  running_ = &model;
  return predict_(x);
}

}  // namespace strata
