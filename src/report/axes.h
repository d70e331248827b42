// A frame with two scales: ticks, grid, labels, and a legend.
#pragma once

#include <string>
#include <vector>

#include "report/canvas.h"

namespace strata::plot {

struct Range {
  double low = 0, high = 1;
};

struct Rectangle {
  double x = 0, y = 0, width = 0, height = 0;
};

struct Scales {
  Range x, y;
  bool log_y = false;
  std::string title, x_label, y_label;
  double font_size = 10;
  bool whole_x = false;  // ticks at whole numbers alone
};

// Round numbers (1, 2 or 5 times a power of ten) inside the range, about `count` of them.
std::vector<double> round_ticks(const Range& range, int count, bool whole = false);
// As short as it can be: "0.25", "1e-05", "20000".
std::string tick_text(double value);
// The smallest range with all finite values, somewhat widened; [0, 1] without any.
Range range_of(const std::vector<double>& values, double margin = 0.05);

class Axes {
 public:
  // Draws the frame into the space; what is left inside the labels is the area.
  Axes(Canvas& canvas, const Rectangle& space, const Scales& scales);
  Point at(double x, double y) const;
  const Rectangle& area() const { return area_; }
  // Curves are cut at the frame, and broken where a value is not finite.
  void curve(const std::vector<double>& x, const std::vector<double>& y, const Stroke& stroke);
  struct Entry {
    std::string name;
    Stroke stroke;
  };
  // In the corner that is named by shares: (1, 0) is the upper right one.
  void legend(const std::vector<Entry>& entries, double right, double bottom);

 private:
  double share_y(double y) const;
  void draw_x_axis(const std::vector<double>& ticks);
  void draw_y_axis(const std::vector<double>& ticks);
  std::vector<double> y_ticks() const;

  Canvas& canvas_;
  Scales scales_;
  Rectangle area_;
};

}  // namespace strata::plot
