#include "strata/layers/augmentation.h"

#include <cmath>
#include <numbers>

#include "layers/augmentation_support.h"
#include "layers/layer_config.h"
#include "strata/image_ops.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/random.h"
#include "strata/reduce.h"

namespace strata {
template class Custom<layers::RandomFlip, Layer>;
template class Custom<layers::RandomTranslation, Layer>;
template class Custom<layers::RandomRotation, Layer>;
template class Custom<layers::RandomZoom, Layer>;
template class Custom<layers::RandomContrast, Layer>;
template class Custom<layers::RandomBrightness, Layer>;
}  // namespace strata

namespace strata::layers {

namespace {

const auto transform_fields = [](auto& o, auto&& v) {
  seed_fields(o, v);
  v("fill_mode", o.fill_mode);
  v("interpolation", o.interpolation);
  v("fill_value", o.fill_value);
};

template <class Options>
Tensor transformed(const Pictures& pictures, const Tensors& columns, const Options& o) {
  return pictures.back(image::affine_transform(
      pictures.batch(), concat(columns, 1),
      {.interpolation = o.interpolation, .fill_mode = o.fill_mode, .fill_value = o.fill_value}));
}

template <class L, class Options>
void set_up(const char* layer, const Options& o) {
  check_data_format(layer, o.data_format);
  image::affine_transform(zeros({0, 1, 1, 1}), zeros({0, 8}),
                          {.interpolation = o.interpolation, .fill_mode = o.fill_mode});  // checks the names
}

}  // namespace

RandomFlip::RandomFlip(const std::string& mode, const RandomFlipOptions& options)
    : mode_(mode), options_(options), seeds_(options.seed) {
  if (mode != "horizontal" && mode != "vertical" && mode != "horizontal_and_vertical")
    throw ValueError("RandomFlip: mode is \"" + mode +
                     "\". Use \"horizontal\", \"vertical\" or \"horizontal_and_vertical\".");
  check_data_format("RandomFlip", options.data_format);
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor RandomFlip::call(const Tensor& images, bool training) const {
  const Pictures pictures(*this, images, options_.data_format);
  if (!training) return pictures.back(pictures.batch());
  Tensor x = pictures.batch();
  const Tensor flips = reshape(draws(x, 0, 1, seeds_.next(images)) <= 0.5f, {-1, 1, 1, 1});
  if (mode_ != "vertical") x = where(flips, flip(x, 2), x);
  if (mode_ != "horizontal") x = where(flips, flip(x, 1), x);
  return pictures.back(x);
}
Config RandomFlip::get_config() const {
  Config config = {{"mode", mode_}};
  return config.update(write_options(options_, seed_fields));
}
RandomFlip RandomFlip::from_config(const Config& c) {
  return RandomFlip(c.get<std::string>("mode", "horizontal_and_vertical"),
                    read_options<RandomFlipOptions>(c, seed_fields));
}

RandomTranslation::RandomTranslation(const Factor& height_factor, const Factor& width_factor,
                                     const RandomTranslationOptions& options)
    : height_factor_(height_factor), width_factor_(width_factor), options_(options), seeds_(options.seed) {
  bounds_of("RandomTranslation", "height_factor", height_factor, -1, 1);
  bounds_of("RandomTranslation", "width_factor", width_factor, -1, 1);
  set_up<RandomTranslation>("RandomTranslation", options);
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor RandomTranslation::call(const Tensor& images, bool training) const {
  const Pictures pictures(*this, images, options_.data_format);
  if (!training) return pictures.back(pictures.batch());
  const Bounds down = bounds_of("", "", height_factor_, -1, 1), right = bounds_of("", "", width_factor_, -1, 1);
  const Tensor dy = draws(pictures.batch(), down.low, down.high, seeds_.next(images));
  const Tensor dx = draws(pictures.batch(), right.low, right.high, seeds_.next(images));
  const Tensor one = ones_like(dx), zero = zeros_like(dx);
  return transformed(pictures,
                     {one, zero, dx * static_cast<float>(-pictures.width()), zero, one,
                      dy * static_cast<float>(-pictures.height()), zero, zero},
                     options_);
}
Config RandomTranslation::get_config() const {
  Config config = {{"height_factor", height_factor_}, {"width_factor", width_factor_}};
  return config.update(write_options(options_, transform_fields));
}
RandomTranslation RandomTranslation::from_config(const Config& c) {
  return RandomTranslation(c.get<Factor>("height_factor"), c.get<Factor>("width_factor"),
                           read_options<RandomTranslationOptions>(c, transform_fields));
}

RandomRotation::RandomRotation(const Factor& factor, const RandomRotationOptions& options)
    : factor_(factor), options_(options), seeds_(options.seed) {
  bounds_of("RandomRotation", "factor", factor, -1, 1);
  set_up<RandomRotation>("RandomRotation", options);
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor RandomRotation::call(const Tensor& images, bool training) const {
  const Pictures pictures(*this, images, options_.data_format);
  if (!training) return pictures.back(pictures.batch());
  const Bounds b = bounds_of("", "", factor_, -1, 1);
  const double circle = 2 * std::numbers::pi;
  const Tensor angle = draws(pictures.batch(), b.low * circle, b.high * circle, seeds_.next(images));
  const Tensor c = cos(angle), s = sin(angle), zero = zeros_like(angle);
  const auto x = static_cast<float>(pictures.width() - 1) / 2, y = static_cast<float>(pictures.height() - 1) / 2;
  return transformed(pictures, {c, -s, x - x * c + y * s, s, c, y - x * s - y * c, zero, zero}, options_);
}
Config RandomRotation::get_config() const {
  Config config = {{"factor", factor_}};
  return config.update(write_options(options_, transform_fields));
}
RandomRotation RandomRotation::from_config(const Config& c) {
  return RandomRotation(c.get<Factor>("factor"), read_options<RandomRotationOptions>(c, transform_fields));
}

RandomZoom::RandomZoom(const Factor& height_factor, const RandomZoomOptions& options)
    : height_factor_(height_factor), options_(options), seeds_(options.seed) {
  bounds_of("RandomZoom", "height_factor", height_factor, -1, 1);
  if (options.width_factor) bounds_of("RandomZoom", "width_factor", *options.width_factor, -1, 1);
  set_up<RandomZoom>("RandomZoom", options);
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor RandomZoom::call(const Tensor& images, bool training) const {
  const Pictures pictures(*this, images, options_.data_format);
  if (!training) return pictures.back(pictures.batch());
  const Bounds h = bounds_of("", "", height_factor_, -1, 1);
  const Tensor zy = draws(pictures.batch(), 1 + h.low, 1 + h.high, seeds_.next(images));
  Tensor zx = zy;
  if (options_.width_factor) {
    const Bounds w = bounds_of("", "", *options_.width_factor, -1, 1);
    zx = draws(pictures.batch(), 1 + w.low, 1 + w.high, seeds_.next(images));
  }
  const auto x = static_cast<float>(pictures.width() - 1) / 2, y = static_cast<float>(pictures.height() - 1) / 2;
  const Tensor zero = zeros_like(zy);
  return transformed(pictures, {zx, zero, x * (1.f - zx), zero, zy, y * (1.f - zy), zero, zero}, options_);
}
Config RandomZoom::get_config() const {
  Config config = {{"height_factor", height_factor_}};
  config.set("width_factor", options_.width_factor ? Config::Value(*options_.width_factor) : Config::Value());
  return config.update(write_options(options_, transform_fields));
}
RandomZoom RandomZoom::from_config(const Config& c) {
  auto options = read_options<RandomZoomOptions>(c, transform_fields);
  if (const auto* w = c.find("width_factor"); w != nullptr && !w->is_none())
    options.width_factor = Factor::from_config_value(*w);
  return RandomZoom(c.get<Factor>("height_factor"), options);
}

RandomContrast::RandomContrast(const Factor& factor, const RandomColorOptions& options)
    : factor_(factor), options_(options), seeds_(options.seed) {
  bounds_of("RandomContrast", "factor", factor, 0, 1, true);
  check_data_format("RandomContrast", options.data_format);
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor RandomContrast::call(const Tensor& images, bool training) const {
  const Pictures pictures(*this, images, options_.data_format);
  if (!training) return pictures.back(pictures.batch());
  const Bounds b = bounds_of("", "", factor_, 0, 1, true);
  const Tensor& x = pictures.batch();
  const Tensor f = reshape(draws(x, 1 - b.low, 1 + b.high, seeds_.next(images)), {-1, 1, 1, 1});
  const Tensor mean = reduce_mean(x, {1, 2}, {.keepdims = true});
  return pictures.back(clip((x - mean) * f + mean, options_.value_range[0], options_.value_range[1]));
}
Config RandomContrast::get_config() const { return color_config({{"factor", factor_}}, options_); }
RandomContrast RandomContrast::from_config(const Config& c) {
  return RandomContrast(c.get<Factor>("factor"), read_color_options(c));
}

RandomBrightness::RandomBrightness(const Factor& factor, const RandomColorOptions& options)
    : factor_(factor), options_(options), seeds_(options.seed) {
  bounds_of("RandomBrightness", "factor", factor, -1, 1);
  check_data_format("RandomBrightness", options.data_format);
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor RandomBrightness::call(const Tensor& images, bool training) const {
  const Pictures pictures(*this, images, options_.data_format);
  if (!training) return pictures.back(pictures.batch());
  const Bounds b = bounds_of("", "", factor_, -1, 1);
  const auto [low, high] = options_.value_range;
  const Tensor delta = draws(pictures.batch(), b.low, b.high, seeds_.next(images)) * (high - low);
  return pictures.back(clip(pictures.batch() + reshape(delta, {-1, 1, 1, 1}), low, high));
}
Config RandomBrightness::get_config() const { return color_config({{"factor", factor_}}, options_); }
RandomBrightness RandomBrightness::from_config(const Config& c) {
  return RandomBrightness(c.get<Factor>("factor"), read_color_options(c));
}

}  // namespace strata::layers
