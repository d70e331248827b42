// What the built-in metrics are made of.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/fields.h"
#include "strata/metrics.h"

namespace strata::metrics {

// From Keras's names; throws ValueError that lists them.
STRATA_API Metric make_metric_by_name(const std::string& name);
// From a class name and its configuration.
STRATA_API Metric make_metric(const std::string& class_name, const Config& config);

// Name and dtype of an options struct; `name` where none is given.
template <class O>
MetricOptions common_options(const O& options, const char* name) {
  return {options.name.empty() ? name : options.name, options.dtype};
}

using Values = std::function<Tensor(const Tensor&, const Tensor&)>;

// A metric whose class name and configuration are known, and that can be made again from them.
class BuiltIn : public Metric::Base {
 public:
  BuiltIn(const char* class_name, const Config& config, const MetricOptions& options);
  std::string class_name() const override { return class_name_; }
  Config get_config() const override { return config_; }
  Variables variables() const override { return variables_; }
  std::shared_ptr<const Base> clone() const override;
  DType dtype() const;

 protected:
  Variable add_variable(const char* name, const Shape& shape) const;

 private:
  const char* class_name_;
  Config config_;
  mutable Variables variables_;  // AUC makes its own at the first update
};

// Mean, and the mean of a function of labels and predictions.
std::shared_ptr<const Metric::Base> make_mean(const char* class_name, const MetricOptions& options,
                                              const Config& config = {}, Values values = {}, bool root = false);
std::shared_ptr<const Metric::Base> make_sum(const MetricOptions& options);

// One number, or one for each threshold, of a confusion matrix (confusion_metrics.cpp, auc.cpp).
std::shared_ptr<const Metric::Base> make_count(const char* class_name, const char* name, const CountOptions& options);
std::shared_ptr<const Metric::Base> make_ratio(const char* class_name, const char* name,
                                               const PrecisionOptions& options);
std::shared_ptr<const Metric::Base> make_at(const char* class_name, const char* name, const char* argument,
                                            double value, const AtOptions& options);
std::shared_ptr<const Metric::Base> make_auc(const AUCOptions& options);

// On a confusion matrix of classes, and scores of whole columns (scores.cpp).
struct IoURule {
  std::int64_t num_classes;
  std::vector<std::int64_t> target_class_ids;
  std::optional<int> ignore_class;
  bool sparse_y_true, sparse_y_pred;
  int axis;
  std::optional<double> threshold;
};
std::shared_ptr<const Metric::Base> make_iou(const char* class_name, const Config& config, const MetricOptions& options,
                                             const IoURule& rule);
std::shared_ptr<const Metric::Base> make_f_beta(const char* class_name, const Config& config,
                                                const MetricOptions& options, const FBetaScoreOptions& o);
std::shared_ptr<const Metric::Base> make_r2(const Config& config, const MetricOptions& options,
                                            const R2ScoreOptions& o);

}  // namespace strata::metrics
