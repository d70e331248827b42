/// \file
/// Understanding a model: where it looks (Grad-CAM, occlusion), what each layer costs, and drawings by Graphviz.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "strata/model.h"
#include "strata/tensor.h"

namespace strata {

namespace understanding {

/// Where a model looked.
struct Attention {
  Tensor heatmap;                ///< (height, width), float32, 0 to 1
  Tensor overlay;                ///< the picture with the heat over it, uint8 (height, width, 3)
  std::int64_t class_index = 0;  ///< the class that is explained
  double score = 0;              ///< what the model gave for it
};

struct GradCamOptions {
  std::string layer = {};                        ///< as for model.tap(); by default the last one that gives maps
  std::optional<std::int64_t> class_index = {};  ///< the predicted one
  double alpha = 0.6;                            ///< how far the hottest place hides the picture
};
/// Grad-CAM (Selvaraju et al., 2017): the maps of a layer, each weighted by the mean gradient of the class's score
/// (before a softmax) with respect to it; of their sum what is positive. `image`: (height, width, channels) or with a
/// batch of 1. Works for models of every kind. Throws ShapeError where image or layer do not fit.
STRATA_API Attention grad_cam(const Model& model, const Tensor& image, const GradCamOptions& options = {});

struct OcclusionOptions {
  int patch = 8, stride = 4;  ///< pixels
  double fill = 0.5;          ///< the value that hides
  std::optional<std::int64_t> class_index = {};
  double alpha = 0.6;
};
/// How much the class's score falls when a square of the image is hidden; needs no gradients.
STRATA_API Attention occlusion(const Model& model, const Tensor& image, const OcclusionOptions& options = {});

struct CostOptions {
  std::int64_t batch_size = 1;
  bool expand_nested = false;  ///< a row for each innermost layer
  bool measure = true;         ///< runs the model, for the times
  int repetitions = 3;
};
/// What each layer costs in a forward pass.
struct STRATA_API Cost {
  struct Row {
    std::string name, class_name;
    Shape output_shape;
    std::int64_t parameters = 0, multiply_adds = 0, activation_bytes = 0;  ///< of the batch
    double milliseconds = 0;
    double share = 0;  ///< of the time
  };
  std::vector<Row> rows;
  Row total;
  std::string to_string() const;
};
STRATA_API std::ostream& operator<<(std::ostream& out, const Cost& cost);
/// The table of layers. Multiply-adds are those of convolutions and matrix products. The model must be built.
STRATA_API Cost cost(const Model& model, const CostOptions& options = {});

}  // namespace understanding

namespace utils {

struct PlotModelOptions {
  std::string to_file = "model.png";  ///< .png, .svg, .pdf or .dot
  bool show_shapes = false;
  bool show_dtype = false;
  bool show_layer_names = false;
  std::string rankdir = "TB";  ///< or "LR", "BT", "RL"
  bool expand_nested = false;  ///< the layers inside of layers, in frames
  int dpi = 200;
  bool show_layer_activations = false;
  bool show_trainable = false;
};
/// Draws the layers of a model of any kind by Graphviz's program `dot`. The model must be built. Throws ValueError, and
/// Error where `dot` is not installed.
STRATA_API void plot_model(const Model& model, const PlotModelOptions& options = {});
/// The same as Graphviz's text.
STRATA_API std::string model_to_dot(const Model& model, const PlotModelOptions& options = {});

}  // namespace utils
}  // namespace strata
