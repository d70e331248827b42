/// \file
/// Making tensors, and changing their shape and order.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "strata/dims.h"
#include "strata/indexing.h"
#include "strata/tensor.h"

namespace strata {

// ---- Creation. The dtype is float32 where it is not given and not that of a value.

/// `value` as a tensor of its own dtype, of `dtype`, and of one dtype and shape (a single element is repeated).
STRATA_API Tensor constant(const Tensor& value);
STRATA_API Tensor constant(const Tensor& value, DType dtype);
STRATA_API Tensor constant(const Tensor& value, DType dtype, const Shape& shape);
/// A copy of the vector's elements, as a tensor of one dimension or of `shape`.
template <Element T>
Tensor constant(const std::vector<T>& values) {
  return Tensor::from(values, {static_cast<std::int64_t>(values.size())});
}
template <Element T>
Tensor constant(const std::vector<T>& values, const Shape& shape) {
  return Tensor::from(values, shape);
}
STRATA_API Tensor zeros(const Shape& shape, DType dtype = float32);
STRATA_API Tensor ones(const Shape& shape, DType dtype = float32);
/// `value`, a scalar, repeated.
STRATA_API Tensor fill(const Shape& shape, const Tensor& value);
STRATA_API Tensor full(const Shape& shape, const Tensor& fill_value, std::optional<DType> dtype = {});
/// Tensors of the shape of `x`, and of its dtype where none is given.
STRATA_API Tensor zeros_like(const Tensor& x, std::optional<DType> dtype = {});
STRATA_API Tensor ones_like(const Tensor& x, std::optional<DType> dtype = {});
STRATA_API Tensor full_like(const Tensor& x, const Tensor& fill_value, std::optional<DType> dtype = {});

namespace detail {
STRATA_API Tensor broadcast_to_value(const Tensor& x, const Tensor& shape);
}
/// Shapes with dimensions of other tensors, which may be known only later: `zeros({shape(x)[0], 16})`,
/// `ones(shape(x))`.
STRATA_API Tensor zeros(Dims shape, DType dtype = float32);
STRATA_API Tensor ones(Dims shape, DType dtype = float32);
STRATA_API Tensor fill(Dims shape, const Tensor& value);
STRATA_API Tensor full(Dims shape, const Tensor& fill_value, std::optional<DType> dtype = {});
template <std::same_as<Tensor> T>
Tensor zeros(const T& shape, DType dtype = float32) {
  return detail::zeros_of(shape, dtype);
}
template <std::same_as<Tensor> T>
Tensor ones(const T& shape, DType dtype = float32) {
  return ones_like(detail::zeros_of(shape, dtype));
}
template <std::same_as<Tensor> T>
Tensor fill(const T& shape, const Tensor& value) {
  return detail::broadcast_to_value(value, shape);
}

struct EyeOptions {
  std::optional<std::int64_t> columns = {};  ///< as many as rows where it is not given
  std::int64_t k = 0;                        ///< the diagonal: 0 the main one, positive above it
  DType dtype = float32;
};
/// Ones on a diagonal of zeros.
STRATA_API Tensor eye(std::int64_t rows, const EyeOptions& options = {});

struct RangeOptions {
  std::optional<DType> dtype = {};  ///< that of the numbers where it is not given
};
/// 0, 1, ... below `limit`; or start, start + delta, ... before `limit`. Scalars, also symbolic ones.
/// Throws ValueError where `delta` is 0.
STRATA_API Tensor range(const Tensor& limit, const RangeOptions& options = {});
STRATA_API Tensor range(const Tensor& start, const Tensor& limit, const RangeOptions& options = {});
STRATA_API Tensor range(const Tensor& start, const Tensor& limit, const Tensor& delta,
                        const RangeOptions& options = {});
STRATA_API Tensor arange(const Tensor& stop, const RangeOptions& options = {});
STRATA_API Tensor arange(const Tensor& start, const Tensor& stop, const RangeOptions& options = {});
STRATA_API Tensor arange(const Tensor& start, const Tensor& stop, const Tensor& step, const RangeOptions& options = {});

struct LinspaceOptions {
  bool endpoint = true;  ///< whether `stop` is the last value
  std::optional<DType> dtype = {};
};
/// `num` evenly spaced numbers from `start` to `stop`, both scalars.
STRATA_API Tensor linspace(const Tensor& start, const Tensor& stop, std::int64_t num = 50,
                           const LinspaceOptions& options = {});

struct MeshgridOptions {
  std::string indexing = "xy";  ///< "xy": the first two axes are swapped, as in a picture; "ij": they are not
};
/// Coordinates of a grid: for vectors of lengths n0, n1, ... as many tensors of shape (n1, n0, ...) or (n0, n1, ...).
STRATA_API Tensors meshgrid(const Tensors& vectors, const MeshgridOptions& options = {});

// ---- Facts of a tensor, as tensors: they work on symbolic shapes too

/// The dimensions of `x`, the number of its elements, and of its dimensions.
STRATA_API Tensor shape(const Tensor& x, DType out_type = int32);
STRATA_API Tensor size(const Tensor& x, DType out_type = int32);
STRATA_API Tensor rank(const Tensor& x);

// ---- Shape

/// The same elements under another shape. One dimension may be -1: it is computed. A None dimension is one that is not
/// known yet, as in the shapes of symbolic tensors. Throws ShapeError where the numbers of elements differ.
STRATA_API Tensor reshape(const Tensor& x, const Shape& shape);
namespace detail {
STRATA_API Tensor reshape_to_value(const Tensor& x, const Tensor& shape);
}
/// To a shape that is computed: a vector of integers such as `strata::shape(y)`.
template <std::same_as<Tensor> T>
Tensor reshape(const Tensor& x, const T& shape) {
  return detail::reshape_to_value(x, shape);
}
/// The same with dimensions of other tensors: `reshape(x, {shape(x)[0], -1, 16})`.
STRATA_API Tensor reshape(const Tensor& x, Dims shape);
/// The axes from `from_axis` on become one: `flatten(x, 1)` keeps the batch.
STRATA_API Tensor flatten(const Tensor& x, std::int64_t from_axis = 0);
STRATA_API Tensor ravel(const Tensor& x);
/// A new axis of size 1, which is axis `axis` of the result.
STRATA_API Tensor expand_dims(const Tensor& x, std::int64_t axis);
/// Without all axes of size 1, or without the named ones. Throws ShapeError where one of them has another size.
STRATA_API Tensor squeeze(const Tensor& x);
STRATA_API Tensor squeeze(const Tensor& x, std::int64_t axis);
STRATA_API Tensor squeeze(const Tensor& x, const Ints& axes);
/// The elements converted to another dtype: towards zero from floats to integers, true for what is not 0.
STRATA_API Tensor cast(const Tensor& x, DType dtype);
/// `x` itself, as a new value.
STRATA_API Tensor identity(const Tensor& x);
/// Stretches dimensions of size 1, and adds leading ones, as NumPy does. -1 keeps a dimension.
STRATA_API Tensor broadcast_to(const Tensor& x, const Shape& shape);
STRATA_API Tensor broadcast_to(const Tensor& x, Dims shape);
template <std::same_as<Tensor> T>
Tensor broadcast_to(const Tensor& x, const T& shape) {
  return detail::broadcast_to_value(x, shape);
}

/// Axis `perm[i]` of `x` becomes axis i; without `perm`, in reverse order.
STRATA_API Tensor transpose(const Tensor& x);
STRATA_API Tensor transpose(const Tensor& x, const Ints& perm);
STRATA_API Tensor permute(const Tensor& x, const Ints& perm);
STRATA_API Tensor swapaxes(const Tensor& x, std::int64_t axis1, std::int64_t axis2);
STRATA_API Tensor moveaxis(const Tensor& x, std::int64_t source, std::int64_t destination);
STRATA_API Tensor moveaxis(const Tensor& x, const Ints& source, const Ints& destination);

// ---- Joining, cutting, repeating

/// Tensors end to end; all dimensions but that of `axis` agree. Keras's `concatenate` has -1 as its default.
STRATA_API Tensor concat(const Tensors& tensors, std::int64_t axis);
STRATA_API Tensor concatenate(const Tensors& tensors, std::int64_t axis = -1);
/// Tensors of one shape along a new axis; and the tensors of one axis, whose size must be known.
STRATA_API Tensor stack(const Tensors& tensors, std::int64_t axis = 0);
STRATA_API Tensors unstack(const Tensor& x, std::int64_t axis = 0);
/// Along axis 1, rank-1 tensors end to end; and along axis 0, as Keras does it: rank-1 tensors end to end, too.
STRATA_API Tensor hstack(const Tensors& tensors);
STRATA_API Tensor vstack(const Tensors& tensors);
/// Into `sections` equal parts, or into parts of the given sizes, one of which may be -1.
STRATA_API Tensors split(const Tensor& x, int sections, std::int64_t axis = 0);
STRATA_API Tensors split(const Tensor& x, const Ints& sizes, std::int64_t axis = 0);
/// The whole of `x` repeated `multiples[i]` times along axis i.
STRATA_API Tensor tile(const Tensor& x, const Ints& multiples);
STRATA_API Tensor tile(const Tensor& x, Dims multiples);
/// Each element repeated along `axis`: all alike, or each as often as `repeats` says. Without an axis, of the flat `x`.
STRATA_API Tensor repeat(const Tensor& x, int repeats, std::optional<std::int64_t> axis = {});
STRATA_API Tensor repeat(const Tensor& x, const Ints& repeats, std::optional<std::int64_t> axis = {});
STRATA_API Tensor flip(const Tensor& x);
STRATA_API Tensor flip(const Tensor& x, std::int64_t axis);
STRATA_API Tensor flip(const Tensor& x, const Ints& axes);
STRATA_API Tensor reverse(const Tensor& x, const Ints& axes);
/// Shifted along an axis; what leaves at one end enters at the other. Without an axis, the flat `x`.
STRATA_API Tensor roll(const Tensor& x, std::int64_t shift, std::optional<std::int64_t> axis = {});
STRATA_API Tensor roll(const Tensor& x, const Ints& shifts, const Ints& axes);
/// Turned `k` times by 90 degrees, from the first of the two axes towards the second.
STRATA_API Tensor rot90(const Tensor& x, std::int64_t k = 1, const std::pair<int, int>& axes = {0, 1});

struct PadOptions {
  std::string mode = "constant";  ///< "constant", "reflect" (without the edge) or "symmetric" (with it)
  double constant_values = 0;
};
/// `paddings[i]` elements before and after axis i: `pad(x, {{0, 0}, {1, 1}})`.
STRATA_API Tensor pad(const Tensor& x, const std::vector<std::pair<std::int64_t, std::int64_t>>& paddings,
                      const PadOptions& options = {});

// ---- Matrices

/// A vector on diagonal `k` of a square matrix, or diagonal `k` of a matrix as a vector.
STRATA_API Tensor diag(const Tensor& x, std::int64_t k = 0);

struct DiagonalOptions {
  std::int64_t offset = 0, axis1 = 0, axis2 = 1;
};
/// A diagonal of two axes, as the last axis of the result; and the sum of it.
STRATA_API Tensor diagonal(const Tensor& x, const DiagonalOptions& options = {});
STRATA_API Tensor trace(const Tensor& x, const DiagonalOptions& options = {});
/// What is on and below diagonal `k` of the last two axes, and on and above it; zeros elsewhere.
STRATA_API Tensor tril(const Tensor& x, std::int64_t k = 0);
STRATA_API Tensor triu(const Tensor& x, std::int64_t k = 0);

namespace linalg {
/// The last axis on diagonal `k` of the last two axes of the result; and diagonal `k` of the last two axes.
STRATA_API Tensor diag(const Tensor& x, std::int64_t k = 0);
STRATA_API Tensor diag_part(const Tensor& x, std::int64_t k = 0);
}  // namespace linalg

namespace nn {
/// Blocks of `block_size` x `block_size` pixels of (batch, height, width, channels) become channels, and back.
STRATA_API Tensor space_to_depth(const Tensor& x, std::int64_t block_size);
STRATA_API Tensor depth_to_space(const Tensor& x, std::int64_t block_size);
}  // namespace nn

}  // namespace strata
