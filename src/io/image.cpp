// Image, and the functions of keras.utils on it.
#include "strata/image.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>

#include "core/file.h"
#include "core/tensor_data.h"
#include "io/image_codec.h"
#include "strata/array.h"

namespace strata {

Image::Image(const Tensor& pixels) : pixels_(pixels) {
  if (!pixels.defined() || pixels.is_symbolic())
    throw ValueError("Image: the tensor has no elements. Give it (height, width, channels) of values.");
  const Shape& s = pixels.shape();
  if (s.size() != 3 || (s[2] != 1 && s[2] != 3 && s[2] != 4))
    throw ShapeError("Image: the pixels have shape " + to_string(s) +
                     ". Expected (height, width, channels) with 1, 3 or 4 channels.");
  if (pixels.dtype() != uint8 && !(pixels.dtype() == int32 && s[2] == 1))
    throw DTypeError("Image: the pixels are " + to_string(pixels.dtype()) +
                     ". Expected uint8, or int32 for grey of more than 8 bits. Use utils::array_to_img.");
}

const Tensor& Image::pixels() const {
  if (!pixels_.defined()) throw ValueError("Image: this one is empty. Assign a picture to it first.");
  return pixels_;
}

std::string Image::mode() const {
  if (pixels().dtype() == int32) return "I";
  return channels() == 1 ? "L" : channels() == 3 ? "RGB" : "RGBA";
}

Image Image::resize(std::int64_t height, std::int64_t width, const std::string& interpolation) const {
  io::check_interpolation("Image::resize", interpolation);
  if (height < 1 || width < 1 || pixels().size() == 0)
    throw ValueError("Image::resize: from " + to_string(pixels().shape()) + " to (" + std::to_string(height) + ", " +
                     std::to_string(width) + ") is not possible: all sides must be positive.");
  return Image(io::resample(pixels(), {0, 0, this->height(), this->width()}, height, width, interpolation));
}

namespace {

template <class In>
std::uint8_t grey_of(const In* p, std::int64_t channels) {
  if (channels == 1) return static_cast<std::uint8_t>(std::clamp<int>(static_cast<int>(p[0]), 0, 255));
  return static_cast<std::uint8_t>((p[0] * 19595 + p[1] * 38470 + p[2] * 7471 + 0x8000) >> 16);
}

template <class In>
Tensor with_channels(const Tensor& pixels, std::int64_t to) {
  const std::int64_t from = pixels.shape()[2], n = from == 0 ? 0 : pixels.size() / from;
  const Tensor out = detail::allocate({pixels.shape()[0], pixels.shape()[1], to}, uint8);
  const In* in = detail::elements<In>(pixels);
  auto* p = detail::mutable_elements<std::uint8_t>(out);
  for (std::int64_t i = 0; i < n; ++i, in += from, p += to) {
    if (to == 1 || from == 1)
      std::fill_n(p, std::min<std::int64_t>(to, 3), grey_of(in, from));
    else
      std::copy_n(in, 3, p);
    if (to == 4) p[3] = 255;
  }
  return out;
}

}  // namespace

Image Image::convert(const std::string& color_mode) const {
  std::int64_t to = 0;
  if (color_mode == "grayscale")
    to = 1;
  else if (color_mode == "rgb")
    to = 3;
  else if (color_mode == "rgba")
    to = 4;
  else
    throw ValueError("Image::convert: color_mode is \"" + color_mode + "\". Use \"grayscale\", \"rgb\" or \"rgba\".");
  if (to == channels()) return *this;
  return Image(pixels().dtype() == int32 ? with_channels<std::int32_t>(pixels(), to)
                                         : with_channels<std::uint8_t>(pixels(), to));
}

namespace io {

void check_size(const std::string& where, std::uint64_t height, std::uint64_t width, std::size_t bytes,
                double per_byte) {
  const double pixels = static_cast<double>(height) * static_cast<double>(width);
  const std::string size = std::to_string(height) + " x " + std::to_string(width) + " pixels";
  if (height == 0 || width == 0) throw FileError(where + ": the picture has " + size + ".");
  if (pixels > static_cast<double>(kMaxPixels))
    throw FileError(where + ": the file claims " + size + ", more than the " + std::to_string(kMaxPixels) +
                    " that are read. Make the picture smaller first.");
  if (pixels > static_cast<double>(bytes) * per_byte + 4096)
    throw FileError(where + ": the file claims " + size + ", which its " + std::to_string(bytes) +
                    " bytes cannot hold. It is damaged or cut short.");
}

int exif_orientation(std::string_view tiff) {
  constexpr unsigned kOrientation = 0x0112, kShort = 3;
  if (tiff.size() < 8 || (tiff.substr(0, 2) != "II" && tiff.substr(0, 2) != "MM")) return 1;
  const bool little = tiff[0] == 'I';
  auto number = [&](std::size_t at, std::size_t bytes) -> std::optional<std::uint32_t> {
    if (at > tiff.size() || bytes > tiff.size() - at) return std::nullopt;
    std::uint32_t v = 0;
    for (std::size_t i = 0; i < bytes; ++i)
      v = (v << 8) | static_cast<std::uint8_t>(tiff[at + (little ? bytes - 1 - i : i)]);
    return v;
  };
  const std::size_t table = *number(4, 4);
  const std::uint32_t entries = number(table, 2).value_or(0);
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::size_t at = table + 2 + std::size_t{12} * i;
    const auto tag = number(at, 2), type = number(at + 2, 2), value = number(at + 8, 2);
    if (!tag || !type || !value) return 1;
    if (*tag == kOrientation && *type == kShort) return *value >= 1 && *value <= 8 ? static_cast<int>(*value) : 1;
  }
  return 1;
}

Tensor upright(const Tensor& pixels, int from) {
  Tensor x = pixels;
  if (from >= 5) x = transpose(x, {1, 0, 2});
  // What is left is mirrored: 2 left to right, 4 top to bottom, 3 both; 5 to 8 are 1, 4, 3 and 2 transposed.
  const bool sideways = from == 2 || from == 3 || from == 6 || from == 7;
  const bool headlong = from == 3 || from == 4 || from == 7 || from == 8;
  if (sideways) x = flip(x, 1);
  if (headlong) x = flip(x, 0);
  return x;
}

}  // namespace io

