// Precision, recall, F scores, and the table of them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <ostream>
#include <tuple>

#include "report/targets.h"

namespace strata::evaluation {

namespace {

// For each class (or sample): the weights of the hits, of the predictions and of the truth.
struct Sums {
  Numbers hits, predicted, truth;
  void resize(std::size_t n) {
    for (Numbers* v : {&hits, &predicted, &truth}) v->assign(n, 0.0);
  }
  void add(std::size_t i, bool is_true, bool is_predicted, double weight) {
    if (is_true && is_predicted) hits[i] += weight;
    if (is_predicted) predicted[i] += weight;
    if (is_true) truth[i] += weight;
  }
};

struct Scores {
  Numbers precision, recall, fscore, support;
};

class Problem {
 public:
  Problem(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight, const std::string& where)
      : where_(where), is_multilabel_(is_multilabel(y_true) || is_multilabel(y_pred)) {
    if (is_multilabel_) {
      truth_ = read_indicator(y_true, where + ": y_true");
      prediction_ = read_indicator(y_pred, where + ": y_pred");
      if (truth_.rows != prediction_.rows || truth_.columns != prediction_.columns)
        throw ShapeError(
            fmt::format("{}: y_true has shape {} and y_pred {}. Both must be labels, or 0/1 rows of equal "
                        "shape; argmax(..., 1) turns rows into labels.",
                        where, to_string(y_true.shape()), to_string(y_pred.shape())));
      present.resize(static_cast<std::size_t>(truth_.columns));
      std::iota(present.begin(), present.end(), 0);
    } else {
      true_labels_ = read_labels(y_true, where + ": y_true");
      predicted_labels_ = read_labels(y_pred, where + ": y_pred");
      check_lengths(true_labels_.size(), predicted_labels_.size(), where);
      present = sorted_union(true_labels_, predicted_labels_);
    }
    weight = read_weights(sample_weight, is_multilabel_ ? static_cast<std::size_t>(truth_.rows) : true_labels_.size(),
                          where);
    has_weights = sample_weight.defined();
  }

  bool has_rows() const { return is_multilabel_; }

  Sums sums(const Labels& labels, bool by_sample) const {
    Sums out;
    out.resize(by_sample ? weight.size() : labels.size());
    if (!is_multilabel_) {
      if (by_sample)
        throw ValueError(where_ + ": average \"samples\" is for 0/1 rows. Use \"micro\", \"macro\" or \"weighted\".");
      const auto t = positions(true_labels_, labels), p = positions(predicted_labels_, labels);
      for (std::size_t i = 0; i < t.size(); ++i) {
        if (t[i] >= 0) out.add(static_cast<std::size_t>(t[i]), true, t[i] == p[i], weight[i]);
        if (p[i] >= 0 && p[i] != t[i]) out.add(static_cast<std::size_t>(p[i]), false, true, weight[i]);
      }
      return out;
    }
    for (std::size_t k = 0; k < labels.size(); ++k) {
      if (labels[k] < 0 || labels[k] >= truth_.columns)
        throw ValueError(fmt::format("{}: label {} is no column of rows with {}.", where_, labels[k], truth_.columns));
      for (std::int64_t i = 0; i < truth_.rows; ++i)
        out.add(by_sample ? static_cast<std::size_t>(i) : k, truth_.at(i, labels[k]) != 0,
                prediction_.at(i, labels[k]) != 0, by_sample ? 1.0 : weight[static_cast<std::size_t>(i)]);
    }
    return out;
  }

  Labels present;
  Numbers weight;
  bool has_weights = false;

