#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/axes.h"

namespace strata::plot {

namespace {

struct Table {
  std::int64_t rows, columns;
  std::vector<double> values;
  bool is_whole = true;
  double low = 0, high = 1;
};

Table read_table(const Tensor& values, const HeatmapOptions& options) {
  const std::string where = "plot::heatmap";
  if (!values.defined() || values.rank() != 2 || values.size() == 0)
    throw ShapeError(fmt::format("{}: the values have shape {}, but a matrix (rows, columns) was expected.", where,
                                 values.defined() ? to_string(values.shape()) : "none"));
  Table t{values.shape()[0], values.shape()[1], values.to_vector<double>()};
  if (t.rows > 2000 || t.columns > 2000)
    throw ShapeError(
        fmt::format("{}: {} x {} cells are too many to be drawn; 2000 a side is the limit.", where, t.rows, t.columns));
  for (double v : t.values) t.is_whole = t.is_whole && v == std::nearbyint(v);
  const Range r = range_of(t.values, 0);
  t.low = options.vmin.value_or(t.is_whole && r.low > 0 ? 0 : r.low);
  t.high = options.vmax.value_or(r.high);
  if (!(t.high > t.low)) t.high = t.low + 1;
  return t;
}

std::string value_text(double v, const std::string& format, bool is_whole) {
  if (std::isnan(v)) return "nan";
  try {
    return format.empty() ? fmt::format(fmt::runtime(is_whole ? "{:.0f}" : "{:.2f}"), v)
                          : fmt::format(fmt::runtime("{:" + format + "}"), v);
  } catch (const fmt::format_error&) {
    throw ValueError("plot::heatmap: format \"" + format + "\" is not one of numbers. Use \".2f\" or \".0f\".");
  }
}

const std::vector<std::string>& check_labels(const std::vector<std::string>& own, const std::vector<std::string>& both,
                                             std::int64_t n, const char* what) {
  const auto& labels = own.empty() ? both : own;
  if (!labels.empty() && static_cast<std::int64_t>(labels.size()) != n)
    throw ValueError(fmt::format("plot::heatmap: {} labels are given for {} {}.", labels.size(), n, what));
  return labels;
}

class Heatmap {
 public:
  Heatmap(Canvas& canvas, const FigureSize& size, const Table& table, const HeatmapOptions& options)
      : canvas_(canvas), table_(table), options_(options), size_(options.font_size) {
    rows_ = check_labels(options.row_labels, options.tick_labels, table.rows, "rows");
    columns_ = check_labels(options.column_labels, options.tick_labels, table.columns, "columns");
    const double width = size.width * 72, height = size.height * 72;
    const double top = options.title.empty() ? size_ : size_ * 2.8;
    const double left = widest(rows_) + size_ * 1.6 + (options.y_label.empty() ? 0 : size_ * 1.6);
    const double bar = options.colorbar ? size_ * 5.5 : size_;
    area_ = {left, top, width - left - bar, height - top - size_ * 2};
    const double cell = area_.width / static_cast<double>(table.columns);
    slanted_ = widest(columns_) > cell * 0.95;
    const double below = slanted_ ? widest(columns_) * 0.72 + size_ : size_ * 1.2;
    area_.height = height - top - below - size_ * 1.2 - (options.x_label.empty() ? 0 : size_ * 1.6);
    area_.width = std::max(area_.width, 1.0);
    area_.height = std::max(area_.height, 1.0);
    below_ = below;
  }

  void draw() {
    draw_cells();
    draw_labels();
    if (options_.colorbar) draw_colorbar();
    canvas_.text({area_.x + area_.width / 2, size_ * 1.4}, options_.title,
                 {.size = size_ * 1.3, .horizontal = 0.5, .bold = true});
    canvas_.text({size_ * 1.1, area_.y + area_.height / 2}, options_.y_label,
                 {.size = size_ * 1.05, .horizontal = 0.5, .angle = 90});
    canvas_.text({area_.x + area_.width / 2, area_.y + area_.height + below_ + size_ * 1.3}, options_.x_label,
                 {.size = size_ * 1.05, .horizontal = 0.5});
  }

 private:
  double widest(const std::vector<std::string>& labels) {
    double w = 0;
    for (const std::string& l : labels) w = std::max(w, canvas_.text_size(l, {.size = size_}).x);
    return w;
  }