namespace {

void check_data_format(const char* where, const std::string& format) {
  if (format != "channels_last" && format != "channels_first")
    throw ValueError(std::string(where) + ": data_format is \"" + format +
                     "\". Use \"channels_last\" or \"channels_first\".");
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// "png" or "jpeg".
std::string format_of(const std::string& path, const std::string& given) {
  std::string format = lower(given);
  if (format.empty()) {
    const std::size_t dot = path.find_last_of("./");
    if (dot != std::string::npos && path[dot] == '.') format = lower(path.substr(dot + 1));
  }
  if (format == "jpg") format = "jpeg";
  if (format != "png" && format != "jpeg")
    throw ValueError("save_img: '" + path + "' is to be of format \"" + format +
                     "\". Use a name that ends in .png, .jpg or .jpeg, or file_format = \"png\" or \"jpeg\".");
  return format;
}

std::string kind_of(std::string_view bytes) {
  if (bytes.starts_with("GIF8")) return "a GIF file";
  if (bytes.starts_with("BM")) return "a BMP file";
  if (bytes.starts_with("RIFF") && bytes.substr(0, 12).ends_with("WEBP")) return "a WebP file";
  if (bytes.starts_with("II*") || bytes.starts_with("MM")) return "a TIFF file";
  return bytes.empty() ? "an empty file" : "no picture";
}

std::array<std::int64_t, 4> crop_box(std::int64_t height, std::int64_t width, std::int64_t to_height,
                                     std::int64_t to_width, bool keep_aspect_ratio) {
  if (!keep_aspect_ratio) return {0, 0, height, width};
  const std::int64_t h = std::min(height, width * to_height / to_width);
  const std::int64_t w = std::min(width, height * to_width / to_height);
  return {(height - h) / 2, (width - w) / 2, std::max<std::int64_t>(h, 1), std::max<std::int64_t>(w, 1)};
}

}  // namespace

Image io::fitted(const Image& picture, const utils::LoadImgOptions& options) {
  const Image image = picture.convert(options.color_mode);
  if (options.target_size.empty()) return image;
  const std::int64_t height = options.target_size[0], width = options.target_size[1];
  const auto box = crop_box(image.height(), image.width(), height, width, options.keep_aspect_ratio);
  return Image(resample(image.pixels(), box, height, width, options.interpolation));
}

namespace utils {

Image decode_image(std::string_view bytes, const LoadImgOptions& options, const std::string& where) {
  if (!options.target_size.empty() &&
      (options.target_size.size() != 2 || options.target_size[0] < 1 || options.target_size[1] < 1))
    throw ValueError("load_img: target_size must be {height, width}, both positive, or empty.");
  io::check_interpolation("load_img", options.interpolation);
  if (options.color_mode != "rgb" && options.color_mode != "rgba" && options.color_mode != "grayscale")
    throw ValueError("load_img: color_mode is \"" + options.color_mode + "\". Use \"grayscale\", \"rgb\" or \"rgba\".");
  io::Decoded decoded;
  if (bytes.starts_with("\x89PNG\r\n\x1a\n"))
    decoded = io::decode_png(bytes, where, options.color_mode == "rgba");
  else if (bytes.starts_with("\xff\xd8\xff"))
    decoded = io::decode_jpeg(bytes, where);
  else
    throw FileError(where + ": this is " + kind_of(bytes) +
                    ". JPEG and PNG files can be read; convert it to one of them first.");
  if (options.exif_orientation) decoded.pixels = io::upright(decoded.pixels, decoded.orientation);
  return io::fitted(Image(decoded.pixels), options);
}

Image load_img(const std::string& path, const LoadImgOptions& options) {
  const InputFile file(path);
  std::string bytes(static_cast<std::size_t>(file.size()), '\0');
  file.read_at(0, bytes.data(), bytes.size());
  return decode_image(bytes, options, "load_img: '" + path + "'");
}

Tensor img_to_array(const Image& image, const ImgToArrayOptions& options) {
  check_data_format("img_to_array", options.data_format);
  const Tensor x = cast(image.pixels(), options.dtype);
  return options.data_format == "channels_first" ? transpose(x, {2, 0, 1}) : x;
}

Image array_to_img(const Tensor& x, const ArrayToImgOptions& options) {
  check_data_format("array_to_img", options.data_format);
  if (!x.defined() || x.is_symbolic())
    throw ValueError("array_to_img: the tensor has no elements. Give it an image of values.");
  if (x.rank() != 3)
    throw ShapeError("array_to_img: the tensor has shape " + to_string(x.shape()) +
                     ". Expected one image of three dimensions: (height, width, channels).");
  const Tensor image = options.data_format == "channels_first" ? transpose(x, {1, 2, 0}) : x;
  const std::int64_t channels = image.shape()[2];
  if (channels != 1 && channels != 3 && channels != 4)
    throw ShapeError("array_to_img: the image has " + std::to_string(channels) + " channels (shape " +
                     to_string(x.shape()) + ", " + options.data_format + "). Expected 1, 3 or 4.");
  std::vector<float> v = image.to_vector<float>();
  for (const float f : v)
    if (!std::isfinite(f)) throw ValueError("array_to_img: the tensor holds NaN or infinite values.");
  if (options.scale && !v.empty()) {
    const float low = *std::min_element(v.begin(), v.end());
    float high = 0;
    for (float& f : v) high = std::max(high, f -= low);
    for (float& f : v) f = (high != 0 ? f / high : f) * 255;
  }
  const bool wide = channels == 1 && std::any_of(v.begin(), v.end(), [](float f) { return f > 255; });
  const Tensor out = detail::allocate(image.shape(), wide ? int32 : uint8);
  auto whole = [](float f) { return static_cast<std::int64_t>(std::clamp(f, -2e9f, 2e9f)); };
  for (std::size_t i = 0; i < v.size(); ++i) {
    if (wide)
      detail::mutable_elements<std::int32_t>(out)[i] = static_cast<std::int32_t>(whole(v[i]));
    else
      detail::mutable_elements<std::uint8_t>(out)[i] = static_cast<std::uint8_t>(whole(v[i]));
  }
  return Image(out);
}

void save_img(const std::string& path, const Image& image, const SaveImgOptions& options) {
  const std::string format = format_of(path, options.file_format);
  const std::string bytes = format == "png" ? encode_png(image) : encode_jpeg(image, {.quality = options.quality});
  AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

void save_img(const std::string& path, const Tensor& x, const SaveImgOptions& options) {
  format_of(path, options.file_format);  // an unknown format is an error before any work
  save_img(path, array_to_img(x, {.data_format = options.data_format, .scale = options.scale}), options);
}

}  // namespace utils
}  // namespace strata
