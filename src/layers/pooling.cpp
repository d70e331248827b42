#include "strata/layers/pooling.h"

#include "layers/layer_config.h"
#include "strata/array.h"
#include "strata/masking.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"

namespace strata::layers {

namespace {

const auto pooling_fields = [](auto& o, auto&& v) {
  v("strides", o.strides);
  v("padding", o.padding);
};
const auto global_fields = [](auto& o, auto&& v) { v("keepdims", o.keepdims); };

void check_rank(const Layer& layer, const Tensor& x, std::size_t spatial) {
  if (x.shape().size() == spatial + 2) return;
  throw ShapeError(layer.class_name() + " '" + layer.path() + "': the input has shape " + to_string(x.shape()) +
                   ", expected " + std::to_string(spatial + 2) + " dimensions: batch, " + std::to_string(spatial) +
                   " spatial, channels.");
}

}  // namespace

template <class Self, class S, bool kIsMax>
Pooling<Self, S, kIsMax>::Pooling(const S& pool_size, const PoolingOptions<S>& options)
    : pool_size_(pool_size), options_(options) {
  this->set_name(options.name);
  this->set_dtype(options.dtype);
  if (options.padding != "valid" && options.padding != "same")
    throw ValueError(this->class_name() + ": padding is \"" + options.padding +
                     "\"; it must be \"valid\" or \"same\".");
  for (std::int64_t n : pool_size.to_vector())
    if (n <= 0) throw ValueError(this->class_name() + ": pool_size " + std::to_string(n) + " must be positive.");
}

template <class Self, class S, bool kIsMax>
Tensor Pooling<Self, S, kIsMax>::call(const Tensor& x) const {
  const auto window = pool_size_.to_vector();
  check_rank(*this, x, window.size());
  const PoolOptions o = {.strides = strides().to_vector(), .padding = options_.padding};
  return kIsMax ? nn::max_pool(x, window, o) : nn::avg_pool(x, window, o);
}

template <class Self, class S, bool kIsMax>
S Pooling<Self, S, kIsMax>::strides() const {
  return options_.strides == S(0) ? pool_size_ : options_.strides;
}

template <class Self, class S, bool kIsMax>
Config Pooling<Self, S, kIsMax>::get_config() const {
  Config config = {{"pool_size", pool_size_}};
  config.update(write_options(options_, pooling_fields));
  config.set("strides", strides());
  return config;
}
template <class Self, class S, bool kIsMax>
Self Pooling<Self, S, kIsMax>::from_config(const Config& c) {
  Config fixed = c;  // Keras may write null for the pool size
  if (const auto* strides = c.find("strides"); strides != nullptr && strides->is_none()) fixed.erase("strides");
  return Self(c.get<S>("pool_size", S(2)), read_options<PoolingOptions<S>>(fixed, pooling_fields));
}

template <class Self, int kSpatial, bool kIsMax>
GlobalPooling<Self, kSpatial, kIsMax>::GlobalPooling(const GlobalPoolingOptions& options) : options_(options) {
  this->set_name(options.name);
  this->set_dtype(options.dtype);
}

template <class Self, int kSpatial, bool kIsMax>
Tensor GlobalPooling<Self, kSpatial, kIsMax>::call(const Tensor& x) const {
  check_rank(*this, x, kSpatial);
  std::vector<std::int64_t> axes;
  for (int i = 1; i <= kSpatial; ++i) axes.push_back(i);
  const ReduceOptions o = {.keepdims = options_.keepdims};
  if constexpr (kSpatial == 1 && !kIsMax)
    if (const Tensor mask = mask_of(x); mask.defined()) {
      const Tensor counts = expand_dims(cast(mask, x.dtype()), -1);
      return reduce_sum(x * counts, axes, o) / reduce_sum(counts, axes, o);
    }
  return kIsMax ? reduce_max(x, axes, o) : reduce_mean(x, axes, o);
}

template <class Self, int kSpatial, bool kIsMax>
Config GlobalPooling<Self, kSpatial, kIsMax>::get_config() const {
  return write_options(options_, global_fields);
}
template <class Self, int kSpatial, bool kIsMax>
Self GlobalPooling<Self, kSpatial, kIsMax>::from_config(const Config& c) {
  return Self(read_options<GlobalPoolingOptions>(c, global_fields));
}

template class Pooling<MaxPooling1D, Size1, true>;
template class Pooling<MaxPooling2D, Size2, true>;
template class Pooling<MaxPooling3D, Size3, true>;
template class Pooling<AveragePooling1D, Size1, false>;
template class Pooling<AveragePooling2D, Size2, false>;
template class Pooling<AveragePooling3D, Size3, false>;
template class GlobalPooling<GlobalMaxPooling1D, 1, true>;
template class GlobalPooling<GlobalMaxPooling2D, 2, true>;
template class GlobalPooling<GlobalMaxPooling3D, 3, true>;
template class GlobalPooling<GlobalAveragePooling1D, 1, false>;
template class GlobalPooling<GlobalAveragePooling2D, 2, false>;
template class GlobalPooling<GlobalAveragePooling3D, 3, false>;

MaxPooling1D::MaxPooling1D(const Size1& pool_size, const Pooling1DOptions& options) : Pooling(pool_size, options) {}
MaxPooling2D::MaxPooling2D(const Size2& pool_size, const Pooling2DOptions& options) : Pooling(pool_size, options) {}
MaxPooling3D::MaxPooling3D(const Size3& pool_size, const Pooling3DOptions& options) : Pooling(pool_size, options) {}
AveragePooling1D::AveragePooling1D(const Size1& pool_size, const Pooling1DOptions& options)
    : Pooling(pool_size, options) {}
AveragePooling2D::AveragePooling2D(const Size2& pool_size, const Pooling2DOptions& options)
    : Pooling(pool_size, options) {}
AveragePooling3D::AveragePooling3D(const Size3& pool_size, const Pooling3DOptions& options)
    : Pooling(pool_size, options) {}
GlobalMaxPooling1D::GlobalMaxPooling1D(const GlobalPoolingOptions& options) : GlobalPooling(options) {}
GlobalMaxPooling2D::GlobalMaxPooling2D(const GlobalPoolingOptions& options) : GlobalPooling(options) {}
GlobalMaxPooling3D::GlobalMaxPooling3D(const GlobalPoolingOptions& options) : GlobalPooling(options) {}
GlobalAveragePooling1D::GlobalAveragePooling1D(const GlobalPoolingOptions& options) : GlobalPooling(options) {}
GlobalAveragePooling2D::GlobalAveragePooling2D(const GlobalPoolingOptions& options) : GlobalPooling(options) {}
GlobalAveragePooling3D::GlobalAveragePooling3D(const GlobalPoolingOptions& options) : GlobalPooling(options) {}

}  // namespace strata::layers

namespace strata {
template class Custom<layers::MaxPooling1D, Layer>;
template class Custom<layers::MaxPooling2D, Layer>;
template class Custom<layers::MaxPooling3D, Layer>;
template class Custom<layers::AveragePooling1D, Layer>;
template class Custom<layers::AveragePooling2D, Layer>;
template class Custom<layers::AveragePooling3D, Layer>;
template class Custom<layers::GlobalMaxPooling1D, Layer>;
template class Custom<layers::GlobalMaxPooling2D, Layer>;
template class Custom<layers::GlobalMaxPooling3D, Layer>;
template class Custom<layers::GlobalAveragePooling1D, Layer>;
template class Custom<layers::GlobalAveragePooling2D, Layer>;
template class Custom<layers::GlobalAveragePooling3D, Layer>;
}  // namespace strata
