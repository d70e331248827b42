// JPEG by libjpeg-turbo.
#include <cstdio>
// jpeglib.h needs <cstdio> before it.
#include <jerror.h>
#include <jpeglib.h>

#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "core/tensor_data.h"
#include "io/image_codec.h"

namespace strata::io {

namespace {

// A block of 64 pixels takes at least one bit, unless it is coded arithmetically.
constexpr double kPixelsPerByte = 64 * 8;
// Files with thousands of scans over a large picture take hours (CVE-2017-15232 and its like).
constexpr int kMaxScans = 500;

// libjpeg reports errors by a function that must not return: it jumps, over no C++ object that needs destruction.
struct Errors {
  jpeg_error_mgr base;  // first: libjpeg knows only this part
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX] = {};
};

[[noreturn]] void fail(j_common_ptr cinfo) {
  auto* errors = reinterpret_cast<Errors*>(cinfo->err);
  (*cinfo->err->format_message)(cinfo, errors->message);
  std::longjmp(errors->jump, 1);
}

// Warnings that mean lost picture data are errors here; the others leave the picture whole.
void on_message(j_common_ptr cinfo, int level) {
  if (level >= 0) return;
  switch (cinfo->err->msg_code) {
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_JPEG_EOF:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_MUST_RESYNC:
      fail(cinfo);
    default:
      break;
  }
}

void set_errors(Errors& errors, jpeg_error_mgr*& slot) {
  slot = jpeg_std_error(&errors.base);
  errors.base.error_exit = fail;
  errors.base.emit_message = on_message;
}

void on_progress(j_common_ptr cinfo) {
  auto* d = reinterpret_cast<j_decompress_ptr>(cinfo);
  if (cinfo->is_decompressor && d->input_scan_number > kMaxScans) {
    ERREXIT(cinfo, JERR_BAD_PROGRESSION);
  }
}

struct Reader {
  Errors errors;
  jpeg_decompress_struct d{};
  jpeg_progress_mgr progress{};
  Reader() {
    set_errors(errors, d.err);
    progress.progress_monitor = on_progress;
  }
  ~Reader() { jpeg_destroy_decompress(&d); }
};

bool read_head(Reader& r, std::string_view bytes) {
  if (setjmp(r.errors.jump)) return false;
  jpeg_create_decompress(&r.d);
  r.d.progress = &r.progress;
  jpeg_save_markers(&r.d, JPEG_APP0 + 1, 0xffff);
  jpeg_mem_src(&r.d, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&r.d, TRUE);
  switch (r.d.jpeg_color_space) {
    case JCS_GRAYSCALE:
      r.d.out_color_space = JCS_GRAYSCALE;
      break;
    case JCS_CMYK:
    case JCS_YCCK:
      r.d.out_color_space = JCS_CMYK;
      break;
    default:
      r.d.out_color_space = JCS_RGB;
  }
  return true;
}

bool read_rows(Reader& r, std::uint8_t* out, std::size_t row) {
  if (setjmp(r.errors.jump)) return false;
  jpeg_start_decompress(&r.d);
  while (r.d.output_scanline < r.d.output_height) {
    JSAMPROW to = out + row * r.d.output_scanline;
    jpeg_read_scanlines(&r.d, &to, 1);
  }
  jpeg_finish_decompress(&r.d);
  return true;
}

int orientation_of(const Reader& r) {
  for (const auto* m = r.d.marker_list; m != nullptr; m = m->next) {
    const std::string_view block(reinterpret_cast<const char*>(m->data), m->data_length);
    if (block.starts_with(std::string_view("Exif\0\0", 6))) return exif_orientation(block.substr(6));
  }
  return 1;
}

// Ink to light, as Pillow converts; Adobe writes its inks inverted.
Tensor cmyk_to_rgb(const Tensor& inks, bool inverted) {
  const std::int64_t n = inks.size() / 4;
  Shape shape = inks.shape();
  shape[2] = 3;
  const Tensor out = detail::allocate(shape, uint8);
  const auto* in = detail::elements<std::uint8_t>(inks);
  auto* to = detail::mutable_elements<std::uint8_t>(out);
  for (std::int64_t i = 0; i < n; ++i, in += 4, to += 3) {
    const int light = inverted ? in[3] : 255 - in[3];
    for (int c = 0; c < 3; ++c) {
      const int product = (inverted ? 255 - in[c] : in[c]) * light + 128;
      to[c] = static_cast<std::uint8_t>(std::max(0, light - (((product >> 8) + product) >> 8)));
    }
  }
  return out;
}

}  // namespace

