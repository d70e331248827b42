#include "report/canvas.h"

#include <cairo/cairo-pdf.h>
#include <cairo/cairo-svg.h>
#include <cairo/cairo.h>
#include <fmt/format.h>
#include <pango/pangocairo.h>

#include <cmath>

#include "core/atomic_file.h"

namespace strata::plot {

namespace {

struct Free {
  void operator()(cairo_t* p) const { cairo_destroy(p); }
  void operator()(cairo_surface_t* p) const { cairo_surface_destroy(p); }
  void operator()(PangoLayout* p) const { g_object_unref(p); }
  void operator()(PangoFontDescription* p) const { pango_font_description_free(p); }
  void operator()(cairo_font_options_t* p) const { cairo_font_options_destroy(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

Owned<PangoLayout> layout_of(cairo_t* cairo, const std::string& text, const TextStyle& style) {
  Owned<PangoLayout> layout(pango_cairo_create_layout(cairo));
  // Outlines unchanged by hints: the same picture in each resolution and format.
  const Owned<cairo_font_options_t> options(cairo_font_options_create());
  cairo_font_options_set_hint_style(options.get(), CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options.get(), CAIRO_HINT_METRICS_OFF);
  cairo_font_options_set_antialias(options.get(), CAIRO_ANTIALIAS_GRAY);
  PangoContext* context = pango_layout_get_context(layout.get());
  pango_cairo_context_set_font_options(context, options.get());
  pango_cairo_context_set_resolution(context, 72);
  const Owned<PangoFontDescription> font(pango_font_description_from_string("DejaVu Sans"));
  pango_font_description_set_size(font.get(), static_cast<int>(style.size * PANGO_SCALE));
  if (style.bold) pango_font_description_set_weight(font.get(), PANGO_WEIGHT_BOLD);
  pango_layout_set_font_description(layout.get(), font.get());
  pango_layout_set_text(layout.get(), text.c_str(), static_cast<int>(text.size()));
  return layout;
}

Point size_of(PangoLayout* layout) {
  int width = 0, height = 0;
  pango_layout_get_size(layout, &width, &height);
  return {static_cast<double>(width) / PANGO_SCALE, static_cast<double>(height) / PANGO_SCALE};
}

void use(cairo_t* cairo, const Color& c) { cairo_set_source_rgba(cairo, c.r, c.g, c.b, c.alpha); }

}  // namespace

void Canvas::rectangle(double x, double y, double width, double height, const Color& fill) {
  use(cairo_, fill);
  cairo_rectangle(cairo_, x, y, width, height);
  cairo_fill(cairo_);
}

void Canvas::set(const Stroke& stroke) {
  use(cairo_, stroke.color);
  cairo_set_line_width(cairo_, stroke.width);
  const double dashes[] = {4, 2.5};
  cairo_set_dash(cairo_, dashes, stroke.dashed ? 2 : 0, 0);
  cairo_set_line_join(cairo_, CAIRO_LINE_JOIN_ROUND);
}

void Canvas::frame(double x, double y, double width, double height, const Stroke& stroke) {
  set(stroke);
  cairo_rectangle(cairo_, x, y, width, height);
  cairo_stroke(cairo_);
}

void Canvas::polyline(const std::vector<Point>& points, const Stroke& stroke) {
  if (points.empty()) return;
  set(stroke);
  cairo_move_to(cairo_, points[0].x, points[0].y);
  for (const Point& p : points) cairo_line_to(cairo_, p.x, p.y);
  cairo_stroke(cairo_);
}

void Canvas::dot(Point center, double radius, const Color& fill) {
  use(cairo_, fill);
  cairo_arc(cairo_, center.x, center.y, radius, 0, 2 * M_PI);
  cairo_fill(cairo_);
}

void Canvas::text(Point at, const std::string& text, const TextStyle& style) {
  if (text.empty()) return;
  const auto layout = layout_of(cairo_, text, style);
  const Point size = size_of(layout.get());
  cairo_save(cairo_);
  cairo_translate(cairo_, at.x, at.y);
  cairo_rotate(cairo_, -style.angle * M_PI / 180);
  cairo_move_to(cairo_, -size.x * style.horizontal, -size.y * style.vertical);
  use(cairo_, style.color);
  pango_cairo_show_layout(cairo_, layout.get());
  cairo_restore(cairo_);
}

Point Canvas::text_size(const std::string& text, const TextStyle& style) {
  return size_of(layout_of(cairo_, text, style).get());
}

void Canvas::image(double x, double y, double width, double height, const Pixels& pixels) {
  const Owned<cairo_surface_t> surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, pixels.width, pixels.height));
  unsigned char* data = cairo_image_surface_get_data(surface.get());
  const int stride = cairo_image_surface_get_stride(surface.get());
  for (int i = 0; i < pixels.height; ++i) {
    auto* row = reinterpret_cast<std::uint32_t*>(data + static_cast<std::ptrdiff_t>(i) * stride);
    for (int j = 0; j < pixels.width; ++j) {
      const std::uint8_t* p = &pixels.rgb[static_cast<std::size_t>(i * pixels.width + j) * 3];
      row[j] = static_cast<std::uint32_t>(p[0]) << 16 | static_cast<std::uint32_t>(p[1]) << 8 | p[2];
    }
  }
  cairo_surface_mark_dirty(surface.get());
  cairo_save(cairo_);
  cairo_translate(cairo_, x, y);
  cairo_scale(cairo_, width / pixels.width, height / pixels.height);
  cairo_set_source_surface(cairo_, surface.get(), 0, 0);
  cairo_pattern_set_filter(cairo_get_source(cairo_), CAIRO_FILTER_NEAREST);
  cairo_rectangle(cairo_, 0, 0, pixels.width, pixels.height);
  cairo_fill(cairo_);
  cairo_restore(cairo_);
}

void Canvas::clip(double x, double y, double width, double height) {
  cairo_save(cairo_);
  cairo_rectangle(cairo_, x, y, width, height);
  cairo_clip(cairo_);
}
void Canvas::end_clip() { cairo_restore(cairo_); }

namespace {

cairo_status_t append(void* bytes, const unsigned char* data, unsigned length) {
  static_cast<std::string*>(bytes)->append(reinterpret_cast<const char*>(data), length);
  return CAIRO_STATUS_SUCCESS;
}

void check(cairo_status_t status) {
  if (status != CAIRO_STATUS_SUCCESS)
    throw Error(std::string("plot: the figure cannot be drawn: ") + cairo_status_to_string(status) + ".");
}

void draw_on(cairo_surface_t* surface, const detail::Drawing& drawing, double scale) {
  const Owned<cairo_t> cairo(cairo_create(surface));
  cairo_scale(cairo.get(), scale, scale);
  Canvas canvas(cairo.get());
  canvas.rectangle(0, 0, drawing.width, drawing.height, kWhite);
  drawing.draw(canvas);
  check(cairo_status(cairo.get()));
}

Owned<cairo_surface_t> rasterize(const detail::Drawing& drawing) {
  const double scale = drawing.dpi / 72;
  Owned<cairo_surface_t> surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24,
                                                            static_cast<int>(std::lround(drawing.width * scale)),
                                                            static_cast<int>(std::lround(drawing.height * scale))));
  check(cairo_surface_status(surface.get()));
  draw_on(surface.get(), drawing, scale);
  cairo_surface_flush(surface.get());
  return surface;
}

}  // namespace

