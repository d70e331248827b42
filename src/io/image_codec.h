// The two picture formats: from bytes to pixels and back.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "strata/image.h"

namespace strata::io {

// As Pillow's limit against files that decode to more than memory holds.
inline constexpr std::int64_t kMaxPixels = 178956970;

struct Decoded {
  Tensor pixels;        // (h, w, c): what Image holds
  int orientation = 1;  // EXIF's, 1 to 8
};

// Pixels of whatever kind the file holds; `alpha`: keep transparency, as a fourth channel. Throws FileError.
Decoded decode_png(std::string_view bytes, const std::string& where, bool alpha);
Decoded decode_jpeg(std::string_view bytes, const std::string& where);

// EXIF's orientation in a block that begins with the TIFF header; 1 where there is none.
STRATA_API int exif_orientation(std::string_view tiff);
// Turned and mirrored so that orientation `from` becomes 1.
STRATA_API Tensor upright(const Tensor& pixels, int from);

// Throws FileError where a file of `bytes` bytes cannot hold such a picture: at most `per_byte` pixels are in each.
void check_size(const std::string& where, std::uint64_t height, std::uint64_t width, std::size_t bytes,
                double per_byte);

// Pillow's resampling of the part {top, left, height, width} of the pixels. `filter` is checked.
Tensor resample(const Tensor& pixels, const std::array<std::int64_t, 4>& box, std::int64_t height, std::int64_t width,
                const std::string& filter);
// Converted and resized as load_img() does it.
Image fitted(const Image& picture, const utils::LoadImgOptions& options);
// Throws ValueError where there is no such interpolation.
void check_interpolation(const std::string& where, const std::string& interpolation);

}  // namespace strata::io
