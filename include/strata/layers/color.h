/// \file
/// Random changes of the colours of pictures, erased rectangles, and RandAugment, which draws among all of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "strata/layers/augmentation.h"

namespace strata::layers {

// As those in augmentation.h, they take pictures (height, width, channels) or batches of them, and change them in
// training alone; each picture gets its own draw. `value_range` says from where to where values go.

/// A part of the way to grey: x + f * (grey - x); a single factor f is {-f, f}, whose negative half adds colour.
class STRATA_API RandomColorDegeneration final : public CustomLayer<RandomColorDegeneration> {
 public:
  explicit RandomColorDegeneration(const Factor& factor, const RandomColorOptions& options = {});
  Tensor call(const Tensor& images, bool training) const;
  Config get_config() const;
  static RandomColorDegeneration from_config(const Config& config);

 private:
  Factor factor_;
  RandomColorOptions options_;
  SeedSequence seeds_;
};

/// Blurred below a factor of 0.5, sharpened above; a single factor f is {0, f}.
class STRATA_API RandomSharpness final : public CustomLayer<RandomSharpness> {
 public:
  explicit RandomSharpness(const Factor& factor, const RandomColorOptions& options = {});
  Tensor call(const Tensor& images, bool training) const;
  Config get_config() const;
  static RandomSharpness from_config(const Config& config);

 private:
  Factor factor_;
  RandomColorOptions options_;
  SeedSequence seeds_;
};

/// So many bits of eight are kept, 1 to 8; a single factor n is {1, n}, whose upper bound is never drawn.
class STRATA_API RandomPosterization final : public CustomLayer<RandomPosterization> {
 public:
  explicit RandomPosterization(const Factor& factor, const RandomColorOptions& options = {});
  Tensor call(const Tensor& images, bool training) const;
  Config get_config() const;
  static RandomPosterization from_config(const Config& config);

 private:
  Factor factor_;
  RandomColorOptions options_;
  SeedSequence seeds_;
};

struct RandomInvertOptions {
  Factor factor = 1.0;  ///< the probability; a single one is drawn from {0, factor} for each picture
  std::array<double, 2> value_range = {0, 255};
  std::optional<std::int64_t> seed = {};
  std::string data_format = "channels_last";
  std::string name = {}, dtype = {};
};
/// Some pictures as negatives: value_range[1] - x.
class STRATA_API RandomInvert final : public CustomLayer<RandomInvert> {
 public:
  explicit RandomInvert(const RandomInvertOptions& options = {});
  Tensor call(const Tensor& images, bool training) const;
  Config get_config() const;
  static RandomInvert from_config(const Config& config);

 private:
  RandomInvertOptions options_;
  SeedSequence seeds_;
};

struct RandomGrayscaleOptions {
  double factor = 0.5;  ///< the probability
  std::optional<std::int64_t> seed = {};
  std::string data_format = "channels_last";
  std::string name = {}, dtype = {};
};
/// Some pictures in grey, with three equal channels.
class STRATA_API RandomGrayscale final : public CustomLayer<RandomGrayscale> {
 public:
  explicit RandomGrayscale(const RandomGrayscaleOptions& options = {});
  Tensor call(const Tensor& images, bool training) const;
  Config get_config() const;
  static RandomGrayscale from_config(const Config& config);

 private:
  RandomGrayscaleOptions options_;
  SeedSequence seeds_;
};

struct SolarizationOptions {
  Factor addition_factor = 0.0;   ///< of 255, added first; a single factor f is {0, f}
  Factor threshold_factor = 0.0;  ///< of 255: what is not below it is inverted
  std::array<double, 2> value_range = {0, 255};
  std::optional<std::int64_t> seed = {};
  std::string data_format = "channels_last";
  std::string name = {}, dtype = {};
};
/// Bright values inverted, as in a photograph that got light in the dark-room.
class STRATA_API Solarization final : public CustomLayer<Solarization> {
 public:
  explicit Solarization(const SolarizationOptions& options = {});
  Tensor call(const Tensor& images, bool training) const;
  Config get_config() const;
  static Solarization from_config(const Config& config);

 private:
  SolarizationOptions options_;
  SeedSequence seeds_;
};

struct AutoContrastOptions {
  std::array<double, 2> value_range = {0, 255};
  std::string data_format = "channels_last";
  std::string name = {}, dtype = {};
};
/// Each channel of each picture stretched to the whole range; in inference, too, as in Keras.
class STRATA_API AutoContrast final : public CustomLayer<AutoContrast> {
 public:
  explicit AutoContrast(const AutoContrastOptions& options = {});
  Tensor call(const Tensor& images) const;
  Config get_config() const;
  static AutoContrast from_config(const Config& config);

