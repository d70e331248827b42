/// \file
/// Reductions, and the order of elements: arg, top-k, sort, cumulative sums.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

#include "strata/tensor.h"

namespace strata {

/// Axes to reduce: none means all of them; an integer or a list in braces. Negative ones count from the end.
class Axes {
 public:
  Axes() : all(true) {}
  Axes(int axis) : values{axis} {}
  Axes(std::int64_t axis) : values{axis} {}
  Axes(std::initializer_list<std::int64_t> axes) : values(axes) {}
  Axes(const std::vector<std::int64_t>& axes) : values(axes) {}
  Axes(const std::vector<int>& axes) : values(axes.begin(), axes.end()) {}
  std::vector<std::int64_t> values;
  bool all = false;
};

struct ReduceOptions {
  bool keepdims = false;  ///< reduced axes stay, with size 1
};

STRATA_API Tensor reduce_sum(const Tensor& x, const Axes& axis = {}, const ReduceOptions& options = {});
/// Integers stay integers, as in TensorFlow. NaN where there are no elements.
STRATA_API Tensor reduce_mean(const Tensor& x, const Axes& axis = {}, const ReduceOptions& options = {});
/// The gradient is shared equally among equal largest elements.
STRATA_API Tensor reduce_max(const Tensor& x, const Axes& axis = {}, const ReduceOptions& options = {});
STRATA_API Tensor reduce_min(const Tensor& x, const Axes& axis = {}, const ReduceOptions& options = {});
STRATA_API Tensor reduce_prod(const Tensor& x, const Axes& axis = {}, const ReduceOptions& options = {});
/// Of bool tensors.
STRATA_API Tensor reduce_any(const Tensor& x, const Axes& axis = {}, const ReduceOptions& options = {});
STRATA_API Tensor reduce_all(const Tensor& x, const Axes& axis = {}, const ReduceOptions& options = {});
/// log(sum(exp(x))), without overflow.
STRATA_API Tensor reduce_logsumexp(const Tensor& x, const Axes& axis = {}, const ReduceOptions& options = {});
/// The mean squared deviation from the mean; divided by n.
STRATA_API Tensor reduce_variance(const Tensor& x, const Axes& axis = {}, const ReduceOptions& options = {});
STRATA_API Tensor reduce_std(const Tensor& x, const Axes& axis = {}, const ReduceOptions& options = {});
/// The Euclidean norm.
STRATA_API Tensor norm(const Tensor& x, const Axes& axis = {}, const ReduceOptions& options = {});

/// The position of the first largest or smallest element, int64.
STRATA_API Tensor argmax(const Tensor& x, std::int64_t axis = 0);
STRATA_API Tensor argmin(const Tensor& x, std::int64_t axis = 0);

struct TopK {
  Tensor values, indices;  ///< indices are int32
};
/// The k largest along the last axis, largest first; equal ones in the order of their positions.
STRATA_API TopK top_k(const Tensor& x, std::int64_t k);

struct SortOptions {
  bool descending = false;
};
/// Sorted along an axis; equal elements keep their order.
STRATA_API Tensor sort(const Tensor& x, std::int64_t axis = -1, const SortOptions& options = {});
/// The positions that sort x, int32.
STRATA_API Tensor argsort(const Tensor& x, std::int64_t axis = -1, const SortOptions& options = {});

struct CumulativeOptions {
  bool exclusive = false, reverse = false;
};
STRATA_API Tensor cumsum(const Tensor& x, std::int64_t axis = 0, const CumulativeOptions& options = {});
STRATA_API Tensor cumprod(const Tensor& x, std::int64_t axis = 0, const CumulativeOptions& options = {});

/// How often each of 0, 1, ... occurs in a tensor of integers; at least `minlength` counts (int32).
STRATA_API Tensor bincount(const Tensor& x, std::int64_t minlength = 0);

struct SearchOptions {
  bool right = false;  ///< after equal elements instead of before them
};
/// Where each value would be inserted into a sorted vector, int32.
STRATA_API Tensor searchsorted(const Tensor& sorted, const Tensor& values, const SearchOptions& options = {});

}  // namespace strata
