/// \file
/// Metrics. Names, defaults and numbers are Keras 3.15's.
#pragma once

#include <concepts>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "strata/metric.h"

namespace strata::metrics {

// The name is Keras's first argument: `metrics::Mean("loss")`.

/// The mean of the values that it is given; values of more than one axis count by their mean over the others.
struct STRATA_API Mean : Metric {
  Mean(const MetricOptions& options = {});
  template <std::convertible_to<std::string> Name>
  explicit Mean(const Name& name) : Mean(MetricOptions{.name = name}) {}
  void update_state(const Tensor& values, const Tensor& sample_weight = {}) const;
  Tensor operator()(const Tensor& values, const Tensor& sample_weight = {}) const;
};
struct STRATA_API Sum : Metric {
  Sum(const MetricOptions& options = {});
  void update_state(const Tensor& values, const Tensor& sample_weight = {}) const;
  Tensor operator()(const Tensor& values, const Tensor& sample_weight = {}) const;
};

/// How often y_pred equals y_true.
struct STRATA_API Accuracy : Metric {
  Accuracy(const MetricOptions& options = {});
  template <std::convertible_to<std::string> Name>
  explicit Accuracy(const Name& name) : Accuracy(MetricOptions{.name = name}) {}
};
struct BinaryAccuracyOptions {
  double threshold = 0.5;  ///< greater predictions count as 1
  std::string name = {}, dtype = {};
};
struct STRATA_API BinaryAccuracy : Metric {
  BinaryAccuracy(const BinaryAccuracyOptions& options = {});
};
/// How often the largest prediction is that of the right class: one-hot labels.
struct STRATA_API CategoricalAccuracy : Metric {
  CategoricalAccuracy(const MetricOptions& options = {});
  template <std::convertible_to<std::string> Name>
  explicit CategoricalAccuracy(const Name& name) : CategoricalAccuracy(MetricOptions{.name = name}) {}
};
/// The same for labels that are class indices.
struct STRATA_API SparseCategoricalAccuracy : Metric {
  SparseCategoricalAccuracy(const MetricOptions& options = {});
  template <std::convertible_to<std::string> Name>
  explicit SparseCategoricalAccuracy(const Name& name) : SparseCategoricalAccuracy(MetricOptions{.name = name}) {}
};
struct TopKOptions {
  int k = 5;
  std::string name = {}, dtype = {};
};
struct STRATA_API TopKCategoricalAccuracy : Metric {
  TopKCategoricalAccuracy(const TopKOptions& options = {});
  explicit TopKCategoricalAccuracy(int k) : TopKCategoricalAccuracy(TopKOptions{.k = k}) {}
};
struct STRATA_API SparseTopKCategoricalAccuracy : Metric {
  SparseTopKCategoricalAccuracy(const TopKOptions& options = {});
  explicit SparseTopKCategoricalAccuracy(int k) : SparseTopKCategoricalAccuracy(TopKOptions{.k = k}) {}
};

/// One threshold or several; predictions above one count as positive.
struct Thresholds {
  Thresholds() = default;
  Thresholds(double threshold) : values{threshold} {}
  Thresholds(std::initializer_list<double> thresholds) : values(thresholds) {}
  Thresholds(const std::vector<double>& thresholds) : values(thresholds) {}
  std::vector<double> values;
};
struct CountOptions {
  Thresholds thresholds = {};  ///< 0.5 where none is given
  std::string name = {}, dtype = {};
};
struct STRATA_API TruePositives : Metric {
  TruePositives(const CountOptions& options = {});
};
struct STRATA_API TrueNegatives : Metric {
  TrueNegatives(const CountOptions& options = {});
};
struct STRATA_API FalsePositives : Metric {
  FalsePositives(const CountOptions& options = {});
};
struct STRATA_API FalseNegatives : Metric {
  FalseNegatives(const CountOptions& options = {});
};

struct PrecisionOptions {
  Thresholds thresholds = {};        ///< 0.5 where none is given
  std::optional<int> top_k = {};     ///< the k largest predictions count as positive
  std::optional<int> class_id = {};  ///< this class alone
  std::string name = {}, dtype = {};
};
using RecallOptions = PrecisionOptions;
/// True positives over all that were predicted positive. One value for each threshold.
struct STRATA_API Precision : Metric {
  Precision(const PrecisionOptions& options = {});
};
/// True positives over all that are positive. One value for each threshold.
struct STRATA_API Recall : Metric {
  Recall(const RecallOptions& options = {});
};

/// The best of one rate where the other is at least the given value.
struct AtOptions {
  int num_thresholds = 200;
  std::optional<int> class_id = {};
  std::string name = {}, dtype = {};
};
struct STRATA_API SensitivityAtSpecificity : Metric {
  explicit SensitivityAtSpecificity(double specificity, const AtOptions& options = {});
};
struct STRATA_API SpecificityAtSensitivity : Metric {
  explicit SpecificityAtSensitivity(double sensitivity, const AtOptions& options = {});
};
struct STRATA_API PrecisionAtRecall : Metric {
  explicit PrecisionAtRecall(double recall, const AtOptions& options = {});
};
struct STRATA_API RecallAtPrecision : Metric {
  explicit RecallAtPrecision(double precision, const AtOptions& options = {});
};

/// The area under a curve, approximated by `num_thresholds` points on it.
struct AUCOptions {
  int num_thresholds = 200;
  std::string curve = "ROC";                       ///< "ROC", "PR" or "PRGAIN"
  std::string summation_method = "interpolation";  ///< or "minoring", "majoring"
  std::vector<double> thresholds = {};             ///< in [0, 1], instead of evenly spaced ones
  bool multi_label = false;                        ///< the mean of one area for each column
  std::optional<int> num_labels = {};
  std::vector<double> label_weights = {};
  bool from_logits = false;
  std::string name = {}, dtype = {};
};
struct STRATA_API AUC : Metric {
  AUC(const AUCOptions& options = {});
};

/// Intersection over union of the classes `target_class_ids`, and its mean over them. Labels and predictions are class
/// numbers, or one-hot rows and probabilities along `axis` where the options say so. Samples of `ignore_class`, and of
/// classes outside of the range, do not count. Without a `dtype` sample weights are cut to whole numbers, as in Keras.
struct IoUOptions {
  std::string name = {}, dtype = {};
  std::optional<int> ignore_class = {};
  bool sparse_y_true = true, sparse_y_pred = true;
  int axis = -1;
};
struct STRATA_API IoU : Metric {
  IoU(int num_classes, const std::vector<std::int64_t>& target_class_ids, const IoUOptions& options = {});
};
/// Of all classes.
struct STRATA_API MeanIoU : Metric {
  explicit MeanIoU(int num_classes, const IoUOptions& options = {});
};
/// Of the classes 0 and 1, of predictions below and from `threshold` on.
struct BinaryIoUOptions {
  std::vector<std::int64_t> target_class_ids = {0, 1};
  double threshold = 0.5;
  std::string name = {}, dtype = {};
};
struct STRATA_API BinaryIoU : Metric {
  BinaryIoU(const BinaryIoUOptions& options = {});
};
struct OneHotIoUOptions {
  std::string name = {}, dtype = {};
  std::optional<int> ignore_class = {};
  bool sparse_y_pred = false;
  int axis = -1;
};
struct STRATA_API OneHotIoU : Metric {
  OneHotIoU(int num_classes, const std::vector<std::int64_t>& target_class_ids, const OneHotIoUOptions& options = {});
};
struct STRATA_API OneHotMeanIoU : Metric {
  explicit OneHotMeanIoU(int num_classes, const OneHotIoUOptions& options = {});
};

/// (1 + beta^2) precision recall / (beta^2 precision + recall) of rows of labels and probabilities: of the largest
/// probability, or of those above `threshold`.
struct FBetaScoreOptions {
  std::string average = {};  ///< "micro", "macro" or "weighted"; without it one value for each class
  double beta = 1;
  std::optional<double> threshold = {};
  std::string name = {}, dtype = {};
};
struct STRATA_API FBetaScore : Metric {
  FBetaScore(const FBetaScoreOptions& options = {});
};
struct F1ScoreOptions {
  std::string average = {};
  std::optional<double> threshold = {};
  std::string name = {}, dtype = {};
};
struct STRATA_API F1Score : Metric {
  F1Score(const F1ScoreOptions& options = {});
};

/// 1 - residual / total sum of squares, for (samples, values).
struct R2ScoreOptions {
  std::string class_aggregation = "uniform_average";  ///< or "variance_weighted_average", or "" for each column
  int num_regressors = 0;                             ///< adjusts the score for so many
  std::string name = {}, dtype = {};
};
struct STRATA_API R2Score : Metric {
  R2Score(const R2ScoreOptions& options = {});
};

/// Correlations along an axis.
struct CorrelationOptions {
  std::string name = {}, dtype = {};
  int axis = -1;
};
struct STRATA_API PearsonCorrelation : Metric {
  PearsonCorrelation(const CorrelationOptions& options = {});
};
struct STRATA_API ConcordanceCorrelation : Metric {
  ConcordanceCorrelation(const CorrelationOptions& options = {});
};

struct STRATA_API MeanSquaredError : Metric {
  MeanSquaredError(const MetricOptions& options = {});
};
struct STRATA_API RootMeanSquaredError : Metric {
  RootMeanSquaredError(const MetricOptions& options = {});
};
struct STRATA_API MeanAbsoluteError : Metric {
  MeanAbsoluteError(const MetricOptions& options = {});
};
struct STRATA_API MeanAbsolutePercentageError : Metric {
  MeanAbsolutePercentageError(const MetricOptions& options = {});
};
struct STRATA_API MeanSquaredLogarithmicError : Metric {
  MeanSquaredLogarithmicError(const MetricOptions& options = {});
};
struct STRATA_API LogCoshError : Metric {
  LogCoshError(const MetricOptions& options = {});
};
/// 1 for vectors of one direction (the loss of this name has the other sign).
struct CosineSimilarityOptions {
  int axis = -1;
  std::string name = {}, dtype = {};
};
struct STRATA_API CosineSimilarity : Metric {
  CosineSimilarity(const CosineSimilarityOptions& options = {});
};
struct STRATA_API KLDivergence : Metric {
  KLDivergence(const MetricOptions& options = {});
};
struct STRATA_API Poisson : Metric {
  Poisson(const MetricOptions& options = {});
};
struct STRATA_API Hinge : Metric {
  Hinge(const MetricOptions& options = {});
};
struct STRATA_API SquaredHinge : Metric {
  SquaredHinge(const MetricOptions& options = {});
};
struct STRATA_API CategoricalHinge : Metric {
  CategoricalHinge(const MetricOptions& options = {});
};

struct BinaryCrossentropyOptions {
  bool from_logits = false;
  double label_smoothing = 0;
  std::string name = {}, dtype = {};
};
struct STRATA_API BinaryCrossentropy : Metric {
  BinaryCrossentropy(const BinaryCrossentropyOptions& options = {});
};
struct CategoricalCrossentropyOptions {
  bool from_logits = false;
  double label_smoothing = 0;
  int axis = -1;
  std::string name = {}, dtype = {};
};
struct STRATA_API CategoricalCrossentropy : Metric {
  CategoricalCrossentropy(const CategoricalCrossentropyOptions& options = {});
};
struct SparseCategoricalCrossentropyOptions {
  bool from_logits = false;
  std::optional<int> ignore_class = {};
  int axis = -1;
  std::string name = {}, dtype = {};
};
struct STRATA_API SparseCategoricalCrossentropy : Metric {
  SparseCategoricalCrossentropy(const SparseCategoricalCrossentropyOptions& options = {});
};

}  // namespace strata::metrics
