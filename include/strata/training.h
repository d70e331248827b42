/// \file
/// What compile(), fit(), evaluate() and predict() take. Names and defaults are Keras's.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "strata/callback.h"
#include "strata/layer.h"
#include "strata/logs.h"
#include "strata/loss.h"
#include "strata/metric.h"
#include "strata/optimizer.h"

namespace strata {

namespace data {
class AnyDataset;
namespace detail {
class Source;
}
}  // namespace data

/// One value for all outputs of a model, a list with one for each, or one by output name.
template <class T>
class PerOutput {
 public:
  PerOutput() = default;
  template <class U>
  requires(std::convertible_to<U, T> && !std::same_as<std::remove_cvref_t<U>, PerOutput>) PerOutput(const U& value)
      : values{{std::string(), T(value)}} {}
  PerOutput(std::initializer_list<std::pair<const char*, T>> by_name) {
    for (const auto& [name, value] : by_name) values.emplace_back(name, value);
  }
  PerOutput(std::initializer_list<T> by_position) : PerOutput(std::vector<T>(by_position)) {}
  PerOutput(const std::vector<T>& by_position) : is_list(true) {
    for (const T& value : by_position) values.emplace_back(std::string(), value);
  }
  bool empty() const { return values.empty(); }
  std::vector<std::pair<std::string, T>> values;  ///< names are empty for one value and for lists
  bool is_list = false;
};

using MetricList = std::vector<metrics::Metric>;

/// The metrics of one output: a list, or one of them.
class MetricsOfOutput {
 public:
  template <class U>
  requires(std::convertible_to<U, metrics::Metric> && !std::same_as<std::remove_cvref_t<U>, MetricsOfOutput>)
      MetricsOfOutput(const U& metric)
      : list{metrics::Metric(metric)} {}
  MetricsOfOutput(std::initializer_list<metrics::Metric> list) : list(list) {}
  MetricsOfOutput(const MetricList& list) : list(list) {}
  MetricList list;
};

/// Metrics of the only output; of several, a metric or a list for each, in order or by name:
/// `{{"mae"}, {"mse", "mae"}}`, `{{"kind", {"accuracy", "auc"}}, {"size", "mae"}}`. A list with fewer or more metrics
/// than there are outputs holds for each of them.
class MetricsOption {
 public:
  MetricsOption() = default;
  MetricsOption(std::initializer_list<metrics::Metric> all) : all(all) {}
  MetricsOption(const MetricList& all) : all(all) {}
  MetricsOption(std::initializer_list<std::pair<const char*, MetricsOfOutput>> by_name) {
    for (const auto& [name, of_output] : by_name) by_output.emplace_back(name, of_output.list);
  }
  template <class = void>  // so that the others are preferred where both fit
  MetricsOption(std::initializer_list<MetricList> by_position) : by_position(by_position) {}
  MetricsOption(const std::vector<MetricList>& by_position) : by_position(by_position) {}
  MetricList all;
  std::vector<MetricList> by_position;
  std::vector<std::pair<std::string, MetricList>> by_output;
};

struct CompileOptions {
  optimizers::Optimizer optimizer = "rmsprop";
  PerOutput<losses::Loss> loss = {};
  PerOutput<double> loss_weights = {};
  MetricsOption metrics = {};
  MetricsOption weighted_metrics = {};
  bool run_eagerly = false;
  int steps_per_execution = 1;  ///< callbacks and the bar are told of so many steps at once
  bool jit_compile = true;      ///< false runs the step without passes
};

/// What to validate on: x, y and optional sample weights, or a data set of batches of them.
struct STRATA_API ValidationData {
  ValidationData() = default;
  ValidationData(const Inputs& x, const Inputs& y, const Inputs& sample_weight = {})
      : x(x), y(y), sample_weight(sample_weight) {}
  ValidationData(const data::AnyDataset& dataset);
  Inputs x, y, sample_weight;
  std::shared_ptr<const data::detail::Source> source;
};

/// Weights of classes: {{0, 1.0}, {1, 25.0}}. Classes that are not named have weight 1.
using ClassWeight = std::vector<std::pair<int, double>>;

struct FitOptions {
  std::optional<int> batch_size = {};  ///< 32; a data set has its own
  int epochs = 1;
  int verbose = 1;  ///< 0 silent, 1 progress bar, 2 one line an epoch
  std::vector<callbacks::AnyCallback> callbacks = {};
  double validation_split = 0;  ///< the last part of the samples, taken before shuffling
  ValidationData validation_data = {};
  bool shuffle = true;
  ClassWeight class_weight = {};
  Inputs sample_weight = {};  ///< one weight for each sample; for several outputs one tensor, or one for each
  int initial_epoch = 0;
  std::optional<std::int64_t> steps_per_epoch = {}, validation_steps = {};
  std::optional<int> validation_batch_size = {};
  int validation_freq = 1;
  bool doctor = true;  ///< warns of common slips, once, on stderr
  bool trace_nan =
      false;  ///< at the first loss that is not finite, throws a ValueError that names the op it comes from
};

struct EvaluateOptions {
  std::optional<int> batch_size = {};  ///< 32
  int verbose = 1;
  Inputs sample_weight = {};
  std::optional<std::int64_t> steps = {};
  std::vector<callbacks::AnyCallback> callbacks = {};
};

struct PredictOptions {
  std::optional<int> batch_size = {};  ///< 32
  int verbose = 1;
  std::optional<std::int64_t> steps = {};
  std::vector<callbacks::AnyCallback> callbacks = {};
};

}  // namespace strata
