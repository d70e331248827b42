// What figures are drawn on: Cairo and Pango behind a few plain calls. Units are points, 72 an inch, y downwards.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "strata/plot.h"

typedef struct _cairo cairo_t;

namespace strata::plot {

struct Color {
  double r = 0, g = 0, b = 0, alpha = 1;
};
constexpr Color rgb(std::uint32_t hex, double alpha = 1) {
  return {((hex >> 16) & 0xff) / 255., ((hex >> 8) & 0xff) / 255., (hex & 0xff) / 255., alpha};
}
constexpr Color kInk = rgb(0x222222), kMuted = rgb(0x777777), kGrid = rgb(0xe3e3e3), kWhite = rgb(0xffffff);

// Okabe and Ito's colours, which the colour-blind can tell apart; later ones repeat.
Color series_color(std::size_t i);
// The colour of a share between 0 and 1. Throws ValueError for a name that is not known.
Color map_color(const std::string& colormap, double share);
void check_colormap(const std::string& colormap, const std::string& where);
// Black or white, whichever can be read on it.
Color readable_on(const Color& background);

struct Point {
  double x, y;
};
struct Stroke {
  Color color = kInk;
  double width = 1;
  bool dashed = false;
};
struct TextStyle {
  double size = 10;
  Color color = kInk;
  double horizontal = 0;  // 0: the text begins at x; 0.5: is centred; 1: ends there
  double vertical = 0.5;  // 0: its top is at y; 1: its bottom
  double angle = 0;       // degrees, against the clock
  bool bold = false;
};
struct Pixels {
  int width = 0, height = 0;
  std::vector<std::uint8_t> rgb;  // 3 bytes a pixel
};

class Canvas {
 public:
  explicit Canvas(cairo_t* context) : cairo_(context) {}
  void rectangle(double x, double y, double width, double height, const Color& fill);
  void frame(double x, double y, double width, double height, const Stroke& stroke);
  void line(Point from, Point to, const Stroke& stroke) { polyline({from, to}, stroke); }
  void polyline(const std::vector<Point>& points, const Stroke& stroke);
  void dot(Point center, double radius, const Color& fill);
  void text(Point at, const std::string& text, const TextStyle& style);
  // Width and height without rotation.
  Point text_size(const std::string& text, const TextStyle& style);
  // Pixels are drawn as squares, not blurred.
  void image(double x, double y, double width, double height, const Pixels& pixels);
  void clip(double x, double y, double width, double height);
  void end_clip();

 private:
  void set(const Stroke& stroke);
  cairo_t* cairo_;
};

namespace detail {
struct Drawing {
  double width, height;  // points
  double dpi;
  std::function<void(Canvas&)> draw;
};
}  // namespace detail

Figure make_figure(const FigureSize& size, double dpi, std::function<void(Canvas&)> draw, const std::string& where);

}  // namespace strata::plot