 private:
  std::string where_;
  bool is_multilabel_;
  Matrix truth_, prediction_;
  Labels true_labels_, predicted_labels_;
};

Numbers divide(const Numbers& a, const Numbers& b, double zero_division) {
  Numbers out;
  for (std::size_t i = 0; i < a.size(); ++i) out.push_back(b[i] == 0 ? zero_division : a[i] / b[i]);
  return out;
}

void collapse(Numbers& v) { v = {std::accumulate(v.begin(), v.end(), 0.0)}; }

// Of each class; for an average one element each, and no support.
Scores score(const Problem& problem, const Labels& labels, const std::string& average, double beta,
             double zero_division) {
  const bool by_sample = average == "samples";
  Sums sums = problem.sums(labels, by_sample);
  if (average == "micro")
    for (Numbers* v : {&sums.hits, &sums.predicted, &sums.truth}) collapse(*v);
  Scores out;
  out.precision = divide(sums.hits, sums.predicted, zero_division);
  out.recall = divide(sums.hits, sums.truth, zero_division);
  const double b2 = beta * beta;
  Numbers top, bottom;
  for (std::size_t i = 0; i < sums.hits.size(); ++i) {
    top.push_back((1 + b2) * sums.hits[i]);
    bottom.push_back(b2 * sums.truth[i] + sums.predicted[i]);
  }
  out.fscore = std::isinf(beta) ? out.recall : beta == 0 ? out.precision : divide(top, bottom, zero_division);
  out.support = sums.truth;
  if (average.empty()) return out;
  const Numbers* weights = average == "weighted" ? &sums.truth : by_sample ? &problem.weight : nullptr;
  for (Numbers* v : {&out.precision, &out.recall, &out.fscore}) *v = {nan_average(*v, weights)};
  return out;
}

// The labels that count, given the kind of average.
Labels labels_for(const Problem& problem, const PrecisionRecallOptions& options, const std::string& where) {
  const std::string& average = options.average;
  static const std::vector<std::string> known = {"", "binary", "micro", "macro", "weighted", "samples"};
  if (std::find(known.begin(), known.end(), average) == known.end())
    throw ValueError(fmt::format(
        "{}: average is \"{}\". Use \"binary\", \"micro\", \"macro\", \"weighted\" or \"samples\".", where, average));
  if (average != "binary") return options.labels.empty() ? problem.present : options.labels;
  if (problem.has_rows() || problem.present.size() > 2)
    throw ValueError(
        fmt::format("{}: there are {} classes, but average is \"binary\". Use \"macro\", \"weighted\" or \"micro\".",
                    where, problem.present.size()));
  if (problem.present.size() == 2 &&
      std::find(problem.present.begin(), problem.present.end(), options.pos_label) == problem.present.end())
    throw ValueError(
        fmt::format("{}: pos_label {} is none of the labels {}.", where, options.pos_label, list_of(problem.present)));
  return {options.pos_label};
}

Scores score(const Tensor& y_true, const Tensor& y_pred, const PrecisionRecallOptions& options,
             const std::string& where) {
  if (!(options.beta >= 0)) throw ValueError(fmt::format("{}: beta is {}; it must be 0 or more.", where, options.beta));
  const Problem problem(y_true, y_pred, options.sample_weight, where);
  return score(problem, labels_for(problem, options, where), options.average, options.beta, options.zero_division);
}

PrecisionRecallOptions with_beta(const ScoreOptions& o, double beta) {
  return {beta, o.labels, o.pos_label, o.average, o.sample_weight, o.zero_division};
}

double only(const Numbers& values, const std::string& where) {
  if (values.size() != 1)
    throw ValueError(where +
                     ": without an average there is a score for each class. "
                     "Use precision_recall_fscore_support, which gives them all.");
  return values[0];
}

}  // namespace

PrecisionRecallFscoreSupport precision_recall_fscore_support(const Tensor& y_true, const Tensor& y_pred,
                                                             const PrecisionRecallOptions& options) {
  const Scores s = score(y_true, y_pred, options, "evaluation::precision_recall_fscore_support");
  if (!options.average.empty()) return {Tensor(s.precision[0]), Tensor(s.recall[0]), Tensor(s.fscore[0]), Tensor()};
  const auto n = static_cast<std::int64_t>(s.support.size());
  return {to_tensor(s.precision), to_tensor(s.recall), to_tensor(s.fscore),
          !options.sample_weight.defined()
              ? Tensor::adopt(std::vector<std::int64_t>(s.support.begin(), s.support.end()), {n})
              : to_tensor(s.support)};
}

double precision_score(const Tensor& y_true, const Tensor& y_pred, const ScoreOptions& options) {
  const std::string where = "evaluation::precision_score";
  return only(score(y_true, y_pred, with_beta(options, 1), where).precision, where);
}
double recall_score(const Tensor& y_true, const Tensor& y_pred, const ScoreOptions& options) {
  const std::string where = "evaluation::recall_score";
  return only(score(y_true, y_pred, with_beta(options, 1), where).recall, where);
}
double f1_score(const Tensor& y_true, const Tensor& y_pred, const ScoreOptions& options) {
  const std::string where = "evaluation::f1_score";
  return only(score(y_true, y_pred, with_beta(options, 1), where).fscore, where);
}
double fbeta_score(const Tensor& y_true, const Tensor& y_pred, double beta, const ScoreOptions& options) {
  const std::string where = "evaluation::fbeta_score";
  return only(score(y_true, y_pred, with_beta(options, beta), where).fscore, where);
}

ClassificationReport classification_report(const Tensor& y_true, const Tensor& y_pred,
                                           const ClassificationReportOptions& options) {
  const std::string where = "evaluation::classification_report";
  const Problem problem(y_true, y_pred, options.sample_weight, where);
  const Labels labels = options.labels.empty() ? problem.present : options.labels;
  if (!options.target_names.empty() && options.target_names.size() != labels.size())
    throw ValueError(
        fmt::format("{}: {} target_names are given for the {} classes {}. Name each, or say the classes by .labels.",
                    where, options.target_names.size(), labels.size(), list_of(labels)));
  const Labels sorted = sorted_unique(labels);
  const bool all_in = std::includes(sorted.begin(), sorted.end(), problem.present.begin(), problem.present.end());
  ClassificationReport report;
  report.digits = options.digits;
  report.has_weights = problem.has_weights;
  const Scores each = score(problem, labels, "", 1, options.zero_division);
  for (std::size_t i = 0; i < labels.size(); ++i)
    report.classes.push_back({options.target_names.empty() ? std::to_string(labels[i]) : options.target_names[i],
                              each.precision[i], each.recall[i], each.fscore[i], each.support[i]});
  const double support = std::accumulate(each.support.begin(), each.support.end(), 0.0);
  std::vector<std::string> averages = {"micro", "macro", "weighted"};
  if (problem.has_rows()) averages.push_back("samples");
  for (const std::string& average : averages) {
    const Scores s = score(problem, labels, average, 1, options.zero_division);
    if (average == "micro" && !problem.has_rows() && all_in)
      report.accuracy = s.precision[0];
    else
      report.averages.push_back({average + " avg", s.precision[0], s.recall[0], s.fscore[0], support});
  }
  return report;
}

namespace {

std::size_t characters(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string right_aligned(const std::string& text, std::size_t width) {
  const std::size_t n = characters(text);
  return (n < width ? std::string(width - n, ' ') : "") + text;
}

}  // namespace

const ClassificationReport::Row& ClassificationReport::operator[](const std::string& name) const {
  std::string names;
  for (const auto* rows : {&classes, &averages})
    for (const Row& row : *rows) {
      if (row.name == name) return row;
      names += (names.empty() ? "" : ", ") + row.name;
    }
  throw ValueError("ClassificationReport: there is no row '" + name + "'. There are: " + names + ".");
}

std::string ClassificationReport::to_string() const {
  std::size_t width = std::max<std::size_t>(std::string("weighted avg").size(), static_cast<std::size_t>(digits));
  for (const Row& row : classes) width = std::max(width, characters(row.name));
  const auto number = [&](double v) { return fmt::format(" {:>9.{}f}", v, digits); };
  const auto support_text = [&](double v) {
    // Sums of weights are floats, and Python writes the point of a whole one.
    const std::string text = fmt::format("{}", v);
    const bool whole = text.find_first_of(".en") == std::string::npos;
    return fmt::format(" {:>9}", has_weights && whole ? text + ".0" : text);
  };
  const auto line = [&](const Row& row) {
    return right_aligned(row.name, width) + " " + number(row.precision) + number(row.recall) + number(row.f1_score) +
           support_text(row.support) + "\n";
  };
  std::string out = right_aligned("", width) + " ";
  for (const char* head : {"precision", "recall", "f1-score", "support"}) out += fmt::format(" {:>9}", head);
  out += "\n\n";
  for (const Row& row : classes) out += line(row);
  out += "\n";
  if (accuracy)
    out += right_aligned("accuracy", width) + " " + std::string(20, ' ') + number(*accuracy) +
           support_text(averages.empty() ? 0 : averages[0].support) + "\n";
  for (const Row& row : averages) out += line(row);
  return out;
}

std::ostream& operator<<(std::ostream& out, const ClassificationReport& report) { return out << report.to_string(); }

}  // namespace strata::evaluation
