/// \file
/// Plots as PNG, SVG and PDF: heat maps, grids of images, curves, histograms. Sizes are in inches, as Matplotlib's.
///
/// Each function makes a Figure; nothing is written before save(). Colours can be told apart by the colour-blind. Bad
/// shapes and options throw ValueError.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "strata/logs.h"
#include "strata/tensor.h"

namespace strata {

class Layer;

namespace plot {

namespace detail {
struct Drawing;
}

/// Width and height in inches: `.figure_size = {10, 8}`.
struct FigureSize {
  double width = 0, height = 0;
};

/// A picture, drawn when it is saved. Copies share it.
class STRATA_API Figure {
 public:
  explicit Figure(std::shared_ptr<const detail::Drawing> drawing);
  ~Figure();
  Figure(const Figure&);
  Figure& operator=(const Figure&) &;

  /// Writes .png, .svg or .pdf, as the name ends. Throws ValueError for another ending, FileError.
  void save(const std::string& path) const;
  /// The bytes of such a file: format "png", "svg" or "pdf".
  std::string to_bytes(std::string_view format) const;
  /// The pixels, uint8 of shape (height, width, 3): for summary::image.
  Tensor to_tensor() const;
  FigureSize size() const;

 private:
  std::shared_ptr<const detail::Drawing> drawing_;
};

struct HeatmapOptions {
  std::string title = {};
  std::vector<std::string> tick_labels = {};                     ///< of rows and columns
  std::vector<std::string> row_labels = {}, column_labels = {};  ///< where they differ
  std::string x_label = {}, y_label = {};
  bool annotate = false;    ///< writes the value into each cell
  std::string format = {};  ///< of the values, as ".2f"; by default whole numbers as such and others with 2 digits
  double font_size = 10;    ///< in points, of values and labels
  FigureSize figure_size = {};
  std::string colormap = "blues";              ///< or "viridis", "magma", "gray", "coolwarm"
  std::optional<double> vmin = {}, vmax = {};  ///< what the ends of the colours mean
  bool colorbar = true;
  double dpi = 100;
};
/// A matrix (rows, columns) as coloured cells.
STRATA_API Figure heatmap(const Tensor& values, const HeatmapOptions& options = {});

struct ImageGridOptions {
  int rows = 0, columns = 0;  ///< 0: as many as are needed, near a square
  Tensor labels = {};         ///< a class number for each image
  std::vector<std::string> label_names = {};
  std::vector<std::string> titles = {};  ///< one for each image, in place of labels
  std::string title = {};
  std::string colormap = "gray";  ///< of images with one channel
  FigureSize figure_size = {};
  double font_size = 9;
  double dpi = 100;
};
/// Images (n, h, w), (n, h, w, 1) or (n, h, w, 3), each with its label below. uint8, or floats of 0..1 or 0..255.
STRATA_API Figure image_grid(const Tensor& images, const ImageGridOptions& options = {});

/// One curve.
struct Series {
  std::string name = {};
  std::vector<double> x = {}, y = {};  ///< without x: 0, 1, 2, ...
  bool dashed = false;
};
struct LineOptions {
  std::string title = {}, x_label = {}, y_label = {};
  std::optional<double> x_min = {}, x_max = {}, y_min = {}, y_max = {};
  bool log_y = false;
  FigureSize figure_size = {6.4, 4.8};
  double font_size = 10;
  double dpi = 100;
};
/// Curves in one frame; values that are not finite leave gaps.
STRATA_API Figure lines(const std::vector<Series>& series, const LineOptions& options = {});

/// What fit() returned: a frame for the loss and for each metric, training and validation together.
STRATA_API Figure history(const History& history, const LineOptions& options = {});

struct ClassCurveOptions {
  std::vector<std::string> class_names = {};
  std::string title = {};
  FigureSize figure_size = {6.4, 5.6};
  int n_bins = 10;  ///< of calibration
  double font_size = 10;
  double dpi = 100;
};
/// ROC curves, one for each class, with their areas. y_score: (n,) for two classes, else (n, classes).
STRATA_API Figure roc_curve(const Tensor& y_true, const Tensor& y_score, const ClassCurveOptions& options = {});
/// Precision over recall, one curve for each class, with their average precisions.
STRATA_API Figure precision_recall_curve(const Tensor& y_true, const Tensor& y_score,
                                         const ClassCurveOptions& options = {});
/// How often predictions of some confidence come true. For several classes: that of the predicted class.
STRATA_API Figure calibration_curve(const Tensor& y_true, const Tensor& y_score, const ClassCurveOptions& options = {});

struct HistogramOptions {
  int bins = 30;
  std::string title = {}, x_label = {}, y_label = "count";
  FigureSize figure_size = {6.4, 4.8};
  double font_size = 10;
  double dpi = 100;
};
/// How often values fall into equal bins.
STRATA_API Figure histogram(const Tensor& values, const HistogramOptions& options = {});

struct BarOptions {
  std::string title = {}, x_label = {};
  std::string format = {};  ///< of the number at each bar's end
  FigureSize figure_size = {};
  double font_size = 10;
  double dpi = 100;
};
/// Horizontal bars from top to bottom.
STRATA_API Figure bars(const std::vector<std::pair<std::string, double>>& values, const BarOptions& options = {});

struct MapsOptions {
  int max_maps = 64;
  std::string title = {};
  std::string colormap = "viridis";
  FigureSize figure_size = {};
  double dpi = 100;
};
/// The first kernel of a layer, or a kernel (height, width, in, out): each filter an image, in colour with 3 inputs.
STRATA_API Figure weights(const Tensor& kernel, const MapsOptions& options = {.colormap = "coolwarm"});
STRATA_API Figure weights(const Layer& layer, const MapsOptions& options = {.colormap = "coolwarm"});
/// The channels of one sample's output, (h, w, channels) or (1, h, w, channels).
STRATA_API Figure feature_maps(const Tensor& maps, const MapsOptions& options = {});

}  // namespace plot
}  // namespace strata
