#include "strata/layers/merging.h"

#include <algorithm>

#include "layers/layer_config.h"
#include "strata/array.h"
#include "strata/linalg.h"
#include "strata/masking.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"

namespace strata {
template class Custom<layers::Add, Layer>;
template class Custom<layers::Subtract, Layer>;
template class Custom<layers::Multiply, Layer>;
template class Custom<layers::Average, Layer>;
template class Custom<layers::Maximum, Layer>;
template class Custom<layers::Minimum, Layer>;
template class Custom<layers::Concatenate, Layer>;
template class Custom<layers::Dot, Layer>;
}  // namespace strata

namespace strata::layers {

namespace {

const auto concatenate_fields = [](auto& o, auto&& v) { v("axis", o.axis); };
const auto dot_fields = [](auto& o, auto&& v) { v("normalize", o.normalize); };

void check_count(const Layer& layer, const Tensors& inputs, std::size_t least, std::size_t most = 1000000) {
  if (inputs.size() >= least && inputs.size() <= most) return;
  throw ValueError(layer.class_name() + " '" + layer.path() + "': " + std::to_string(inputs.size()) +
                   " inputs are given, expected " + (least == most ? "" : "at least ") + std::to_string(least) +
                   ". Call it on a list: layer({a, b}).");
}

// Inputs of lower rank are taken as having dimensions of 1 after the batch, as in Keras.
Tensors same_rank(const Tensors& inputs) {
  std::size_t rank = 0;
  for (const Tensor& t : inputs) rank = std::max(rank, t.shape().size());
  Tensors out;
  for (Tensor t : inputs) {
    while (t.shape().size() < rank && !t.shape().empty()) t = expand_dims(t, 1);
    out.push_back(t);
  }
  return out;
}

template <class F>
Tensor fold(const Layer& layer, const Tensors& inputs, F f) {
  check_count(layer, inputs, 1);
  const Tensors all = same_rank(inputs);
  Tensor y = all[0];
  for (std::size_t i = 1; i < all.size(); ++i) y = f(y, all[i]);
  return y;
}

std::string shapes_of(const Tensors& tensors) {
  std::string out;
  for (const Tensor& t : tensors) out += (out.empty() ? "" : " and ") + to_string(t.shape());
  return out;
}

// Steps end to end have their masks end to end; beside each other, a step counts where it counts in all of them.
Tensor joined_mask(const Tensors& inputs, std::int64_t axis) {
  Tensors masks;
  bool any = false;
  for (const Tensor& t : inputs) {
    const Tensor mask = mask_of(t);
    any = any || mask.defined();
    masks.push_back(mask);
  }
  if (!any) return {};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Tensor like = inputs[i];
    while (like.rank() > 2) like = reduce_sum(like, -1);
    if (!masks[i].defined()) masks[i] = ones_like(like, boolean);
  }
  if (axis == 1) return concat(masks, 1);
  for (std::size_t i = 1; i < masks.size(); ++i) masks[0] = logical_and(masks[0], masks[i]);
  return masks[0];
}

}  // namespace

