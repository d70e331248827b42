// Counts of true and false positives and negatives at thresholds.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "strata/variable.h"

namespace strata::metrics {

struct ConfusionOptions {
  std::vector<double> thresholds;
  std::optional<int> top_k, class_id;
  bool multi_label = false;           // a count for each column of y_pred
  std::vector<double> label_weights;  // of the columns
};

// What a batch adds: one number for each threshold, or (thresholds, labels) with multi_label.
struct Confusion {
  Tensor true_positives, false_positives, true_negatives, false_negatives;
};

// Counts as Keras does: evenly spaced thresholds by buckets, others by comparing each prediction with each threshold.
Confusion count_confusion(const std::string& where, const Tensor& y_true, const Tensor& y_pred,
                          const Tensor& sample_weight, const ConfusionOptions& options);

// Throws ValueError unless all are in [0, 1].
void check_thresholds(const std::string& where, const std::vector<double>& thresholds);

// (i + 1) / (count - 1) for i in [0, count - 2), between `first` and `last`.
std::vector<double> even_thresholds(int count, double first, double last);

}  // namespace strata::metrics