Decoded decode_jpeg(std::string_view bytes, const std::string& where) {
  Reader r;
  auto damaged = [&] {
    throw FileError(where + ": the JPEG file is damaged or cut short (libjpeg: " + r.errors.message +
                    "). Get or write the file again.");
  };
  if (!read_head(r, bytes)) damaged();
  check_size(where, r.d.image_height, r.d.image_width, bytes.size(), r.d.arith_code ? 1e9 : kPixelsPerByte);
  const int orientation = orientation_of(r);  // reading the rows frees the markers
  const bool inks = r.d.out_color_space == JCS_CMYK, inverted = r.d.saw_Adobe_marker;
  const std::int64_t channels = r.d.out_color_space == JCS_GRAYSCALE ? 1 : inks ? 4 : 3;
  const Tensor pixels = detail::allocate({r.d.image_height, r.d.image_width, channels}, uint8);
  if (!read_rows(r, detail::mutable_elements<std::uint8_t>(pixels),
                 r.d.image_width * static_cast<std::size_t>(channels)))
    damaged();
  return {inks ? cmyk_to_rgb(pixels, inverted) : pixels, orientation};
}

namespace {

struct Writer {
  Errors errors;
  jpeg_compress_struct c{};
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  Writer() { set_errors(errors, c.err); }
  ~Writer() {
    jpeg_destroy_compress(&c);
    std::free(bytes);
  }
};

bool write_rows(Writer& w, const std::uint8_t* data, JDIMENSION height, JDIMENSION width, int channels, int quality) {
  if (setjmp(w.errors.jump)) return false;
  jpeg_create_compress(&w.c);
  jpeg_mem_dest(&w.c, &w.bytes, &w.size);
  w.c.image_height = height;
  w.c.image_width = width;
  w.c.input_components = channels;
  w.c.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&w.c);
  jpeg_set_quality(&w.c, quality, TRUE);
  jpeg_start_compress(&w.c, TRUE);
  while (w.c.next_scanline < height) {
    auto* row = const_cast<JSAMPROW>(data + static_cast<std::size_t>(w.c.next_scanline) * width * channels);
    jpeg_write_scanlines(&w.c, &row, 1);
  }
  jpeg_finish_compress(&w.c);
  return true;
}

}  // namespace
}  // namespace strata::io

namespace strata::utils {

std::string encode_jpeg(const Image& image, const EncodeJpegOptions& options) {
  if (options.quality < 1 || options.quality > 100)
    throw ValueError("encode_jpeg: quality is " + std::to_string(options.quality) + ". Give a number from 1 to 100.");
  if (image.pixels().dtype() != uint8)
    throw ValueError(
        "encode_jpeg: the picture is grey of more than 8 bits, which JPEG does not have. Scale it to 0..255, or write "
        "a PNG file.");
  const Image opaque = image.channels() == 4 ? image.convert("rgb") : image;
  constexpr std::int64_t kMost = 65500;  // libjpeg's limit
  if (opaque.pixels().size() == 0 || opaque.height() > kMost || opaque.width() > kMost)
    throw ValueError("encode_jpeg: the picture of " + to_string(opaque.pixels().shape()) +
                     " cannot be a JPEG file, whose sides are 1 to 65500 pixels.");
  io::Writer w;
  if (!io::write_rows(w, detail::elements<std::uint8_t>(opaque.pixels()), static_cast<JDIMENSION>(opaque.height()),
                      static_cast<JDIMENSION>(opaque.width()), static_cast<int>(opaque.channels()), options.quality))
    throw ValueError(std::string("encode_jpeg: the picture cannot be written (libjpeg: ") + w.errors.message + ").");
  return std::string(reinterpret_cast<const char*>(w.bytes), w.size);
}

}  // namespace strata::utils