Add::Add(const MergeOptions& options) {
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor Add::call(const Tensors& inputs) const {
  return fold(*this, inputs, [](const Tensor& a, const Tensor& b) { return strata::add(a, b); });
}
Config Add::get_config() const { return {}; }
Add Add::from_config(const Config& c) { return Add(read_options<MergeOptions>(c, no_fields)); }

Subtract::Subtract(const MergeOptions& options) {
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor Subtract::call(const Tensors& inputs) const {
  check_count(*this, inputs, 2, 2);
  return fold(*this, inputs, [](const Tensor& a, const Tensor& b) { return strata::subtract(a, b); });
}
Config Subtract::get_config() const { return {}; }
Subtract Subtract::from_config(const Config& c) { return Subtract(read_options<MergeOptions>(c, no_fields)); }

Multiply::Multiply(const MergeOptions& options) {
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor Multiply::call(const Tensors& inputs) const {
  return fold(*this, inputs, [](const Tensor& a, const Tensor& b) { return strata::multiply(a, b); });
}
Config Multiply::get_config() const { return {}; }
Multiply Multiply::from_config(const Config& c) { return Multiply(read_options<MergeOptions>(c, no_fields)); }

Average::Average(const MergeOptions& options) {
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor Average::call(const Tensors& inputs) const {
  return fold(*this, inputs, [](const Tensor& a, const Tensor& b) { return strata::add(a, b); }) /
         static_cast<double>(inputs.size());
}
Config Average::get_config() const { return {}; }
Average Average::from_config(const Config& c) { return Average(read_options<MergeOptions>(c, no_fields)); }

Maximum::Maximum(const MergeOptions& options) {
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor Maximum::call(const Tensors& inputs) const {
  return fold(*this, inputs, [](const Tensor& a, const Tensor& b) { return strata::maximum(a, b); });
}
Config Maximum::get_config() const { return {}; }
Maximum Maximum::from_config(const Config& c) { return Maximum(read_options<MergeOptions>(c, no_fields)); }

Minimum::Minimum(const MergeOptions& options) {
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor Minimum::call(const Tensors& inputs) const {
  return fold(*this, inputs, [](const Tensor& a, const Tensor& b) { return strata::minimum(a, b); });
}
Config Minimum::get_config() const { return {}; }
Minimum Minimum::from_config(const Config& c) { return Minimum(read_options<MergeOptions>(c, no_fields)); }

Concatenate::Concatenate(const ConcatenateOptions& options) : options_(options) {
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor Concatenate::call(const Tensors& inputs) const {
  check_count(*this, inputs, 1);
  const std::int64_t rank = inputs[0].rank(), axis = options_.axis < 0 ? options_.axis + rank : options_.axis;
  for (const Tensor& t : inputs) {
    bool fits = t.rank() == rank;
    for (std::int64_t d = 0; fits && d < rank; ++d) {
      const std::int64_t a = t.shape().at(d), b = inputs[0].shape().at(d);
      fits = d == axis || a == b || a == None || b == None;
    }
    if (!fits)
      throw ShapeError("Concatenate '" + path() + "': inputs have shapes " + shapes_of(inputs) +
                       ", which differ beside axis " + std::to_string(options_.axis) +
                       ". Give the layers before it the same strides and padding.");
  }
  const Tensor y = concat(inputs, axis);
  if (const Tensor mask = joined_mask(inputs, axis); mask.defined()) set_mask(y, mask);
  return y;
}
Config Concatenate::get_config() const { return write_options(options_, concatenate_fields); }
Concatenate Concatenate::from_config(const Config& c) {
  return Concatenate(read_options<ConcatenateOptions>(c, concatenate_fields));
}

Dot::Dot(const std::vector<std::int64_t>& axes, const DotOptions& options) : axes_(axes), options_(options) {
  if (axes.size() != 2) throw ValueError("Dot: axes must be one number, or one for each of the two inputs.");
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor Dot::call(const Tensors& inputs) const {
  check_count(*this, inputs, 2, 2);
  Tensor sides[2];
  std::int64_t axes[2];
  for (std::size_t i = 0; i < 2; ++i) {
    sides[i] = options_.normalize ? nn::l2_normalize(inputs[i], {axes_[i]}) : inputs[i];
    axes[i] = axes_[i] < 0 ? axes_[i] + inputs[i].rank() : axes_[i];
    if (axes[i] <= 0 || axes[i] >= inputs[i].rank() || inputs[i].rank() > 4)
      throw ShapeError("Dot '" + path() + "': axis " + std::to_string(axes_[i]) + " does not fit input shape " +
                       to_string(inputs[i].shape()) + ". It must name a dimension after the batch.");
  }
  // As an einsum: b for the batch, k for the summed axis, other letters for the rest.
  std::string left = "b", right = "b", out = "b";
  char next = 'l';
  for (std::int64_t d = 1; d < inputs[0].rank(); ++d) {
    left += d == axes[0] ? 'k' : next;
    if (d != axes[0]) out += next++;
  }
  for (std::int64_t d = 1; d < inputs[1].rank(); ++d) {
    right += d == axes[1] ? 'k' : next;
    if (d != axes[1]) out += next++;
  }
  const Tensor y = einsum(left + "," + right + "->" + out, {sides[0], sides[1]});
  return y.rank() == 1 ? expand_dims(y, 1) : y;
}
Config Dot::get_config() const {
  Config config = {{"axes", axes_}};
  config.update(write_options(options_, dot_fields));
  return config;
}
Dot Dot::from_config(const Config& c) {
  const auto& axes = c.at("axes");
  const std::vector<std::int64_t> both = axes.kind() == Config::Value::Kind::integer
                                             ? std::vector<std::int64_t>(2, axes.as_integer())
                                             : c.get<std::vector<std::int64_t>>("axes");
  return Dot(both, read_options<DotOptions>(c, dot_fields));
}

}  // namespace strata::layers
