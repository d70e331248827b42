/// \file
/// Random changes of pictures (height, width, channels) or batches of them, in training alone; and cropping, resizing.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "strata/custom.h"

namespace strata::layers {

/// A number, or the bounds of a range: `0.2` or `{-0.2, 0.3}`. Each layer says what a single number means.
struct STRATA_API Factor {
  double low, high;
  bool is_single = true;
  Factor(double both) : low(both), high(both) {}
  Factor(double low, double high) : low(low), high(high), is_single(false) {}
  Config::Value to_config_value() const;
  static Factor from_config_value(const Config::Value& value);
};

/// The seeds of the draws of one layer. With a seed, a sequence of its own, in which each call has its place (inside a
/// data set's map: each element); without one, and inside function(), the global generator's.
class STRATA_API SeedSequence {
 public:
  explicit SeedSequence(std::optional<std::int64_t> seed);
  std::optional<std::int64_t> next(const Tensor& images) const;

 private:
  std::optional<std::int64_t> seed_;
  std::shared_ptr<std::atomic<std::int64_t>> calls_;
};

struct RandomFlipOptions {
  std::optional<std::int64_t> seed = {};
  std::string data_format = "channels_last";
  std::string name = {}, dtype = {};
};
/// Half of the pictures flipped: "horizontal", "vertical" or "horizontal_and_vertical".
class STRATA_API RandomFlip final : public CustomLayer<RandomFlip> {
 public:
  explicit RandomFlip(const std::string& mode = "horizontal_and_vertical", const RandomFlipOptions& options = {});
  Tensor call(const Tensor& images, bool training) const;
  Config get_config() const;
  static RandomFlip from_config(const Config& config);

 private:
  std::string mode_;
  RandomFlipOptions options_;
  SeedSequence seeds_;
};

struct RandomTranslationOptions {
  std::string fill_mode = "reflect";       ///< or "constant", "wrap", "nearest"
  std::string interpolation = "bilinear";  ///< or "nearest"
  std::optional<std::int64_t> seed = {};
  double fill_value = 0;
  std::string data_format = "channels_last";
  std::string name = {}, dtype = {};
};
/// Moved down by a part of the height and right by a part of the width; a single factor f is {-f, f}.
class STRATA_API RandomTranslation final : public CustomLayer<RandomTranslation> {
 public:
  RandomTranslation(const Factor& height_factor, const Factor& width_factor,
                    const RandomTranslationOptions& options = {});
  Tensor call(const Tensor& images, bool training) const;
  Config get_config() const;
  static RandomTranslation from_config(const Config& config);

 private:
  Factor height_factor_, width_factor_;
  RandomTranslationOptions options_;
  SeedSequence seeds_;
};

struct RandomRotationOptions {
  std::string fill_mode = "reflect", interpolation = "bilinear";
  std::optional<std::int64_t> seed = {};
  double fill_value = 0;
  std::string data_format = "channels_last";
  std::string name = {}, dtype = {};
};
/// Turned by a part of a full circle, counter-clockwise where it is positive; a single factor f is {-f, f}.
class STRATA_API RandomRotation final : public CustomLayer<RandomRotation> {
 public:
  explicit RandomRotation(const Factor& factor, const RandomRotationOptions& options = {});
  Tensor call(const Tensor& images, bool training) const;
  Config get_config() const;
  static RandomRotation from_config(const Config& config);

 private:
  Factor factor_;
  RandomRotationOptions options_;
  SeedSequence seeds_;
};

struct RandomZoomOptions {
  std::optional<Factor> width_factor = {};  ///< without it, the height's: proportions stay
  std::string fill_mode = "reflect", interpolation = "bilinear";
  std::optional<std::int64_t> seed = {};
  double fill_value = 0;
  std::string data_format = "channels_last";
  std::string name = {}, dtype = {};
};
/// Shrunk by 1 + factor where it is positive, enlarged where it is negative; a single factor f is {-f, f}.
class STRATA_API RandomZoom final : public CustomLayer<RandomZoom> {
 public:
  explicit RandomZoom(const Factor& height_factor, const RandomZoomOptions& options = {});
  Tensor call(const Tensor& images, bool training) const;
  Config get_config() const;
  static RandomZoom from_config(const Config& config);

