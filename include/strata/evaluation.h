/// \file
/// Evaluation of classifiers, with scikit-learn's names, options, layouts and numbers.
///
/// Labels are integers (whole floating numbers pass) of shape (n,) or (n, 1); 0/1 rows of shape (n, classes) are
/// several labels a sample ("multilabel") where scikit-learn takes them. Numbers are double, arrays are float64
/// tensors. Everything throws ValueError where shapes, labels or options do not fit; numbers that are not defined are
/// nan or `zero_division`, as there.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "strata/tensor.h"

namespace strata::evaluation {

using Labels = std::vector<std::int64_t>;

struct AccuracyOptions {
  bool normalize = true;  ///< false: the number (or weight) of correct samples
  Tensor sample_weight = {};
};
/// The share of samples whose label, or whole row of labels, is right.
STRATA_API double accuracy_score(const Tensor& y_true, const Tensor& y_pred, const AccuracyOptions& options = {});

struct ConfusionMatrixOptions {
  Labels labels = {};  ///< rows and columns, in this order; by default all that occur, sorted
  Tensor sample_weight = {};
  std::string normalize = {};  ///< "true" (rows), "pred" (columns), "all"
};
/// Entry (i, j): samples of class i that were taken for class j. int64; float64 with `normalize` or real weights.
STRATA_API Tensor confusion_matrix(const Tensor& y_true, const Tensor& y_pred,
                                   const ConfusionMatrixOptions& options = {});

struct PrecisionRecallOptions {
  double beta = 1;  ///< of the F score: recall counts beta times as much as precision
  Labels labels = {};
  std::int64_t pos_label = 1;  ///< the class that "binary" reports
  std::string average = {};    ///< empty: each class; "binary", "micro", "macro", "weighted", "samples"
  Tensor sample_weight = {};
  double zero_division = 0;  ///< where a denominator is zero: 0, 1 or nan
};
/// One element for each class, or scalars where there is an average (`support` is then undefined).
struct PrecisionRecallFscoreSupport {
  Tensor precision, recall, fscore, support;
};
STRATA_API PrecisionRecallFscoreSupport precision_recall_fscore_support(const Tensor& y_true, const Tensor& y_pred,
                                                                        const PrecisionRecallOptions& options = {});

struct ScoreOptions {
  Labels labels = {};
  std::int64_t pos_label = 1;
  std::string average = "binary";  ///< or "micro", "macro", "weighted", "samples"
  Tensor sample_weight = {};
  double zero_division = 0;
};
/// tp / (tp + fp).
STRATA_API double precision_score(const Tensor& y_true, const Tensor& y_pred, const ScoreOptions& options = {});
/// tp / (tp + fn).
STRATA_API double recall_score(const Tensor& y_true, const Tensor& y_pred, const ScoreOptions& options = {});
/// The harmonic mean of precision and recall.
STRATA_API double f1_score(const Tensor& y_true, const Tensor& y_pred, const ScoreOptions& options = {});
/// (1 + beta^2) precision recall / (beta^2 precision + recall).
STRATA_API double fbeta_score(const Tensor& y_true, const Tensor& y_pred, double beta,
                              const ScoreOptions& options = {});

struct ClassificationReportOptions {
  Labels labels = {};
  std::vector<std::string> target_names = {};  ///< one for each label
  Tensor sample_weight = {};
  int digits = 2;
  double zero_division = 0;
};
/// The table of precision, recall, F1 and support, as text and as values.
///
///     std::cout << evaluation::classification_report(y_true, y_pred, {.target_names = names});
///     double recall = report["cat"].recall;
class STRATA_API ClassificationReport {
 public:
  struct Row {
    std::string name;
    double precision = 0, recall = 0, f1_score = 0, support = 0;
  };
  std::vector<Row> classes;
  std::vector<Row> averages;       ///< "micro avg" (unless there is an accuracy), "macro avg", "weighted avg", ...
  std::optional<double> accuracy;  ///< where every label that occurs is in the table
  int digits = 2;
  bool has_weights = false;  ///< whether `support` sums sample weights

