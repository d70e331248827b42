// How labels, predictions and sample weights are fitted to each other; losses and metrics share these rules.
#pragma once

#include <string>
#include <utility>

#include "strata/tensor.h"

namespace strata {

// Keras's epsilon: what probabilities are kept away from 0 and 1 by.
inline constexpr double kEpsilon = 1e-7;

// Where the ranks differ by one and the longer shape ends in 1, that axis is removed; a vector beside a column becomes
// a column instead, if `expand_rank_1`.
std::pair<Tensor, Tensor> squeeze_or_expand_to_same_rank(const Tensor& a, const Tensor& b, bool expand_rank_1 = true);

// Throws ShapeError unless the shapes can be broadcast (None fits all), or, with `equal`, are the same.
void check_shapes_fit(const std::string& where, const Tensor& y_true, const Tensor& y_pred, bool equal,
                      const std::string& advice = {});

// `y_true` in y_pred's dtype, y_pred as it is, both of one rank. 16-bit predictions become float32.
// With `check`, throws ShapeError unless they can be broadcast.
std::pair<Tensor, Tensor> fit_labels(const std::string& where, const Tensor& y_true, const Tensor& y_pred,
                                     bool check = true);

// float32 for 16-bit floats and for integers, x itself otherwise.
Tensor at_least_float32(const Tensor& x);

// The logits that `probabilities` were computed from, where softmax or sigmoid gave them as they are; else undefined.
// Cross-entropies use them, as Keras does: log(softmax(x)) is exact where the probabilities round to 0 or 1.
Tensor logits_of(const Tensor& probabilities);

// a / b, and 0 where b is 0.
Tensor safe_ratio(const Tensor& a, const Tensor& b);

}  // namespace strata