 private:
  Factor height_factor_;
  RandomZoomOptions options_;
  SeedSequence seeds_;
};

struct RandomColorOptions {
  std::array<double, 2> value_range = {0, 255};  ///< results are clipped to it
  std::optional<std::int64_t> seed = {};
  std::string data_format = "channels_last";
  std::string name = {}, dtype = {};
};
/// (x - mean) * f + mean of each channel, f from 1 - low to 1 + high; a single factor is {0, factor}, as in Keras.
class STRATA_API RandomContrast final : public CustomLayer<RandomContrast> {
 public:
  explicit RandomContrast(const Factor& factor, const RandomColorOptions& options = {});
  Tensor call(const Tensor& images, bool training) const;
  Config get_config() const;
  static RandomContrast from_config(const Config& config);

 private:
  Factor factor_;
  RandomColorOptions options_;
  SeedSequence seeds_;
};
/// A part of the value range added to all; a single factor f is {-f, f}.
class STRATA_API RandomBrightness final : public CustomLayer<RandomBrightness> {
 public:
  explicit RandomBrightness(const Factor& factor, const RandomColorOptions& options = {});
  Tensor call(const Tensor& images, bool training) const;
  Config get_config() const;
  static RandomBrightness from_config(const Config& config);

 private:
  Factor factor_;
  RandomColorOptions options_;
  SeedSequence seeds_;
};

struct CropOptions {
  std::optional<std::int64_t> seed = {};
  std::string data_format = "channels_last";
  std::string name = {}, dtype = {};
};
/// A window at a random place, the same for the whole batch; in inference, and where the picture is too small, the
/// middle, resized.
class STRATA_API RandomCrop final : public CustomLayer<RandomCrop> {
 public:
  RandomCrop(std::int64_t height, std::int64_t width, const CropOptions& options = {});
  Tensor call(const Tensor& images, bool training) const;
  Config get_config() const;
  static RandomCrop from_config(const Config& config);

 private:
  std::int64_t height_, width_;
  CropOptions options_;
  SeedSequence seeds_;
};

struct ResizingOptions {
  std::string interpolation = "bilinear";  ///< or "nearest"
  bool crop_to_aspect_ratio = false;       ///< cut the middle in the target's proportions out first
  bool pad_to_aspect_ratio = false;        ///< or add margins of fill_value
  double fill_value = 0;
  std::string data_format = "channels_last";
  std::string name = {}, dtype = {};
};
/// To a size, as tf.image.resize.
class STRATA_API Resizing final : public CustomLayer<Resizing> {
 public:
  Resizing(std::int64_t height, std::int64_t width, const ResizingOptions& options = {});
  Tensor call(const Tensor& images) const;
  Config get_config() const;
  static Resizing from_config(const Config& config);

 private:
  std::int64_t height_, width_;
  ResizingOptions options_;
};
/// The middle; pictures that are too small are resized, their proportions kept by cutting.
class STRATA_API CenterCrop final : public CustomLayer<CenterCrop> {
 public:
  CenterCrop(std::int64_t height, std::int64_t width, const CropOptions& options = {});
  Tensor call(const Tensor& images) const;
  Config get_config() const;
  static CenterCrop from_config(const Config& config);

 private:
  std::int64_t height_, width_;
  CropOptions options_;
};

}  // namespace strata::layers

namespace strata {
extern template class Custom<layers::RandomFlip, Layer>;
extern template class Custom<layers::RandomTranslation, Layer>;
extern template class Custom<layers::RandomRotation, Layer>;
extern template class Custom<layers::RandomZoom, Layer>;
extern template class Custom<layers::RandomContrast, Layer>;
extern template class Custom<layers::RandomBrightness, Layer>;
extern template class Custom<layers::RandomCrop, Layer>;
extern template class Custom<layers::Resizing, Layer>;
extern template class Custom<layers::CenterCrop, Layer>;
}  // namespace strata
