#include "report/targets.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace strata::evaluation {

namespace {

void check_readable(const Tensor& y, const std::string& where) {
  if (!y.defined()) throw ValueError(where + " is undefined. Give one value for each sample.");
  if (y.is_symbolic())
    throw SymbolicError(where + " is symbolic and has no values to evaluate. Call this outside of function().");
  if (y.rank() == 0 || y.rank() > 2)
    throw ShapeError(fmt::format("{} has shape {}, but one row for each sample, (n,) or (n, classes), was expected.",
                                 where, to_string(y.shape())));
}

}  // namespace

bool is_multilabel(const Tensor& y) { return y.defined() && y.rank() == 2 && y.shape()[1] > 1; }

Labels read_labels(const Tensor& y, const std::string& where) {
  check_readable(y, where);
  if (is_multilabel(y))
    throw ShapeError(
        fmt::format("{} has shape {}, but one label for each sample, shape (n,), was expected. Use argmax({}, 1).",
                    where, to_string(y.shape()), where.substr(where.rfind(' ') + 1)));
  if (is_floating(y.dtype()))
    for (double v : y.to_vector<double>())
      if (!(std::nearbyint(v) == v))
        throw ValueError(fmt::format(
            "{} holds {}, which is no class label. Turn scores into labels first, by argmax or a threshold.", where,
            v));
  return y.to_vector<std::int64_t>();
}

Matrix read_indicator(const Tensor& y, const std::string& where) {
  check_readable(y, where);
  Matrix m{y.shape()[0], y.rank() == 2 ? y.shape()[1] : 1, y.to_vector<double>()};
  for (double v : m.values)
    if (v != 0 && v != 1)
      throw ValueError(
          fmt::format("{} has shape {} and holds {}; rows of several columns are labels of 0 and 1. Use argmax(..., 1) "
                      "for classes.",
                      where, to_string(y.shape()), v));
  return m;
}

Matrix read_scores(const Tensor& y, const std::string& where) {
  check_readable(y, where);
  Matrix m{y.shape()[0], y.rank() == 2 ? y.shape()[1] : 1, y.to_vector<double>()};
  for (double v : m.values)
    if (!std::isfinite(v)) throw ValueError(fmt::format("{} holds {}. Scores must be finite numbers.", where, v));
  return m;
}

Numbers read_weights(const Tensor& sample_weight, std::size_t n, const std::string& where) {
  if (!sample_weight.defined()) return Numbers(n, 1.0);
  const Matrix m = read_scores(sample_weight, where + ": sample_weight");
  if (m.columns != 1 || m.values.size() != n)
    throw ShapeError(fmt::format("{}: sample_weight has shape {}, but there are {} samples.", where,
                                 to_string(sample_weight.shape()), n));
  return m.values;
}

Labels sorted_unique(Labels labels) {
  std::sort(labels.begin(), labels.end());
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
  return labels;
}

Labels sorted_union(const Labels& a, const Labels& b) {
  Labels all = a;
  all.insert(all.end(), b.begin(), b.end());
  return sorted_unique(std::move(all));
}

std::vector<std::int64_t> positions(const Labels& labels, const Labels& classes) {
  std::vector<std::pair<std::int64_t, std::int64_t>> order;
  for (std::size_t i = 0; i < classes.size(); ++i) order.emplace_back(classes[i], static_cast<std::int64_t>(i));
  std::sort(order.begin(), order.end());
  std::vector<std::int64_t> out;
  out.reserve(labels.size());
  for (std::int64_t label : labels) {
    const auto it = std::lower_bound(order.begin(), order.end(), std::pair<std::int64_t, std::int64_t>{label, -1});
    out.push_back(it != order.end() && it->first == label ? it->second : -1);
  }
  return out;
}

void check_lengths(std::size_t n, std::size_t m, const std::string& where) {
  if (n != m)
    throw ShapeError(
        fmt::format("{}: {} true labels and {} predictions are given. Their numbers must be equal.", where, n, m));
  if (n == 0) throw ValueError(where + ": there are no samples.");
}

std::string list_of(const Labels& labels) { return fmt::format("[{}]", fmt::join(labels, ", ")); }

Tensor to_tensor(Numbers values) {
  const auto n = static_cast<std::int64_t>(values.size());
  return Tensor::adopt(std::move(values), {n});
}
Tensor to_tensor(Numbers values, const Shape& shape) { return Tensor::adopt(std::move(values), shape); }

double nan_average(const Numbers& values, const Numbers* weights) {
  double sum = 0, total = 0, plain = 0;
  std::size_t n = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;
    const double w = weights != nullptr ? (*weights)[i] : 1.0;
    sum += w * values[i];
    total += w;
    plain += values[i];
    ++n;
  }
  if (n == 0) return std::nan("");
  return total != 0 ? sum / total : plain / static_cast<double>(n);
}

