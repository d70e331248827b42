#include "io/summary_values.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "io/protobuf.h"
#include "strata/array.h"
#include "strata/image.h"

namespace strata::summary {

namespace {

// Field numbers of tensorflow.Summary.Value, SummaryMetadata, its PluginData, TensorProto and TensorShapeProto.
enum ValueField { kTag = 1, kTensor = 8, kMetadata = 9 };
enum MetadataField { kPluginData = 1, kDataClass = 4 };
enum PluginField { kPluginName = 1, kPluginContent = 2 };
enum TensorField { kDtype = 1, kTensorShape = 2, kTensorContent = 4, kStringValue = 8 };
constexpr int kDimension = 2, kSize = 1;
enum TensorType { kFloat = 1, kDouble = 2, kString = 7 };

template <class Bits, class T>
std::string little_endian(const std::vector<T>& values) {
  std::string out;
  out.reserve(values.size() * sizeof(T));
  for (T v : values) {
    const auto bits = std::bit_cast<Bits>(v);
    for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>((bits >> (8 * i)) & 0xff);
  }
  return out;
}

std::string shape_proto(const Shape& shape) {
  std::string out;
  for (std::int64_t n : shape) {
    std::string dimension;
    protozero::pbf_writer(dimension).add_int64(kSize, n);
    protozero::pbf_writer(out).add_message(kDimension, dimension);
  }
  return out;
}

std::string tensor_proto(TensorType type, const std::string& content, const Shape& shape) {
  std::string out;
  protozero::pbf_writer writer(out);
  writer.add_enum(kDtype, type);
  writer.add_message(kTensorShape, shape_proto(shape));
  writer.add_bytes(kTensorContent, content);
  return out;
}

}  // namespace

std::string float_tensor(const std::vector<float>& values, const Shape& shape) {
  return tensor_proto(kFloat, little_endian<std::uint32_t>(values), shape);
}
std::string double_tensor(const std::vector<double>& values, const Shape& shape) {
  return tensor_proto(kDouble, little_endian<std::uint64_t>(values), shape);
}
std::string string_tensor(const std::vector<std::string>& values, const Shape& shape) {
  std::string out;
  protozero::pbf_writer writer(out);
  writer.add_enum(kDtype, kString);
  writer.add_message(kTensorShape, shape_proto(shape));
  for (const std::string& v : values) writer.add_bytes(kStringValue, v);
  return out;
}

std::string summary_value(const std::string& tag, const std::string& tensor, const Plugin& plugin) {
  std::string data, metadata, value;
  {
    protozero::pbf_writer out(data);
    out.add_string(kPluginName, plugin.name.data(), plugin.name.size());
    if (!plugin.content.empty()) out.add_bytes(kPluginContent, plugin.content);
  }
  {
    protozero::pbf_writer out(metadata);
    out.add_message(kPluginData, data);
    if (plugin.data_class != 0) out.add_enum(kDataClass, plugin.data_class);
  }
  protozero::pbf_writer out(value);
  out.add_string(kTag, tag);
  out.add_message(kTensor, tensor);
  out.add_message(kMetadata, metadata);
  return value;
}

std::string scalar_value(const std::string& tag, float number) {
  return summary_value(tag, float_tensor({number}, {}), {"scalars"});
}

std::string image_value(const std::string& tag, const Tensor& images, int max_outputs) {
  const std::int64_t n = std::min<std::int64_t>(images.shape()[0], max_outputs);
  std::vector<std::string> parts = {std::to_string(images.shape()[2]), std::to_string(images.shape()[1])};
  for (std::int64_t i = 0; i < n; ++i) {
    Tensor pixels = images[i];
    if (pixels.dtype() != DType::uint8) {
      // Floats of 0..1, cut where they are beyond.
      const std::vector<float> values = pixels.to_vector<float>();
      std::vector<std::uint8_t> bytes;
      bytes.reserve(values.size());
      for (float v : values)
        bytes.push_back(static_cast<std::uint8_t>(std::isnan(v) ? 0
                                                  : std::clamp(v, 0.f, 1.f) * 255.5f > 255
                                                      ? 255
                                                      : std::clamp(v, 0.f, 1.f) * 255.5f));
      pixels = Tensor::adopt(std::move(bytes), pixels.shape());
    }
    parts.push_back(utils::encode_png(Image(pixels)));
  }
  const auto count = static_cast<std::int64_t>(parts.size());
  return summary_value(tag, string_tensor(parts, {count}), {"images"});
}

std::string histogram_value(const std::string& tag, const Tensor& values, int buckets) {
  std::vector<double> finite;
  for (double v : values.to_vector<double>())
    if (std::isfinite(v)) finite.push_back(v);
  const auto n = static_cast<std::size_t>(buckets);
  std::vector<double> rows(n * 3, 0.0);
  if (!finite.empty() && n > 0) {
    const auto [low, high] = std::minmax_element(finite.begin(), finite.end());
    const double from = *low, to = *high, width = (to - from) / buckets;
    for (std::size_t i = 0; i < n; ++i) {
      rows[3 * i] = width == 0 ? from : from + width * static_cast<double>(i);
      rows[3 * i + 1] = width == 0 || i + 1 == n ? to : from + width * static_cast<double>(i + 1);
    }
    for (double v : finite) {
      // Equal values lie in the last bucket.
      const std::size_t bucket = width == 0 ? n - 1 : std::min(n - 1, static_cast<std::size_t>((v - from) / width));
      rows[3 * bucket + 2] += 1;
    }
  }
  return summary_value(tag, double_tensor(rows, {buckets, 3}), {"histograms"});
}

std::string text_value(const std::string& tag, const std::vector<std::string>& texts, const Shape& shape) {
  return summary_value(tag, string_tensor(texts, shape), {"text"});
}

std::string pr_curve_value(const std::string& tag, const Tensor& labels, const Tensor& predictions, int thresholds) {
  const std::vector<double> y = labels.to_vector<double>(), p = predictions.to_vector<double>();
  const auto n = static_cast<std::size_t>(thresholds);
  // Counted in bins of equal width first; a prediction counts for each threshold up to its own.
  std::vector<double> positive(n, 0.0), negative(n, 0.0);
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double at = std::clamp(p[i], 0.0, 1.0) * static_cast<double>(n - 1);
    (y[i] != 0 ? positive : negative)[static_cast<std::size_t>(at)] += 1;
  }
  for (std::size_t i = n - 1; i-- > 0;) {
    positive[i] += positive[i + 1];
    negative[i] += negative[i + 1];
  }
  std::vector<float> rows;
  const auto add = [&](auto f) {
    for (std::size_t i = 0; i < n; ++i) rows.push_back(static_cast<float>(f(positive[i], negative[i])));
  };
  const double all_positive = positive[0], all_negative = negative[0];
  constexpr double kLeast = 1e-7;  // as in TensorBoard, against division by zero
  add([](double tp, double) { return tp; });
  add([](double, double fp) { return fp; });
  add([&](double, double fp) { return all_negative - fp; });
  add([&](double tp, double) { return all_positive - tp; });
  add([&](double tp, double fp) { return tp / std::max(kLeast, tp + fp); });
  add([&](double tp, double) { return tp / std::max(kLeast, all_positive); });
  std::string content;
  protozero::pbf_writer(content).add_uint32(2, static_cast<std::uint32_t>(thresholds));  // PrCurvePluginData
  return summary_value(tag, float_tensor(rows, {6, thresholds}), {"pr_curves", content});
}

}  // namespace strata::summary