  /// A class or an average by its name. Throws ValueError that lists the names there are.
  const Row& operator[](const std::string& name) const;
  /// scikit-learn's layout, with a newline at the end.
  std::string to_string() const;
  operator std::string() const { return to_string(); }
};
STRATA_API std::ostream& operator<<(std::ostream& out, const ClassificationReport& report);
STRATA_API ClassificationReport classification_report(const Tensor& y_true, const Tensor& y_pred,
                                                      const ClassificationReportOptions& options = {});

struct RocAucOptions {
  std::string average = "macro";  ///< or "micro", "weighted", "samples"
  Tensor sample_weight = {};
  std::optional<double> max_fpr = {};  ///< the standardized partial area up to here; two classes only
  std::string multi_class = "ovr";     ///< or "ovo"; scikit-learn wants one of them said
  Labels labels = {};                  ///< what the columns of y_score are, sorted
};
/// The area under the ROC curve. Two classes: y_score (n,), (n, 1), or (n, 2) with the second class last. More classes:
/// y_score (n, classes) of probabilities, or of hard labels as one-hot rows or (n,). 0/1 rows in y_true: one score for
/// each column. nan where a class that counts is missing or alone.
STRATA_API double roc_auc_score(const Tensor& y_true, const Tensor& y_score, const RocAucOptions& options = {});
/// The same for each class (one against the rest), where scikit-learn's average is None.
STRATA_API Tensor roc_auc_scores(const Tensor& y_true, const Tensor& y_score, const RocAucOptions& options = {});

struct CurveOptions {
  std::optional<std::int64_t> pos_label = {};  ///< 1, where the labels are {0, 1} or {-1, 1}
  Tensor sample_weight = {};
  std::optional<bool> drop_intermediate = {};  ///< leave out points on a straight line: true for ROC, false for PR
};
struct RocCurve {
  Tensor fpr, tpr, thresholds;  ///< from (0, 0) at the threshold infinity
};
/// False and true positive rates of y_score >= threshold, thresholds falling. A rate without samples is nan.
STRATA_API RocCurve roc_curve(const Tensor& y_true, const Tensor& y_score, const CurveOptions& options = {});
struct PrecisionRecallCurve {
  Tensor precision, recall, thresholds;  ///< thresholds rise; precision and recall have one more, (1, 0), at the end
};
STRATA_API PrecisionRecallCurve precision_recall_curve(const Tensor& y_true, const Tensor& y_score,
                                                       const CurveOptions& options = {});
/// The area under points by the trapezoidal rule; x must rise or fall throughout.
STRATA_API double auc(const Tensor& x, const Tensor& y);

struct AveragePrecisionOptions {
  std::string average = "macro";
  std::int64_t pos_label = 1;
  Tensor sample_weight = {};
};
/// The sum of precision times the step in recall, for two classes, more (y_score of shape (n, classes)) or 0/1 rows.
STRATA_API double average_precision_score(const Tensor& y_true, const Tensor& y_score,
                                          const AveragePrecisionOptions& options = {});

struct LogLossOptions {
  bool normalize = true;
  Tensor sample_weight = {};
  Labels labels = {};  ///< needed where a class does not occur in y_true
};
/// Minus the mean logarithm of the probability of the true class; y_proba (n,) or (n, classes), cut to [eps, 1 - eps]
/// of its dtype.
STRATA_API double log_loss(const Tensor& y_true, const Tensor& y_proba, const LogLossOptions& options = {});

struct CohenKappaOptions {
  Labels labels = {};
  std::string weights = {};  ///< "linear" or "quadratic": how much worse far classes are
  Tensor sample_weight = {};
};
/// Agreement beyond chance of two raters, 1 where they agree; nan where it is not defined.
STRATA_API double cohen_kappa_score(const Tensor& y1, const Tensor& y2, const CohenKappaOptions& options = {});

/// The correlation of truth and prediction over all classes, -1 to 1; 0 where one of them is constant.
STRATA_API double matthews_corrcoef(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {});

struct CalibrationOptions {
  std::optional<std::int64_t> pos_label = {};
  int n_bins = 5;
  std::string strategy = "uniform";  ///< or "quantile": equally many samples in each bin
};
struct CalibrationCurve {
  Tensor prob_true, prob_pred;  ///< share of positives and mean prediction of each bin that has samples
};
STRATA_API CalibrationCurve calibration_curve(const Tensor& y_true, const Tensor& y_prob,
                                              const CalibrationOptions& options = {});

struct TopKOptions {
  int k = 2;
  bool normalize = true;
  Tensor sample_weight = {};
  Labels labels = {};  ///< what the columns of y_score are, sorted
};
/// The share of samples whose class is among the k highest scores; of equal scores the last columns count as higher.
STRATA_API double top_k_accuracy_score(const Tensor& y_true, const Tensor& y_score, const TopKOptions& options = {});

struct LabelBinarizerOptions {
  std::int64_t neg_label = 0, pos_label = 1;
};
/// Turns labels into one column for each class (one column alone for two classes), and back.
class STRATA_API LabelBinarizer {
 public:
  explicit LabelBinarizer(const LabelBinarizerOptions& options = {});
  /// Learns the classes: the labels that occur, sorted.
  LabelBinarizer& fit(const Tensor& y);
  /// int64; a label that fit() did not see has no positive column. Throws ValueError before fit().
  Tensor transform(const Tensor& y) const;
  Tensor fit_transform(const Tensor& y) { return fit(y).transform(y); }
  /// The class of the highest column; of two, the second where its column is above the threshold (the middle of both
  /// labels by default).
  Tensor inverse_transform(const Tensor& y, std::optional<double> threshold = {}) const;
  const Labels& classes() const { return classes_; }

 private:
  LabelBinarizerOptions options_;
  Labels classes_;
};

}  // namespace strata::evaluation
