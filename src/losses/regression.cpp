// Losses of numbers and directions: one value for each sample.
#include <cmath>

#include "losses/weights.h"
#include "strata/array.h"
#include "strata/losses.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"

namespace strata::losses {

Tensor mean_squared_error(const Tensor& y_true, const Tensor& y_pred) {
  const auto [truth, prediction] = fit_labels("mean_squared_error", y_true, y_pred);
  return reduce_mean(square(truth - prediction), -1);
}

Tensor mean_absolute_error(const Tensor& y_true, const Tensor& y_pred) {
  const auto [truth, prediction] = fit_labels("mean_absolute_error", y_true, y_pred);
  return reduce_mean(abs(truth - prediction), -1);
}

Tensor mean_absolute_percentage_error(const Tensor& y_true, const Tensor& y_pred) {
  const auto [truth, prediction] = fit_labels("mean_absolute_percentage_error", y_true, y_pred);
  return 100.0 * reduce_mean(abs((truth - prediction) / maximum(abs(truth), kEpsilon)), -1);
}

Tensor mean_squared_logarithmic_error(const Tensor& y_true, const Tensor& y_pred) {
  const auto [truth, prediction] = fit_labels("mean_squared_logarithmic_error", y_true, y_pred);
  return reduce_mean(square(log(maximum(prediction, kEpsilon) + 1.0) - log(maximum(truth, kEpsilon) + 1.0)), -1);
}

Tensor log_cosh(const Tensor& y_true, const Tensor& y_pred) {
  const auto [truth, prediction] = fit_labels("log_cosh", y_true, y_pred);
  const Tensor error = prediction - truth;
  return reduce_mean(error + nn::softplus(error * -2.0) - std::log(2.0), -1);
}

Tensor huber(const Tensor& y_true, const Tensor& y_pred, const HuberOptions& options) {
  const auto [truth, prediction] = fit_labels("huber", y_true, y_pred);
  const Tensor error = prediction - truth, size = abs(error);
  const double delta = options.delta;
  return reduce_mean(where(less_equal(size, delta), 0.5 * square(error), delta * size - 0.5 * delta * delta), -1);
}

namespace {
// Labels of 0 and 1 become -1 and 1; others stay, all of them.
Tensor hinge_labels(const Tensor& y_true) {
  const Tensor is_binary = reduce_all(logical_or(equal(y_true, 0.0), equal(y_true, 1.0)));
  return where(is_binary, 2.0 * y_true - 1.0, y_true);
}
}  // namespace

Tensor hinge(const Tensor& y_true, const Tensor& y_pred) {
  const auto [truth, prediction] = fit_labels("hinge", y_true, y_pred);
  return reduce_mean(maximum(1.0 - hinge_labels(truth) * prediction, 0.0), -1);
}

Tensor squared_hinge(const Tensor& y_true, const Tensor& y_pred) {
  const auto [truth, prediction] = fit_labels("squared_hinge", y_true, y_pred);
  return reduce_mean(square(maximum(1.0 - hinge_labels(truth) * prediction, 0.0)), -1);
}

Tensor categorical_hinge(const Tensor& y_true, const Tensor& y_pred) {
  const auto [truth, prediction] = fit_labels("categorical_hinge", y_true, y_pred);
  const Tensor positive = reduce_sum(truth * prediction, -1), negative = reduce_max((1.0 - truth) * prediction, -1);
  return maximum(negative - positive + 1.0, 0.0);
}

Tensor kl_divergence(const Tensor& y_true, const Tensor& y_pred) {
  const auto [truth, prediction] = fit_labels("kl_divergence", y_true, y_pred);
  const Tensor p = clip(truth, kEpsilon, 1.0), q = clip(prediction, kEpsilon, 1.0);
  return reduce_sum(p * log(p / q), -1);
}

Tensor poisson(const Tensor& y_true, const Tensor& y_pred) {
  const auto [truth, prediction] = fit_labels("poisson", y_true, y_pred);
  return reduce_mean(prediction - truth * log(prediction + kEpsilon), -1);
}

Tensor cosine_similarity(const Tensor& y_true, const Tensor& y_pred, const CosineSimilarityOptions& options) {
  const auto [truth, prediction] = fit_labels("cosine_similarity", y_true, y_pred);
  auto normalized = [&](const Tensor& x) {
    const Tensor sum = reduce_sum(square(x), options.axis, {.keepdims = true});
    return x * minimum(rsqrt(sum), 1.0 / kEpsilon);
  };
  return -reduce_sum(normalized(truth) * normalized(prediction), options.axis);
}

namespace {
Tensor sum_over(const Tensor& x, const std::vector<std::int64_t>& axis) {
  return axis.empty() ? reduce_sum(x) : reduce_sum(x, axis);
}
}  // namespace

Tensor dice(const Tensor& y_true, const Tensor& y_pred, const DiceOptions& options) {
  const auto [truth, prediction] = fit_labels("dice", y_true, y_pred);
  const Tensor common = sum_over(truth * prediction, options.axis);
  const Tensor all = sum_over(truth, options.axis) + sum_over(prediction, options.axis);
  return 1.0 - 2.0 * common / (all + kEpsilon);
}

Tensor tversky(const Tensor& y_true, const Tensor& y_pred, const TverskyOptions& options) {
  const auto [truth, prediction] = fit_labels("tversky", y_true, y_pred);
  const Tensor common = sum_over(truth * prediction, options.axis);
  const Tensor missed = sum_over((1.0 - prediction) * truth, options.axis);
  const Tensor wrong = sum_over(prediction * (1.0 - truth), options.axis);
  return 1.0 - common / (common + missed * options.alpha + wrong * options.beta + kEpsilon);
}

}  // namespace strata::losses
