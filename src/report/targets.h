// What the evaluations read: labels, scores and weights of samples, checked.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "strata/evaluation.h"

namespace strata::evaluation {

using Numbers = std::vector<double>;

// A matrix in row-major order.
struct Matrix {
  std::int64_t rows = 0, columns = 1;
  Numbers values;
  double at(std::int64_t i, std::int64_t j) const { return values[static_cast<std::size_t>(i * columns + j)]; }
};

// The labels of a tensor of shape (n,) or (n, 1). `where` is the function and the argument, for messages.
Labels read_labels(const Tensor& y, const std::string& where);
// True for rows of several columns: 0/1 for each label.
bool is_multilabel(const Tensor& y);
// 0/1 rows. Throws where something else is found.
Matrix read_indicator(const Tensor& y, const std::string& where);
// Scores of shape (n,) or (n, k); finite.
Matrix read_scores(const Tensor& y, const std::string& where);
// Ones where the tensor is undefined.
Numbers read_weights(const Tensor& sample_weight, std::size_t n, const std::string& where);

Labels sorted_unique(Labels labels);
Labels sorted_union(const Labels& a, const Labels& b);
// The position of each label in `classes`, -1 where it is not there.
std::vector<std::int64_t> positions(const Labels& labels, const Labels& classes);
void check_lengths(std::size_t n, std::size_t m, const std::string& where);
std::string list_of(const Labels& labels);

Tensor to_tensor(Numbers values);
Tensor to_tensor(Numbers values, const Shape& shape);

// The weighted mean, or the plain one where there are no weights or all are zero; elements that are nan are left out.
double nan_average(const Numbers& values, const Numbers* weights = nullptr);

// Scores of one class against the others, as scikit-learn's _average_binary_score combines them. `metric` is called on
// each column of y_true (0/1) and y_score.
struct BinaryProblem {
  Numbers is_positive, score, weight;
};
using BinaryMetric = double (*)(const BinaryProblem& problem, const void* context);
double average_binary(BinaryMetric metric, const void* context, const Matrix& y_true, const Matrix& y_score,
                      const std::string& average, const Tensor& sample_weight, const std::string& where);
Numbers each_binary(BinaryMetric metric, const void* context, const Matrix& y_true, const Matrix& y_score,
                    const Tensor& sample_weight, const std::string& where);
// One column for each class; for two classes two columns.
Matrix one_hot(const Labels& y, const Labels& classes);

// The counts at falling thresholds, one for each distinct score.
struct ThresholdCounts {
  Numbers false_positives, true_positives, thresholds;
};
ThresholdCounts count_at_thresholds(const BinaryProblem& problem);

}  // namespace strata::evaluation
