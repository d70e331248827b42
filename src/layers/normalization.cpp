#include "strata/layers/normalization.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "layers/layer_config.h"
#include "models/layer_state.h"
#include "strata/array.h"
#include "strata/masking.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"
#include "strata/tape.h"

namespace strata {
template class Custom<layers::BatchNormalization, Layer>;
template class Custom<layers::LayerNormalization, Layer>;
template class Custom<layers::GroupNormalization, Layer>;
template class Custom<layers::UnitNormalization, Layer>;
template class Custom<layers::RMSNormalization, Layer>;
}  // namespace strata

namespace strata::layers {

namespace {

// The fields that all of them share.
template <class O, class V>
void affine_fields(O& o, V&& v) {
  v("epsilon", o.epsilon);
  v("center", o.center);
  v("scale", o.scale);
  v("beta_initializer", o.beta_initializer);
  v("gamma_initializer", o.gamma_initializer);
  v("beta_regularizer", o.beta_regularizer);
  v("gamma_regularizer", o.gamma_regularizer);
  v("beta_constraint", o.beta_constraint);
  v("gamma_constraint", o.gamma_constraint);
}
const auto batch_fields = [](auto& o, auto&& v) {
  v("axis", o.axis);
  v("momentum", o.momentum);
  affine_fields(o, v);
  v("moving_mean_initializer", o.moving_mean_initializer);
  v("moving_variance_initializer", o.moving_variance_initializer);
};
const auto clipping_fields = [](auto& o, auto&& v) {
  v("rmax", o.rmax);
  v("rmin", o.rmin);
  v("dmax", o.dmax);
};
const auto layer_fields = [](auto& o, auto&& v) {
  v("axis", o.axis);
  affine_fields(o, v);
};
const auto group_fields = [](auto& o, auto&& v) {
  v("axis", o.axis);
  affine_fields(o, v);
};
const auto unit_fields = [](auto& o, auto&& v) { v("axis", o.axis); };

template <class O>
void create_affine(const Shape& shape, const Variable& gamma, const Variable& beta, const O& o) {
  if (o.scale)
    gamma.create(
        shape,
        {.initializer = o.gamma_initializer, .regularizer = o.gamma_regularizer, .constraint = o.gamma_constraint});
  if (o.center)
    beta.create(
        shape, {.initializer = o.beta_initializer, .regularizer = o.beta_regularizer, .constraint = o.beta_constraint});
}

std::size_t axis_in(const Layer& layer, std::int64_t axis, const Shape& input) {
  const std::int64_t rank = input.rank(), i = axis < 0 ? axis + rank : axis;
  if (i < 0 || i >= rank)
    throw ValueError(layer.class_name() + " '" + layer.path() + "': axis " + std::to_string(axis) +
                     " is out of range for the input shape " + to_string(input) + ".");
  return static_cast<std::size_t>(i);
}

std::int64_t known_axis(const Layer& layer, std::int64_t axis, const Shape& input) {
  const std::int64_t n = input[axis_in(layer, axis, input)];
  if (n == None)
    throw ShapeError(layer.class_name() + " '" + layer.path() + "': dimension " + std::to_string(axis) +
                     " of the input shape " + to_string(input) + " is not known, but the weights need it.");
  return n;
}

// The permutation that brings `axis` to the end, and the way back.
std::vector<std::int64_t> to_end(std::size_t axis, std::size_t rank, bool back) {
  std::vector<std::int64_t> forth;
  for (std::size_t i = 0; i < rank; ++i)
    if (i != axis) forth.push_back(static_cast<std::int64_t>(i));
  forth.push_back(static_cast<std::int64_t>(axis));
  if (!back) return forth;
  std::vector<std::int64_t> inverse(rank);
  for (std::size_t i = 0; i < rank; ++i) inverse[static_cast<std::size_t>(forth[i])] = static_cast<std::int64_t>(i);
  return inverse;
}

Tensor value_or_none(bool wanted, const Variable& v) { return wanted ? v.read() : Tensor(); }

// The mask of `x`, of its first dimensions, for each element; undefined where there is none.
Tensor mask_of_elements(const Tensor& x) {
  Tensor mask = mask_of(x);
  if (!mask.defined()) return mask;
  while (mask.rank() < x.rank()) mask = expand_dims(mask, -1);
  return logical_and(cast(mask, boolean), ones_like(x, boolean));
}

// All but the last, which has the channels.
std::vector<std::int64_t> axes_of_statistics(const Tensor& x) {
  std::vector<std::int64_t> axes(static_cast<std::size_t>(x.rank()) - 1);
  std::iota(axes.begin(), axes.end(), 0);
  return axes;
}

// Mean and variance of each channel over what counts; Keras's denominator is never zero.
Moments masked_moments(const Tensor& x, const Tensor& counts) {
  const std::vector<std::int64_t> axes = axes_of_statistics(x);
  const Tensor none = zeros_like(x), n = reduce_sum(cast(counts, x.dtype()), axes) + 1e-7f;
  const Tensor mean = reduce_sum(where(counts, x, none), axes) / n;
  return {mean, reduce_sum(square(where(counts, x - mean, none)), axes) / n};
}

void move_towards(const Variable& statistic, const Tensor& of_batch, double momentum) {
  statistic.assign(statistic.read() * momentum + stop_gradient(of_batch) * (1 - momentum));
}

}  // namespace

BatchNormalization::BatchNormalization(const BatchNormalizationOptions& options) : options_(options) {
  set_name(options.name);
  set_dtype(options.dtype);
  if (options.scale) gamma_ = weight("gamma");
  if (options.center) beta_ = weight("beta");
  moving_mean_ = state_weight("moving_mean");
  moving_variance_ = state_weight("moving_variance");
  if (!options.renorm) return;
  for (const auto& limit : {options.renorm_clipping.rmax, options.renorm_clipping.rmin, options.renorm_clipping.dmax})
    if (limit && *limit < 0)
      throw ValueError("BatchNormalization: a limit of renorm_clipping is " + std::to_string(*limit) +
                       "; none can be negative.");
  moving_stddev_ = state_weight("moving_stddev");
  renorm_mean_ = state_weight("renorm_mean");
  renorm_stddev_ = state_weight("renorm_stddev");
}

void BatchNormalization::build(const Shape& input) const {
  const Shape shape = {known_axis(*this, options_.axis, input)};
  create_affine(shape, gamma_, beta_, options_);
  moving_mean_.create(shape, {.initializer = options_.moving_mean_initializer, .trainable = false});
  moving_variance_.create(shape, {.initializer = options_.moving_variance_initializer, .trainable = false});
  if (!options_.renorm) return;
  renorm_mean_.create(shape, {.initializer = options_.moving_mean_initializer, .trainable = false});
  for (const Variable& stddev : {moving_stddev_, renorm_stddev_}) {
    stddev.create(shape, {.initializer = "zeros", .trainable = false});
    stddev.assign(sqrt(moving_variance_.read()));
  }
}

Tensor BatchNormalization::normalize(const Tensor& x, bool training, const Tensor& counts) const {
  const std::int64_t n = moving_mean_.shape()[0];
  if (x.shape().back() != None && x.shape().back() != n)
    throw ShapeError("BatchNormalization '" + path() + "': the input has " + std::to_string(x.shape().back()) +
                     " channels (shape " + to_string(x.shape()) + "), but the layer was built for " +
                     std::to_string(n) + ".");
  auto normalized = [&](const Tensor& t, const Tensor& mean, const Tensor& variance) {
    return nn::batch_normalization(t, mean, variance, value_or_none(options_.center, beta_),
                                   value_or_none(options_.scale, gamma_), {.epsilon = options_.epsilon});
  };
  if (!training) return normalized(x, moving_mean_.read(), moving_variance_.read());
  if (options_.renorm) return renormalize(x, counts);
  if (counts.defined()) {
    const Tensor wide = cast(x, moving_mean_.dtype());
    const Moments found = masked_moments(wide, counts);
    follow(found.mean, found.variance);
    return cast(normalized(wide, found.mean, found.variance), x.dtype());
  }
  const Tensor scale = options_.scale ? gamma_.read() : ones({n}, moving_mean_.dtype());
  const Tensor offset = options_.center ? beta_.read() : zeros({n}, moving_mean_.dtype());
  const FusedBatchNorm result = nn::fused_batch_norm(x, scale, offset, {.epsilon = options_.epsilon});
  follow(result.mean, result.variance);
  return result.y;
}

// (x' r + d) gamma + beta, where r and d lead from the statistics of the batch to those that follow it.
Tensor BatchNormalization::renormalize(const Tensor& x, const Tensor& counts) const {
  const Tensor wide = cast(x, moving_mean_.dtype());
  const std::vector<std::int64_t> axes = axes_of_statistics(x);
  const Moments found =
      counts.defined() ? masked_moments(wide, counts) : Moments{reduce_mean(wide, axes), reduce_variance(wide, axes)};
  const Tensor stddev = stop_gradient(sqrt(found.variance + options_.epsilon)), mean = stop_gradient(found.mean);
  const Tensor reference = maximum(renorm_stddev_.read(), std::sqrt(options_.epsilon));
  Tensor r = stddev / reference, d = (mean - renorm_mean_.read()) / reference;
  const RenormClipping& limits = options_.renorm_clipping;
  if (limits.rmin) r = maximum(r, *limits.rmin);
  if (limits.rmax) r = minimum(r, *limits.rmax);
  if (limits.dmax) d = clip(d, -*limits.dmax, *limits.dmax);
  Tensor scale = r, offset = d;
  if (options_.scale) scale = r * gamma_.read(), offset = d * gamma_.read();
  if (options_.center) offset = offset + beta_.read();
  const Tensor y =
      nn::batch_normalization(wide, found.mean, found.variance, offset, scale, {.epsilon = options_.epsilon});
  move_towards(renorm_mean_, mean, options_.renorm_momentum);
  move_towards(renorm_stddev_, stddev, options_.renorm_momentum);
  move_towards(moving_mean_, mean, options_.momentum);
  move_towards(moving_stddev_, stddev, options_.momentum);
  moving_variance_.assign(maximum(square(moving_stddev_.read()) - options_.epsilon, 0.0));
  return cast(y, x.dtype());
}

void BatchNormalization::follow(const Tensor& mean, const Tensor& variance) const {
  move_towards(moving_mean_, mean, options_.momentum);
  move_towards(moving_variance_, variance, options_.momentum);
}

Tensor BatchNormalization::call(const Tensor& x, bool training) const {
  const std::size_t axis = axis_in(*this, options_.axis, x.shape()), rank = x.shape().size();
  const bool learns = training && !call_is_frozen();
  // An empty batch has no statistics.
  if (x.shape().is_known() && x.size() == 0) return x;
  const Tensor counts = learns ? mask_of_elements(x) : Tensor();
  if (axis + 1 == rank) return normalize(x, learns, counts);
  const std::vector<std::int64_t> order = to_end(axis, rank, false);
  const Tensor y = normalize(transpose(x, order), learns, counts.defined() ? transpose(counts, order) : counts);
  return transpose(y, to_end(axis, rank, true));
}

Config BatchNormalization::get_config() const {
  Config config = write_options(options_, batch_fields);
  // Keras 2 does not know them.
  if (options_.renorm)
    config.update({{"renorm", true},
                   {"renorm_clipping", write_options(options_.renorm_clipping, clipping_fields)},
                   {"renorm_momentum", options_.renorm_momentum}});
  return config;
}
BatchNormalization BatchNormalization::from_config(const Config& c) {
  auto options = read_options<BatchNormalizationOptions>(c, batch_fields);
  options.renorm = c.get<bool>("renorm", false);
  options.renorm_momentum = c.get<double>("renorm_momentum", options.renorm_momentum);
  if (const auto* limits = c.find("renorm_clipping"); limits != nullptr && limits->kind() == Config::Value::Kind::map)
    clipping_fields(options.renorm_clipping, ReadField{limits->as_map()});
  return BatchNormalization(options);
}

LayerNormalization::LayerNormalization(const LayerNormalizationOptions& options) : options_(options) {
  set_name(options.name);
  set_dtype(options.dtype);
  if (options.axis.empty()) throw ValueError("LayerNormalization: axis is empty. Give at least one axis.");
  if (options.scale) gamma_ = weight("gamma");
  if (options.center) beta_ = weight("beta");
}

void LayerNormalization::build(const Shape& input) const {
  Shape shape;
  for (std::int64_t axis : options_.axis) shape.push_back(known_axis(*this, axis, input));
  create_affine(shape, gamma_, beta_, options_);
}

Tensor LayerNormalization::call(const Tensor& x) const {
  const std::size_t rank = x.shape().size();
  std::vector<std::int64_t> axes;
  for (std::int64_t axis : options_.axis) axes.push_back(static_cast<std::int64_t>(axis_in(*this, axis, x.shape())));
  bool trailing = true;
  for (std::size_t i = 0; i < axes.size(); ++i)
    trailing = trailing && axes[i] == static_cast<std::int64_t>(rank - axes.size() + i);
  if (trailing && (axes.size() == 1 || options_.scale || options_.center))
    return nn::layer_norm(x, value_or_none(options_.scale, gamma_), value_or_none(options_.center, beta_),
                          {.epsilon = options_.epsilon});
  // Statistics and weights stretched over the axes that are left.
  const Moments m = nn::moments(x, axes, {.keepdims = true});
  Tensor y = (x - m.mean) * rsqrt(m.variance + options_.epsilon);
  Shape shape;
  shape.resize(rank, 1);
  std::vector<std::int64_t> sorted = axes;
  std::sort(sorted.begin(), sorted.end());
  if (sorted != axes) throw ValueError("LayerNormalization '" + path() + "': give the axes in ascending order.");
  for (std::int64_t axis : axes) shape[static_cast<std::size_t>(axis)] = x.shape()[static_cast<std::size_t>(axis)];
  if (options_.scale) y = y * reshape(gamma_, shape);
  if (options_.center) y = y + reshape(beta_, shape);
  return y;
}

Config LayerNormalization::get_config() const { return write_options(options_, layer_fields); }
LayerNormalization LayerNormalization::from_config(const Config& c) {
  Config fixed = c;  // Keras writes one axis as a number
  if (const auto* axis = c.find("axis"); axis != nullptr && axis->kind() == Config::Value::Kind::integer)
    fixed.set("axis", std::vector<std::int64_t>{axis->as_integer()});
  return LayerNormalization(read_options<LayerNormalizationOptions>(fixed, layer_fields));
}

GroupNormalization::GroupNormalization(std::int64_t groups, const GroupNormalizationOptions& options)
    : groups_(groups), options_(options) {
  if (groups != -1 && groups <= 0)
    throw ValueError("GroupNormalization: groups is " + std::to_string(groups) + "; it must be positive, or -1.");
  set_name(options.name);
  set_dtype(options.dtype);
  if (options.scale) gamma_ = weight("gamma");
  if (options.center) beta_ = weight("beta");
}

void GroupNormalization::build(const Shape& input) const {
  const std::int64_t channels = known_axis(*this, options_.axis, input), groups = groups_ == -1 ? channels : groups_;
  if (channels % groups != 0)
    throw ShapeError("GroupNormalization '" + path() + "': " + std::to_string(channels) + " channels (input shape " +
                     to_string(input) + ") are not divisible by groups=" + std::to_string(groups) + ".");
  create_affine({channels}, gamma_, beta_, options_);
}

Tensor GroupNormalization::call(const Tensor& x) const {
  const std::size_t axis = axis_in(*this, options_.axis, x.shape()), rank = x.shape().size();
  const bool last = axis + 1 == rank;
  const Tensor t = last ? x : transpose(x, to_end(axis, rank, false));
  const std::int64_t channels = known_axis(*this, options_.axis, x.shape()),
                     groups = groups_ == -1 ? channels : groups_;
  // (batch, spatial..., groups, channels of a group), normalized over all but batch and groups.
  Shape grouped = t.shape();
  grouped[0] = -1;
  for (std::size_t i = 1; i + 1 < rank; ++i)
    if (grouped[i] == None)
      throw ShapeError("GroupNormalization '" + path() + "': the spatial dimensions of " + to_string(x.shape()) +
                       " must be known.");
  grouped[rank - 1] = groups;
  grouped.push_back(channels / groups);
  std::vector<std::int64_t> axes;
  for (std::size_t i = 1; i + 1 < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
  axes.push_back(static_cast<std::int64_t>(rank));
  const Tensor g = reshape(t, grouped);
  const Moments m = nn::moments(g, axes, {.keepdims = true});
  Shape flat = t.shape();
  flat[0] = -1;
  Tensor y = reshape((g - m.mean) * rsqrt(m.variance + options_.epsilon), flat);
  if (options_.scale) y = y * gamma_;
  if (options_.center) y = y + beta_;
  return last ? y : transpose(y, to_end(axis, rank, true));
}

Config GroupNormalization::get_config() const {
  Config config = {{"groups", groups_}};
  config.update(write_options(options_, group_fields));
  return config;
}
GroupNormalization GroupNormalization::from_config(const Config& c) {
  return GroupNormalization(c.get<std::int64_t>("groups", 32),
                            read_options<GroupNormalizationOptions>(c, group_fields));
}

UnitNormalization::UnitNormalization(const UnitNormalizationOptions& options) : options_(options) {
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor UnitNormalization::call(const Tensor& x) const { return nn::l2_normalize(x, options_.axis, {.epsilon = 1e-12}); }
Config UnitNormalization::get_config() const { return write_options(options_, unit_fields); }
UnitNormalization UnitNormalization::from_config(const Config& c) {
  return UnitNormalization(read_options<UnitNormalizationOptions>(c, unit_fields));
}

namespace {
// Axes of a shape of this rank, from the front.
std::vector<std::int64_t> normal_axes(const std::vector<std::int64_t>& axes, int rank) {
  std::vector<std::int64_t> out;
  for (const std::int64_t axis : axes) {
    out.push_back(axis < 0 ? axis + rank : axis);
    if (out.back() < 0 || out.back() >= rank)
      throw ValueError("axis " + std::to_string(axis) + " is out of range for an input of rank " +
                       std::to_string(rank) + ".");
  }
  std::sort(out.begin(), out.end());
  return out;
}
}  // namespace

RMSNormalization::RMSNormalization(const RMSNormalizationOptions& options) : options_(options) {
  set_name(options.name);
  set_dtype(options.dtype);
}
void RMSNormalization::build(const Shape& input) const {
  std::vector<std::int64_t> shape;
  for (const std::int64_t axis : normal_axes(options_.axis, input.rank())) shape.push_back(input[axis]);
  scale_.create(Shape(shape), {.initializer = "ones"});
}
Tensor RMSNormalization::call(const Tensor& x) const {
  const auto axes = normal_axes(options_.axis, x.rank());
  const Tensor wide = x.dtype() == float64 ? x : cast(x, float32);
  const Tensor mean = reduce_mean(square(wide), axes, {.keepdims = true});
  std::vector<std::int64_t> shape(static_cast<std::size_t>(x.rank()), 1);
  for (std::size_t i = 0; i < axes.size(); ++i)
    shape[static_cast<std::size_t>(axes[i])] = scale_.shape()[static_cast<int>(i)];
  const Tensor scale = reshape(cast(scale_.read(), wide.dtype()), shape);
  return cast(wide * rsqrt(mean + options_.epsilon) * scale, x.dtype());
}
Config RMSNormalization::get_config() const {
  Config config = write_options(options_, unit_fields);
  config.set("epsilon", options_.epsilon);
  return config;
}
RMSNormalization RMSNormalization::from_config(const Config& c) {
  auto options = read_options<RMSNormalizationOptions>(c, unit_fields);
  options.epsilon = c.get<double>("epsilon", 1e-6);
  return RMSNormalization(options);
}

}  // namespace strata::layers
