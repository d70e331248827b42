#include "strata/layers/color.h"

#include "layers/augmentation_support.h"
#include "strata/math.h"
#include "strata/random.h"
#include "strata/reduce.h"

namespace strata {
template class Custom<layers::RandomColorDegeneration, Layer>;
template class Custom<layers::RandomSharpness, Layer>;
template class Custom<layers::RandomPosterization, Layer>;
template class Custom<layers::RandomInvert, Layer>;
template class Custom<layers::RandomGrayscale, Layer>;
template class Custom<layers::Solarization, Layer>;
template class Custom<layers::AutoContrast, Layer>;
template class Custom<layers::Equalization, Layer>;
}  // namespace strata

namespace strata::layers {

namespace {

// One number for each picture, as a factor of its values.
Tensor for_pictures(const Tensor& draw) { return reshape(draw, {-1, 1, 1, 1}); }

// True for the pictures whose draw lies below a probability that is drawn as well.
Tensor chosen(const Tensor& batch, const Bounds& probability, const SeedSequence& seeds, const Tensor& images) {
  const Tensor p = draws(batch, probability.low, probability.high, seeds.next(images));
  return for_pictures(draws(batch, 0, 1, seeds.next(images)) < p);
}

// ITU-R 601-2.
Tensor grey_of(const Layer& layer, const Tensor& batch) {
  if (batch.shape()[3] != 3)
    throw ShapeError(layer.class_name() + " '" + layer.path() + "': the pictures have " +
                     std::to_string(batch.shape()[3]) + " channels, but 3 are expected: red, green and blue.");
  return reduce_sum(batch * Tensor{0.2989f, 0.5870f, 0.1140f}, -1, {.keepdims = true});
}

using Range = std::array<double, 2>;
Tensor to_bytes(const Tensor& x, const Range& range) {
  if (range == Range{0, 255}) return x;
  return (x - range[0]) / (range[1] - range[0]) * 255.;
}
Tensor from_bytes(const Tensor& x, const Range& range) {
  if (range == Range{0, 255}) return x;
  return x / 255. * (range[1] - range[0]) + range[0];
}
void check_range(const char* layer, const Range& range) {
  if (!(range[0] < range[1]))
    throw ValueError(std::string(layer) + ": value_range is " + std::to_string(range[0]) + " to " +
                     std::to_string(range[1]) + ". Give the lower bound first.");
}

template <class Options>
void set_up(const char* layer, const Options& options) {
  check_data_format(layer, options.data_format);
  check_range(layer, options.value_range);
}

const auto range_fields = [](auto& o, auto&& v) { v("data_format", o.data_format); };
template <class Options>
Config range_config(const Options& o) {
  Config config = write_options(o, range_fields);
  config.set("value_range", std::vector<double>{o.value_range[0], o.value_range[1]});
  return config;
}
template <class Options>
Options read_range(const Config& c, Options o = {}) {
  const RandomColorOptions color = read_color_options(c);
  o.value_range = color.value_range;
  o.data_format = color.data_format;
  o.name = color.name;
  o.dtype = color.dtype;
  if constexpr (requires { o.seed; }) o.seed = color.seed;
  return o;
}
template <class Options>
Config::Value seed_of(const Options& o) {
  return o.seed ? Config::Value(*o.seed) : Config::Value();
}

}  // namespace

RandomColorDegeneration::RandomColorDegeneration(const Factor& factor, const RandomColorOptions& options)
    : factor_(factor), options_(options), seeds_(options.seed) {
  bounds_of("RandomColorDegeneration", "factor", factor, -1, 1);
  set_up("RandomColorDegeneration", options);
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor RandomColorDegeneration::call(const Tensor& images, bool training) const {
  const Pictures pictures(*this, images, options_.data_format);
  if (!training) return pictures.back(pictures.batch());
  const Tensor& x = pictures.batch();
  const Bounds b = bounds_of("", "", factor_, -1, 1);
  const Tensor f = for_pictures(draws(x, b.low, b.high, seeds_.next(images)));
  return pictures.back(clip(x + f * (grey_of(*this, x) - x), options_.value_range[0], options_.value_range[1]));
}
Config RandomColorDegeneration::get_config() const { return color_config({{"factor", factor_}}, options_); }
RandomColorDegeneration RandomColorDegeneration::from_config(const Config& c) {
  return RandomColorDegeneration(c.get<Factor>("factor"), read_color_options(c));
}

RandomSharpness::RandomSharpness(const Factor& factor, const RandomColorOptions& options)
    : factor_(factor), options_(options), seeds_(options.seed) {
  bounds_of("RandomSharpness", "factor", factor, 0, 1, true);
  set_up("RandomSharpness", options);
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor RandomSharpness::call(const Tensor& images, bool training) const {
  const Pictures pictures(*this, images, options_.data_format);
  if (!training) return pictures.back(pictures.batch());
  const Tensor& x = pictures.batch();
  const Bounds b = bounds_of("", "", factor_, 0, 1, true);
  const Tensor f = for_pictures(2. * draws(x, b.low, b.high, seeds_.next(images)));
  // Of nine pixels each counts 1/13, the middle one 5/13.
  const std::int64_t height = pictures.height(), width = pictures.width();
  const Tensor padded = pad(x, {{0, 0}, {1, 1}, {1, 1}, {0, 0}});
  Tensor sum;
  for (std::int64_t row = 0; row < 3; ++row)
    for (std::int64_t column = 0; column < 3; ++column) {
      const Tensor part = padded[{Slice(0, None), Slice(row, row + height), Slice(column, column + width)}];
      sum = sum.defined() ? sum + part : part;
    }
  const Tensor smooth = (sum + 4. * x) / 13.;
  return pictures.back(clip(x + (1. - f) * (smooth - x), options_.value_range[0], options_.value_range[1]));
}
Config RandomSharpness::get_config() const { return color_config({{"factor", factor_}}, options_); }
RandomSharpness RandomSharpness::from_config(const Config& c) {
  return RandomSharpness(c.get<Factor>("factor"), read_color_options(c));
}

RandomPosterization::RandomPosterization(const Factor& factor, const RandomColorOptions& options)
    : factor_(factor), options_(options), seeds_(options.seed) {
  bounds_of("RandomPosterization", "factor", factor, 1, 8, true);
  set_up("RandomPosterization", options);
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor RandomPosterization::call(const Tensor& images, bool training) const {
  const Pictures pictures(*this, images, options_.data_format);
  if (!training) return pictures.back(pictures.batch());
  const Bounds b = bounds_of("", "", factor_, 1, 8, true);
  const Tensor bits = floor(draws(pictures.batch(), b.low, b.high, seeds_.next(images)));
  const Tensor step = for_pictures(pow(Tensor(2.f), 8. - bits));
  const Tensor bytes = floor(clip(to_bytes(pictures.batch(), options_.value_range), 0., 255.));
  return pictures.back(from_bytes(floor(bytes / step) * step, options_.value_range));
}
Config RandomPosterization::get_config() const { return color_config({{"factor", factor_}}, options_); }
RandomPosterization RandomPosterization::from_config(const Config& c) {
  return RandomPosterization(c.get<Factor>("factor"), read_color_options(c));
}

RandomInvert::RandomInvert(const RandomInvertOptions& options) : options_(options), seeds_(options.seed) {
  bounds_of("RandomInvert", "factor", options.factor, 0, 1, true);
  set_up("RandomInvert", options);
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor RandomInvert::call(const Tensor& images, bool training) const {
  const Pictures pictures(*this, images, options_.data_format);
  const Tensor& x = pictures.batch();
  if (!training) return pictures.back(x);
  const Bounds b = bounds_of("", "", options_.factor, 0, 1, true);
  return pictures.back(where(chosen(x, b, seeds_, images), options_.value_range[1] - x, x));
}
Config RandomInvert::get_config() const {
  Config config = {{"factor", options_.factor}, {"seed", seed_of(options_)}};
  return config.update(range_config(options_));
}
RandomInvert RandomInvert::from_config(const Config& c) {
  return RandomInvert(read_range<RandomInvertOptions>(c, {.factor = c.get<Factor>("factor", 1.0)}));
}

RandomGrayscale::RandomGrayscale(const RandomGrayscaleOptions& options) : options_(options), seeds_(options.seed) {
  bounds_of("RandomGrayscale", "factor", {options.factor, options.factor}, 0, 1);
  check_data_format("RandomGrayscale", options.data_format);
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor RandomGrayscale::call(const Tensor& images, bool training) const {
  const Pictures pictures(*this, images, options_.data_format);
  const Tensor& x = pictures.batch();
  if (!training) return pictures.back(x);
  const Tensor turns = for_pictures(draws(x, 0, 1, seeds_.next(images)) < options_.factor);
  return pictures.back(where(turns, grey_of(*this, x), x));
}
Config RandomGrayscale::get_config() const {
  Config config = {{"factor", options_.factor}};
  return config.update(write_options(options_, seed_fields));
}
RandomGrayscale RandomGrayscale::from_config(const Config& c) {
  auto options = read_options<RandomGrayscaleOptions>(c, seed_fields);
  options.factor = c.get<double>("factor", 0.5);
  return RandomGrayscale(options);
}

Solarization::Solarization(const SolarizationOptions& options) : options_(options), seeds_(options.seed) {
  bounds_of("Solarization", "addition_factor", options.addition_factor, 0, 1, true);
  bounds_of("Solarization", "threshold_factor", options.threshold_factor, 0, 1, true);
  set_up("Solarization", options);
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor Solarization::call(const Tensor& images, bool training) const {
  const Pictures pictures(*this, images, options_.data_format);
  if (!training) return pictures.back(pictures.batch());
  // As in Keras, the upper bound counts in 255, the lower one does not.
  auto draw = [&](const Factor& factor) {
    const Bounds b = bounds_of("", "", factor, 0, 1, true);
    return for_pictures(draws(pictures.batch(), b.low, b.high * 255, seeds_.next(images)));
  };
  const Tensor additions = draw(options_.addition_factor), thresholds = draw(options_.threshold_factor);
  const Tensor x = clip(to_bytes(pictures.batch(), options_.value_range) + additions, 0., 255.);
  return pictures.back(from_bytes(where(x < thresholds, x, 255. - x), options_.value_range));
}
Config Solarization::get_config() const {
  Config config = {{"addition_factor", options_.addition_factor},
                   {"threshold_factor", options_.threshold_factor},
                   {"seed", seed_of(options_)}};
  return config.update(range_config(options_));
}
Solarization Solarization::from_config(const Config& c) {
  return Solarization(read_range<SolarizationOptions>(c, {.addition_factor = c.get<Factor>("addition_factor", 0.0),
                                                          .threshold_factor = c.get<Factor>("threshold_factor", 0.0)}));
}

AutoContrast::AutoContrast(const AutoContrastOptions& options) : options_(options) {
  set_up("AutoContrast", options);
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor AutoContrast::call(const Tensor& images) const {
  const Pictures pictures(*this, images, options_.data_format);
  const Tensor x = to_bytes(pictures.batch(), options_.value_range);
  const Tensor low = reduce_min(x, {1, 2}, {.keepdims = true}), high = reduce_max(x, {1, 2}, {.keepdims = true});
  const Tensor stretched = clip((x - low) * divide_no_nan(Tensor(255.f), high - low), 0., 255.);
  return pictures.back(
      where(equal(low, high), pictures.batch(), from_bytes(stretched, options_.value_range)));  // one value stays
}
Config AutoContrast::get_config() const { return range_config(options_); }
AutoContrast AutoContrast::from_config(const Config& c) { return AutoContrast(read_range<AutoContrastOptions>(c)); }

Equalization::Equalization(const EqualizationOptions& options) : options_(options) {
  set_up("Equalization", options);
  if (options.bins < 2)
    throw ValueError("Equalization: bins is " + std::to_string(options.bins) + ". Give at least 2.");
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor Equalization::call(const Tensor& images, bool training) const {
  const Pictures pictures(*this, images, options_.data_format);
  if (!training) return pictures.back(pictures.batch());
  const Tensor x = to_bytes(pictures.batch(), options_.value_range);
  const auto last = static_cast<double>(options_.bins - 1);
  Tensors channels;
  for (std::int64_t c = 0; c < x.shape()[3]; ++c) {
    const Tensor channel = x[{Ellipsis, c}];
    const Tensor bin = cast(clip(channel / 255. * last, 0., last), int32);
    const Tensor counts = cast(bincount(reshape(bin, {-1}), {.minlength = options_.bins}), float32);
    const Tensor below = cumsum(counts), all = reduce_max(below);
    // The first bin that has any becomes black.
    const Tensor first = reduce_min(where(below > 0.f, below, all));
    const Tensor table = clip(round((below - first) * 255. / maximum(all - first, Tensor(1.f))), 0., 255.);
    const Tensor several = reduce_sum(cast(counts > 0.f, float32)) > 1.f;
    channels.push_back(where(several, gather(table, bin, 0), channel));
  }
  return pictures.back(from_bytes(stack(channels, -1), options_.value_range));
}
Config Equalization::get_config() const {
  Config config = {{"bins", options_.bins}};
  return config.update(range_config(options_));
}
Equalization Equalization::from_config(const Config& c) {
  auto options = read_range<EqualizationOptions>(c);
  options.bins = c.get<std::int64_t>("bins", 256);
  return Equalization(options);
}

}  // namespace strata::layers
