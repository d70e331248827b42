#include "metrics/confusion.h"

#include <cmath>

#include "losses/weights.h"
#include "ops/like.h"
#include "strata/array.h"
#include "strata/indexing.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"

namespace strata::metrics {

namespace {

constexpr double kLowest = -1e10;  // of predictions that are not among the top k

// Predictions, labels (0 or 1) and weights of one shape; the weights are undefined where all count alike.
struct Batch {
  Tensor truth, prediction, weights;
};

Tensor column(const Tensor& x, int index) { return x[{Ellipsis, Slice(index, index + 1)}]; }

Tensor keep_top_k(const Tensor& x, int k) {
  const Tensor indices = top_k(x, k).indices;
  const Tensor kept = reduce_sum(one_hot(indices, x.shape().back()), -2);
  return x * kept + kLowest * (1.0 - kept);
}

Batch prepare(const std::string& where, const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight,
              const ConfusionOptions& options) {
  if (!y_true.defined() || !y_pred.defined())
    throw ValueError(where + ": " + (y_true.defined() ? "y_pred" : "y_true") +
                     " is an undefined tensor (Tensor{}). Call update_state(y_true, y_pred).");
  auto [prediction, truth] = squeeze_or_expand_to_same_rank(cast(y_pred, float32), cast(y_true, float32));
  check_shapes_fit(where, truth, prediction, true);
  Tensor weights;
  if (sample_weight.defined()) {
    weights = squeeze_or_expand_to_same_rank(truth, expand_dims(cast(sample_weight, float32), -1), false).second;
    if (weights.rank() > truth.rank())
      throw ShapeError(where + ": sample_weight has shape " + to_string(sample_weight.shape()) +
                       ", more axes than y_true of shape " + to_string(y_true.shape()) +
                       ". Give one weight for each sample.");
  }
  if (options.top_k) prediction = keep_top_k(prediction, *options.top_k);
  if (options.class_id) {
    const std::int64_t classes = prediction.shape().empty() ? 0 : prediction.shape().back();
    if (prediction.rank() < 2 || (classes != None && *options.class_id >= classes))
      throw ShapeError(where + ": class_id is " + std::to_string(*options.class_id) + ", but y_pred has shape " +
                       to_string(y_pred.shape()) + ". Predictions need one column for each class.");
    truth = column(truth, *options.class_id), prediction = column(prediction, *options.class_id);
  }
  if (weights.defined()) weights = broadcast_like(weights, prediction);
  if (!options.label_weights.empty()) {
    const auto count = static_cast<std::int64_t>(options.label_weights.size());
    const Tensor of_labels = broadcast_like(cast(Tensor::from(options.label_weights, {1, count}), float32), prediction);
    weights = weights.defined() ? weights * of_labels : of_labels;
  }
  return {cast(cast(truth, boolean), float32), prediction, weights};
}

bool evenly_spaced(const std::vector<double>& thresholds) {
  if (thresholds.size() < 3) return false;
  const double last = static_cast<double>(thresholds.size()) - 1;
  for (std::size_t i = 0; i < thresholds.size(); ++i)
    if (std::abs(thresholds[i] - static_cast<double>(i) / last) > kEpsilon + 1e-5 * static_cast<double>(i) / last)
      return false;
  return true;
}

Tensor flat(const Tensor& x) { return reshape(x, Shape{-1}); }

// Each prediction falls into the bucket between two thresholds; sums from the last bucket back are the positives.
Confusion count_by_buckets(const Batch& batch, const ConfusionOptions& options) {
  const auto count = static_cast<std::int64_t>(options.thresholds.size());
  const Tensor p = clip(batch.prediction, 0.0, 1.0);
  Tensor bucket = ceil(p * static_cast<double>(count - 1)) - 1.0;
  // A first threshold below 0 is exceeded by 0, too.
  if (options.thresholds.front() < 0 || options.thresholds.back() > 1) bucket = maximum(bucket, 0.0);
  bucket = cast(bucket, int32);
  const std::int64_t labels = options.multi_label ? p.shape().back() : 1;
  if (options.multi_label) bucket = bucket + range(static_cast<int>(labels)) * static_cast<int>(count);
  Tensor positive = batch.truth, negative = 1.0 - batch.truth;
  if (batch.weights.defined()) positive = positive * batch.weights, negative = negative * batch.weights;
  auto above = [&](const Tensor& weights) {
    const Tensor sums = unsorted_segment_sum(flat(weights), flat(bucket), count * labels);
    if (!options.multi_label) return cumsum(sums, 0, {.reverse = true});
    return transpose(cumsum(reshape(sums, Shape{labels, count}), 1, {.reverse = true}));
  };
  auto total = [&](const Tensor& weights) {
    return options.multi_label ? reduce_sum(weights, 0, {.keepdims = true}) : reduce_sum(weights);
  };
  const Tensor tp = above(positive), fp = above(negative);
  return {tp, fp, total(negative) - fp, total(positive) - tp};
}

// Compares each prediction with each threshold.
Confusion count_by_comparing(const Batch& batch, const ConfusionOptions& options) {
  const auto count = static_cast<std::int64_t>(options.thresholds.size());
  auto one_row = [&](const Tensor& x) { return options.multi_label ? expand_dims(x, 0) : reshape(x, Shape{1, -1}); };
  const Shape shape = options.multi_label ? Shape{count, 1, 1} : Shape{count, 1};
  const Tensor thresholds = cast(Tensor::from(options.thresholds, shape), float32);
  const Tensor above = greater(one_row(batch.prediction), thresholds), below = logical_not(above);
  Tensor positive = batch.truth, negative = 1.0 - batch.truth;
  if (batch.weights.defined()) positive = positive * batch.weights, negative = negative * batch.weights;
  auto sum = [&](const Tensor& where_true, const Tensor& weights) {
    return reduce_sum(cast(where_true, float32) * one_row(weights), 1);
  };
  return {sum(above, positive), sum(above, negative), sum(below, negative), sum(below, positive)};
}

}  // namespace

void check_thresholds(const std::string& where, const std::vector<double>& thresholds) {
  for (double t : thresholds)
    if (!(t >= 0 && t <= 1))
      throw ValueError(where + ": a threshold is " + std::to_string(t) + ". Thresholds are in [0, 1].");
}

std::vector<double> even_thresholds(int count, double first, double last) {
  std::vector<double> out = {first};
  for (int i = 0; i < count - 2; ++i) out.push_back((i + 1) * 1.0 / (count - 1));
  out.push_back(last);
  return out;
}

Confusion count_confusion(const std::string& where, const Tensor& y_true, const Tensor& y_pred,
                          const Tensor& sample_weight, const ConfusionOptions& options) {
  const Batch batch = prepare(where, y_true, y_pred, sample_weight, options);
  return evenly_spaced(options.thresholds) ? count_by_buckets(batch, options) : count_by_comparing(batch, options);
}

}  // namespace strata::metrics
