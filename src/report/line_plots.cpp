// Curves, histograms and bars.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "report/axes.h"
#include "report/targets.h"
#include "strata/evaluation.h"
#include "strata/reduce.h"

namespace strata::plot {

namespace {

struct Panel {
  std::vector<Series> series;
  LineOptions options;
  double legend_right = 1, legend_bottom = 0;
  bool whole_x = false;
};

std::vector<double> counted(std::size_t n) {
  std::vector<double> x(n);
  std::iota(x.begin(), x.end(), 0.0);
  return x;
}

Scales scales_of(const Panel& panel) {
  const LineOptions& o = panel.options;
  std::vector<double> xs, ys;
  for (const Series& s : panel.series) {
    xs.insert(xs.end(), s.x.begin(), s.x.end());
    for (double y : s.y)
      if (!o.log_y || y > 0) ys.push_back(y);
  }
  Scales out{range_of(xs, 0.02), range_of(ys, 0.06), o.log_y,     o.title,
             o.x_label,          o.y_label,          o.font_size, panel.whole_x};
  if (o.log_y) {
    const Range r = range_of(ys, 0);
    out.y = {std::max(r.low, 1e-300) / 1.2, r.high * 1.2};
  }
  const auto set = [](double& to, const std::optional<double>& from) { to = from.value_or(to); };
  set(out.x.low, o.x_min);
  set(out.x.high, o.x_max);
  set(out.y.low, o.y_min);
  set(out.y.high, o.y_max);
  return out;
}

void draw_panel(Canvas& canvas, const Rectangle& space, const Panel& panel) {
  Axes axes(canvas, space, scales_of(panel));
  std::vector<Axes::Entry> entries;
  for (std::size_t i = 0; i < panel.series.size(); ++i) {
    const Series& s = panel.series[i];
    const bool is_reference = s.dashed && s.name.empty();
    // Colours come again after seven, dashed.
    const Stroke stroke{is_reference ? kMuted : series_color(i), is_reference ? 1.0 : 1.8, s.dashed || i >= 7};
    axes.curve(s.x, s.y, stroke);
    if (!s.name.empty()) entries.push_back({s.name, stroke});
  }
  if (!entries.empty()) axes.legend(entries, panel.legend_right, panel.legend_bottom);
}

Figure panel_figure(const Panel& panel, const std::string& where) {
  const FigureSize size = panel.options.figure_size;
  return make_figure(
      size, panel.options.dpi,
      [=](Canvas& canvas) {
        draw_panel(canvas, {4, 4, size.width * 72 - 8, size.height * 72 - 8}, panel);
      },
      where);
}

std::vector<Series> check_series(std::vector<Series> series, const std::string& where) {
  if (series.empty()) throw ValueError(where + ": there is no curve to draw.");
  for (Series& s : series) {
    if (s.x.empty()) s.x = counted(s.y.size());
    if (s.x.size() != s.y.size())
      throw ValueError(
          fmt::format("{}: curve '{}' has {} x and {} y. Give equally many.", where, s.name, s.x.size(), s.y.size()));
  }
  return series;
}

// Where a falling curve leaves room, and where a rising one does.
void place_legend(Panel& panel) {
  double change = 0;
  for (const Series& s : panel.series)
    if (s.y.size() > 1 && std::isfinite(s.y.front()) && std::isfinite(s.y.back())) change += s.y.back() - s.y.front();
  panel.legend_bottom = change > 0 ? 1 : 0;
}

}  // namespace

Figure lines(const std::vector<Series>& series, const LineOptions& options) {
  Panel panel{check_series(series, "plot::lines"), options};
  place_legend(panel);
  return panel_figure(panel, "plot::lines");
}

Figure history(const History& history, const LineOptions& options) {
  const std::string where = "plot::history";
  std::vector<Panel> panels;
  std::vector<double> epochs(history.epoch.begin(), history.epoch.end());
  for (double& e : epochs) e += 1;
  for (const auto& [name, values] : history.history) {
    if (name.starts_with("val_") && history.history.contains(name.substr(4))) continue;
    Panel panel;
    panel.options = options;
    panel.options.title = name;
    panel.options.x_label = options.x_label.empty() ? "epoch" : options.x_label;
    panel.whole_x = true;
    const auto x = [&](std::size_t n) { return epochs.size() == n ? epochs : counted(n); };
    panel.series.push_back({"training", x(values.size()), values});
    if (history.history.contains("val_" + name)) {
      const auto& validated = history.history.at("val_" + name);
      panel.series.push_back({"validation", x(validated.size()), validated});
    }
    place_legend(panel);
    panels.push_back(panel);
  }
  if (panels.empty()) throw ValueError(where + ": the history is empty. Train with fit() for an epoch or more.");
  const auto columns = std::min<std::size_t>(panels.size(), 2), rows = (panels.size() + columns - 1) / columns;
  FigureSize size = options.figure_size;
  if (size.width == LineOptions{}.figure_size.width && size.height == LineOptions{}.figure_size.height)
    size = {columns == 1 ? 6.4 : 10.0, 4.0 * static_cast<double>(rows)};
  return make_figure(
      size, options.dpi,
      [=](Canvas& canvas) {
        const double w = (size.width * 72 - 8) / static_cast<double>(columns);
        const double h = (size.height * 72 - 8) / static_cast<double>(rows);
        for (std::size_t i = 0; i < panels.size(); ++i)
          draw_panel(canvas, {4 + w * static_cast<double>(i % columns), 4 + h * static_cast<double>(i / columns), w, h},
                     panels[i]);
      },
      where);
}

namespace {

using evaluation::Labels;
using evaluation::Matrix;

// For each class: its name, who belongs to it, and its column of scores.
struct OneClass {
  std::string name;
  Tensor is_positive, score;
};

std::vector<OneClass> split_classes(const Tensor& y_true, const Tensor& y_score, const ClassCurveOptions& options,
                                    const std::string& where) {
  const Matrix score = evaluation::read_scores(y_score, where + ": y_score");
  const Labels y = evaluation::is_multilabel(y_true) ? argmax(y_true, 1).to_vector<std::int64_t>()
                                                     : evaluation::read_labels(y_true, where + ": y_true");
  evaluation::check_lengths(y.size(), static_cast<std::size_t>(score.rows), where);
  const Labels present = evaluation::sorted_unique(y);
  std::vector<OneClass> out;
  const bool two = score.columns <= 2;
  for (std::int64_t c = two ? score.columns - 1 : 0; c < score.columns; ++c) {
    // The columns are the labels 0, 1, ...; with one column the last label is the positive one.
    const std::int64_t label = two ? present.back() : c;
    std::vector<std::int64_t> positive;
    std::vector<double> column;
    for (std::int64_t i = 0; i < score.rows; ++i) {
      positive.push_back(y[static_cast<std::size_t>(i)] == label);
      column.push_back(score.at(i, c));
    }
    const auto index = static_cast<std::size_t>(label);
    const std::string name = label >= 0 && index < options.class_names.size() ? options.class_names[index]
                                                                              : "class " + std::to_string(label);
    out.push_back({name, Tensor::adopt(std::move(positive), {score.rows}), evaluation::to_tensor(std::move(column))});
  }
  return out;
}

Panel class_panel(const ClassCurveOptions& o, const std::string& title, const char* x_label, const char* y_label) {
  Panel panel;
  panel.options = {.title = o.title.empty() ? title : o.title,
                   .x_label = x_label,
                   .y_label = y_label,
                   .x_min = -0.02,
                   .x_max = 1.02,
                   .y_min = -0.02,
                   .y_max = 1.04,
                   .figure_size = o.figure_size,
                   .font_size = o.font_size,
                   .dpi = o.dpi};
  panel.legend_bottom = 1;
  return panel;
}

}  // namespace

Figure roc_curve(const Tensor& y_true, const Tensor& y_score, const ClassCurveOptions& options) {
  const std::string where = "plot::roc_curve";
  Panel panel = class_panel(options, "ROC curve", "false positive rate", "true positive rate");
  for (const OneClass& c : split_classes(y_true, y_score, options, where)) {
    const auto curve = evaluation::roc_curve(c.is_positive, c.score, {.pos_label = 1});
    const double area = evaluation::roc_auc_score(c.is_positive, c.score);
    panel.series.push_back(
        {fmt::format("{} ({:.3f})", c.name, area), curve.fpr.to_vector<double>(), curve.tpr.to_vector<double>()});
  }
  panel.series.push_back({"", {0, 1}, {0, 1}, true});
  return panel_figure(panel, where);
}

Figure precision_recall_curve(const Tensor& y_true, const Tensor& y_score, const ClassCurveOptions& options) {
  const std::string where = "plot::precision_recall_curve";
  Panel panel = class_panel(options, "Precision and recall", "recall", "precision");
  panel.legend_right = 0;
  for (const OneClass& c : split_classes(y_true, y_score, options, where)) {
    const auto curve = evaluation::precision_recall_curve(c.is_positive, c.score, {.pos_label = 1});
    const double average = evaluation::average_precision_score(c.is_positive, c.score);
    panel.series.push_back({fmt::format("{} ({:.3f})", c.name, average), curve.recall.to_vector<double>(),
                            curve.precision.to_vector<double>()});
  }
  return panel_figure(panel, where);
}

Figure calibration_curve(const Tensor& y_true, const Tensor& y_score, const ClassCurveOptions& options) {
  const std::string where = "plot::calibration_curve";
  const auto classes = split_classes(y_true, y_score, options, where);
  Panel panel = class_panel(options, "Calibration", "predicted probability", "share that is right");
  panel.legend_right = 0;
  panel.legend_bottom = 0;
  panel.series.push_back({"", {0, 1}, {0, 1}, true});
  Tensor truth = classes[0].is_positive, confidence = classes[0].score;
  std::string name = classes[0].name;
  if (classes.size() > 1) {
    // Of the class that is predicted: how sure, and whether rightly.
    const Tensor chosen = argmax(y_score, 1);
    const auto c = chosen.to_vector<std::int64_t>();
    std::vector<std::int64_t> right;
    for (std::size_t i = 0; i < c.size(); ++i)
      right.push_back(classes[static_cast<std::size_t>(c[i])].is_positive.data<std::int64_t>()[i]);
    const auto n = static_cast<std::int64_t>(right.size());
    truth = Tensor::adopt(std::move(right), {n});
    confidence = evaluation::to_tensor(reduce_max(y_score, 1).to_vector<double>());
    name = "predicted class";
  }
  const auto curve = evaluation::calibration_curve(truth, confidence, {.pos_label = 1, .n_bins = options.n_bins});
  panel.series.push_back({name, curve.prob_pred.to_vector<double>(), curve.prob_true.to_vector<double>()});
  return panel_figure(panel, where);
}

Figure histogram(const Tensor& values, const HistogramOptions& options) {
  const std::string where = "plot::histogram";
  if (!values.defined() || values.size() == 0) throw ValueError(where + ": there are no values.");
  if (options.bins < 1) throw ValueError(fmt::format("{}: bins is {}; give 1 or more.", where, options.bins));
  const std::vector<double> all = values.to_vector<double>();
  Range x = range_of(all, 0);
  if (!(x.high > x.low)) x = {x.low - 0.5, x.low + 0.5};
  std::vector<double> counts(static_cast<std::size_t>(options.bins), 0.0);
  for (double v : all)
    if (std::isfinite(v)) {
      const auto bin = static_cast<int>((v - x.low) / (x.high - x.low) * options.bins);
      counts[static_cast<std::size_t>(std::min(bin, options.bins - 1))] += 1;
    }
  const double most = *std::max_element(counts.begin(), counts.end());
  return make_figure(
      options.figure_size, options.dpi,
      [=](Canvas& canvas) {
        const double margin = (x.high - x.low) * 0.02;
        Axes axes(canvas, {4, 4, options.figure_size.width * 72 - 8, options.figure_size.height * 72 - 8},
                  {{x.low - margin, x.high + margin},
                   {0, most * 1.05 + 1e-9},
                   false,
                   options.title,
                   options.x_label,
                   options.y_label,
                   options.font_size});
        for (std::size_t i = 0; i < counts.size(); ++i) {
          const double step = (x.high - x.low) / options.bins;
          const Point a = axes.at(x.low + step * static_cast<double>(i), counts[i]);
          const Point b = axes.at(x.low + step * static_cast<double>(i + 1), 0);
          canvas.rectangle(a.x, a.y, b.x - a.x - 0.5, b.y - a.y, series_color(0));
        }
      },
      where);
}

Figure bars(const std::vector<std::pair<std::string, double>>& values, const BarOptions& options) {
  const std::string where = "plot::bars";
  if (values.empty()) throw ValueError(where + ": there are no values.");
  FigureSize size = options.figure_size;
  const double line = options.font_size * 1.7;
  if (size.width == 0 && size.height == 0)
    size = {6.4, (line * static_cast<double>(values.size()) + options.font_size * 5) / 72};
  double most = 1e-12;
  for (const auto& [name, v] : values) most = std::max(most, v);
  return make_figure(
      size, options.dpi,
      [=](Canvas& canvas) {
        const TextStyle style{.size = options.font_size};
        double left = 0;
        for (const auto& [name, v] : values) left = std::max(left, canvas.text_size(name, style).x);
        left += 12;
        const double top = options.title.empty() ? 8 : options.font_size * 2.6;
        const double width = size.width * 72 - left - options.font_size * 6;
        canvas.text({size.width * 36, options.font_size * 1.4}, options.title,
                    {.size = options.font_size * 1.2, .horizontal = 0.5, .bold = true});
        for (std::size_t i = 0; i < values.size(); ++i) {
          const double y = top + line * static_cast<double>(i), w = std::max(0.0, values[i].second) / most * width;
          canvas.text({left - 6, y + line / 2}, values[i].first, {.size = options.font_size, .horizontal = 1});
          canvas.rectangle(left, y + line * 0.15, w, line * 0.7, series_color(0));
          const std::string format = "{:" + (options.format.empty() ? ".4g" : options.format) + "}";
          canvas.text({left + w + 4, y + line / 2}, fmt::format(fmt::runtime(format), values[i].second),
                      {.size = options.font_size * 0.9, .color = kMuted});
        }
        canvas.text({left + width / 2, size.height * 72 - options.font_size}, options.x_label,
                    {.size = options.font_size, .horizontal = 0.5});
      },
      where);
}

}  // namespace strata::plot
