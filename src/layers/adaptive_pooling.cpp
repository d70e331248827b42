#include "layers/layer_config.h"
#include "strata/array.h"
#include "strata/indexing.h"
#include "strata/layers/pooling.h"
#include "strata/reduce.h"

namespace strata::layers {

template <class Self, class Size, bool kIsMax>
AdaptivePooling<Self, Size, kIsMax>::AdaptivePooling(const Size& output_size, const AdaptivePoolingOptions& options)
    : output_size_(output_size) {
  for (const std::int64_t n : output_size.to_vector())
    if (n < 1) throw ValueError("AdaptivePooling: output_size has " + std::to_string(n) + ". Give positive numbers.");
  this->set_name(options.name);
  this->set_dtype(options.dtype);
}

template <class Self, class Size, bool kIsMax>
Tensor AdaptivePooling<Self, Size, kIsMax>::call(const Tensor& x) const {
  const std::vector<std::int64_t> sizes = output_size_.to_vector();
  const auto spatial = static_cast<int>(sizes.size());
  if (x.rank() != spatial + 2)
    throw ShapeError("expected an input of rank " + std::to_string(spatial + 2) +
                     ", (batch, ..., channels), but its shape is " + to_string(x.shape()) + ".");
  Tensor out = x;
  // A window is a box, so its extreme or average is that of rows, then of columns.
  for (int axis = 1; axis <= spatial; ++axis) {
    const std::int64_t size = x.shape()[axis], n = sizes[static_cast<std::size_t>(axis - 1)];
    if (size == None)
      throw ShapeError("the size of axis " + std::to_string(axis) + " of the input " + to_string(x.shape()) +
                       " is not known. Give it to the Input.");
    Tensors parts;
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t first = i * size / n, last = ((i + 1) * size + n - 1) / n;
      const Tensor window = gather(out, range(first, last), axis);
      parts.push_back(kIsMax ? reduce_max(window, axis, {.keepdims = true})
                             : reduce_mean(window, axis, {.keepdims = true}));
    }
    out = concat(parts, axis);
  }
  return out;
}

template <class Self, class Size, bool kIsMax>
Config AdaptivePooling<Self, Size, kIsMax>::get_config() const {
  return {{"output_size", output_size_}, {"data_format", "channels_last"}};
}
template <class Self, class Size, bool kIsMax>
Self AdaptivePooling<Self, Size, kIsMax>::from_config(const Config& c) {
  const auto options = read_options<AdaptivePoolingOptions>(c, no_fields);
  return Self(c.get<Size>("output_size"), options);
}

template class AdaptivePooling<AdaptiveMaxPooling1D, Size1, true>;
template class AdaptivePooling<AdaptiveMaxPooling2D, Size2, true>;
template class AdaptivePooling<AdaptiveMaxPooling3D, Size3, true>;
template class AdaptivePooling<AdaptiveAveragePooling1D, Size1, false>;
template class AdaptivePooling<AdaptiveAveragePooling2D, Size2, false>;
template class AdaptivePooling<AdaptiveAveragePooling3D, Size3, false>;

AdaptiveMaxPooling1D::AdaptiveMaxPooling1D(const Size1& output_size, const AdaptivePoolingOptions& options)
    : AdaptivePooling(output_size, options) {}
AdaptiveMaxPooling2D::AdaptiveMaxPooling2D(const Size2& output_size, const AdaptivePoolingOptions& options)
    : AdaptivePooling(output_size, options) {}
AdaptiveMaxPooling3D::AdaptiveMaxPooling3D(const Size3& output_size, const AdaptivePoolingOptions& options)
    : AdaptivePooling(output_size, options) {}
AdaptiveAveragePooling1D::AdaptiveAveragePooling1D(const Size1& output_size, const AdaptivePoolingOptions& options)
    : AdaptivePooling(output_size, options) {}
AdaptiveAveragePooling2D::AdaptiveAveragePooling2D(const Size2& output_size, const AdaptivePoolingOptions& options)
    : AdaptivePooling(output_size, options) {}
AdaptiveAveragePooling3D::AdaptiveAveragePooling3D(const Size3& output_size, const AdaptivePoolingOptions& options)
    : AdaptivePooling(output_size, options) {}

}  // namespace strata::layers

namespace strata {
template class Custom<layers::AdaptiveMaxPooling1D, Layer>;
template class Custom<layers::AdaptiveMaxPooling2D, Layer>;
template class Custom<layers::AdaptiveMaxPooling3D, Layer>;
template class Custom<layers::AdaptiveAveragePooling1D, Layer>;
template class Custom<layers::AdaptiveAveragePooling2D, Layer>;
template class Custom<layers::AdaptiveAveragePooling3D, Layer>;
}  // namespace strata
