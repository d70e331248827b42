// The accuracies: 1 or 0 for each sample.
#include "losses/weights.h"
#include "strata/array.h"
#include "strata/indexing.h"
#include "strata/math.h"
#include "strata/metric_functions.h"
#include "strata/metrics.h"
#include "strata/nn.h"
#include "strata/reduce.h"

namespace strata::metrics {

namespace {

void check_defined(const char* where, const Tensor& y_true, const Tensor& y_pred) {
  if (!y_true.defined() || !y_pred.defined())
    throw ValueError(std::string(where) + ": " + (y_true.defined() ? "y_pred" : "y_true") +
                     " is an undefined tensor (Tensor{}). Call update_state(y_true, y_pred).");
}

// Class indices as int64: of one-hot rows, or as they are.
Tensor indices_of_one_hot(const char* where, const Tensor& y_true, const Tensor& y_pred) {
  check_defined(where, y_true, y_pred);
  check_shapes_fit(where, y_true, y_pred, true,
                   "Labels are one-hot here; for class indices use the sparse metric of this name.");
  return cast(argmax(y_true, -1), int64);
}

struct Sparse {
  Tensor labels;
  bool had_column;  // (batch, 1) became (batch)
};

Sparse sparse_labels(const char* where, const Tensor& y_true, const Tensor& y_pred) {
  check_defined(where, y_true, y_pred);
  Sparse out{y_true, y_true.rank() == y_pred.rank() && y_true.rank() > 0 && y_true.shape().back() == 1};
  if (out.had_column) out.labels = squeeze(y_true, -1);
  if (out.labels.rank() + 1 != y_pred.rank())
    throw ShapeError(std::string(where) + ": y_true has shape " + to_string(y_true.shape()) + " and y_pred " +
                     to_string(y_pred.shape()) + "; labels are class indices, without the axis of the classes. " +
                     "For one-hot labels use the categorical metric.");
  return out;
}

Tensor is_in_top_k(const Tensor& labels, const Tensor& y_pred, int k) {
  if (y_pred.rank() <= 2) return cast(nn::in_top_k(cast(labels, int32), y_pred, k), float32);
  const Tensor rows = reshape(y_pred, Shape{-1, y_pred.shape().back()});
  const Tensor matches = nn::in_top_k(cast(reshape(labels, Shape{-1}), int32), rows, k);
  return cast(reshape(matches, strata::shape(labels)), float32);
}

}  // namespace

Tensor accuracy(const Tensor& y_true, const Tensor& y_pred) {
  const auto [truth, prediction] = fit_labels("accuracy", y_true, y_pred);
  return cast(equal(truth, prediction), float32);
}

Tensor binary_accuracy(const Tensor& y_true, const Tensor& y_pred, const BinaryAccuracyOptions& options) {
  const auto [truth, prediction] = fit_labels("binary_accuracy", y_true, y_pred);
  return cast(equal(truth, cast(greater(prediction, options.threshold), truth.dtype())), float32);
}

Tensor categorical_accuracy(const Tensor& y_true, const Tensor& y_pred) {
  const Tensor labels = indices_of_one_hot("categorical_accuracy", y_true, y_pred);
  return cast(equal(labels, cast(argmax(y_pred, -1), int64)), float32);
}

Tensor sparse_categorical_accuracy(const Tensor& y_true, const Tensor& y_pred) {
  const Tensor labels = at_least_float32(sparse_labels("sparse_categorical_accuracy", y_true, y_pred).labels);
  const Tensor matches = cast(equal(labels, cast(argmax(y_pred, -1), labels.dtype())), float32);
  return matches.rank() > 1 && matches.shape().back() == 1 ? squeeze(matches, -1) : matches;
}

Tensor top_k_categorical_accuracy(const Tensor& y_true, const Tensor& y_pred, const TopKOptions& options) {
  const Tensor labels = indices_of_one_hot("top_k_categorical_accuracy", y_true, y_pred);
  return is_in_top_k(labels, at_least_float32(y_pred), options.k);
}

Tensor sparse_top_k_categorical_accuracy(const Tensor& y_true, const Tensor& y_pred, const TopKOptions& options) {
  const auto [labels, had_column] = sparse_labels("sparse_top_k_categorical_accuracy", y_true, y_pred);
  const Tensor matches = is_in_top_k(labels, at_least_float32(y_pred), options.k);
  return had_column ? expand_dims(matches, -1) : matches;
}

}  // namespace strata::metrics
