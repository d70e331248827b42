// Log loss, top-k accuracy, and LabelBinarizer.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "report/targets.h"

namespace strata::evaluation {

namespace {

double machine_epsilon(DType dtype) {
  switch (dtype) {
    case DType::float16:
      return 0x1p-10;
    case DType::bfloat16:
      return 0x1p-7;
    case DType::float32:
      return 0x1p-23;
    default:
      return 0x1p-52;
  }
}

double weighted(const Numbers& values, const Tensor& sample_weight, bool normalize, const std::string& where) {
  const Numbers weight = read_weights(sample_weight, values.size(), where);
  const double sum = std::inner_product(values.begin(), values.end(), weight.begin(), 0.0);
  return normalize ? sum / std::accumulate(weight.begin(), weight.end(), 0.0) : sum;
}

void check_known(const Labels& y, const Labels& classes, const std::string& where) {
  const auto found = positions(y, classes);
  for (std::size_t i = 0; i < y.size(); ++i)
    if (found[i] < 0)
      throw ValueError(
          fmt::format("{}: y_true holds {}, which is not among the labels {}.", where, y[i], list_of(classes)));
}

}  // namespace

double log_loss(const Tensor& y_true, const Tensor& y_proba, const LogLossOptions& options) {
  const std::string where = "evaluation::log_loss";
  const Matrix proba = read_scores(y_proba, where + ": y_proba");
  const Labels y = read_labels(y_true, where + ": y_true");
  check_lengths(y.size(), static_cast<std::size_t>(proba.rows), where);
  const Labels classes = sorted_unique(options.labels.empty() ? y : options.labels);
  if (classes.size() < 2)
    throw ValueError(fmt::format("{}: {} holds the one label {} alone. Give all classes by .labels.", where,
                                 options.labels.empty() ? "y_true" : "labels", list_of(classes)));
  check_known(y, classes, where);
  const auto columns = std::max<std::int64_t>(proba.columns, 2);
  if (static_cast<std::int64_t>(classes.size()) != columns)
    throw ValueError(fmt::format("{}: there are the classes {}, but y_proba has {} columns.{}", where, list_of(classes),
                                 proba.columns, options.labels.empty() ? " Give all classes by .labels." : ""));
  for (double v : proba.values)
    if (v < 0 || v > 1)
      throw ValueError(
          fmt::format("{}: y_proba holds {}, which is no probability. Apply softmax or sigmoid.", where, v));
  const double eps = machine_epsilon(y_proba.dtype());
  const auto at = positions(y, classes);
  Numbers losses;
  for (std::int64_t i = 0; i < proba.rows; ++i) {
    const std::int64_t c = at[static_cast<std::size_t>(i)];
    const double p = proba.columns > 1 ? proba.at(i, c) : c == 1 ? proba.at(i, 0) : 1 - proba.at(i, 0);
    losses.push_back(-std::log(std::clamp(p, eps, 1 - eps)));
  }
  return weighted(losses, options.sample_weight, options.normalize, where);
}

double top_k_accuracy_score(const Tensor& y_true, const Tensor& y_score, const TopKOptions& options) {
  const std::string where = "evaluation::top_k_accuracy_score";
  const Labels y = read_labels(y_true, where + ": y_true");
  const Matrix score = read_scores(y_score, where + ": y_score");
  check_lengths(y.size(), static_cast<std::size_t>(score.rows), where);
  if (options.k < 1) throw ValueError(fmt::format("{}: k is {}; it must be 1 or more.", where, options.k));
  const Labels classes = options.labels.empty() ? sorted_unique(y) : options.labels;
  if (sorted_unique(classes) != classes)
    throw ValueError(fmt::format("{}: labels {} must be sorted, each once.", where, list_of(classes)));
  const std::int64_t columns = score.columns == 1 ? 2 : score.columns;
  if (static_cast<std::int64_t>(classes.size()) != columns)
    throw ValueError(
        fmt::format("{}: there are the classes {}, but y_score has {} columns. Give all classes by "
                    ".labels.",
                    where, list_of(classes), score.columns));
  check_known(y, classes, where);
  const auto at = positions(y, classes);
  const auto [low, high] = std::minmax_element(score.values.begin(), score.values.end());
  const double threshold = *low >= 0 && *high <= 1 ? 0.5 : 0;
  Numbers hits;
  for (std::int64_t i = 0; i < score.rows; ++i) {
    const std::int64_t c = at[static_cast<std::size_t>(i)];
    if (score.columns == 1) {
      hits.push_back(options.k > 1 || (score.at(i, 0) > threshold) == (c == 1));
      continue;
    }
    int above = 0;
    for (std::int64_t j = 0; j < score.columns; ++j)
      above += score.at(i, j) > score.at(i, c) || (score.at(i, j) == score.at(i, c) && j > c);
    hits.push_back(above < options.k);
  }
  return weighted(hits, options.sample_weight, options.normalize, where);
}

LabelBinarizer::LabelBinarizer(const LabelBinarizerOptions& options) : options_(options) {
  if (options.neg_label >= options.pos_label)
    throw ValueError(
        fmt::format("LabelBinarizer: neg_label {} must be below pos_label {}.", options.neg_label, options.pos_label));
}

LabelBinarizer& LabelBinarizer::fit(const Tensor& y) {
  const Labels labels = read_labels(y, "LabelBinarizer::fit: y");
  if (labels.empty()) throw ValueError("LabelBinarizer::fit: y has no samples.");
  classes_ = sorted_unique(labels);
  return *this;
}

Tensor LabelBinarizer::transform(const Tensor& y) const {
  if (classes_.empty()) throw ValueError("LabelBinarizer::transform: the classes are not known. Call fit(y) first.");
  const Labels labels = read_labels(y, "LabelBinarizer::transform: y");
  const Matrix rows = one_hot(labels, classes_);
  const std::int64_t columns = classes_.size() <= 2 ? 1 : rows.columns;
  std::vector<std::int64_t> out;
  for (std::int64_t i = 0; i < rows.rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) {
      // Of two classes the second has the column; one class alone is never positive.
      const bool is_positive = classes_.size() == 1 ? false : rows.at(i, columns == 1 ? 1 : j) != 0;
      out.push_back(is_positive ? options_.pos_label : options_.neg_label);
    }
  return Tensor::adopt(std::move(out), {rows.rows, columns});
}

Tensor LabelBinarizer::inverse_transform(const Tensor& y, std::optional<double> threshold) const {
  const std::string where = "LabelBinarizer::inverse_transform";
  if (classes_.empty()) throw ValueError(where + ": the classes are not known. Call fit(y) first.");
  const Matrix rows = read_scores(y, where + ": y");
  const double middle = threshold.value_or(static_cast<double>(options_.neg_label + options_.pos_label) / 2);
  const auto n = static_cast<std::int64_t>(classes_.size());
  if (rows.columns != (n <= 2 ? 1 : n) && !(n == 2 && rows.columns == 2))
    throw ShapeError(fmt::format("{}: y has {} columns, but there are {} classes.", where, rows.columns, n));
  std::vector<std::int64_t> out;
  for (std::int64_t i = 0; i < rows.rows; ++i) {
    std::int64_t best = 0;
    if (n == 2)
      best = rows.at(i, rows.columns - 1) > middle;
    else
      for (std::int64_t j = 1; j < rows.columns; ++j)
        if (rows.at(i, j) > rows.at(i, best)) best = j;
    out.push_back(classes_[static_cast<std::size_t>(best)]);
  }
  return Tensor::adopt(std::move(out), {rows.rows});
}

}  // namespace strata::evaluation
