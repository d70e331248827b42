#include "strata/layers/reshaping.h"

#include <algorithm>

#include "layers/layer_config.h"
#include "strata/array.h"
#include "strata/indexing.h"
#include "strata/math.h"
#include "strata/nn.h"

namespace strata::layers {

namespace {

const auto upsampling_fields = [](auto& o, auto&& v) { v("interpolation", o.interpolation); };

void check_rank(const Layer& layer, const Tensor& x, std::int64_t rank) {
  if (x.rank() == rank) return;
  throw ShapeError(layer.class_name() + " '" + layer.path() + "': the input has shape " + to_string(x.shape()) +
                   ", expected " + std::to_string(rank) + " dimensions, the batch included.");
}

Config::Value margins_value(const std::vector<std::pair<int, int>>& margins) {
  if (margins.size() == 1) return std::vector<int>{margins[0].first, margins[0].second};
  Config::Value::List out;
  for (const auto& [before, behind] : margins) out.push_back(std::vector<int>{before, behind});
  return out;
}

Margins margins_from(const Config& c, const char* key) {
  const Config::Value* value = c.find(key);
  if (value == nullptr) return 1;
  if (value->kind() == Config::Value::Kind::integer) return static_cast<int>(value->as_integer());
  Margins out = 0;
  out.all.reset();
  for (const auto& v : value->as_list()) {
    if (v.kind() == Config::Value::Kind::integer) {
      out.symmetric.push_back(static_cast<int>(v.as_integer()));
    } else {
      const auto& pair = v.as_list();
      if (pair.size() != 2)
        throw ValueError(std::string(key) + ": a pair {before, behind} is expected for each dimension.");
      out.each.emplace_back(static_cast<int>(pair[0].as_integer()), static_cast<int>(pair[1].as_integer()));
    }
  }
  return out;
}

}  // namespace

std::vector<std::pair<int, int>> Margins::of(const std::string& layer, std::size_t dims) const {
  std::vector<std::pair<int, int>> out;
  if (all)
    out.assign(dims, {*all, *all});
  else if (!each.empty())
    out = each;
  else if (dims == 1 && symmetric.size() == 2)
    out = {{symmetric[0], symmetric[1]}};
  else
    for (int n : symmetric) out.emplace_back(n, n);
  if (out.size() != dims)
    throw ValueError(layer + ": " + std::to_string(out.size()) + " margins are given for " + std::to_string(dims) +
                     " dimensions. Give one number for all, one for each, or {before, behind} of each.");
  for (const auto& [before, behind] : out)
    if (before < 0 || behind < 0) throw ValueError(layer + ": margins must not be negative.");
  return out;
}

Flatten::Flatten(const ReshapingOptions& options) {
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor Flatten::call(const Tensor& x) const {
  if (x.rank() == 0) throw ShapeError("Flatten '" + path() + "': the input is a scalar; it needs a batch dimension.");
  std::int64_t n = 1;
  for (std::size_t i = 1; i < x.shape().size(); ++i) n = n == None || x.shape()[i] == None ? None : n * x.shape()[i];
  // An empty batch leaves nothing to infer a dimension from.
  if (n != None) return reshape(x, {x.shape()[0] == None ? -1 : x.shape()[0], n});
  if (x.shape()[0] != None) return reshape(x, {x.shape()[0], -1});
  return reshape(x, stack({strata::shape(x)[0], Tensor(-1)}, 0));
}
Config Flatten::get_config() const { return {}; }
Flatten Flatten::from_config(const Config& c) { return Flatten(read_options<ReshapingOptions>(c, no_fields)); }

Reshape::Reshape(const Shape& target_shape, const ReshapingOptions& options) : target_shape_(target_shape) {
  if (std::count(target_shape.begin(), target_shape.end(), -1) > 1)
    throw ValueError("Reshape: more than one dimension of " + to_string(target_shape) + " is -1.");
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor Reshape::call(const Tensor& x) const {
  Shape shape = target_shape_;
  const Shape features = x.shape().sub(1);
  for (std::int64_t& d : shape) {
    if (d != -1 || !features.is_known()) continue;
    std::int64_t rest = 1;
    for (std::int64_t n : target_shape_) rest *= n == -1 ? 1 : n;
    if (rest != 0 && features.num_elements() % rest == 0) d = features.num_elements() / rest;
  }
  if (features.is_known() && shape.is_known() &&
      (std::count(shape.begin(), shape.end(), -1) > 0 || shape.num_elements() != features.num_elements()))
    throw ShapeError("Reshape '" + path() + "': the input has shape " + to_string(x.shape()) + ", whose " +
                     std::to_string(features.num_elements()) + " elements a sample do not fit target_shape " +
                     to_string(target_shape_) + ".");
  shape.insert(0, x.shape()[0] == None ? -1 : x.shape()[0]);
  return reshape(x, shape);
}
Config Reshape::get_config() const { return {{"target_shape", target_shape_}}; }
Reshape Reshape::from_config(const Config& c) {
  return Reshape(c.get<Shape>("target_shape"), read_options<ReshapingOptions>(c, no_fields));
}

Permute::Permute(const std::vector<std::int64_t>& dims, const ReshapingOptions& options) : dims_(dims) {
  std::vector<std::int64_t> sorted = dims;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); ++i)
    if (sorted[i] != static_cast<std::int64_t>(i + 1))
      throw ValueError("Permute: dims must be a permutation of 1 to " + std::to_string(dims.size()) +
                       "; the batch is not counted.");
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor Permute::call(const Tensor& x) const {
  check_rank(*this, x, static_cast<std::int64_t>(dims_.size()) + 1);
  std::vector<std::int64_t> order = {0};
  order.insert(order.end(), dims_.begin(), dims_.end());
  return transpose(x, order);
}
Config Permute::get_config() const { return {{"dims", dims_}}; }
Permute Permute::from_config(const Config& c) {
  return Permute(c.get<std::vector<std::int64_t>>("dims"), read_options<ReshapingOptions>(c, no_fields));
}

RepeatVector::RepeatVector(std::int64_t n, const ReshapingOptions& options) : n_(n) {
  if (n <= 0) throw ValueError("RepeatVector: n is " + std::to_string(n) + "; it must be positive.");
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor RepeatVector::call(const Tensor& x) const {
  check_rank(*this, x, 2);
  return repeat(expand_dims(x, 1), n_, 1);
}
Config RepeatVector::get_config() const { return {{"n", n_}}; }
RepeatVector RepeatVector::from_config(const Config& c) {
  return RepeatVector(c.get<std::int64_t>("n"), read_options<ReshapingOptions>(c, no_fields));
}

namespace {
Tensor tensor_of(const PerChannel& v, DType dtype) {
  if (v.values.size() == 1) return constant(v.values[0], dtype);
  return cast(Tensor::from(v.values, {static_cast<std::int64_t>(v.values.size())}), dtype);
}
Config::Value config_of(const PerChannel& v) {
  return v.values.size() == 1 ? Config::Value(v.values[0]) : Config::Value(v.values);
}
PerChannel per_channel(const Config& c, const char* name, double otherwise) {
  const auto* value = c.find(name);
  if (value == nullptr) return otherwise;
  if (value->kind() == Config::Value::Kind::list) return c.get<std::vector<double>>(name);
  return c.get<double>(name);
}
}  // namespace

Rescaling::Rescaling(const PerChannel& scale, const RescalingOptions& options) : scale_(scale), options_(options) {
  for (const PerChannel* v : {&scale_, &options_.offset})
    if (v->values.empty())
      throw ValueError("Rescaling: scale or offset has no number. Give one, or one for each channel.");
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor Rescaling::call(const Tensor& x) const {
  const DType dtype = compute_dtype();
  return cast(x, dtype) * tensor_of(scale_, dtype) + tensor_of(options_.offset, dtype);
}
Config Rescaling::get_config() const { return {{"scale", config_of(scale_)}, {"offset", config_of(options_.offset)}}; }
Rescaling Rescaling::from_config(const Config& c) {
  auto options = read_options<RescalingOptions>(c, no_fields);
  options.offset = per_channel(c, "offset", 0);
  return Rescaling(per_channel(c, "scale", 1), options);
}

template <class Self, int kSpatial>
ZeroPadding<Self, kSpatial>::ZeroPadding(const Margins& padding, const ReshapingOptions& options)
    : padding_(padding.of(this->class_name(), kSpatial)) {
  this->set_name(options.name);
  this->set_dtype(options.dtype);
}
template <class Self, int kSpatial>
Tensor ZeroPadding<Self, kSpatial>::call(const Tensor& x) const {
  check_rank(*this, x, kSpatial + 2);
  std::vector<std::pair<std::int64_t, std::int64_t>> all = {{0, 0}};
  all.insert(all.end(), padding_.begin(), padding_.end());
  all.emplace_back(0, 0);
  return pad(x, all);
}
template <class Self, int kSpatial>
Config ZeroPadding<Self, kSpatial>::get_config() const {
  return {{"padding", margins_value(padding_)}};
}
template <class Self, int kSpatial>
Self ZeroPadding<Self, kSpatial>::from_config(const Config& c) {
  return Self(margins_from(c, "padding"), read_options<ReshapingOptions>(c, no_fields));
}

template <class Self, int kSpatial>
Cropping<Self, kSpatial>::Cropping(const Margins& cropping, const ReshapingOptions& options)
    : cropping_(cropping.of(this->class_name(), kSpatial)) {
  this->set_name(options.name);
  this->set_dtype(options.dtype);
}
template <class Self, int kSpatial>
Tensor Cropping<Self, kSpatial>::call(const Tensor& x) const {
  check_rank(*this, x, kSpatial + 2);
  std::vector<std::int64_t> begin = {0}, end = {None};
  for (std::size_t i = 0; i < kSpatial; ++i) {
    const auto [before, behind] = cropping_[i];
    const std::int64_t n = x.shape()[i + 1];
    if (n != None && before + behind >= n)
      throw ShapeError(this->class_name() + " '" + this->path() + "': nothing of dimension " + std::to_string(i + 1) +
                       " of the input shape " + to_string(x.shape()) + " is left after cropping " +
                       std::to_string(before) + " and " + std::to_string(behind) + ".");
    begin.push_back(before);
    end.push_back(behind == 0 ? None : -behind);
  }
  return strided_slice(x, begin, end);
}
template <class Self, int kSpatial>
Config Cropping<Self, kSpatial>::get_config() const {
  return {{"cropping", margins_value(cropping_)}};
}
template <class Self, int kSpatial>
Self Cropping<Self, kSpatial>::from_config(const Config& c) {
  return Self(margins_from(c, "cropping"), read_options<ReshapingOptions>(c, no_fields));
}

template <class Self, class S>
UpSampling<Self, S>::UpSampling(const S& size, const UpSamplingOptions& options) : size_(size), options_(options) {
  this->set_name(options.name);
  this->set_dtype(options.dtype);
  for (std::int64_t n : size.to_vector())
    if (n <= 0) throw ValueError(this->class_name() + ": size must be positive.");
}
template <class Self, class S>
Tensor UpSampling<Self, S>::call(const Tensor& x) const {
  const auto size = size_.to_vector();
  check_rank(*this, x, static_cast<std::int64_t>(size.size()) + 2);
  return nn::upsample(x, size, {.interpolation = options_.interpolation});
}
template <class Self, class S>
Config UpSampling<Self, S>::get_config() const {
  Config config = {{"size", size_}};
  if (size_.to_vector().size() == 1) config.set("size", size_.to_vector()[0]);
  if (size_.to_vector().size() == 2) config.set("interpolation", options_.interpolation);
  return config;
}
template <class Self, class S>
Self UpSampling<Self, S>::from_config(const Config& c) {
  return Self(c.get<S>("size"), read_options<UpSamplingOptions>(c, upsampling_fields));
}

template class ZeroPadding<ZeroPadding1D, 1>;
template class Cropping<Cropping1D, 1>;
template class UpSampling<UpSampling1D, Size1>;
template class ZeroPadding<ZeroPadding2D, 2>;
template class Cropping<Cropping2D, 2>;
template class UpSampling<UpSampling2D, Size2>;
template class ZeroPadding<ZeroPadding3D, 3>;
template class Cropping<Cropping3D, 3>;
template class UpSampling<UpSampling3D, Size3>;

Margins::Margins(int all) : all(all) {}
Margins::Margins(std::initializer_list<std::pair<int, int>> each) : each(each) {}
ZeroPadding1D::ZeroPadding1D(const Margins& padding, const ReshapingOptions& options) : ZeroPadding(padding, options) {}
ZeroPadding2D::ZeroPadding2D(const Margins& padding, const ReshapingOptions& options) : ZeroPadding(padding, options) {}
ZeroPadding3D::ZeroPadding3D(const Margins& padding, const ReshapingOptions& options) : ZeroPadding(padding, options) {}
Cropping1D::Cropping1D(const Margins& cropping, const ReshapingOptions& options) : Cropping(cropping, options) {}
Cropping2D::Cropping2D(const Margins& cropping, const ReshapingOptions& options) : Cropping(cropping, options) {}
Cropping3D::Cropping3D(const Margins& cropping, const ReshapingOptions& options) : Cropping(cropping, options) {}
UpSampling1D::UpSampling1D(const Size1& size, const UpSamplingOptions& options) : UpSampling(size, options) {}
UpSampling2D::UpSampling2D(const Size2& size, const UpSamplingOptions& options) : UpSampling(size, options) {}
UpSampling3D::UpSampling3D(const Size3& size, const UpSamplingOptions& options) : UpSampling(size, options) {}

}  // namespace strata::layers

namespace strata {
template class Custom<layers::Flatten, Layer>;
template class Custom<layers::Reshape, Layer>;
template class Custom<layers::Permute, Layer>;
template class Custom<layers::RepeatVector, Layer>;
template class Custom<layers::Rescaling, Layer>;
template class Custom<layers::ZeroPadding1D, Layer>;
template class Custom<layers::ZeroPadding2D, Layer>;
template class Custom<layers::ZeroPadding3D, Layer>;
template class Custom<layers::Cropping1D, Layer>;
template class Custom<layers::Cropping2D, Layer>;
template class Custom<layers::Cropping3D, Layer>;
template class Custom<layers::UpSampling1D, Layer>;
template class Custom<layers::UpSampling2D, Layer>;
template class Custom<layers::UpSampling3D, Layer>;
}  // namespace strata
