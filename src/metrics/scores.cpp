// Metrics on a confusion matrix of classes (IoU), F-scores, R2 and correlations.
#include "losses/weights.h"
#include "metrics/state.h"
#include "ops/like.h"
#include "strata/array.h"
#include "strata/linalg.h"
#include "strata/math.h"
#include "strata/reduce.h"

namespace strata::metrics {

namespace {

Tensor flat(const Tensor& x) { return reshape(x, {-1}); }

class IoUMetric final : public BuiltIn {
 public:
  IoUMetric(const char* class_name, const Config& config, const MetricOptions& options, const IoURule& rule)
      : BuiltIn(class_name, config, options), rule_(rule) {
    if (rule.num_classes < 1)
      throw ValueError(this->options.name + ": num_classes is " + std::to_string(rule.num_classes) +
                       ". Use the number of classes.");
    for (std::int64_t id : rule.target_class_ids)
      if (id < 0 || id >= rule.num_classes)
        throw ValueError(this->options.name + ": target class " + std::to_string(id) + " is out of range [0, " +
                         std::to_string(rule.num_classes) + ").");
    // float32 holds whole counts up to 2^24 exactly, and sample weights as they are.
    matrix_ = add_variable("total_confusion_matrix", {rule.num_classes, rule.num_classes});
  }

  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) const override {
    if (!y_true.defined() || !y_pred.defined())
      throw ValueError(options.name + ": " + (y_true.defined() ? "y_pred" : "y_true") + " is an undefined tensor.");
    Tensor truth = rule_.sparse_y_true ? y_true : argmax(y_true, rule_.axis), predicted = y_pred;
    if (rule_.threshold)
      predicted = greater_equal(cast(y_pred, float32), *rule_.threshold);
    else if (!rule_.sparse_y_pred)
      predicted = argmax(y_pred, rule_.axis);
    truth = flat(cast(truth, int64)), predicted = flat(cast(predicted, int64));
    const std::int64_t n = rule_.num_classes;
    auto is_class = [&](const Tensor& x) { return logical_and(greater_equal(x, 0), less(x, n)); };
    Tensor counts = logical_and(is_class(truth), is_class(predicted));
    if (rule_.ignore_class) counts = logical_and(counts, not_equal(truth, *rule_.ignore_class));
    Tensor weights = cast(counts, dtype());
    if (sample_weight.defined()) {
      // Keras keeps the counts as integers unless a dtype is given, so that weights are cut to whole numbers.
      const Tensor whole = options.dtype.empty() ? cast(sample_weight, int64) : sample_weight;
      weights = weights * broadcast_like(flat(cast(whole, dtype())), weights);
    }
    // Rows of the one-hot matrices of classes that are out of range are zeros.
    const Tensor rows = one_hot(truth, n) * expand_dims(weights, -1);
    matrix_.assign_add(
        cast(matmul(cast(rows, dtype()), cast(one_hot(predicted, n), dtype()), {.transpose_a = true}), dtype()));
  }

  Config get_config() const override {
    Config config = BuiltIn::get_config();
    if (options.dtype.empty()) config.set("dtype", "int64");
    return config;
  }
  Tensor result() const override {
    const Tensor m = matrix_.read(), hits = reduce_sum(m * eye(rule_.num_classes), 0);
    const Tensor all = reduce_sum(m, 0) + reduce_sum(m, 1) - hits;
    const Tensor ids = Tensor::from(rule_.target_class_ids, {static_cast<std::int64_t>(rule_.target_class_ids.size())});
    const Tensor part = gather(hits, ids), whole = gather(all, ids), valid = cast(greater(whole, 1e-9), dtype());
    return reduce_sum(part / (whole + kEpsilon) * valid) / (reduce_sum(valid) + kEpsilon);
  }

