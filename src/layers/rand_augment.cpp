#include <algorithm>
#include <cmath>

#include "layers/augmentation_support.h"
#include "strata/call.h"
#include "strata/image_ops.h"
#include "strata/layers/color.h"
#include "strata/math.h"
#include "strata/random.h"

namespace strata {
template class Custom<layers::RandomShear, Layer>;
template class Custom<layers::RandomErasing, Layer>;
template class Custom<layers::RandAugment, Layer>;
}  // namespace strata

namespace strata::layers {

namespace {

const auto shear_fields = [](auto& o, auto&& v) {
  seed_fields(o, v);
  v("x_factor", o.x_factor);
  v("y_factor", o.y_factor);
  v("fill_mode", o.fill_mode);
  v("interpolation", o.interpolation);
  v("fill_value", o.fill_value);
};
const auto erasing_fields = [](auto& o, auto&& v) {
  seed_fields(o, v);
  v("factor", o.factor);
  v("scale", o.scale);
  v("fill_value", o.fill_value);
};
const auto augment_fields = [](auto& o, auto&& v) {
  seed_fields(o, v);
  v("num_ops", o.num_ops);
  v("factor", o.factor);
  v("interpolation", o.interpolation);
};

template <class Options>
Config with_range(Config config, const Options& o) {
  config.set("value_range", std::vector<double>{o.value_range[0], o.value_range[1]});
  return config;
}

}  // namespace

RandomShear::RandomShear(const RandomShearOptions& options) : options_(options), seeds_(options.seed) {
  bounds_of("RandomShear", "x_factor", options.x_factor, 0, 1, true);
  bounds_of("RandomShear", "y_factor", options.y_factor, 0, 1, true);
  check_data_format("RandomShear", options.data_format);
  image::affine_transform(zeros({0, 1, 1, 1}), zeros({0, 8}),
                          {.interpolation = options.interpolation, .fill_mode = options.fill_mode});  // checks names
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor RandomShear::call(const Tensor& images, bool training) const {
  const Pictures pictures(*this, images, options_.data_format);
  if (!training) return pictures.back(pictures.batch());
  auto draw = [&](const Factor& factor) {
    const bool is_single = factor.is_single;
    const Bounds b = bounds_of("", "", factor, 0, 1, true);
    return draws(pictures.batch(), is_single ? -b.high : b.low, b.high, seeds_.next(images));
  };
  const Tensor sign = where(draws(pictures.batch(), 0, 1, seeds_.next(images)) > 0.5f, Tensor(-1.f), Tensor(1.f));
  const Tensor y = draw(options_.y_factor) * sign, x = draw(options_.x_factor) * sign;
  const Tensor one = ones_like(x), zero = zeros_like(x);
  return pictures.back(image::affine_transform(
      pictures.batch(), concat({one, x, zero, y, one, zero, zero, zero}, 1),
      {.interpolation = options_.interpolation, .fill_mode = options_.fill_mode, .fill_value = options_.fill_value}));
}
Config RandomShear::get_config() const { return write_options(options_, shear_fields); }
RandomShear RandomShear::from_config(const Config& c) {
  return RandomShear(read_options<RandomShearOptions>(c, shear_fields));
}

RandomErasing::RandomErasing(const RandomErasingOptions& options) : options_(options), seeds_(options.seed) {
  bounds_of("RandomErasing", "factor", options.factor, 0, 1, true);
  bounds_of("RandomErasing", "scale", options.scale, 0, 1, true);
  check_data_format("RandomErasing", options.data_format);
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor RandomErasing::call(const Tensor& images, bool training) const {
  const Pictures pictures(*this, images, options_.data_format);
  const Tensor& x = pictures.batch();
  if (!training) return pictures.back(x);
  const Bounds scale = bounds_of("", "", options_.scale, 0, 1, true);
  // The rows or columns of each picture that lie in its rectangle: (batch, size).
  auto side = [&](std::int64_t size) {
    const auto n = static_cast<float>(size);
    const Tensor length = sqrt(draws(x, scale.low, scale.high, seeds_.next(images))) * n;
    const Tensor start = draws(x, 0, 1, seeds_.next(images)) * (n - length);
    const Tensor at = reshape(cast(range(size), float32), {1, size});
    return logical_and(at >= start, at < start + length);
  };
  const Tensor columns = side(pictures.width()), rows = side(pictures.height());
  const Bounds b = bounds_of("", "", options_.factor, 0, 1, true);
  const Tensor p = draws(x, b.low, b.high, seeds_.next(images));
  const Tensor happens = reshape(draws(x, 0, 1, seeds_.next(images)) < p, {-1, 1, 1, 1});
  const Tensor inside = logical_and(expand_dims(rows, -1), expand_dims(columns, 1));
  const auto [low, high] = options_.value_range;
  Tensor filling = full_like(x, options_.fill_value.value_or(0));
  if (!options_.fill_value) filling = random::normal_like(x, {.seed = seeds_.next(images)}) * static_cast<float>(high);
  filling = clip(filling, low, high);
  return pictures.back(where(logical_and(happens, expand_dims(inside, -1)), filling, x));
}
Config RandomErasing::get_config() const { return with_range(write_options(options_, erasing_fields), options_); }
RandomErasing RandomErasing::from_config(const Config& c) {
  auto options = read_options<RandomErasingOptions>(c, erasing_fields);
  options.value_range = read_color_options(c).value_range;
  return RandomErasing(options);
}

RandAugment::RandAugment(const RandAugmentOptions& options) : options_(options), seeds_(options.seed) {
  const Bounds b = bounds_of("RandAugment", "factor", options.factor, 0, 1, true);
  if (options.num_ops < 1)
    throw ValueError("RandAugment: num_ops is " + std::to_string(options.num_ops) + ". Give at least 1.");
  check_data_format("RandAugment", options.data_format);
  set_name(options.name);
  set_dtype(options.dtype);
  const Factor f(b.low, b.high);
  // The parts work on float32 batches, channels last, whatever this layer gets.
  const RandomColorOptions color{.value_range = options.value_range, .seed = options.seed, .dtype = "float32"};
  const std::string& how = options.interpolation;
  const double bits = std::max(1., std::floor(8 * b.high));
  changes_ = {
      RandomShear({.x_factor = f, .y_factor = f, .interpolation = how, .seed = options.seed, .dtype = "float32"}),
      RandomTranslation(f, f, {.interpolation = how, .seed = options.seed, .dtype = "float32"}),
      RandomRotation(f, {.interpolation = how, .seed = options.seed, .dtype = "float32"}),
      RandomBrightness(f, color),
      RandomColorDegeneration(f, color),
      RandomContrast(f, color),
      RandomSharpness(f, color),
      RandomPosterization(bits, color),
      Solarization({.addition_factor = f,
                    .threshold_factor = f,
                    .value_range = options.value_range,
                    .seed = options.seed,
                    .dtype = "float32"}),
      AutoContrast({.value_range = options.value_range, .dtype = "float32"}),
      Equalization({.value_range = options.value_range, .dtype = "float32"}),
  };
}
Tensor RandAugment::call(const Tensor& images, bool training) const {
  const Pictures pictures(*this, images, options_.data_format);
  Tensor x = pictures.batch();
  if (!training) return pictures.back(x);
  const auto count = static_cast<std::int64_t>(changes_.size());
  auto changed = [&](const Layer& change) { return change.call_with(CallArguments(Tensors{x}, true)).at(0); };
  for (int i = 0; i < options_.num_ops; ++i) {
    const Tensor which = random::randint({}, 0, static_cast<int>(count), {.seed = seeds_.next(images)});
    if (!which.is_symbolic()) {
      x = changed(changes_[static_cast<std::size_t>(which.item<std::int64_t>())]);
      continue;
    }
    // In a program that draws anew in each run, all are computed and one is taken.
    Tensor result = x;
    for (std::int64_t k = 0; k < count; ++k)
      result = where(equal(which, static_cast<int>(k)), changed(changes_[static_cast<std::size_t>(k)]), result);
    x = result;
  }
  return pictures.back(x);
}
Config RandAugment::get_config() const { return with_range(write_options(options_, augment_fields), options_); }
RandAugment RandAugment::from_config(const Config& c) {
  auto options = read_options<RandAugmentOptions>(c, augment_fields);
  options.value_range = read_color_options(c).value_range;
  return RandAugment(options);
}

}  // namespace strata::layers
