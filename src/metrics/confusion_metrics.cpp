// Metrics on counts of true and false positives and negatives.
#include "losses/weights.h"
#include "metrics/confusion.h"
#include "metrics/state.h"
#include "strata/array.h"
#include "strata/math.h"
#include "strata/reduce.h"

namespace strata::metrics {

namespace {

Config::Value value_of(const std::vector<double>& v) {
  if (v.empty()) return {};
  return v.size() == 1 ? Config::Value(v[0]) : Config::Value(v);
}
Config::Value value_of(const std::optional<int>& v) { return v ? Config::Value(*v) : Config::Value(); }

std::vector<double> thresholds_or(const std::string& where, const std::vector<double>& given, double otherwise) {
  check_thresholds(where, given);
  return given.empty() ? std::vector<double>{otherwise} : given;
}

// A metric on the four counts, of which it keeps those that it has a variable for.
class ConfusionMetric : public BuiltIn {
 public:
  ConfusionMetric(const char* class_name, const Config& config, const MetricOptions& options, ConfusionOptions counted)
      : BuiltIn(class_name, config, options), counted_(std::move(counted)) {
    if (counted_.top_k && *counted_.top_k < 1)
      throw ValueError(this->options.name + ": top_k is " + std::to_string(*counted_.top_k) + ". Use at least 1.");
    if (counted_.class_id && *counted_.class_id < 0)
      throw ValueError(this->options.name + ": class_id is " + std::to_string(*counted_.class_id) +
                       ". Use an index from 0 on.");
  }
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) const override {
    const Confusion c = count_confusion(options.name, y_true, y_pred, sample_weight, counted_);
    auto add = [](const Variable& total, const Tensor& part) {
      if (total.state()) total.assign_add(part);
    };
    add(true_positives_, c.true_positives);
    add(false_positives_, c.false_positives);
    add(true_negatives_, c.true_negatives);
    add(false_negatives_, c.false_negatives);
  }

 protected:
  Variable counter(const char* name) const {
    return add_variable(name, {static_cast<std::int64_t>(counted_.thresholds.size())});
  }
  // A scalar where there is one threshold.
  Tensor per_threshold(const Tensor& x) const { return counted_.thresholds.size() == 1 ? x[0] : x; }

  ConfusionOptions counted_;
  Variable true_positives_, false_positives_, true_negatives_, false_negatives_;
};

class Count final : public ConfusionMetric {
 public:
  Count(const char* class_name, const char* name, const CountOptions& o)
      : ConfusionMetric(class_name, {{"thresholds", value_of(o.thresholds.values)}}, common_options(o, name),
                        {thresholds_or(name, o.thresholds.values, 0.5), {}, {}, false, {}}) {
    const std::string kind = class_name;
    Variable& mine = kind == "TruePositives"    ? true_positives_
                     : kind == "FalsePositives" ? false_positives_
                     : kind == "TrueNegatives"  ? true_negatives_
                                                : false_negatives_;
    mine = counter("accumulator");
  }
  Tensor result() const override {
    for (const Variable& v : {true_positives_, false_positives_, true_negatives_, false_negatives_})
      if (v.state()) return per_threshold(v);
    return {};
  }
};

// Precision and Recall.
class Ratio final : public ConfusionMetric {
 public:
  Ratio(const char* class_name, const char* name, const PrecisionOptions& o)
      : ConfusionMetric(
            class_name,
            {{"thresholds", value_of(o.thresholds.values)},
             {"top_k", value_of(o.top_k)},
             {"class_id", value_of(o.class_id)}},
            common_options(o, name),
            {thresholds_or(name, o.thresholds.values, o.top_k ? -1e10 : 0.5), o.top_k, o.class_id, false, {}}) {
    true_positives_ = counter("true_positives");
    other_ = std::string(class_name) == "Precision" ? false_positives_ = counter("false_positives")
                                                    : false_negatives_ = counter("false_negatives");
  }
  Tensor result() const override {
    return per_threshold(safe_ratio(true_positives_, true_positives_.value() + other_));
  }

 private:
  Variable other_;
};

// The best of one rate under a condition on another.
class At final : public ConfusionMetric {
 public:
  At(const char* class_name, const char* name, const char* argument, double value, const AtOptions& o)
      : ConfusionMetric(class_name,
                        {{"num_thresholds", o.num_thresholds}, {argument, value}, {"class_id", value_of(o.class_id)}},
                        common_options(o, name),
                        {o.num_thresholds == 1 ? std::vector<double>{0.5} : even_thresholds(o.num_thresholds, 0, 1),
                         {},
                         o.class_id,
                         false,
                         {}}),
        kind_(class_name),
        value_(value) {
    if (!(value >= 0 && value <= 1))
      throw ValueError(options.name + ": " + argument + " is " + std::to_string(value) + ". It is in [0, 1].");
    if (o.num_thresholds < 1)
      throw ValueError(options.name + ": num_thresholds is " + std::to_string(o.num_thresholds) + ". Use at least 1.");
    true_positives_ = counter("true_positives");
    false_positives_ = counter("false_positives");
    true_negatives_ = counter("true_negatives");
    false_negatives_ = counter("false_negatives");
  }
  Tensor result() const override {
    const Tensor tp = true_positives_, fp = false_positives_, tn = true_negatives_, fn = false_negatives_;
    const Tensor sensitivity = safe_ratio(tp, tp + fn), specificity = safe_ratio(tn, tn + fp);
    const Tensor precision = safe_ratio(tp, tp + fp);
    if (kind_ == "SensitivityAtSpecificity") return best(sensitivity, specificity);
    if (kind_ == "SpecificityAtSensitivity") return best(specificity, sensitivity);
    if (kind_ == "PrecisionAtRecall") return best(precision, sensitivity);
    return best(sensitivity, precision);
  }

 private:
  Tensor best(const Tensor& wanted, const Tensor& bounded) const {
    return reduce_max(strata::where(greater_equal(bounded, value_), wanted, zeros_like(wanted)));
  }
  std::string kind_;
  double value_;
};

}  // namespace

std::shared_ptr<const Metric::Base> make_count(const char* class_name, const char* name, const CountOptions& options) {
  return std::make_shared<Count>(class_name, name, options);
}
std::shared_ptr<const Metric::Base> make_ratio(const char* class_name, const char* name,
                                               const PrecisionOptions& options) {
  return std::make_shared<Ratio>(class_name, name, options);
}
std::shared_ptr<const Metric::Base> make_at(const char* class_name, const char* name, const char* argument,
                                            double value, const AtOptions& options) {
  return std::make_shared<At>(class_name, name, argument, value, options);
}

}  // namespace strata::metrics
