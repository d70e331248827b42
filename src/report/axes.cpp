#include "report/axes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace strata::plot {

std::vector<double> round_ticks(const Range& range, int count, bool whole) {
  const double span = range.high - range.low;
  if (!(span > 0) || !std::isfinite(span)) return {range.low};
  const double rough = span / std::max(1, count);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (double m : {1., 2., 5.})
    if (m * power >= rough * 0.999) {
      step = m * power;
      break;
    }
  if (whole) step = std::max(1.0, std::round(step));
  std::vector<double> out;
  for (double k = std::ceil(range.low / step - 1e-9); k * step <= range.high + span * 1e-9; ++k)
    out.push_back(std::abs(k * step) < step * 1e-9 ? 0 : k * step);
  return out;
}

std::string tick_text(double value) { return fmt::format("{:.6g}", value); }

Range range_of(const std::vector<double>& values, double margin) {
  Range r{INFINITY, -INFINITY};
  for (double v : values)
    if (std::isfinite(v)) {
      r.low = std::min(r.low, v);
      r.high = std::max(r.high, v);
    }
  if (!(r.low <= r.high)) return {0, 1};
  const double span = r.high > r.low ? r.high - r.low : std::max(1e-6, std::abs(r.low) * 0.1);
  return {r.low - span * margin, r.high + span * margin};
}

Axes::Axes(Canvas& canvas, const Rectangle& space, const Scales& scales) : canvas_(canvas), scales_(scales) {
  const double size = scales.font_size;
  const auto ticks = y_ticks();
  double label_width = 0;
  for (double t : ticks) label_width = std::max(label_width, canvas.text_size(tick_text(t), {.size = size}).x);
  const double left = label_width + 8 + (scales.y_label.empty() ? 0 : size * 1.6);
  const double top = scales.title.empty() ? size : size * 2.4;
  const double bottom = size * 2 + (scales.x_label.empty() ? 0 : size * 1.6);
  area_ = {space.x + left, space.y + top, std::max(1.0, space.width - left - size),
           std::max(1.0, space.height - top - bottom)};
  draw_y_axis(ticks);
  draw_x_axis(round_ticks(scales.x, static_cast<int>(std::clamp(area_.width / (size * 6), 2.0, 10.0)), scales.whole_x));
  canvas.frame(area_.x, area_.y, area_.width, area_.height, {kMuted, 0.8});
  if (!scales.title.empty())
    canvas.text({area_.x + area_.width / 2, space.y + size * 1.25}, scales.title,
                {.size = size * 1.2, .horizontal = 0.5, .bold = true});
}

double Axes::share_y(double y) const {
  if (!scales_.log_y) return (y - scales_.y.low) / (scales_.y.high - scales_.y.low);
  const double low = std::log10(scales_.y.low);
  return (std::log10(y) - low) / (std::log10(scales_.y.high) - low);
}

Point Axes::at(double x, double y) const {
  return {area_.x + (x - scales_.x.low) / (scales_.x.high - scales_.x.low) * area_.width,
          area_.y + (1 - share_y(y)) * area_.height};
}

std::vector<double> Axes::y_ticks() const {
  if (!scales_.log_y) return round_ticks(scales_.y, 6);
  std::vector<double> out;
  for (double e = std::ceil(std::log10(scales_.y.low)); std::pow(10, e) <= scales_.y.high * 1.0001; ++e)
    out.push_back(std::pow(10, e));
  return out.size() < 2 ? round_ticks(scales_.y, 6) : out;
}

void Axes::draw_x_axis(const std::vector<double>& ticks) {
  const double size = scales_.font_size, end = area_.y + area_.height;
  for (double t : ticks) {
    const Point p = at(t, scales_.y.low);
    canvas_.line({p.x, area_.y}, {p.x, end}, {kGrid, 0.6});
    canvas_.text({p.x, end + 4}, tick_text(t), {.size = size, .horizontal = 0.5, .vertical = 0});
  }
  canvas_.text({area_.x + area_.width / 2, end + size * 1.7}, scales_.x_label,
               {.size = size, .horizontal = 0.5, .vertical = 0});
}

void Axes::draw_y_axis(const std::vector<double>& ticks) {
  const double size = scales_.font_size;
  double widest = 0;
  for (double t : ticks) {
    const Point p = at(scales_.x.low, t);
    canvas_.line({area_.x, p.y}, {area_.x + area_.width, p.y}, {kGrid, 0.6});
    canvas_.text({area_.x - 5, p.y}, tick_text(t), {.size = size, .horizontal = 1});
    widest = std::max(widest, canvas_.text_size(tick_text(t), {.size = size}).x);
  }
  canvas_.text({area_.x - widest - 8 - size * 0.8, area_.y + area_.height / 2}, scales_.y_label,
               {.size = size, .horizontal = 0.5, .angle = 90});
}

void Axes::curve(const std::vector<double>& x, const std::vector<double>& y, const Stroke& stroke) {
  canvas_.clip(area_.x, area_.y, area_.width, area_.height);
  std::vector<Point> run;
  const auto end_run = [&] {
    if (run.size() == 1)
      canvas_.dot(run[0], stroke.width * 1.5, stroke.color);
    else
      canvas_.polyline(run, stroke);
    run.clear();
  };
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (std::isfinite(x[i]) && std::isfinite(y[i]) && (!scales_.log_y || y[i] > 0))
      run.push_back(at(x[i], y[i]));
    else
      end_run();
  }
  end_run();
  canvas_.end_clip();
}

void Axes::legend(const std::vector<Entry>& entries, double right, double bottom) {
  const double size = scales_.font_size * 0.95, line = size * 1.5;
  double width = 0;
  for (const Entry& e : entries) width = std::max(width, canvas_.text_size(e.name, {.size = size}).x);
  width += 34 + size * 0.6;
  const double height = line * static_cast<double>(entries.size()) + size * 0.6;
  const double x = area_.x + 7 + right * (area_.width - width - 14);
  const double y = area_.y + 7 + bottom * (area_.height - height - 14);
  canvas_.rectangle(x, y, width, height, rgb(0xffffff, 0.85));
  canvas_.frame(x, y, width, height, {rgb(0xcccccc), 0.6});
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const double middle = y + size * 0.3 + line * (static_cast<double>(i) + 0.5);
    canvas_.line({x + 6, middle}, {x + 27, middle}, entries[i].stroke);
    canvas_.text({x + 32, middle}, entries[i].name, {.size = size});
  }
}

}  // namespace strata::plot
