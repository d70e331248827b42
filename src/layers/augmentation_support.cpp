#include "layers/augmentation_support.h"

#include <algorithm>
#include <cmath>

#include "core/generator.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/random.h"

namespace strata::layers {

Config::Value Factor::to_config_value() const {
  return is_single ? Config::Value(low) : Config::Value(std::vector<double>{low, high});
}
Factor Factor::from_config_value(const Config::Value& v) {
  if (v.kind() != Config::Value::Kind::list) return v.as_double();
  if (v.as_list().size() != 2)
    throw ValueError("a factor is a number or two bounds, but " + std::to_string(v.as_list().size()) +
                     " numbers were found.");
  return {v.as_list()[0].as_double(), v.as_list()[1].as_double()};
}

SeedSequence::SeedSequence(std::optional<std::int64_t> seed)
    : seed_(seed), calls_(std::make_shared<std::atomic<std::int64_t>>(0)) {}

std::optional<std::int64_t> SeedSequence::next(const Tensor& images) const {
  if (!seed_ || images.is_symbolic()) return std::nullopt;
  const std::uint64_t place =
      in_element_streams() ? next_random_seed() : static_cast<std::uint64_t>((*calls_)++) * 0x9e3779b97f4a7c15u;
  return static_cast<std::int64_t>((static_cast<std::uint64_t>(*seed_) * 0xd1342543de82ef95u) ^ place);
}

Pictures::Pictures(const Layer& layer, const Tensor& images, const std::string& data_format)
    : dtype_(layer.compute_dtype()),
      is_single_(images.rank() == 3),
      is_channels_first_(data_format == "channels_first") {
  if (images.rank() != 3 && images.rank() != 4)
    throw ShapeError(layer.class_name() + " '" + layer.path() + "': the input has shape " + to_string(images.shape()) +
                     ". Expected pictures (batch, height, width, channels), or one without the batch.");
  batch_ = is_single_ ? expand_dims(images, 0) : images;
  if (is_channels_first_) batch_ = transpose(batch_, {0, 2, 3, 1});
  batch_ = cast(batch_, float32);
  if (height() == None || width() == None)
    throw ShapeError(layer.class_name() + " '" + layer.path() + "': height and width of the input " +
                     to_string(images.shape()) + " are not known. Give them to the Input.");
}

Tensor Pictures::back(const Tensor& batch) const {
  Tensor out = batch.dtype() == dtype_ ? batch : cast(batch, dtype_);
  if (is_channels_first_) out = transpose(out, {0, 3, 1, 2});
  return is_single_ ? out[0] : out;
}

Tensor draws(const Tensor& batch, double low, double high, std::optional<std::int64_t> seed) {
  const Tensor like = batch[{Slice(0, None), 0, 0, Slice(0, 1)}];
  return random::uniform_like(like, {.seed = seed}) * (high - low) + low;
}

Tensor smart_resize(const Tensor& batch, std::int64_t height, std::int64_t width, const std::string& interpolation) {
  const std::int64_t h = batch.shape()[1], w = batch.shape()[2];
  auto cut = [](std::int64_t size, std::int64_t other, std::int64_t to, std::int64_t to_other) {
    return std::max<std::int64_t>(std::min(size, other * to / to_other), 1);
  };
  const std::int64_t ch = cut(h, w, height, width), cw = cut(w, h, width, height);
  const std::int64_t top = (h - ch) / 2, left = (w - cw) / 2;
  return nn::resize(batch[{Slice(0, None), Slice(top, top + ch), Slice(left, left + cw)}], {height, width},
                    {.interpolation = interpolation});
}

Bounds bounds_of(const char* layer, const char* name, const Factor& f, double least, double most, bool from_zero) {
  Bounds b = {std::min(f.low, f.high), std::max(f.low, f.high)};
  if (f.is_single) b = {from_zero ? std::max(least, 0.0) : -std::abs(f.low), std::abs(f.low)};
  if (!(b.low >= least && b.high <= most && b.low <= b.high))
    throw ValueError(std::string(layer) + ": " + name + " is " + std::to_string(f.low) +
                     (f.is_single ? "" : " to " + std::to_string(f.high)) + ". Give numbers from " +
                     std::to_string(least) + " to " + std::to_string(most) + ".");
  return b;
}

RandomColorOptions read_color_options(const Config& config) {
  auto o = read_options<RandomColorOptions>(config, seed_fields);
  if (const auto* range = config.find("value_range"); range != nullptr && !range->is_none()) {
    const auto bounds = config.get<std::vector<double>>("value_range");
    o.value_range = {bounds.at(0), bounds.at(1)};
  }
  return o;
}
Config color_config(Config config, const RandomColorOptions& o) {
  config.update(write_options(o, seed_fields));
  config.set("value_range", std::vector<double>{o.value_range[0], o.value_range[1]});
  return config;
}

void check_data_format(const char* layer, const std::string& format) {
  if (format != "channels_last" && format != "channels_first")
    throw ValueError(std::string(layer) + ": data_format is \"" + format +
                     "\". Use \"channels_last\" or \"channels_first\".");
}

}  // namespace strata::layers
