/// \file
/// Reductions, and the order of elements: arg, top-k, sort, cumulative sums.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
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

/// bool counts as int32.
STRATA_API Tensor reduce_sum(const Tensor& x, const Axes& axis = {}, const ReduceOptions& options = {});
/// Integers stay integers, as in TensorFlow, but bool gives float32. NaN where there are no elements.
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
/// How many elements are not zero, int64.
STRATA_API Tensor count_nonzero(const Tensor& x, const Axes& axis = {}, const ReduceOptions& options = {});

struct NormOptions {
  double ord = 2;  ///< (sum of |x|^ord)^(1/ord); infinity is the largest |x|
  bool keepdims = false;
};
/// The norm of the elements as one vector: the Euclidean one, unless `ord` says another.
STRATA_API Tensor norm(const Tensor& x, const Axes& axis = {}, const NormOptions& options = {});

/// The position of the first largest or smallest element, int64. NaN is passed over, as in TensorFlow.
STRATA_API Tensor argmax(const Tensor& x, std::int64_t axis = 0);
STRATA_API Tensor argmin(const Tensor& x, std::int64_t axis = 0);

struct TopK {
  Tensor values, indices;  ///< indices are int32
};
/// The k largest along the last axis, largest first; equal ones in the order of their positions, NaN as the largest.
/// Throws ValueError unless the axis has at least k elements.
STRATA_API TopK top_k(const Tensor& x, std::int64_t k);

struct SortOptions {
  std::string direction = "ASCENDING";  ///< or "DESCENDING"
};
/// Sorted along an axis; equal elements keep their order, NaN counts as the largest number. Throws ValueError for
/// another direction.
STRATA_API Tensor sort(const Tensor& x, std::int64_t axis = -1, const SortOptions& options = {});
/// The positions that sort x, int32.
STRATA_API Tensor argsort(const Tensor& x, std::int64_t axis = -1, const SortOptions& options = {});

struct CumulativeOptions {
  bool exclusive = false, reverse = false;
};
STRATA_API Tensor cumsum(const Tensor& x, std::int64_t axis = 0, const CumulativeOptions& options = {});
STRATA_API Tensor cumprod(const Tensor& x, std::int64_t axis = 0, const CumulativeOptions& options = {});

struct BincountOptions {
  std::int64_t minlength = 0;
  std::optional<std::int64_t> maxlength = {};  ///< numbers from here on are left out
  Tensor weights = {};                         ///< added up instead of counting, as many as numbers
};
/// How often each of 0, 1, ... occurs in a tensor of integers, int32; or the sums of their weights.
STRATA_API Tensor bincount(const Tensor& x, const BincountOptions& options = {});

struct Unique {
  Tensor values, indices;  ///< x is gather(values, indices); int32
};
/// The different values of a vector, in the order of their first appearance.
STRATA_API Unique unique(const Tensor& x);

struct SearchOptions {
  bool right = false;  ///< after equal elements instead of before them
};
/// Where each value would be inserted into a sorted vector, or into the vector of the same leading positions, int32.
STRATA_API Tensor searchsorted(const Tensor& sorted, const Tensor& values, const SearchOptions& options = {});

}  // namespace strata
