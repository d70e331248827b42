/// \file
/// Pictures: reading and writing JPEG and PNG files, as keras.utils does it with Pillow, and with Pillow's numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "strata/tensor.h"

namespace strata {

/// A picture in memory: `height` x `width` pixels of one (grey), three (RGB) or four (RGBA) values from 0 to 255.
/// A grey one may hold larger numbers (Pillow's modes "I" and "I;16"): its pixels are int32 then. Copies share the
/// pixels, which never change.
class STRATA_API Image {
 public:
  /// No picture: every use is an error.
  Image() = default;
  /// (height, width, channels) of uint8 with 1, 3 or 4 channels, or of int32 with one. Throws ShapeError, DTypeError.
  explicit Image(const Tensor& pixels);

  std::int64_t height() const { return pixels().shape()[0]; }
  std::int64_t width() const { return pixels().shape()[1]; }
  std::int64_t channels() const { return pixels().shape()[2]; }
  /// "L", "RGB", "RGBA", or "I" for grey of more than 8 bits.
  std::string mode() const;
  /// (height, width, channels).
  const Tensor& pixels() const;

  /// Resampled as by Pillow: `interpolation` is "nearest", "bilinear", "bicubic", "lanczos", "box" or "hamming", all
  /// but the first with a filter that widens where the picture shrinks. Throws ValueError.
  Image resize(std::int64_t height, std::int64_t width, const std::string& interpolation = "bicubic") const;
  /// In another colour mode: "grayscale", "rgb" or "rgba". Grey of colours is (299 R + 587 G + 114 B) / 1000 (ITU-R
  /// 601); transparency is dropped.
  Image convert(const std::string& color_mode) const;

 private:
  Tensor pixels_;
};

namespace utils {

struct LoadImgOptions {
  std::string color_mode = "rgb";              ///< "grayscale", "rgb" or "rgba"
  std::vector<std::int64_t> target_size = {};  ///< {height, width}; empty keeps the picture's own
  std::string interpolation = "nearest";       ///< as in Image::resize
  bool keep_aspect_ratio = false;              ///< cut the middle in the target's proportions out before resizing
  bool exif_orientation = false;               ///< turn the picture as its camera's note says (Keras leaves it)
};

struct ImgToArrayOptions {
  std::string data_format = "channels_last";  ///< or "channels_first"
  DType dtype = float32;
};

struct ArrayToImgOptions {
  std::string data_format = "channels_last";  ///< or "channels_first"
  bool scale = true;                          ///< stretch the values so that they go from 0 to 255
};

struct SaveImgOptions {
  std::string data_format = "channels_last";  ///< or "channels_first"
  std::string file_format = {};               ///< "png" or "jpeg"; empty: by the path's ending
  bool scale = true;                          ///< stretch the values so that they go from 0 to 255
  int quality = 75;                           ///< of JPEG, 1 to 100
};

struct EncodeJpegOptions {
  int quality = 75;  ///< 1 to 100
};

/// Reads a JPEG or PNG file. Grey of 16 bits stays that in color_mode "grayscale" and is cut at 255 in the others, as
/// by Pillow. Throws FileError where the file is missing, of another kind, cut short or damaged, or claims more than
/// 178,956,970 pixels; ValueError for a wrong option.
///
///     Image image = utils::load_img("cat.jpg", {.target_size = {224, 224}, .interpolation = "bilinear"});
STRATA_API Image load_img(const std::string& path, const LoadImgOptions& options = {});
/// The same from the bytes of a file. `where` is what messages call them.
STRATA_API Image decode_image(std::string_view bytes, const LoadImgOptions& options = {},
                              const std::string& where = "image");

/// (height, width, channels) of 0 to 255, or (channels, height, width).
STRATA_API Tensor img_to_array(const Image& image, const ImgToArrayOptions& options = {});
/// A picture of a tensor of three dimensions with 1, 3 or 4 channels. Without `scale` values are cut to integers; they
/// should be from 0 to 255. Throws ShapeError.
STRATA_API Image array_to_img(const Tensor& x, const ArrayToImgOptions& options = {});

/// Writes a PNG or JPEG file; it appears under its name when it is complete. JPEG has no transparency: an alpha channel
/// is dropped. Throws FileError where it cannot be written, ValueError for an unknown format.
STRATA_API void save_img(const std::string& path, const Tensor& x, const SaveImgOptions& options = {});
STRATA_API void save_img(const std::string& path, const Image& image, const SaveImgOptions& options = {});

/// The bytes of a PNG file.
STRATA_API std::string encode_png(const Image& image);
/// The bytes of a JPEG file, with colours at half resolution as is usual.
STRATA_API std::string encode_jpeg(const Image& image, const EncodeJpegOptions& options = {});

}  // namespace utils
}  // namespace strata
