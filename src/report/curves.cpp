// ROC, precision-recall and calibration curves, and the areas under them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "report/targets.h"

namespace strata::evaluation {

namespace {

// The label that counts as positive. Throws where neither the option nor the labels say it.
std::int64_t positive_label(const std::optional<std::int64_t>& given, const Labels& y, const std::string& where) {
  if (given) return *given;
  const Labels present = sorted_unique(y);
  for (const Labels& usual : {Labels{0, 1}, Labels{-1, 1}, Labels{0}, Labels{-1}, Labels{1}})
    if (present == usual) return 1;
  throw ValueError(fmt::format("{}: the labels are {}, which does not say which one is positive. Give .pos_label.",
                               where, list_of(present)));
}

BinaryProblem read_binary(const Tensor& y_true, const Tensor& y_score, const CurveOptions& options,
                          const std::string& where) {
  const Labels y = read_labels(y_true, where + ": y_true");
  Matrix score = read_scores(y_score, where + ": y_score");
  if (score.columns != 1)
    throw ShapeError(
        fmt::format("{}: y_score has shape {}, but one score for each sample was expected. Take the "
                    "column of the positive class: y_score[{{Ellipsis, 1}}].",
                    where, to_string(y_score.shape())));
  check_lengths(y.size(), score.values.size(), where);
  const std::int64_t positive = positive_label(options.pos_label, y, where);
  BinaryProblem out{{}, std::move(score.values), read_weights(options.sample_weight, y.size(), where)};
  for (std::int64_t label : y) out.is_positive.push_back(label == positive);
  return out;
}

void keep(Numbers& values, const std::vector<bool>& kept) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (kept[i]) values[n++] = values[i];
  values.resize(n);
}

void keep(ThresholdCounts& counts, const std::vector<bool>& kept) {
  keep(counts.false_positives, kept);
  keep(counts.true_positives, kept);
  keep(counts.thresholds, kept);
}

bool bends(const Numbers& v, std::size_t i) { return (v[i + 1] - v[i]) - (v[i] - v[i - 1]) != 0; }

struct Rates {
  Numbers fpr, tpr, thresholds;
};

Rates roc_rates(const BinaryProblem& problem, bool drop_intermediate) {
  ThresholdCounts counts = count_at_thresholds(problem);
  const std::size_t n = counts.thresholds.size();
  if (drop_intermediate && n > 2) {
    std::vector<bool> kept(n, true);
    for (std::size_t i = 1; i + 1 < n; ++i)
      kept[i] = bends(counts.false_positives, i) || bends(counts.true_positives, i);
    keep(counts, kept);
  }
  Rates out{{0.0}, {0.0}, {std::numeric_limits<double>::infinity()}};
  const double negatives = n > 0 ? counts.false_positives.back() : 0,
               positives = n > 0 ? counts.true_positives.back() : 0;
  for (double v : counts.false_positives) out.fpr.push_back(v / negatives);
  for (double v : counts.true_positives) out.tpr.push_back(v / positives);
  const double nan = std::nan("");
  if (negatives <= 0) std::fill(out.fpr.begin(), out.fpr.end(), nan);
  if (positives <= 0) std::fill(out.tpr.begin(), out.tpr.end(), nan);
  out.thresholds.insert(out.thresholds.end(), counts.thresholds.begin(), counts.thresholds.end());
  return out;
}

double area(const Numbers& x, const Numbers& y) {
  double sum = 0;
  for (std::size_t i = 1; i < x.size(); ++i) sum += (x[i] - x[i - 1]) * (y[i] + y[i - 1]) / 2;
  return sum;
}

struct Precisions {
  Numbers precision, recall, thresholds;
};

Precisions precision_recall(const BinaryProblem& problem, bool drop_intermediate) {
  ThresholdCounts counts = count_at_thresholds(problem);
  const std::size_t n = counts.thresholds.size();
  const Numbers& tp = counts.true_positives;
  if (drop_intermediate && n > 2) {
    std::vector<bool> kept(n, true);
    for (std::size_t i = 1; i + 1 < n; ++i) kept[i] = tp[i] != tp[i - 1] || tp[i + 1] != tp[i];
    keep(counts, kept);
  }
  Precisions out;
  const double positives = tp.empty() ? 0 : tp.back();
  for (std::size_t i = tp.size(); i-- > 0;) {
    const double all = tp[i] + counts.false_positives[i];
    out.precision.push_back(all != 0 ? tp[i] / all : 0.0);
    out.recall.push_back(positives == 0 ? 1.0 : tp[i] / positives);
    out.thresholds.push_back(counts.thresholds[i]);
  }
  out.precision.push_back(1);
  out.recall.push_back(0);
  return out;
}

double binary_average_precision(const BinaryProblem& problem, const void*) {
  const Precisions p = precision_recall(problem, false);
  double sum = 0;
  for (std::size_t i = 0; i + 1 < p.recall.size(); ++i) sum -= (p.recall[i + 1] - p.recall[i]) * p.precision[i];
  return std::max(0.0, sum);
}

// nan unless both classes occur.
double binary_roc_auc(const BinaryProblem& problem, const void* context) {
  const bool has_positive =
      std::find(problem.is_positive.begin(), problem.is_positive.end(), 1.0) != problem.is_positive.end();
  const bool has_negative =
      std::find(problem.is_positive.begin(), problem.is_positive.end(), 0.0) != problem.is_positive.end();
  if (!has_positive || !has_negative) return std::nan("");
  Rates r = roc_rates(problem, true);
  const auto* max_fpr = static_cast<const std::optional<double>*>(context);
  if (max_fpr == nullptr || !*max_fpr || **max_fpr == 1) return area(r.fpr, r.tpr);
  const double end = **max_fpr;
  const auto stop = static_cast<std::size_t>(std::upper_bound(r.fpr.begin(), r.fpr.end(), end) - r.fpr.begin());
  const double x0 = r.fpr[stop - 1], x1 = r.fpr[stop], y0 = r.tpr[stop - 1], y1 = r.tpr[stop];
  r.fpr.resize(stop);
  r.tpr.resize(stop);
  r.fpr.push_back(end);
  r.tpr.push_back(y0 + (y1 - y0) * (end - x0) / (x1 - x0));
  // McClish: 0.5 for chance and 1 for the best.
  const double least = 0.5 * end * end;
  return 0.5 * (1 + (area(r.fpr, r.tpr) - least) / (end - least));
}

constexpr const char* kRocAuc = "evaluation::roc_auc_score";

// y_true as 0/1 columns beside the columns of y_score.
struct RocProblem {
  Matrix y_true, y_score;
  Labels encoded;  // of more than two classes, for one against one
  bool is_multiclass = false;
};

Labels check_classes(const Labels& y, const RocAucOptions& options, std::int64_t columns) {
  const Labels present = sorted_unique(y);
  if (options.labels.empty()) {
    if (static_cast<std::int64_t>(present.size()) != columns)
      throw ValueError(
          fmt::format("{}: y_true has the classes {}, but y_score has {} columns. Say what the columns are by .labels.",
                      kRocAuc, list_of(present), columns));
    return present;
  }
  if (sorted_unique(options.labels) != options.labels)
    throw ValueError(fmt::format("{}: labels {} must be sorted, each once.", kRocAuc, list_of(options.labels)));
  if (static_cast<std::int64_t>(options.labels.size()) != columns)
    throw ValueError(
        fmt::format("{}: {} labels are given for {} columns of y_score.", kRocAuc, options.labels.size(), columns));
  if (!std::includes(options.labels.begin(), options.labels.end(), present.begin(), present.end()))
    throw ValueError(fmt::format("{}: y_true has the classes {}, some of which are not in labels {}.", kRocAuc,
                                 list_of(present), list_of(options.labels)));
  return options.labels;
}

RocProblem read_roc(const Tensor& y_true, const Tensor& y_score, const RocAucOptions& options) {
  const std::string where = kRocAuc;
  RocProblem out;
  out.y_score = read_scores(y_score, where + ": y_score");
  if (is_multilabel(y_true)) {
    out.y_true = read_indicator(y_true, where + ": y_true");
    return out;
  }
  const Labels y = read_labels(y_true, where + ": y_true");
  check_lengths(y.size(), static_cast<std::size_t>(out.y_score.rows), where);
  const Labels present = sorted_unique(y);
  const bool two = present.size() <= 2 && options.labels.size() <= 2;
  if (two && out.y_score.columns <= 2) {
    // The last label is the positive one, and so is the last column.
    Matrix last{out.y_score.rows, 1, {}};
    for (std::int64_t i = 0; i < last.rows; ++i) last.values.push_back(out.y_score.at(i, out.y_score.columns - 1));
    out.y_score = last;
    out.y_true = {last.rows, 1, {}};
    for (std::int64_t label : y) out.y_true.values.push_back(present.size() == 2 && label == present[1]);
    return out;
  }
  out.is_multiclass = true;
  if (out.y_score.columns == 1) {
    // Hard labels: as one-hot rows.
    const Labels hard = read_labels(y_score, where + ": y_score");
    out.y_score = one_hot(hard, options.labels.empty() ? sorted_union(present, hard) : options.labels);
  }
  const Labels classes = check_classes(y, options, out.y_score.columns);
  for (std::int64_t i = 0; i < out.y_score.rows; ++i) {
    double sum = 0;
    for (std::int64_t j = 0; j < out.y_score.columns; ++j) sum += out.y_score.at(i, j);
    // 16-bit probabilities are rounded to 3 digits.
    if (std::abs(sum - 1) > 1e-5 + 1e-8 && std::abs(sum - 1) > (is_floating(y_score.dtype()) ? 2e-2 : 0))
      throw ValueError(fmt::format(
          "{}: row {} of y_score sums to {}, but for more than two classes it must hold probabilities. Apply softmax.",
          where, i, sum));
  }
  out.y_true = one_hot(y, classes);
  out.encoded = positions(y, classes);
  return out;
}

double one_against_one(const RocProblem& problem, const RocAucOptions& options) {
  if (options.sample_weight.defined())
    throw ValueError(fmt::format("{}: sample_weight does not go with multi_class \"ovo\".", kRocAuc));
  if (options.average != "macro" && options.average != "weighted")
    throw ValueError(
        fmt::format("{}: average \"{}\" does not go with multi_class \"ovo\". Use \"macro\" or "
                    "\"weighted\".",
                    kRocAuc, options.average));
  const Labels present = sorted_unique(problem.encoded);
  double sum = 0, total = 0;
  for (std::size_t a = 0; a < present.size(); ++a)
    for (std::size_t b = a + 1; b < present.size(); ++b) {
      BinaryProblem first, second;
      for (std::size_t i = 0; i < problem.encoded.size(); ++i) {
        if (problem.encoded[i] != present[a] && problem.encoded[i] != present[b]) continue;
        first.is_positive.push_back(problem.encoded[i] == present[a]);
        second.is_positive.push_back(problem.encoded[i] == present[b]);
        first.score.push_back(problem.y_score.at(static_cast<std::int64_t>(i), present[a]));
        second.score.push_back(problem.y_score.at(static_cast<std::int64_t>(i), present[b]));
      }
      first.weight = second.weight = Numbers(first.score.size(), 1.0);
      const double w = options.average == "weighted" ? static_cast<double>(first.score.size()) : 1.0;
      sum += w * (binary_roc_auc(first, nullptr) + binary_roc_auc(second, nullptr)) / 2;
      total += w;
    }
  return sum / total;
}

void check_roc_options(const RocProblem& problem, const RocAucOptions& options) {
  if (options.multi_class != "ovr" && options.multi_class != "ovo")
    throw ValueError(fmt::format("{}: multi_class is \"{}\". Use \"ovr\" or \"ovo\".", kRocAuc, options.multi_class));
  if (problem.is_multiclass && options.average == "samples")
    throw ValueError(fmt::format("{}: average \"samples\" is for 0/1 rows in y_true.", kRocAuc));
  if (!options.max_fpr) return;
  if (problem.is_multiclass)
    throw ValueError(fmt::format("{}: max_fpr is for two classes; here are {}.", kRocAuc, problem.y_true.columns));
  if (!(*options.max_fpr > 0 && *options.max_fpr <= 1))
    throw ValueError(fmt::format("{}: max_fpr is {}. It must be above 0 and at most 1.", kRocAuc, *options.max_fpr));
}

}  // namespace

