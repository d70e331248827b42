// The area under the ROC, precision-recall or precision-recall-gain curve.
#include <algorithm>

#include "losses/weights.h"
#include "metrics/confusion.h"
#include "metrics/state.h"
#include "strata/array.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"

namespace strata::metrics {

namespace {

std::string lower(std::string s) {
  std::transform(s.begin(), s.end(), s.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return s;
}

Config config_of(const AUCOptions& o) {
  Config c = {{"num_thresholds", o.thresholds.empty() ? o.num_thresholds : static_cast<int>(o.thresholds.size()) + 2},
              {"curve", o.curve},
              {"summation_method", o.summation_method},
              {"multi_label", o.multi_label},
              {"num_labels", o.num_labels ? Config::Value(*o.num_labels) : Config::Value()},
              {"label_weights", o.label_weights.empty() ? Config::Value() : Config::Value(o.label_weights)},
              {"from_logits", o.from_logits}};
  if (!o.thresholds.empty()) c.set("thresholds", o.thresholds);
  return c;
}

class AucMetric final : public BuiltIn {
 public:
  explicit AucMetric(const AUCOptions& o)
      : BuiltIn("AUC", config_of(o), common_options(o, "auc")),
        curve_(lower(o.curve)),
        method_(lower(o.summation_method)),
        from_logits_(o.from_logits),
        label_weights_(o.label_weights) {
    if (curve_ != "roc" && curve_ != "pr" && curve_ != "prgain")
      throw ValueError(options.name + ": curve is '" + o.curve + "'. Use \"ROC\", \"PR\" or \"PRGAIN\".");
    if (method_ != "interpolation" && method_ != "minoring" && method_ != "majoring")
      throw ValueError(options.name + ": summation_method is '" + o.summation_method +
                       "'. Use \"interpolation\", \"minoring\" or \"majoring\".");
    if (o.num_labels && !o.multi_label)
      throw ValueError(options.name + ": num_labels is given without multi_label. Set .multi_label = true.");
    counted_.multi_label = o.multi_label;
    // With several labels their areas are weighted, not their counts.
    if (!o.multi_label) counted_.label_weights = o.label_weights;
    set_thresholds(o);
    if (!o.multi_label)
      create({count_});
    else if (o.num_labels)
      create({count_, *o.num_labels});
  }

  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) const override {
    if (counted_.multi_label && !true_positives_.state()) {
      if (!y_pred.defined() || y_pred.rank() != 2 || y_pred.shape().back() == None)
        throw ShapeError(options.name + ": with multi_label y_pred has shape (batch, labels), but " +
                         (y_pred.defined() ? to_string(y_pred.shape()) : "nothing") + " was given.");
      create({count_, y_pred.shape().back()});
    }
    const Tensor prediction = from_logits_ && y_pred.defined() ? nn::sigmoid(y_pred) : y_pred;
    const Confusion c = count_confusion(options.name, y_true, prediction, sample_weight, counted_);
    true_positives_.assign_add(c.true_positives);
    false_positives_.assign_add(c.false_positives);
    true_negatives_.assign_add(c.true_negatives);
    false_negatives_.assign_add(c.false_negatives);
  }

  Tensor result() const override {
    if (!true_positives_.state()) return zeros({});
    return mean_over_labels(curve_ == "pr" && method_ == "interpolation" ? interpolated_pr() : riemann());
  }

 private:
  void set_thresholds(const AUCOptions& o) {
    if (o.thresholds.empty() && o.num_thresholds < 2)
      throw ValueError(options.name + ": num_thresholds is " + std::to_string(o.num_thresholds) + ". Use at least 2.");
    check_thresholds(options.name, o.thresholds);
    // A little beyond 0 and 1, so that rounding leaves no prediction outside.
    counted_.thresholds = even_thresholds(o.num_thresholds, -kEpsilon, 1 + kEpsilon);
    if (!o.thresholds.empty()) {
      counted_.thresholds = o.thresholds;
      std::sort(counted_.thresholds.begin(), counted_.thresholds.end());
      counted_.thresholds.insert(counted_.thresholds.begin(), -kEpsilon);
      counted_.thresholds.push_back(1 + kEpsilon);
    }
    count_ = static_cast<std::int64_t>(counted_.thresholds.size());
  }

  void create(const Shape& shape) const {
    true_positives_ = add_variable("true_positives", shape);
    false_positives_ = add_variable("false_positives", shape);
    true_negatives_ = add_variable("true_negatives", shape);
    false_negatives_ = add_variable("false_negatives", shape);
  }

  // The points at the lower and at the upper end of each interval between thresholds.
  Tensor lower_end(const Tensor& x) const { return x[Slice(0, count_ - 1)]; }
  static Tensor upper_end(const Tensor& x) { return x[Slice(1)]; }

  // Davis and Goadrich 2006: precision is not linear between two points, the counts are.
  Tensor interpolated_pr() const {
    const Tensor tp = true_positives_, p = tp + false_positives_, fn = false_negatives_;
    const Tensor dtp = lower_end(tp) - upper_end(tp), dp = lower_end(p) - upper_end(p);
    const Tensor slope = safe_ratio(dtp, maximum(dp, 0.0));
    const Tensor intercept = upper_end(tp) - slope * upper_end(p);
    const Tensor both = logical_and(greater(lower_end(p), 0.0), greater(upper_end(p), 0.0));
    const Tensor ratio = safe_ratio(lower_end(p), maximum(upper_end(p), 0.0));
    const Tensor safe = strata::where(both, ratio, ones_like(ratio));
    return safe_ratio(slope * (dtp + intercept * log(safe)), maximum(upper_end(tp) + upper_end(fn), 0.0));
  }

  Tensor riemann() const {
    const Tensor tp = true_positives_, fp = false_positives_, tn = true_negatives_, fn = false_negatives_;
    const Tensor recall = safe_ratio(tp, tp + fn);
    Tensor x, y;
    if (curve_ == "roc") {
      x = safe_ratio(fp, fp + tn), y = recall;
    } else if (curve_ == "pr") {
      x = recall, y = safe_ratio(tp, tp + fp);
    } else {  // Flach and Kull 2015
      const Tensor scale = safe_ratio(tp + fn, tn + fp), none = equal(tp, 0.0);
      const Tensor recall_gain = 1.0 - scale * safe_ratio(fn, tp), precision_gain = 1.0 - scale * safe_ratio(fp, tp);
      x = maximum(strata::where(none, zeros_like(tp), recall_gain), 0.0);
      y = strata::where(none, ones_like(tp), precision_gain);
    }
    const Tensor heights = method_ == "interpolation" ? (lower_end(y) + upper_end(y)) / 2.0
                           : method_ == "minoring"    ? minimum(lower_end(y), upper_end(y))
                                                      : maximum(lower_end(y), upper_end(y));
    return (lower_end(x) - upper_end(x)) * heights;
  }

  Tensor mean_over_labels(const Tensor& areas) const {
    if (!counted_.multi_label) return reduce_sum(areas);
    const Tensor by_label = reduce_sum(areas, 0);
    if (label_weights_.empty()) return reduce_mean(by_label);
    const Tensor weights =
        cast(Tensor::from(label_weights_, {static_cast<std::int64_t>(label_weights_.size())}), float32);
    return safe_ratio(reduce_sum(by_label * weights), reduce_sum(weights));
  }

  std::string curve_, method_;
  bool from_logits_;
  std::vector<double> label_weights_;
  ConfusionOptions counted_;
  std::int64_t count_ = 0;
  mutable Variable true_positives_, false_positives_, true_negatives_, false_negatives_;
};

}  // namespace

std::shared_ptr<const Metric::Base> make_auc(const AUCOptions& options) { return std::make_shared<AucMetric>(options); }

}  // namespace strata::metrics
