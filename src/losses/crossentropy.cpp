// Cross-entropies: one value for each sample.
#include "losses/weights.h"
#include "strata/array.h"
#include "strata/indexing.h"
#include "strata/losses.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"

namespace strata::losses {

namespace {

struct Pair {
  Tensor truth, prediction;
};

// Labels and predictions of one shape; labels smoothed over `classes` where asked for.
Pair fit_classes(const std::string& where, const Tensor& y_true, const Tensor& y_pred, double label_smoothing) {
  const auto [truth, prediction] = fit_labels(where, y_true, y_pred, false);
  const bool has_indices = !is_floating(y_true.dtype()) && truth.rank() + 1 == prediction.rank();
  check_shapes_fit(
      where, truth, prediction, true,
      has_indices
          ? "These labels look like class indices: use SparseCategoricalCrossentropy, or one_hot(labels, classes)."
          : "One-hot labels have one column for each class.");
  if (label_smoothing == 0) return {truth, prediction};
  const Tensor classes = cast(strata::shape(truth)[-1], truth.dtype());
  return {truth * (1.0 - label_smoothing) + label_smoothing / classes, prediction};
}

Pair fit_binary(const std::string& where, const Tensor& y_true, const Tensor& y_pred, double label_smoothing) {
  const auto [truth, prediction] = fit_labels(where, y_true, y_pred, false);
  check_shapes_fit(where, truth, prediction, true);
  if (label_smoothing == 0) return {truth, prediction};
  return {truth * (1.0 - label_smoothing) + 0.5 * label_smoothing, prediction};
}

// Predictions as logits where they are: by the option, or as what a softmax or sigmoid was given. Undefined otherwise.
Tensor as_logits(const Tensor& prediction, bool from_logits) {
  const Tensor known = logits_of(prediction);
  return known.defined() || !from_logits ? known : prediction;
}

Tensor clip_probabilities(const Tensor& p) { return clip(p, kEpsilon, 1.0 - kEpsilon); }

Tensor binary_values(const Tensor& truth, const Tensor& prediction, bool from_logits) {
  const Tensor logits = as_logits(prediction, from_logits);
  if (logits.defined()) return nn::sigmoid_cross_entropy_with_logits(truth, logits);
  const Tensor p = clip_probabilities(prediction);
  return -(truth * log(p) + (1.0 - truth) * log(1.0 - p));
}

}  // namespace

Tensor categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred,
                                const CategoricalCrossentropyOptions& options) {
  const auto [truth, prediction] = fit_classes("categorical_crossentropy", y_true, y_pred, options.label_smoothing);
  const Tensor logits = as_logits(prediction, options.from_logits);
  const bool last = options.axis == -1 || options.axis == prediction.rank() - 1;
  if (logits.defined() && last) return nn::softmax_cross_entropy_with_logits(truth, logits);
  if (logits.defined()) return -reduce_sum(truth * nn::log_softmax(logits, options.axis), options.axis);
  const Tensor normalized = prediction / reduce_sum(prediction, options.axis, {.keepdims = true});
  return -reduce_sum(truth * log(clip_probabilities(normalized)), options.axis);
}

Tensor categorical_focal_crossentropy(const Tensor& y_true, const Tensor& y_pred,
                                      const CategoricalFocalCrossentropyOptions& options) {
  auto [truth, prediction] = fit_classes("categorical_focal_crossentropy", y_true, y_pred, options.label_smoothing);
  if (options.from_logits) prediction = nn::softmax(prediction, options.axis);
  const Tensor p = clip_probabilities(prediction / reduce_sum(prediction, options.axis, {.keepdims = true}));
  return reduce_sum(pow(1.0 - p, options.gamma) * options.alpha * (-truth * log(p)), options.axis);
}

Tensor sparse_categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred,
                                       const SparseCategoricalCrossentropyOptions& options) {
  const char* where = "sparse_categorical_crossentropy";
  if (!y_true.defined() || !y_pred.defined())
    throw ValueError(std::string(where) + ": y_true or y_pred is an undefined tensor (Tensor{}).");
  const Tensor prediction = at_least_float32(y_pred);
  if (options.axis != -1 && options.axis != prediction.rank() - 1)
    throw ValueError(std::string(where) + ": axis is " + std::to_string(options.axis) +
                     ", but the classes must be the last axis (-1). Transpose y_pred.");
  Tensor labels = cast(y_true, int64);
  if (labels.rank() == prediction.rank() && labels.shape().back() == 1) labels = squeeze(labels, -1);
  if (labels.rank() + 1 != prediction.rank())
    throw ShapeError(std::string(where) + ": y_true has shape " + to_string(y_true.shape()) + " and y_pred " +
                     to_string(prediction.shape()) + "; labels are class indices, without the axis of the classes. " +
                     "For one-hot labels use CategoricalCrossentropy.");
  for (std::size_t i = 0; i < labels.shape().size(); ++i) {
    const std::int64_t a = labels.shape()[i], b = prediction.shape()[i];
    if (a != b && a != None && b != None)
      throw ShapeError(std::string(where) + ": y_true has shape " + to_string(y_true.shape()) + " and y_pred " +
                       to_string(prediction.shape()) + ". Give one label for each prediction.");
  }
  Tensor valid;
  if (options.ignore_class) {
    valid = not_equal(labels, static_cast<std::int64_t>(*options.ignore_class));
    labels = strata::where(valid, labels, zeros_like(labels));
  }
  Tensor logits = as_logits(prediction, options.from_logits);
  if (!logits.defined()) logits = log(clip_probabilities(prediction));
  const Tensor loss = nn::sparse_softmax_cross_entropy_with_logits(labels, logits);
  return valid.defined() ? strata::where(valid, loss, zeros_like(loss)) : loss;
}

Tensor binary_crossentropy(const Tensor& y_true, const Tensor& y_pred, const BinaryCrossentropyOptions& options) {
  const auto [truth, prediction] = fit_binary("binary_crossentropy", y_true, y_pred, options.label_smoothing);
  return reduce_mean(binary_values(truth, prediction, options.from_logits), options.axis);
}

Tensor binary_focal_crossentropy(const Tensor& y_true, const Tensor& y_pred,
                                 const BinaryFocalCrossentropyOptions& options) {
  auto [truth, prediction] = fit_binary("binary_focal_crossentropy", y_true, y_pred, options.label_smoothing);
  if (options.from_logits) prediction = nn::sigmoid(prediction);
  const Tensor right = truth * prediction + (1.0 - truth) * (1.0 - prediction);
  Tensor values = pow(1.0 - right, options.gamma) * binary_values(truth, prediction, false);
  if (options.apply_class_balancing) values = (truth * options.alpha + (1.0 - truth) * (1.0 - options.alpha)) * values;
  return reduce_mean(values, options.axis);
}

}  // namespace strata::losses