RocCurve roc_curve(const Tensor& y_true, const Tensor& y_score, const CurveOptions& options) {
  Rates r = roc_rates(read_binary(y_true, y_score, options, "evaluation::roc_curve"),
                      options.drop_intermediate.value_or(true));
  return {to_tensor(std::move(r.fpr)), to_tensor(std::move(r.tpr)), to_tensor(std::move(r.thresholds))};
}

PrecisionRecallCurve precision_recall_curve(const Tensor& y_true, const Tensor& y_score, const CurveOptions& options) {
  Precisions p = precision_recall(read_binary(y_true, y_score, options, "evaluation::precision_recall_curve"),
                                  options.drop_intermediate.value_or(false));
  return {to_tensor(std::move(p.precision)), to_tensor(std::move(p.recall)), to_tensor(std::move(p.thresholds))};
}

double auc(const Tensor& x, const Tensor& y) {
  const std::string where = "evaluation::auc";
  const Numbers xs = read_scores(x, where + ": x").values, ys = read_scores(y, where + ": y").values;
  if (xs.size() != ys.size() || xs.size() < 2)
    throw ShapeError(
        fmt::format("{}: x has {} points and y {}. Give two or more of each.", where, xs.size(), ys.size()));
  if (std::is_sorted(xs.begin(), xs.end())) return area(xs, ys);
  if (!std::is_sorted(xs.rbegin(), xs.rend()))
    throw ValueError(where + ": x neither rises nor falls throughout. Sort the points by x.");
  return -area(xs, ys);
}

