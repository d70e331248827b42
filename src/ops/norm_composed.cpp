// Normalizations that are made of other ops.
#include "graph/op.h"
#include "kernels/norm.h"
#include "ops/like.h"
#include "ops/norm_util.h"
#include "strata/array.h"
#include "strata/math.h"
#include "strata/nn.h"

namespace strata {
namespace norms {

Axes leading_axes(const Tensor& x) {
  std::vector<std::int64_t> axes;
  for (std::int64_t i = 0; i + 1 < x.rank(); ++i) axes.push_back(i);
  return axes;
}

Tensor row_count(const Tensor& x) {
  const DType dtype = kernels::statistics_dtype(x.dtype());
  const Shape rows = x.shape().sub(0, x.shape().size() - 1);
  if (rows.is_known()) return cast(Tensor(static_cast<double>(rows.num_elements())), dtype);
  const Tensor dims = cast(shape(x, int64), dtype);
  return cast(size(x, int64), dtype) / dims[-1];
}

Tensor spread_over(const Tensor& v, const Tensor& x) { return broadcast_like(v, x); }

void check_vectors(const char* op, const Spec& x, const Specs& in, std::size_t first) {
  if (!is_floating(x.dtype))
    throw DTypeError(std::string(op) + ": input is " + to_string(x.dtype) + ". Use a floating type: cast(x, float32).");
  if (x.shape.empty()) throw ShapeError(std::string(op) + ": input is a scalar. Expected (batch, ..., channels).");
  for (std::size_t i = first; i < in.size(); ++i) {
    const std::int64_t channels = x.shape.back(), given = in[i].shape.size() == 1 ? in[i].shape[0] : -1;
    if (in[i].shape.size() != 1 || (channels != None && given != None && given != channels))
      throw ShapeError(std::string(op) + ": input of shape " + to_string(x.shape) +
                       " needs scale, offset and statistics of shape (" + to_string(Shape{channels}) +
                       ") over its last axis, but one has shape " + to_string(in[i].shape) + ".");
    if (in[i].dtype != kernels::statistics_dtype(x.dtype))
      throw DTypeError(std::string(op) + ": scale, offset and statistics of a " + to_string(x.dtype) + " input are " +
                       to_string(kernels::statistics_dtype(x.dtype)) + ", but one is " + to_string(in[i].dtype) +
                       ". Cast it with cast().");
  }
}

std::int64_t channels_of(const Shape& x) { return x.back(); }
std::int64_t rows_of(const Shape& x) { return x.sub(0, x.size() - 1).num_elements(); }

}  // namespace norms

namespace nn {
namespace {

void check_floating(const char* op, const Tensor& x) {
  check_defined(op, {&x, 1});
  if (!is_floating(x.dtype()))
    throw DTypeError(std::string(op) + ": input is " + to_string(x.dtype()) +
                     ". Use a floating type: cast(x, float32).");
}

}  // namespace

Moments moments(const Tensor& x, const PerDimension& axes, const MomentsOptions& options) {
  check_floating("moments", x);
  // 16-bit sums would lose most of their digits.
  const DType dtype = x.dtype(), compute = kernels::statistics_dtype(dtype);
  const Tensor wide = cast(x, compute);
  const Tensor mean = reduce_mean(wide, axes, {.keepdims = true});
  const Tensor variance = reduce_mean(squared_difference(wide, mean), axes, {.keepdims = options.keepdims});
  return {cast(options.keepdims ? mean : squeeze(mean, axes), dtype), cast(variance, dtype)};
}

Tensor layer_norm(const Tensor& x, const Tensor& scale, const Tensor& offset, const LayerNormOptions& options) {
  check_floating("layer_norm", x);
  const std::int64_t count = scale.defined() ? scale.rank() : offset.defined() ? offset.rank() : 1;
  if (count < 1 || count > x.rank())
    throw ShapeError("layer_norm: scale or offset has " + std::to_string(count) + " dimensions, input has shape " +
                     to_string(x.shape()) + ". They must have the shape of its last dimensions.");
  Ints axes;
  for (std::int64_t i = x.rank() - count; i < x.rank(); ++i) axes.push_back(i);
  const Tensor wide = cast(x, kernels::statistics_dtype(x.dtype()));
  const Moments m = moments(wide, axes, {.keepdims = true});
  Tensor y = (wide - m.mean) * rsqrt(m.variance + Tensor(options.epsilon));
  if (scale.defined()) y = y * cast(scale, wide.dtype());
  if (offset.defined()) y = y + cast(offset, wide.dtype());
  return cast(y, x.dtype());
}

Tensor l2_normalize(const Tensor& x, const PerDimension& axes, const L2NormalizeOptions& options) {
  check_floating("l2_normalize", x);
  const Tensor sum = reduce_sum(square(x), axes, {.keepdims = true});
  return x * rsqrt(maximum(sum, Tensor(options.epsilon)));
}

}  // namespace nn
}  // namespace strata