 private:
  IoURule rule_;
  Variable matrix_;
};

class FBetaMetric final : public BuiltIn {
 public:
  FBetaMetric(const char* class_name, const Config& config, const MetricOptions& options, const FBetaScoreOptions& o)
      : BuiltIn(class_name, config, options), average_(o.average), beta_(o.beta), threshold_(o.threshold) {
    if (!average_.empty() && average_ != "micro" && average_ != "macro" && average_ != "weighted")
      throw ValueError(this->options.name + ": average is '" + average_ +
                       "'. Use \"micro\", \"macro\", \"weighted\", or none for one value for each class.");
    if (!(beta_ > 0))
      throw ValueError(this->options.name + ": beta is " + std::to_string(beta_) + ". It must be above 0.");
    if (threshold_ && !(*threshold_ > 0 && *threshold_ <= 1))
      throw ValueError(this->options.name + ": threshold is " + std::to_string(*threshold_) +
                       ". It must be above 0, and at most 1.");
  }
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) const override {
    if (!y_true.defined() || !y_pred.defined() || y_true.rank() != 2 || y_pred.rank() != 2)
      throw ShapeError(options.name + ": y_true and y_pred must have shape (samples, classes)" +
                       (y_true.defined() && y_pred.defined()
                            ? ", but have " + to_string(y_true.shape()) + " and " + to_string(y_pred.shape())
                            : std::string()) +
                       ". Make labels rows by utils::to_categorical.");
    if (!hits_.state()) make_states(y_pred.shape()[1]);
    const Tensor truth = cast(y_true, dtype()), scores = cast(y_pred, dtype());
    Tensor positive;
    if (threshold_)
      positive = greater(scores, *threshold_);
    else  // the largest, but not where all are zero
      positive =
          logical_and(greater_equal(scores, reduce_max(scores, -1, {.keepdims = true})), greater(abs(scores), 1e-9));
    const Tensor predicted = cast(positive, dtype());
    auto add = [&](const Variable& to, Tensor values) {
      if (sample_weight.defined()) values = values * reshape(cast(sample_weight, dtype()), {-1, 1});
      to.assign_add(average_ == "micro" ? reduce_sum(values) : reduce_sum(values, 0));
    };
    add(hits_, predicted * truth);
    add(false_positives_, predicted * (1.0 - truth));
    add(false_negatives_, (1.0 - predicted) * truth);
    add(weights_, truth);
  }
  Tensor result() const override {
    if (!hits_.state()) throw ValueError(options.name + ": there is no result before the first update_state().");
    const Tensor hits = hits_.read();
    const Tensor precision = hits / (hits + false_positives_.read() + kEpsilon);
    const Tensor recall = hits / (hits + false_negatives_.read() + kEpsilon);
    const double square = beta_ * beta_;
    const Tensor score = precision * recall / (square * precision + recall + kEpsilon) * (1 + square);
    if (average_.empty()) return score;
    if (average_ != "weighted") return reduce_mean(score);
    return reduce_sum(score * (weights_.read() / (reduce_sum(weights_.read()) + kEpsilon)));
  }

 private:
  void make_states(std::int64_t classes) const {
    const Shape shape = average_ == "micro" ? Shape{} : Shape{classes};
    hits_ = add_variable("true_positives", shape);
    false_positives_ = add_variable("false_positives", shape);
    false_negatives_ = add_variable("false_negatives", shape);
    weights_ = add_variable("intermediate_weights", shape);
  }
  std::string average_;
  double beta_;
  std::optional<double> threshold_;
  mutable Variable hits_, false_positives_, false_negatives_, weights_;
};

