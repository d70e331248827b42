// Accuracy, the confusion matrix, and what is computed from it alone.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "report/targets.h"

namespace strata::evaluation {

double accuracy_score(const Tensor& y_true, const Tensor& y_pred, const AccuracyOptions& options) {
  const std::string where = "evaluation::accuracy_score";
  Numbers hits;
  if (is_multilabel(y_true) && is_multilabel(y_pred)) {
    const Matrix t = read_indicator(y_true, where + ": y_true"), p = read_indicator(y_pred, where + ": y_pred");
    if (t.rows != p.rows || t.columns != p.columns)
      throw ShapeError(fmt::format("{}: y_true has shape {} and y_pred {}. They must be equal.", where,
                                   to_string(y_true.shape()), to_string(y_pred.shape())));
    for (std::int64_t i = 0; i < t.rows; ++i) {
      bool equal = true;
      for (std::int64_t j = 0; j < t.columns; ++j) equal = equal && t.at(i, j) == p.at(i, j);
      hits.push_back(equal);
    }
  } else {
    const Labels t = read_labels(y_true, where + ": y_true"), p = read_labels(y_pred, where + ": y_pred");
    check_lengths(t.size(), p.size(), where);
    for (std::size_t i = 0; i < t.size(); ++i) hits.push_back(t[i] == p[i]);
  }
  if (hits.empty()) throw ValueError(where + ": there are no samples.");
  const Numbers weight = read_weights(options.sample_weight, hits.size(), where);
  const double sum = std::inner_product(hits.begin(), hits.end(), weight.begin(), 0.0);
  return options.normalize ? sum / std::accumulate(weight.begin(), weight.end(), 0.0) : sum;
}

namespace {

// The weights of all pairs of classes, row-major.
Numbers count_pairs(const Labels& t, const Labels& p, const Labels& classes, const Numbers& weight) {
  const std::size_t n = classes.size();
  Numbers table(n * n, 0.0);
  const auto row = positions(t, classes), column = positions(p, classes);
  for (std::size_t i = 0; i < t.size(); ++i)
    if (row[i] >= 0 && column[i] >= 0)
      table[static_cast<std::size_t>(row[i]) * n + static_cast<std::size_t>(column[i])] += weight[i];
  return table;
}

Numbers row_sums(const Numbers& table, std::size_t n) {
  Numbers out(n, 0.0);
  for (std::size_t i = 0; i < table.size(); ++i) out[i / n] += table[i];
  return out;
}
Numbers column_sums(const Numbers& table, std::size_t n) {
  Numbers out(n, 0.0);
  for (std::size_t i = 0; i < table.size(); ++i) out[i % n] += table[i];
  return out;
}

void normalize_table(Numbers& table, std::size_t n, const std::string& how, const std::string& where) {
  if (how != "true" && how != "pred" && how != "all")
    throw ValueError(
        fmt::format("{}: normalize is \"{}\". Use \"true\", \"pred\" or \"all\", or leave it out.", where, how));
  const Numbers rows = row_sums(table, n), columns = column_sums(table, n);
  const double all = std::accumulate(rows.begin(), rows.end(), 0.0);
  for (std::size_t i = 0; i < table.size(); ++i) {
    const double by = how == "true" ? rows[i / n] : how == "pred" ? columns[i % n] : all;
    table[i] = by == 0 ? 0 : table[i] / by;
  }
}

struct Pairs {
  Labels truth, prediction, classes;
  Numbers table;
};

Pairs read_pairs(const Tensor& y_true, const Tensor& y_pred, const Labels& labels, const Tensor& sample_weight,
                 const std::string& where) {
  Pairs out;
  out.truth = read_labels(y_true, where + ": y_true");
  out.prediction = read_labels(y_pred, where + ": y_pred");
  if (!out.truth.empty() || !out.prediction.empty() || labels.empty())
    check_lengths(out.truth.size(), out.prediction.size(), where);
  out.classes = labels.empty() ? sorted_union(out.truth, out.prediction) : labels;
  if (!labels.empty() && !out.truth.empty()) {
    const auto found = positions(out.truth, labels);
    if (std::all_of(found.begin(), found.end(), [](std::int64_t i) { return i < 0; }))
      throw ValueError(
          fmt::format("{}: none of the labels {} occurs in y_true. At least one must.", where, list_of(labels)));
  }
  out.table = count_pairs(out.truth, out.prediction, out.classes, read_weights(sample_weight, out.truth.size(), where));
  return out;
}

}  // namespace

Tensor confusion_matrix(const Tensor& y_true, const Tensor& y_pred, const ConfusionMatrixOptions& options) {
  const std::string where = "evaluation::confusion_matrix";
  Pairs pairs = read_pairs(y_true, y_pred, options.labels, options.sample_weight, where);
  const auto n = static_cast<std::int64_t>(pairs.classes.size());
  const bool is_whole = !options.sample_weight.defined() || !is_floating(options.sample_weight.dtype());
  if (!options.normalize.empty())
    normalize_table(pairs.table, pairs.classes.size(), options.normalize, where);
  else if (is_whole)
    return Tensor::adopt(std::vector<std::int64_t>(pairs.table.begin(), pairs.table.end()), {n, n});
  return to_tensor(std::move(pairs.table), {n, n});
}

double cohen_kappa_score(const Tensor& y1, const Tensor& y2, const CohenKappaOptions& options) {
  const std::string where = "evaluation::cohen_kappa_score";
  if (!options.weights.empty() && options.weights != "linear" && options.weights != "quadratic")
    throw ValueError(fmt::format("{}: weights is \"{}\". Use \"linear\" or \"quadratic\", or leave it out.", where,
                                 options.weights));
  const Pairs pairs = read_pairs(y1, y2, options.labels, options.sample_weight, where);
  const std::size_t n = pairs.classes.size();
  const Numbers columns = column_sums(pairs.table, n), rows = row_sums(pairs.table, n);
  const double total = std::accumulate(columns.begin(), columns.end(), 0.0);
  if (total == 0) return std::nan("");
  double observed = 0, expected = 0;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      const double distance = std::abs(static_cast<double>(i) - static_cast<double>(j));
      const double w = options.weights.empty()       ? (i == j ? 0.0 : 1.0)
                       : options.weights == "linear" ? distance
                                                     : distance * distance;
      observed += w * pairs.table[i * n + j];
      expected += w * columns[i] * rows[j] / total;
    }
  return expected == 0 ? std::nan("") : 1 - observed / expected;
}

double matthews_corrcoef(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  const Pairs pairs = read_pairs(y_true, y_pred, {}, sample_weight, "evaluation::matthews_corrcoef");
  const std::size_t n = pairs.classes.size();
  const Numbers t = row_sums(pairs.table, n), p = column_sums(pairs.table, n);
  double correct = 0, total = 0, tp = 0, pp = 0, tt = 0;
  for (std::size_t i = 0; i < n; ++i) {
    correct += pairs.table[i * n + i];
    total += p[i];
    tp += t[i] * p[i];
    pp += p[i] * p[i];
    tt += t[i] * t[i];
  }
  const double spread = (total * total - pp) * (total * total - tt);
  return spread == 0 ? 0.0 : (correct * total - tp) / std::sqrt(spread);
}

}  // namespace strata::evaluation
