// Trainer: what compile() makes. One training, test and prediction step, compiled, and what they update.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "strata/metrics.h"
#include "strata/model.h"

namespace strata {

// A batch taken apart.
struct Batch {
  Tensors x, y, sample_weight;  // no weights, one, or one for each output
};

class Trainer {
 public:
  explicit Trainer(const CompileOptions& options);

  // Run the compiled step on the batch; scalars as eager tensors.
  Logs train(const Model& model, const Batch& batch);
  Logs test(const Model& model, const Batch& batch);
  Tensors predict(const Model& model, const Tensors& x);
  // The training step as it is, not compiled.
  Logs train_eagerly(const Model& model, const Batch& batch);

  Tensor compute_loss(const Model& model, const Tensors& y, const Tensors& y_pred, const Tensors& sample_weight);
  // Updates the metrics with this batch; the running values, loss first.
  Logs compute_metrics(const Model& model, const Tensors& x, const Tensors& y, const Tensors& y_pred,
                       const Tensors& sample_weight);
  Logs results() const;
  void reset_metrics(const Model& model) const;
  // Those of the model's own, too.
  std::vector<metrics::Metric> all_metrics(const Model& model) const;
  optimizers::Optimizer& optimizer() { return options_.optimizer; }
  // Counts the fits that run: an evaluation inside of one leaves the running metrics as they were.
  int fits = 0;
  // The shapes of samples and targets, without the batch, whose outputs fit's doctor has examined.
  std::vector<Shape> examined;
  const CompileOptions& options() const { return options_; }
  // One for each of so many outputs; undefined where an output has none.
  std::vector<losses::Loss> losses(const Model& model, std::size_t outputs);
  // The object behind a plain handle.
  static const Model& object_of(const Model& model);

 private:
  struct Output {
    std::string name;  // empty for the only one
    losses::Loss loss;
    double weight = 1;
    std::vector<metrics::Metric> metrics, weighted_metrics;
    std::optional<metrics::Mean> loss_metric;  // where there are several outputs
  };
  using Step = std::function<Logs(const Tensors&, const Tensors&, const Tensors&)>;

  void resolve(const Model& model, std::size_t outputs);
  void resolve_losses(const std::vector<std::string>& names);
  void resolve_metrics(const std::vector<std::string>& names, const MetricsOption& option, bool weighted);
  Logs train_step(const Model& model, const Tensors& x, const Tensors& y, const Tensors& sample_weight);
  Logs test_step(const Model& model, const Tensors& x, const Tensors& y, const Tensors& sample_weight);
  Tensors predict_step(const Model& model, const Tensors& x);
  // The model's own compute_loss and compute_metrics where it has them.
  Tensor loss_of(const Model& model, const Tensors& x, const Tensors& y, const Tensors& y_pred,
                 const Tensors& sample_weight);
  Logs logs_of(const Model& model, const Tensors& x, const Tensors& y, const Tensors& y_pred,
               const Tensors& sample_weight);
  Logs run(const Step& step, const Model& model, const Batch& batch);
  void apply_gradients(const Model& model, const Tensors& gradients, const std::vector<Variable>& weights);

  CompileOptions options_;
  metrics::Mean loss_tracker_;
  std::vector<Output> outputs_;
  Tensor last_loss_;  // of compute_loss, until compute_metrics takes it
  Tensors last_output_losses_;
  const Model* running_ = nullptr;  // the model of the step that runs: functions must not own it
  Step train_, test_;
  std::function<Tensors(const Tensors&)> predict_;
  bool warned_ = false;  // of weights without gradients
};

}  // namespace strata