class R2Metric final : public BuiltIn {
 public:
  R2Metric(const Config& config, const MetricOptions& options, const R2ScoreOptions& o)
      : BuiltIn("R2Score", config, options), aggregation_(o.class_aggregation), regressors_(o.num_regressors) {
    if (!aggregation_.empty() && aggregation_ != "uniform_average" && aggregation_ != "variance_weighted_average")
      throw ValueError(this->options.name + ": class_aggregation is '" + aggregation_ +
                       "'. Use \"uniform_average\", \"variance_weighted_average\", or \"\" for one value a column.");
    if (regressors_ < 0)
      throw ValueError(this->options.name + ": num_regressors is " + std::to_string(regressors_) + ". Use 0 or more.");
    samples_ = add_variable("num_samples", {});
  }
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) const override {
    if (!y_true.defined() || !y_pred.defined())
      throw ValueError(options.name + ": " + (y_true.defined() ? "y_pred" : "y_true") + " is an undefined tensor.");
    const auto [truth, p] = squeeze_or_expand_to_same_rank(cast(y_true, dtype()), cast(y_pred, dtype()));
    if (truth.rank() != 2)
      throw ShapeError(options.name + ": y_true and y_pred must have shape (samples, values), but have " +
                       to_string(y_true.shape()) + " and " + to_string(y_pred.shape()) + ".");
    if (!sum_.state()) make_states(p.shape()[1]);
    Tensor weight = sample_weight.defined() ? cast(sample_weight, dtype()) : constant(1.0, dtype());
    if (weight.rank() == 1) weight = expand_dims(weight, 1);
    weight = broadcast_like(weight, truth);
    sum_.assign_add(reduce_sum(truth * weight, 0));
    squares_.assign_add(reduce_sum(truth * (truth * weight), 0));
    residual_.assign_add(reduce_sum(square(truth - p) * weight, 0));
    count_.assign_add(reduce_sum(weight, 0));
    samples_.assign_add(cast(strata::size(truth), dtype()));
  }
  Tensor result() const override {
    if (!sum_.state()) throw ValueError(options.name + ": there is no result before the first update_state().");
    const Tensor mean = sum_.read() / count_.read(), total = squares_.read() - sum_.read() * mean;
    const Tensor raw = 1.0 - residual_.read() / total;
    const Tensor scores = where(isinf(raw), zeros_like(raw), raw);
    Tensor score = scores;
    if (aggregation_ == "uniform_average") score = reduce_mean(scores);
    if (aggregation_ == "variance_weighted_average") score = reduce_sum(total * scores) / reduce_sum(total);
    if (regressors_ == 0) return score;
    // Too few samples to adjust for so many regressors: the plain score.
    const Tensor n = samples_.read(), rest = n - static_cast<double>(regressors_) - 1.0;
    const Tensor adjusted = 1.0 - (1.0 - score) * (n - 1.0) / maximum(rest, 1.0);
    return where(greater(rest, 0.0), adjusted, score);
  }

 private:
  void make_states(std::int64_t columns) const {
    squares_ = add_variable("squared_sum", {columns});
    sum_ = add_variable("sum", {columns});
    residual_ = add_variable("residual", {columns});
    count_ = add_variable("count", {columns});
  }
  std::string aggregation_;
  int regressors_;
  Variable samples_;
  mutable Variable squares_, sum_, residual_, count_;
};

}  // namespace

std::shared_ptr<const Metric::Base> make_iou(const char* class_name, const Config& config, const MetricOptions& options,
                                             const IoURule& rule) {
  // An integer type, as files of Keras have it, says what no type does: whole counts.
  const std::string& dtype = options.dtype;
  const bool is_whole = !dtype.empty() && (dtype == "int" || !is_floating(dtype_from_string(dtype)));
  return std::make_shared<IoUMetric>(class_name, config, MetricOptions{options.name, is_whole ? "" : dtype}, rule);
}
std::shared_ptr<const Metric::Base> make_f_beta(const char* class_name, const Config& config,
                                                const MetricOptions& options, const FBetaScoreOptions& o) {
  return std::make_shared<FBetaMetric>(class_name, config, options, o);
}
std::shared_ptr<const Metric::Base> make_r2(const Config& config, const MetricOptions& options,
                                            const R2ScoreOptions& o) {
  return std::make_shared<R2Metric>(config, options, o);
}

// The mean of the products of standard scores along the axis.
Tensor pearson_correlation(const Tensor& y_true, const Tensor& y_pred, const CorrelationOptions& o) {
  const auto [t, p] = fit_labels("pearson_correlation", y_true, y_pred);
  auto standard = [&](const Tensor& x) {
    const Tensor centered = x - reduce_mean(x, o.axis, {.keepdims = true});
    return centered / reduce_std(centered, o.axis, {.keepdims = true});
  };
  return reduce_mean(standard(t) * standard(p), o.axis);
}

// As Keras computes it: both factors of the covariance are centered by the mean of the predictions.
Tensor concordance_correlation(const Tensor& y_true, const Tensor& y_pred, const CorrelationOptions& o) {
  const auto [t, p] = fit_labels("concordance_correlation", y_true, y_pred);
  const ReduceOptions keep{.keepdims = true};
  const Tensor t_mean = reduce_mean(t, o.axis, keep), p_mean = reduce_mean(p, o.axis, keep);
  const Tensor t_variance = reduce_variance(t - t_mean, o.axis, keep);
  const Tensor p_variance = reduce_variance(p - p_mean, o.axis, keep);
  const Tensor covariance = (t - p_mean) * (p - p_mean);
  return reduce_mean(2.0 * covariance / (t_variance + p_variance + square(t_mean - p_mean) + kEpsilon), o.axis);
}

}  // namespace strata::metrics
