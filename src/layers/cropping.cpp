// RandomCrop, CenterCrop and Resizing.
#include "layers/augmentation_support.h"
#include "layers/layer_config.h"
#include "strata/array.h"
#include "strata/indexing.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/random.h"

namespace strata {
template class Custom<layers::RandomCrop, Layer>;
template class Custom<layers::Resizing, Layer>;
template class Custom<layers::CenterCrop, Layer>;
}  // namespace strata

namespace strata::layers {

namespace {

const auto crop_fields = [](auto& o, auto&& v) {
  v("seed", o.seed);
  v("data_format", o.data_format);
};
const auto resizing_fields = [](auto& o, auto&& v) {
  v("interpolation", o.interpolation);
  v("crop_to_aspect_ratio", o.crop_to_aspect_ratio);
  v("pad_to_aspect_ratio", o.pad_to_aspect_ratio);
  v("fill_value", o.fill_value);
  v("data_format", o.data_format);
};

void check_size(const char* layer, std::int64_t height, std::int64_t width) {
  if (height < 1 || width < 1)
    throw ValueError(std::string(layer) + ": the size is " + std::to_string(height) + " x " + std::to_string(width) +
                     "; both must be positive.");
}

Tensor window(const Tensor& batch, std::int64_t top, std::int64_t left, std::int64_t height, std::int64_t width) {
  return batch[{Slice(0, None), Slice(top, top + height), Slice(left, left + width)}];
}

}  // namespace

RandomCrop::RandomCrop(std::int64_t height, std::int64_t width, const CropOptions& options)
    : height_(height), width_(width), options_(options), seeds_(options.seed) {
  check_size("RandomCrop", height, width);
  check_data_format("RandomCrop", options.data_format);
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor RandomCrop::call(const Tensor& images, bool training) const {
  const Pictures pictures(*this, images, options_.data_format);
  const std::int64_t down = pictures.height() - height_, right = pictures.width() - width_;
  if (!training || down <= 0 || right <= 0)
    return pictures.back(smart_resize(pictures.batch(), height_, width_, "bilinear"));
  if (images.is_symbolic()) {
    // In a program the place is drawn at each run: all windows' rows and columns are gathered by drawn positions.
    const Tensor top = random::randint({}, 0, down + 1), left = random::randint({}, 0, right + 1);
    const Tensor rows = take(pictures.batch(), range(height_, {.dtype = int32}) + top, 1);
    return pictures.back(take(rows, range(width_, {.dtype = int32}) + left, 2));
  }
  auto place = [&](std::int64_t most) {
    return random::randint({}, 0, most + 1, {.seed = seeds_.next(images)}).item<std::int64_t>();
  };
  const std::int64_t top = place(down), left = place(right);
  return pictures.back(window(pictures.batch(), top, left, height_, width_));
}
Config RandomCrop::get_config() const {
  Config config = {{"height", height_}, {"width", width_}};
  return config.update(write_options(options_, crop_fields));
}
RandomCrop RandomCrop::from_config(const Config& c) {
  return RandomCrop(c.get<std::int64_t>("height"), c.get<std::int64_t>("width"),
                    read_options<CropOptions>(c, crop_fields));
}

CenterCrop::CenterCrop(std::int64_t height, std::int64_t width, const CropOptions& options)
    : height_(height), width_(width), options_(options) {
  check_size("CenterCrop", height, width);
  check_data_format("CenterCrop", options.data_format);
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor CenterCrop::call(const Tensor& images) const {
  const Pictures pictures(*this, images, options_.data_format);
  const std::int64_t down = pictures.height() - height_, right = pictures.width() - width_;
  if (down < 0 || right < 0) return pictures.back(smart_resize(pictures.batch(), height_, width_, "bilinear"));
  return pictures.back(window(pictures.batch(), down / 2, right / 2, height_, width_));
}
Config CenterCrop::get_config() const {
  return {{"height", height_}, {"width", width_}, {"data_format", options_.data_format}};
}
CenterCrop CenterCrop::from_config(const Config& c) {
  return CenterCrop(c.get<std::int64_t>("height"), c.get<std::int64_t>("width"),
                    read_options<CropOptions>(c, crop_fields));
}

Resizing::Resizing(std::int64_t height, std::int64_t width, const ResizingOptions& options)
    : height_(height), width_(width), options_(options) {
  check_size("Resizing", height, width);
  check_data_format("Resizing", options.data_format);
  if (options.interpolation != "bilinear" && options.interpolation != "nearest")
    throw ValueError("Resizing: interpolation is \"" + options.interpolation +
                     "\". Use \"bilinear\" or \"nearest\"; Image::resize has more.");
  if (options.crop_to_aspect_ratio && options.pad_to_aspect_ratio)
    throw ValueError("Resizing: crop_to_aspect_ratio and pad_to_aspect_ratio are both true. Give one of them.");
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor Resizing::call(const Tensor& images) const {
  const Pictures pictures(*this, images, options_.data_format);
  if (options_.crop_to_aspect_ratio)
    return pictures.back(smart_resize(pictures.batch(), height_, width_, options_.interpolation));
  Tensor batch = pictures.batch();
  if (options_.pad_to_aspect_ratio) {
    // As many on both sides; Keras leaves an odd one out.
    const auto missing = [](std::int64_t size, std::int64_t other, std::int64_t to, std::int64_t of) {
      return std::max<std::int64_t>(
                 static_cast<std::int64_t>(static_cast<float>(other * to) / static_cast<float>(of)) - size, 0) /
             2;
    };
    const std::int64_t down = missing(pictures.height(), pictures.width(), height_, width_);
    const std::int64_t right = missing(pictures.width(), pictures.height(), width_, height_);
    batch = pad(batch, {{0, 0}, {down, down}, {right, right}, {0, 0}}, {.constant_values = options_.fill_value});
  }
  return pictures.back(nn::resize(batch, {height_, width_}, {.interpolation = options_.interpolation}));
}
Config Resizing::get_config() const {
  Config config = {{"height", height_}, {"width", width_}};
  return config.update(write_options(options_, resizing_fields));
}
Resizing Resizing::from_config(const Config& c) {
  return Resizing(c.get<std::int64_t>("height"), c.get<std::int64_t>("width"),
                  read_options<ResizingOptions>(c, resizing_fields));
}

}  // namespace strata::layers
