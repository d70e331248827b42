#include "losses/weights.h"

#include "core/tensor_data.h"
#include "strata/array.h"
#include "strata/math.h"

namespace strata {

std::pair<Tensor, Tensor> squeeze_or_expand_to_same_rank(const Tensor& a, const Tensor& b, bool expand_rank_1) {
  if (a.rank() == b.rank() + 1 && a.shape().back() == 1) {
    if (b.rank() == 1 && expand_rank_1) return {a, expand_dims(b, -1)};
    return {squeeze(a, -1), b};
  }
  if (b.rank() == a.rank() + 1 && b.shape().back() == 1) {
    if (a.rank() == 1 && expand_rank_1) return {expand_dims(a, -1), b};
    return {a, squeeze(b, -1)};
  }
  return {a, b};
}

void check_shapes_fit(const std::string& where, const Tensor& y_true, const Tensor& y_pred, bool equal,
                      const std::string& advice) {
  const Shape &a = y_true.shape(), &b = y_pred.shape();
  const std::size_t common = a.size() < b.size() ? a.size() : b.size();
  bool fits = !equal || a.size() == b.size();
  for (std::size_t i = 1; fits && i <= common; ++i) {
    const std::int64_t p = a[a.size() - i], q = b[b.size() - i];
    fits = p == q || p == None || q == None || (!equal && (p == 1 || q == 1));
  }
  if (!fits)
    throw ShapeError(where + ": y_true has shape " + to_string(a) + " and y_pred " + to_string(b) + "; they must " +
                     (equal ? "be the same. " : "agree in each dimension, or be 1 there. ") +
                     (advice.empty() ? "Give labels that have the shape of the predictions." : advice));
}

Tensor at_least_float32(const Tensor& x) {
  const bool narrow = !is_floating(x.dtype()) || x.dtype() == float16 || x.dtype() == bfloat16;
  return narrow ? cast(x, float32) : x;
}

std::pair<Tensor, Tensor> fit_labels(const std::string& where, const Tensor& y_true, const Tensor& y_pred, bool check) {
  if (!y_true.defined() || !y_pred.defined())
    throw ValueError(where + ": " + (y_true.defined() ? "y_pred" : "y_true") +
                     " is an undefined tensor (Tensor{}). Give it a value first.");
  const Tensor prediction = at_least_float32(y_pred);
  auto fitted = squeeze_or_expand_to_same_rank(cast(y_true, prediction.dtype()), prediction);
  if (check) check_shapes_fit(where, fitted.first, fitted.second, false);
  return fitted;
}

Tensor logits_of(const Tensor& probabilities) {
  const auto& logits = probabilities.impl()->logits;
  return logits ? Tensor(logits) : Tensor();
}

Tensor safe_ratio(const Tensor& a, const Tensor& b) { return divide_no_nan(a, b); }

}  // namespace strata
