// PNG by libpng.
#include <png.h>

#include <csetjmp>
#include <cstring>
#include <memory>
#include <vector>

#include "core/tensor_data.h"
#include "io/image_codec.h"

namespace strata::io {

namespace {

// Deflate makes at most 1032 bytes of one, and a pixel takes at least one bit.
constexpr double kPixelsPerByte = 1032 * 8;

// libpng reports errors by a jump, over which no C++ object may be destroyed: all state lives here, outside.
struct Reader {
  std::string_view bytes;
  std::size_t at = 0;
  char message[160] = {};
  png_structp png = nullptr;
  png_infop info = nullptr;
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
};

void on_error(png_structp png, png_const_charp text) {
  auto& message = *static_cast<char(*)[160]>(png_get_error_ptr(png));
  std::strncpy(message, text, sizeof message - 1);
  png_longjmp(png, 1);
}
void on_warning(png_structp, png_const_charp) {}

void read_bytes(png_structp png, png_bytep out, std::size_t count) {
  auto& reader = *static_cast<Reader*>(png_get_io_ptr(png));
  if (count > reader.bytes.size() - reader.at) png_error(png, "the file ends too early");
  std::memcpy(out, reader.bytes.data() + reader.at, count);
  reader.at += count;
}

bool read_head(Reader& r) {
  if (setjmp(png_jmpbuf(r.png))) return false;
  png_set_read_fn(r.png, &r, read_bytes);
  png_set_user_limits(r.png, 0x7fffffff, 0x7fffffff);
  png_set_chunk_malloc_max(r.png, 8 << 20);
  png_set_chunk_cache_max(r.png, 128);
  png_read_info(r.png, r.info);
  return true;
}

// Pillow's choices: palettes become colours, small greys are spread over 0..255, colours of 16 bits lose the lower
// half, and grey of 16 bits stays as it is.
bool set_transforms(Reader& r, bool alpha) {
  if (setjmp(png_jmpbuf(r.png))) return false;
  const int type = png_get_color_type(r.png, r.info), depth = png_get_bit_depth(r.png, r.info);
  const bool wide_grey = type == PNG_COLOR_TYPE_GRAY && depth == 16;
  if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(r.png);
  if (type == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(r.png);
  if (depth == 16 && !wide_grey) png_set_strip_16(r.png);
  if (wide_grey) png_set_swap(r.png);
  const bool has_table = png_get_valid(r.png, r.info, PNG_INFO_tRNS) != 0;
  if (alpha && !wide_grey) {
    if (has_table) png_set_tRNS_to_alpha(r.png);
    if ((type & PNG_COLOR_MASK_COLOR) == 0) png_set_gray_to_rgb(r.png);
    if ((type & PNG_COLOR_MASK_ALPHA) == 0 && !has_table) png_set_filler(r.png, 0xff, PNG_FILLER_AFTER);
  } else if ((type & PNG_COLOR_MASK_ALPHA) != 0 || has_table) {
    png_set_strip_alpha(r.png);
  }
  (void)png_set_interlace_handling(r.png);
  png_read_update_info(r.png, r.info);
  return true;
}

bool read_rows(Reader& r, png_bytepp rows) {
  if (setjmp(png_jmpbuf(r.png))) return false;
  png_read_image(r.png, rows);
  png_read_end(r.png, r.info);
  return true;
}

int orientation_of(Reader& r) {
  png_uint_32 count = 0;
  png_bytep block = nullptr;
  if (png_get_eXIf_1(r.png, r.info, &count, &block) == 0) return 1;
  return exif_orientation({reinterpret_cast<const char*>(block), count});
}

Tensor widened(const std::vector<std::uint16_t>& grey, const Shape& shape) {
  const Tensor out = detail::allocate(shape, int32);
  std::copy(grey.begin(), grey.end(), detail::mutable_elements<std::int32_t>(out));
  return out;
}

}  // namespace

Decoded decode_png(std::string_view bytes, const std::string& where, bool alpha) {
  Reader r{bytes};
  auto fail = [&] {
    throw FileError(where + ": the PNG file is damaged or cut short (libpng: " + r.message +
                    "). Get or write the file again.");
  };
  r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r.message, on_error, on_warning);
  r.info = r.png == nullptr ? nullptr : png_create_info_struct(r.png);
  if (r.info == nullptr) throw Error(where + ": libpng has no memory.");
  if (!read_head(r)) fail();
  const std::int64_t height = png_get_image_height(r.png, r.info), width = png_get_image_width(r.png, r.info);
  check_size(where, static_cast<std::uint64_t>(height), static_cast<std::uint64_t>(width), bytes.size(),
             kPixelsPerByte);
  if (!set_transforms(r, alpha)) fail();
  const bool wide = png_get_bit_depth(r.png, r.info) == 16;
  const Shape shape = {height, width, png_get_channels(r.png, r.info)};
  std::vector<std::uint16_t> grey(wide ? static_cast<std::size_t>(height * width) : 0);
  Tensor pixels = wide ? Tensor() : detail::allocate(shape, uint8);
  auto* data = wide ? reinterpret_cast<png_bytep>(grey.data()) : detail::mutable_elements<png_byte>(pixels);
  const std::size_t row = static_cast<std::size_t>(width) * (wide ? 2 : static_cast<std::size_t>(shape[2]));
  if (row != png_get_rowbytes(r.png, r.info)) throw FileError(where + ": the PNG file is of an unknown kind.");
  std::vector<png_bytep> rows;
  for (std::size_t i = 0; i < static_cast<std::size_t>(height); ++i) rows.push_back(data + i * row);
  if (!read_rows(r, rows.data())) fail();
  return {wide ? widened(grey, shape) : pixels, orientation_of(r)};
}

namespace {

struct Writer {
  std::string bytes;
  char message[160] = {};
  png_structp png = nullptr;
  png_infop info = nullptr;
  ~Writer() { png_destroy_write_struct(&png, &info); }
};

void write_bytes(png_structp png, png_bytep data, std::size_t count) {
  static_cast<Writer*>(png_get_io_ptr(png))->bytes.append(reinterpret_cast<const char*>(data), count);
}

bool write_rows(Writer& w, png_bytepp rows, png_uint_32 height, png_uint_32 width, int depth, int type) {
  if (setjmp(png_jmpbuf(w.png))) return false;
  png_set_write_fn(w.png, &w, write_bytes, nullptr);
  png_set_user_limits(w.png, 0x7fffffff, 0x7fffffff);
  png_set_IHDR(w.png, w.info, width, height, depth, type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_write_info(w.png, w.info);
  if (depth == 16) png_set_swap(w.png);
  png_write_image(w.png, rows);
  png_write_end(w.png, nullptr);
  return true;
}

std::vector<std::uint16_t> narrowed(const Tensor& pixels) {
  std::vector<std::uint16_t> out;
  for (const std::int32_t v : pixels.data<std::int32_t>()) {
    if (v < 0 || v > 0xffff)
      throw ValueError("encode_png: a pixel is " + std::to_string(v) +
                       ", but PNG holds grey from 0 to 65535. Scale the values first.");
    out.push_back(static_cast<std::uint16_t>(v));
  }
  return out;
}

}  // namespace
}  // namespace strata::io

namespace strata::utils {

std::string encode_png(const Image& image) {
  const Tensor& pixels = image.pixels();
  if (pixels.size() == 0)
    throw ValueError("encode_png: the picture of " + to_string(pixels.shape()) + " has no pixels.");
  const bool wide = pixels.dtype() == int32;
  std::vector<std::uint16_t> grey;
  if (wide) grey = io::narrowed(pixels);
  const auto* data = wide ? reinterpret_cast<const std::uint8_t*>(grey.data()) : detail::elements<std::uint8_t>(pixels);
  const std::size_t row = static_cast<std::size_t>(image.width() * image.channels()) * (wide ? 2 : 1);
  std::vector<png_bytep> rows;
  for (std::size_t i = 0; i < static_cast<std::size_t>(image.height()); ++i)
    rows.push_back(const_cast<png_bytep>(data + i * row));
  const int type = image.channels() == 1   ? PNG_COLOR_TYPE_GRAY
                   : image.channels() == 3 ? PNG_COLOR_TYPE_RGB
                                           : PNG_COLOR_TYPE_RGB_ALPHA;
  io::Writer w;
  w.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &w.message, io::on_error, io::on_warning);
  w.info = w.png == nullptr ? nullptr : png_create_info_struct(w.png);
  if (w.info == nullptr || !io::write_rows(w, rows.data(), static_cast<png_uint_32>(image.height()),
                                           static_cast<png_uint_32>(image.width()), wide ? 16 : 8, type))
    throw ValueError(std::string("encode_png: the picture cannot be written (libpng: ") + w.message + ").");
  return std::move(w.bytes);
}

}  // namespace strata::utils