  Color color_of(double v) const { return map_color(options_.colormap, (v - table_.low) / (table_.high - table_.low)); }

  void draw_cells() {
    const double w = area_.width / static_cast<double>(table_.columns);
    const double h = area_.height / static_cast<double>(table_.rows);
    const double gap = std::min(w, h) > 6 ? 0.5 : 0;
    for (std::int64_t i = 0; i < table_.rows; ++i)
      for (std::int64_t j = 0; j < table_.columns; ++j) {
        const double v = table_.values[static_cast<std::size_t>(i * table_.columns + j)];
        const double x = area_.x + static_cast<double>(j) * w, y = area_.y + static_cast<double>(i) * h;
        canvas_.rectangle(x, y, w - gap, h - gap, color_of(v));
        if (!options_.annotate) continue;
        const std::string text = value_text(v, options_.format, table_.is_whole);
        // Smaller where the text would touch the next cell.
        const double room = w * 0.9 / std::max(1.0, canvas_.text_size(text, {.size = size_}).x);
        const double size = size_ * std::min({1.0, room, h * 0.8 / (size_ * 1.2)});
        canvas_.text({x + w / 2, y + h / 2}, text,
                     {.size = size, .color = readable_on(color_of(v)), .horizontal = 0.5});
      }
  }

  void draw_labels() {
    const double h = area_.height / static_cast<double>(table_.rows);
    const double w = area_.width / static_cast<double>(table_.columns), bottom = area_.y + area_.height;
    for (std::size_t i = 0; i < rows_.size(); ++i)
      canvas_.text({area_.x - size_ * 0.5, area_.y + h * (static_cast<double>(i) + 0.5)}, rows_[i],
                   {.size = size_, .horizontal = 1});
    for (std::size_t j = 0; j < columns_.size(); ++j) {
      const double x = area_.x + w * (static_cast<double>(j) + 0.5);
      if (slanted_)
        canvas_.text({x + size_ * 0.3, bottom + size_ * 0.5}, columns_[j],
                     {.size = size_, .horizontal = 1, .angle = 45});
      else
        canvas_.text({x, bottom + size_ * 0.4}, columns_[j], {.size = size_, .horizontal = 0.5, .vertical = 0});
    }
  }

  void draw_colorbar() {
    const double x = area_.x + area_.width + size_, width = size_;
    const int steps = 128;
    for (int i = 0; i < steps; ++i)
      canvas_.rectangle(x, area_.y + area_.height * (1 - (i + 1.0) / steps), width, area_.height / steps + 0.6,
                        map_color(options_.colormap, (i + 0.5) / steps));
    canvas_.frame(x, area_.y, width, area_.height, {kMuted, 0.5});
    for (double t : round_ticks({table_.low, table_.high}, 5)) {
      const double y = area_.y + area_.height * (1 - (t - table_.low) / (table_.high - table_.low));
      canvas_.line({x + width, y}, {x + width + 3, y}, {kMuted, 0.8});
      canvas_.text({x + width + 5, y}, tick_text(t), {.size = size_ * 0.9});
    }
  }

  Canvas& canvas_;
  const Table& table_;
  const HeatmapOptions& options_;
  double size_, below_ = 0;
  bool slanted_ = false;
  std::vector<std::string> rows_, columns_;
  Rectangle area_;
};

}  // namespace

Figure heatmap(const Tensor& values, const HeatmapOptions& options) {
  const Table table = read_table(values, options);
  check_colormap(options.colormap, "plot::heatmap");
  check_labels(options.row_labels, options.tick_labels, table.rows, "rows");
  check_labels(options.column_labels, options.tick_labels, table.columns, "columns");
  if (options.annotate) value_text(0, options.format, table.is_whole);
  FigureSize size = options.figure_size;
  if (size.width == 0 && size.height == 0) {
    size.width = std::clamp(2.5 + 0.55 * static_cast<double>(table.columns), 4.0, 12.0);
    size.height = std::clamp(1.8 + 0.5 * static_cast<double>(table.rows), 3.2, 11.0);
  }
  return make_figure(
      size, options.dpi, [=](Canvas& canvas) { Heatmap(canvas, size, table, options).draw(); }, "plot::heatmap");
}

}  // namespace strata::plot
