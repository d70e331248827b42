// What the layers on pictures share.
#pragma once

#include <string>
#include <utility>

#include "layers/layer_config.h"
#include "strata/array.h"
#include "strata/layers/augmentation.h"

namespace strata::layers {

// A batch of pictures of float32, channels last, however the layer got it; back() undoes that.
class Pictures {
 public:
  Pictures(const Layer& layer, const Tensor& images, const std::string& data_format);
  const Tensor& batch() const { return batch_; }
  std::int64_t height() const { return batch_.shape()[1]; }
  std::int64_t width() const { return batch_.shape()[2]; }
  Tensor back(const Tensor& batch) const;

 private:
  Tensor batch_;
  DType dtype_;
  bool is_single_, is_channels_first_;
};

// (batch, 1) of numbers from [low, high), one for each picture.
Tensor draws(const Tensor& batch, double low, double high, std::optional<std::int64_t> seed);
// The middle in the proportions of the target, resized to it.
Tensor smart_resize(const Tensor& batch, std::int64_t height, std::int64_t width, const std::string& interpolation);
void check_data_format(const char* layer, const std::string& format);

// The bounds that a factor stands for. A single number f is {-f, f} or {0, f}.
struct Bounds {
  double low, high;
};
Bounds bounds_of(const char* layer, const char* name, const Factor& f, double least, double most,
                 bool from_zero = false);

inline constexpr auto seed_fields = [](auto& o, auto&& v) {
  v("seed", o.seed);
  v("data_format", o.data_format);
};
RandomColorOptions read_color_options(const Config& config);
// `config`, and the options.
Config color_config(Config config, const RandomColorOptions& options);

}  // namespace strata::layers