Matrix one_hot(const Labels& y, const Labels& classes) {
  Matrix m{static_cast<std::int64_t>(y.size()), static_cast<std::int64_t>(classes.size()), {}};
  m.values.assign(y.size() * classes.size(), 0.0);
  const auto at = positions(y, classes);
  for (std::size_t i = 0; i < y.size(); ++i)
    if (at[i] >= 0) m.values[i * classes.size() + static_cast<std::size_t>(at[i])] = 1;
  return m;
}

namespace {

Matrix transposed(const Matrix& m) {
  Matrix out{m.columns, m.rows, Numbers(m.values.size())};
  for (std::int64_t i = 0; i < m.rows; ++i)
    for (std::int64_t j = 0; j < m.columns; ++j) out.values[static_cast<std::size_t>(j * m.rows + i)] = m.at(i, j);
  return out;
}

Numbers column(const Matrix& m, std::int64_t j) {
  Numbers out;
  out.reserve(static_cast<std::size_t>(m.rows));
  for (std::int64_t i = 0; i < m.rows; ++i) out.push_back(m.at(i, j));
  return out;
}

Numbers score_columns(BinaryMetric metric, const void* context, const Matrix& y_true, const Matrix& y_score,
                      const Numbers& weight) {
  Numbers out;
  for (std::int64_t j = 0; j < y_score.columns; ++j)
    out.push_back(metric({column(y_true, j), column(y_score, j), weight}, context));
  return out;
}

void check_same(const Matrix& y_true, const Matrix& y_score, const std::string& where) {
  if (y_true.rows != y_score.rows || y_true.columns != y_score.columns)
    throw ShapeError(fmt::format("{}: y_true is {} x {} and y_score {} x {}. They must be equal.", where, y_true.rows,
                                 y_true.columns, y_score.rows, y_score.columns));
  if (y_true.rows == 0) throw ValueError(where + ": there are no samples.");
}

}  // namespace

Numbers each_binary(BinaryMetric metric, const void* context, const Matrix& y_true, const Matrix& y_score,
                    const Tensor& sample_weight, const std::string& where) {
  check_same(y_true, y_score, where);
  return score_columns(metric, context, y_true, y_score,
                       read_weights(sample_weight, static_cast<std::size_t>(y_true.rows), where));
}

double average_binary(BinaryMetric metric, const void* context, const Matrix& y_true, const Matrix& y_score,
                      const std::string& average, const Tensor& sample_weight, const std::string& where) {
  check_same(y_true, y_score, where);
  const Numbers weight = read_weights(sample_weight, static_cast<std::size_t>(y_true.rows), where);
  if (y_true.columns == 1) return metric({y_true.values, y_score.values, weight}, context);
  if (average == "micro") {
    Numbers repeated;
    for (double w : weight) repeated.insert(repeated.end(), static_cast<std::size_t>(y_true.columns), w);
    return metric({y_true.values, y_score.values, repeated}, context);
  }
  Numbers scores, average_weight;
  if (average == "samples") {
    scores = score_columns(metric, context, transposed(y_true), transposed(y_score),
                           Numbers(static_cast<std::size_t>(y_true.columns), 1.0));
    average_weight = weight;
  } else {
    scores = score_columns(metric, context, y_true, y_score, weight);
    average_weight.assign(scores.size(), 1.0);
    if (average == "weighted") {
      for (std::size_t j = 0; j < scores.size(); ++j) {
        average_weight[j] = 0;
        for (std::int64_t i = 0; i < y_true.rows; ++i)
          average_weight[j] += y_true.at(i, static_cast<std::int64_t>(j)) * weight[static_cast<std::size_t>(i)];
      }
    } else if (average != "macro") {
      throw ValueError(
          fmt::format("{}: average is \"{}\". Use \"macro\", \"micro\", \"weighted\" or \"samples\".", where, average));
    }
  }
  const double total = std::accumulate(average_weight.begin(), average_weight.end(), 0.0);
  if (std::abs(total) < 1e-8) return 0;
  double sum = 0;
  for (std::size_t j = 0; j < scores.size(); ++j)
    if (average_weight[j] != 0) sum += scores[j] * average_weight[j];
  return sum / total;
}

ThresholdCounts count_at_thresholds(const BinaryProblem& problem) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < problem.score.size(); ++i)
    if (problem.weight[i] != 0) order.push_back(i);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return problem.score[a] > problem.score[b]; });
  ThresholdCounts out;
  double tp = 0, fp = 0;
  for (std::size_t k = 0; k < order.size(); ++k) {
    const std::size_t i = order[k];
    (problem.is_positive[i] != 0 ? tp : fp) += problem.weight[i];
    if (k + 1 < order.size() && problem.score[order[k + 1]] == problem.score[i]) continue;
    out.true_positives.push_back(tp);
    out.false_positives.push_back(fp);
    out.thresholds.push_back(problem.score[i]);
  }
  return out;
}

}  // namespace strata::evaluation
