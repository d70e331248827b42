// Summary values as TensorFlow and TensorBoard write them: serialized tensorflow.Summary.Value messages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "models/model_graph.h"
#include "strata/tensor.h"

namespace strata::summary {

// Which dashboard shows a value, and what it must know of it.
struct Plugin {
  std::string_view name;
  std::string content = {};
  int data_class = 0;  // tensorflow.DataClass: 0 is said by the plugin, 1 scalar, 2 tensor, 3 blobs
};

std::string float_tensor(const std::vector<float>& values, const Shape& shape);
std::string double_tensor(const std::vector<double>& values, const Shape& shape);
std::string string_tensor(const std::vector<std::string>& values, const Shape& shape);
std::string summary_value(const std::string& tag, const std::string& tensor, const Plugin& plugin);

std::string scalar_value(const std::string& tag, float number);
// (n, h, w, channels): width, height, and a PNG for each image.
std::string image_value(const std::string& tag, const Tensor& images, int max_outputs);
// Rows of left edge, right edge and count.
std::string histogram_value(const std::string& tag, const Tensor& values, int buckets);
std::string text_value(const std::string& tag, const std::vector<std::string>& texts, const Shape& shape);
std::string pr_curve_value(const std::string& tag, const Tensor& labels, const Tensor& predictions, int thresholds);
// The layers of a model as Keras's JSON, for the conceptual graph.
std::string keras_graph_value(const std::string& tag, const ModelGraph& graph);
// A tensorflow.GraphDef of the ops, grouped by the layers that called them.
std::string graph_def(const Graph& graph);

}  // namespace strata::summary
