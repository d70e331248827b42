// Losses that compare samples with each other (Circle) or whole sequences (CTC), and one for noisy labels.
#include "losses/weights.h"
#include "strata/array.h"
#include "strata/indexing.h"
#include "strata/linalg.h"
#include "strata/losses.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"

namespace strata::losses {

namespace {
constexpr double kNever = -1e30;  // the logarithm of what cannot happen; -inf would make gradients NaN

// 1 + 1 for each pair of samples of one label, apart from the sample itself.
struct Pairs {
  Tensor same, different;
};
Pairs pairs_of(const Tensor& labels, bool remove_diagonal) {
  const Tensor column = reshape(cast(labels, int64), {-1, 1}), row = reshape(cast(labels, int64), {1, -1});
  Tensor same = equal(column, row);
  const Tensor different = logical_not(same);
  if (remove_diagonal) {
    const Tensor place = cumsum(ones_like(column), 0);
    same = logical_and(same, not_equal(place, reshape(place, {1, -1})));
  }
  return {same, different};
}
}  // namespace

Tensor circle(const Tensor& y_true, const Tensor& y_pred, const CircleOptions& o) {
  if (y_pred.rank() != 2)
    throw ShapeError("circle: y_pred has shape " + to_string(y_pred.shape()) +
                     "; it must be (samples, features): normalized embeddings.");
  const Tensor distance = maximum(1.0 - matmul(y_pred, y_pred, {.transpose_b = true}), 0.0);
  const Pairs pairs = pairs_of(y_true, o.remove_diagonal);
  const Tensor same = cast(pairs.same, distance.dtype()), different = cast(pairs.different, distance.dtype());
  const Tensor same_weight = maximum((o.margin + distance) * same, 0.0);
  const Tensor other_weight = maximum((1 + o.margin - distance) * different, 0.0);
  const Tensor same_scores = -o.gamma * same_weight * (o.margin - distance);
  const Tensor other_scores = o.gamma * other_weight * (1 - o.margin - distance);
  const Tensor never = full_like(distance, kNever);
  return nn::softplus(reduce_logsumexp(where(pairs.same, same_scores, never), 1) +
                      reduce_logsumexp(where(pairs.different, other_scores, never), 1));
}

Tensor categorical_generalized_cross_entropy(const Tensor& y_true, const Tensor& y_pred,
                                             const CategoricalGeneralizedCrossEntropyOptions& o) {
  if (!(o.q > 0 && o.q < 1))
    throw ValueError("categorical_generalized_cross_entropy: q is " + std::to_string(o.q) + ". It must be in (0, 1).");
  Tensor labels = cast(y_true, int64);
  if (labels.rank() == y_pred.rank() && labels.shape().back() == 1) labels = squeeze(labels, -1);
  const Tensor rows = cast(one_hot(labels, y_pred.shape().back()), y_pred.dtype());
  const Tensor p = reduce_sum(y_pred * rows, -1);
  return (1.0 - pow(p, constant(o.q, p.dtype()))) / o.q;
}

// Of all ways to spread the labels, with blanks between them, over the time steps (Graves et al. 2006): the forward
// variables, in logarithms.
Tensor ctc(const Tensor& y_true, const Tensor& y_pred) {
  if (y_true.rank() != 2 || y_pred.rank() != 3 || y_pred.shape()[1] == None || y_true.shape()[1] == None)
    throw ShapeError(
        "ctc: y_true must be class numbers of shape (batch, labels) and y_pred logits of shape (batch, "
        "time, classes), with known labels and time, but they have " +
        to_string(y_true.shape()) + " and " + to_string(y_pred.shape()) + ".");
  const std::int64_t time = y_pred.shape()[1], length = y_true.shape()[1], classes = y_pred.shape()[2];
  const Tensor labels = cast(y_true, int64), blank = zeros_like(labels);
  // blank, label, blank, label, ..., blank
  const Tensor pairs = reshape(stack({blank, labels}, 2), {-1, 2 * length});
  const Tensor path = concat({pairs, blank[{Ellipsis, Slice(0, 1)}]}, 1);
  const Tensor emitted =
      einsum("btc,bec->bte", {nn::log_softmax(y_pred), cast(one_hot(path, classes), y_pred.dtype())});

  const std::int64_t states = 2 * length + 1;
  const Tensor column = full_like(emitted[{Ellipsis, 0, Slice(0, 1)}], kNever);
  auto shifted = [&](const Tensor& x, const Tensor& fill) {
    return concat({fill, x[{Ellipsis, Slice(0, states - 1)}]}, 1);
  };
  const Tensor none = zeros_like(path[{Ellipsis, Slice(0, 1)}]);
  const Tensor two_before = shifted(shifted(path, none), none);
  const Tensor may_skip = logical_and(not_equal(path, 0), not_equal(path, two_before));
  const Tensor first = emitted[{Ellipsis, 0, Slice(None)}];
  Tensor alpha =
      states > 2 ? concat({first[{Ellipsis, Slice(0, 2)}], full_like(first[{Ellipsis, Slice(2)}], kNever)}, 1) : first;
  for (std::int64_t t = 1; t < time; ++t) {
    const Tensor one = shifted(alpha, column), two = where(may_skip, shifted(one, column), full_like(alpha, kNever));
    alpha = reduce_logsumexp(stack({alpha, one, two}, 0), 0) + emitted[{Ellipsis, t, Slice(None)}];
  }
  // Paths end in the last label or in the blank behind it.
  const Tensor lengths = reduce_sum(cast(not_equal(labels, 0), int64), -1, {.keepdims = true});
  const Tensor place = cumsum(ones_like(path), 1) - 1;
  const Tensor ends = logical_or(equal(place, 2 * lengths), equal(place, 2 * lengths - 1));
  return -reduce_logsumexp(where(ends, alpha, full_like(alpha, kNever)), 1);
}

}  // namespace strata::losses
