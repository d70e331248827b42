/// \file
/// Reading and writing parts of tensors: slices, gather and scatter, masks.
#pragma once

#include <concepts>
#include <optional>
#include <vector>

#include "strata/tensor.h"

namespace strata {

/// Axes, sizes or positions, one for each dimension. An axis counts from the end where it is negative.
using Ints = std::vector<std::int64_t>;

// ---- Slices. x[i], x[Slice(a, b)] and x[{...}] are in Tensor.

/// `size[i]` elements from `begin[i]` on; a size of -1 takes all that follow. Throws IndexError beyond the bounds.
STRATA_API Tensor slice(const Tensor& x, const Ints& begin, const Ints& size);
namespace detail {
STRATA_API Tensor slice_at(const Tensor& x, const Tensor& begin, const Ints& size);
}
/// The same from a position that is computed: a vector of integers.
template <std::same_as<Tensor> T>
Tensor slice(const Tensor& x, const T& begin, const Ints& size) {
  return detail::slice_at(x, begin, size);
}
/// Python's begin:end:stride along each of the leading axes, clipped to the bounds; None leaves a bound out.
STRATA_API Tensor strided_slice(const Tensor& x, const Ints& begin, const Ints& end, const Ints& strides = {});
/// `x` with `updates` written over the block that starts at `begin`.
STRATA_API Tensor slice_update(const Tensor& x, const Ints& begin, const Tensor& updates);

// ---- Gather: out-of-range indices throw IndexError with the index, the axis and the valid range

struct GatherOptions {
  std::int64_t batch_dims = 0;  ///< so many leading dimensions are shared by `params` and `indices`
};
/// Slices of `params` along `axis` at `indices`, an int32 or int64 tensor of any shape, whose dimensions replace it.
STRATA_API Tensor gather(const Tensor& params, const Tensor& indices, std::int64_t axis = 0,
                         const GatherOptions& options = {});
/// The same with negative indices that count from the end. Without an axis, of the flat `x`.
STRATA_API Tensor take(const Tensor& x, const Tensor& indices, std::optional<std::int64_t> axis = {});
/// out[..., j, ...] = x[..., indices[..., j, ...], ...] along `axis`; the other dimensions are equal or 1.
STRATA_API Tensor take_along_axis(const Tensor& x, const Tensor& indices, std::int64_t axis = -1);
/// The last dimension of `indices` holds positions in the leading dimensions of `params` (after `batch_dims` of them).
STRATA_API Tensor gather_nd(const Tensor& params, const Tensor& indices, const GatherOptions& options = {});

// ---- Scatter. The last dimension of `indices` holds positions, as in gather_nd.

/// Zeros of shape `shape` with `updates` added at `indices`.
STRATA_API Tensor scatter_nd(const Tensor& indices, const Tensor& updates, const Shape& shape);
STRATA_API Tensor scatter(const Tensor& indices, const Tensor& values, const Shape& shape);
/// `x` with `updates` written at `indices` (the last one wins), added, subtracted, or combined by maximum or minimum.
STRATA_API Tensor tensor_scatter_nd_update(const Tensor& x, const Tensor& indices, const Tensor& updates);
STRATA_API Tensor tensor_scatter_nd_add(const Tensor& x, const Tensor& indices, const Tensor& updates);
STRATA_API Tensor tensor_scatter_nd_sub(const Tensor& x, const Tensor& indices, const Tensor& updates);
STRATA_API Tensor tensor_scatter_nd_max(const Tensor& x, const Tensor& indices, const Tensor& updates);
STRATA_API Tensor tensor_scatter_nd_min(const Tensor& x, const Tensor& indices, const Tensor& updates);
STRATA_API Tensor scatter_update(const Tensor& x, const Tensor& indices, const Tensor& updates);

/// Sums of the rows of `data` with equal segment ids; rows with a negative id are left out. `segment_sum` without a
/// number of segments takes the largest id plus one.
STRATA_API Tensor unsorted_segment_sum(const Tensor& data, const Tensor& segment_ids, std::int64_t num_segments);
STRATA_API Tensor segment_sum(const Tensor& data, const Tensor& segment_ids,
                              std::optional<std::int64_t> num_segments = {});

// ---- Masks

/// The positions of the elements that are not zero: int64, of shape (count, rank).
STRATA_API Tensor where(const Tensor& condition);
STRATA_API Tensor argwhere(const Tensor& x);
/// The same as one int32 vector for each axis.
STRATA_API Tensors nonzero(const Tensor& x);
/// The elements of `x` where `mask` is true; the mask covers the axes from `axis` on, which become one.
STRATA_API Tensor boolean_mask(const Tensor& x, const Tensor& mask, std::int64_t axis = 0);

struct OneHotOptions {
  double on_value = 1, off_value = 0;
  std::int64_t axis = -1;  ///< where the new axis of size `depth` goes
  DType dtype = float32;
};
/// `on_value` at the positions given by `indices`, `off_value` elsewhere; an index out of range gives no `on_value`.
STRATA_API Tensor one_hot(const Tensor& indices, std::int64_t depth, const OneHotOptions& options = {});

struct SequenceMaskOptions {
  DType dtype = boolean;
};
/// True for the first `lengths[i]` positions of row i; rows are as long as the largest length where `maxlen` is not
/// given.
STRATA_API Tensor sequence_mask(const Tensor& lengths, std::optional<std::int64_t> maxlen = {},
                                const SequenceMaskOptions& options = {});

namespace nn {
/// The rows of `params` at `ids`.
STRATA_API Tensor embedding_lookup(const Tensor& params, const Tensor& ids);
}  // namespace nn

}  // namespace strata