double roc_auc_score(const Tensor& y_true, const Tensor& y_score, const RocAucOptions& options) {
  const RocProblem problem = read_roc(y_true, y_score, options);
  check_roc_options(problem, options);
  if (problem.is_multiclass && options.multi_class == "ovo") return one_against_one(problem, options);
  return average_binary(&binary_roc_auc, &options.max_fpr, problem.y_true, problem.y_score, options.average,
                        options.sample_weight, kRocAuc);
}

Tensor roc_auc_scores(const Tensor& y_true, const Tensor& y_score, const RocAucOptions& options) {
  const RocProblem problem = read_roc(y_true, y_score, options);
  check_roc_options(problem, options);
  return to_tensor(
      each_binary(&binary_roc_auc, &options.max_fpr, problem.y_true, problem.y_score, options.sample_weight, kRocAuc));
}

double average_precision_score(const Tensor& y_true, const Tensor& y_score, const AveragePrecisionOptions& options) {
  const std::string where = "evaluation::average_precision_score";
  const Matrix score = read_scores(y_score, where + ": y_score");
  Matrix truth;
  if (is_multilabel(y_true)) {
    truth = read_indicator(y_true, where + ": y_true");
  } else {
    const Labels y = read_labels(y_true, where + ": y_true");
    const Labels present = sorted_unique(y);
    if (present.size() <= 2) {
      if (present.size() == 2 && std::find(present.begin(), present.end(), options.pos_label) == present.end())
        throw ValueError(
            fmt::format("{}: pos_label {} is none of the labels {}.", where, options.pos_label, list_of(present)));
      truth = {static_cast<std::int64_t>(y.size()), 1, {}};
      for (std::int64_t label : y) truth.values.push_back(label == options.pos_label);
    } else {
      truth = one_hot(y, present);
    }
  }
  return average_binary(&binary_average_precision, nullptr, truth, score, options.average, options.sample_weight,
                        where);
}