 private:
  AutoContrastOptions options_;
};

struct EqualizationOptions {
  std::array<double, 2> value_range = {0, 255};
  std::int64_t bins = 256;
  std::string data_format = "channels_last";
  std::string name = {}, dtype = {};
};
/// The values of each channel spread so that all are equally frequent, over the whole batch as in Keras.
class STRATA_API Equalization final : public CustomLayer<Equalization> {
 public:
  explicit Equalization(const EqualizationOptions& options = {});
  Tensor call(const Tensor& images, bool training) const;
  Config get_config() const;
  static Equalization from_config(const Config& config);

 private:
  EqualizationOptions options_;
};

struct RandomShearOptions {
  Factor x_factor = 0.0, y_factor = 0.0;  ///< a single factor f is {-f, f}; of ranges, too, the sign is drawn
  std::string interpolation = "bilinear";
  std::string fill_mode = "reflect";
  double fill_value = 0;
  std::optional<std::int64_t> seed = {};
  std::string data_format = "channels_last";
  std::string name = {}, dtype = {};
};
/// Slanted: x moves by a part of y, and y by a part of x.
class STRATA_API RandomShear final : public CustomLayer<RandomShear> {
 public:
  explicit RandomShear(const RandomShearOptions& options = {});
  Tensor call(const Tensor& images, bool training) const;
  Config get_config() const;
  static RandomShear from_config(const Config& config);

 private:
  RandomShearOptions options_;
  SeedSequence seeds_;
};

struct RandomErasingOptions {
  Factor factor = 1.0;                    ///< the probability; a single one is drawn from {0, factor} for each picture
  Factor scale = {0.02, 0.33};            ///< the squares of the rectangle's parts of width and height
  std::optional<double> fill_value = {};  ///< noise where it is not given
  std::array<double, 2> value_range = {0, 255};
  std::optional<std::int64_t> seed = {};
  std::string data_format = "channels_last";
  std::string name = {}, dtype = {};
};
/// A rectangle of each picture filled with a value or with noise (Zhong et al. 2017, arXiv:1708.04896).
class STRATA_API RandomErasing final : public CustomLayer<RandomErasing> {
 public:
  explicit RandomErasing(const RandomErasingOptions& options = {});
  Tensor call(const Tensor& images, bool training) const;
  Config get_config() const;
  static RandomErasing from_config(const Config& config);

 private:
  RandomErasingOptions options_;
  SeedSequence seeds_;
};

struct RandAugmentOptions {
  std::array<double, 2> value_range = {0, 255};
  int num_ops = 2;                         ///< one after another
  Factor factor = 0.5;                     ///< how strong, 0 to 1; a single factor f is {0, f}
  std::string interpolation = "bilinear";  ///< or "nearest"
  std::optional<std::int64_t> seed = {};
  std::string data_format = "channels_last";
  std::string name = {}, dtype = {};
};
/// Changes drawn for each batch among eleven: shear, translation, rotation, brightness, degeneration, contrast,
/// sharpness, posterization, solarization, automatic contrast and equalization (Cubuk et al. 2019, arXiv:1909.13719).
class STRATA_API RandAugment final : public CustomLayer<RandAugment> {
 public:
  explicit RandAugment(const RandAugmentOptions& options = {});
  Tensor call(const Tensor& images, bool training) const;
  Config get_config() const;
  static RandAugment from_config(const Config& config);

 private:
  RandAugmentOptions options_;
  SeedSequence seeds_;
  std::vector<Layer> changes_;
};

}  // namespace strata::layers

namespace strata {
extern template class Custom<layers::RandomColorDegeneration, Layer>;
extern template class Custom<layers::RandomSharpness, Layer>;
extern template class Custom<layers::RandomPosterization, Layer>;
extern template class Custom<layers::RandomInvert, Layer>;
extern template class Custom<layers::RandomGrayscale, Layer>;
extern template class Custom<layers::Solarization, Layer>;
extern template class Custom<layers::AutoContrast, Layer>;
extern template class Custom<layers::Equalization, Layer>;
extern template class Custom<layers::RandomShear, Layer>;
extern template class Custom<layers::RandomErasing, Layer>;
extern template class Custom<layers::RandAugment, Layer>;
}  // namespace strata