Figure make_figure(const FigureSize& size, double dpi, std::function<void(Canvas&)> draw, const std::string& where) {
  if (!(size.width > 0 && size.height > 0 && size.width <= 200 && size.height <= 200))
    throw ValueError(fmt::format("{}: figure_size is {} x {} inches; give positive sizes up to 200.", where, size.width,
                                 size.height));
  if (!(dpi >= 1 && dpi <= 2400)) throw ValueError(fmt::format("{}: dpi is {}; give 1 to 2400.", where, dpi));
  if (size.width * dpi > 30000 || size.height * dpi > 30000)
    throw ValueError(fmt::format("{}: {} x {} inches at {} dpi is more than 30000 pixels a side.", where, size.width,
                                 size.height, dpi));
  return Figure(
      std::make_shared<detail::Drawing>(detail::Drawing{size.width * 72, size.height * 72, dpi, std::move(draw)}));
}

Figure::Figure(std::shared_ptr<const detail::Drawing> drawing) : drawing_(std::move(drawing)) {}
Figure::~Figure() = default;
Figure::Figure(const Figure&) = default;
Figure& Figure::operator=(const Figure&) & = default;

FigureSize Figure::size() const { return {drawing_->width / 72, drawing_->height / 72}; }

std::string Figure::to_bytes(std::string_view format) const {
  std::string bytes;
  if (format == "png") {
    check(cairo_surface_write_to_png_stream(rasterize(*drawing_).get(), &append, &bytes));
  } else if (format == "svg" || format == "pdf") {
    const auto create = format == "svg" ? &cairo_svg_surface_create_for_stream : &cairo_pdf_surface_create_for_stream;
    const Owned<cairo_surface_t> surface(create(&append, &bytes, drawing_->width, drawing_->height));
    draw_on(surface.get(), *drawing_, 1);
    cairo_surface_finish(surface.get());
    check(cairo_surface_status(surface.get()));
  } else {
    throw ValueError(fmt::format("Figure: the format \"{}\" is not known. Use png, svg or pdf.", format));
  }
  return bytes;
}

void Figure::save(const std::string& path) const {
  const std::size_t dot = path.rfind('.');
  const std::string ending = dot == std::string::npos ? "" : path.substr(dot + 1);
  if (ending != "png" && ending != "svg" && ending != "pdf")
    throw ValueError(fmt::format("Figure::save: '{}' ends neither in .png, .svg nor .pdf.", path));
  const std::string bytes = to_bytes(ending);
  AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

Tensor Figure::to_tensor() const {
  const auto surface = rasterize(*drawing_);
  const int width = cairo_image_surface_get_width(surface.get()),
            height = cairo_image_surface_get_height(surface.get());
  const unsigned char* data = cairo_image_surface_get_data(surface.get());
  const int stride = cairo_image_surface_get_stride(surface.get());
  std::vector<std::uint8_t> pixels;
  pixels.reserve(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
  for (int i = 0; i < height; ++i) {
    const auto* row = reinterpret_cast<const std::uint32_t*>(data + static_cast<std::ptrdiff_t>(i) * stride);
    for (int j = 0; j < width; ++j)
      for (int shift : {16, 8, 0}) pixels.push_back(static_cast<std::uint8_t>((row[j] >> shift) & 0xff));
  }
  return Tensor::adopt(std::move(pixels), {height, width, 3});
}

}  // namespace strata::plot