namespace {

// The element at a share of the sorted values, with linear interpolation between two, rounded as NumPy does it: values
// at the edge of a bin must fall on the same side.
double quantile(const Numbers& sorted, double share) {
  const double at = share * 100 / 100 * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const double a = sorted[low], b = sorted[std::min(low + 1, sorted.size() - 1)], t = at - static_cast<double>(low);
  return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}

}  // namespace

CalibrationCurve calibration_curve(const Tensor& y_true, const Tensor& y_prob, const CalibrationOptions& options) {
  const std::string where = "evaluation::calibration_curve";
  const BinaryProblem p = read_binary(y_true, y_prob, {.pos_label = options.pos_label}, where);
  if (sorted_unique(read_labels(y_true, where + ": y_true")).size() > 2)
    throw ValueError(where + ": there are more than two classes. Give y_true == c and the column of class c.");
  if (options.n_bins < 1) throw ValueError(fmt::format("{}: n_bins is {}; give 1 or more.", where, options.n_bins));
  if (options.strategy != "uniform" && options.strategy != "quantile")
    throw ValueError(fmt::format("{}: strategy is \"{}\". Use \"uniform\" or \"quantile\".", where, options.strategy));
  for (double v : p.score)
    if (v < 0 || v > 1) throw ValueError(fmt::format("{}: y_prob holds {}, which is no probability.", where, v));
  Numbers sorted = p.score, edges;
  std::sort(sorted.begin(), sorted.end());
  for (int i = 1; i < options.n_bins; ++i) {
    const double share = i * (1.0 / options.n_bins);
    edges.push_back(options.strategy == "uniform" ? share : quantile(sorted, share));
  }
  const auto n = static_cast<std::size_t>(options.n_bins);
  Numbers sums(n, 0.0), positives(n, 0.0), totals(n, 0.0), prob_true, prob_pred;
  for (std::size_t i = 0; i < p.score.size(); ++i) {
    const auto bin = static_cast<std::size_t>(std::lower_bound(edges.begin(), edges.end(), p.score[i]) - edges.begin());
    sums[bin] += p.score[i];
    positives[bin] += p.is_positive[i];
    totals[bin] += 1;
  }
  for (std::size_t i = 0; i < n; ++i)
    if (totals[i] != 0) {
      prob_true.push_back(positives[i] / totals[i]);
      prob_pred.push_back(sums[i] / totals[i]);
    }
  return {to_tensor(std::move(prob_true)), to_tensor(std::move(prob_pred))};
}

}  // namespace strata::evaluation
