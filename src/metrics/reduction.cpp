// Mean, Sum, and the means of functions of labels and predictions.
#include <numeric>

#include "losses/weights.h"
#include "metrics/state.h"
#include "ops/like.h"
#include "strata/array.h"
#include "strata/masking.h"
#include "strata/math.h"
#include "strata/reduce.h"

namespace strata::metrics {

namespace {

std::vector<std::int64_t> axes_between(std::int64_t from, std::int64_t to) {
  std::vector<std::int64_t> axes(static_cast<std::size_t>(to - from));
  std::iota(axes.begin(), axes.end(), from);
  return axes;
}

Tensor reduce(const Tensor& x, const std::vector<std::int64_t>& axes, bool mean) {
  return mean ? reduce_mean(x, axes) : reduce_sum(x, axes);
}

struct Samples {
  Tensor values, weights;  // one for each sample; no weights where none were given
};

// Values times weights, reduced over all axes but the first.
Samples reduce_to_samples(const std::string& where, const Tensor& values_, const Tensor& sample_weight, bool mean,
                          DType dtype) {
  if (!values_.defined()) throw ValueError(where + ": the values are an undefined tensor (Tensor{}).");
  Tensor values = cast(values_, dtype), weights;
  if (sample_weight.defined()) {
    const auto fitted = squeeze_or_expand_to_same_rank(values, cast(sample_weight, dtype));
    values = fitted.first, weights = fitted.second;
    const std::int64_t rank = weights.rank();
    if (rank > values.rank())
      throw ShapeError(where + ": sample_weight has shape " + to_string(sample_weight.shape()) +
                       ", more axes than the values of shape " + to_string(values_.shape()) +
                       ". Give one weight for each sample.");
    if (values.rank() > rank) values = reduce(values, axes_between(rank, values.rank()), mean);
    for (std::int64_t i = 0; i < rank; ++i) {
      const std::int64_t w = weights.shape().at(i), v = values.shape().at(i);
      if (w != v && w != 1 && w != None && v != None)
        throw ShapeError(where + ": sample_weight has shape " + to_string(sample_weight.shape()) +
                         ", which does not fit values of shape " + to_string(values_.shape()) +
                         ". Give one weight for each sample.");
    }
    weights = broadcast_like(weights, values);
    values = values * weights;
    if (rank > 1) weights = reduce(weights, axes_between(1, rank), mean);
  }
  if (values.rank() > 1) values = reduce(values, axes_between(1, values.rank()), mean);
  return {values, weights};
}

class MeanMetric final : public BuiltIn {
 public:
  MeanMetric(const char* class_name, const Config& config, const MetricOptions& options, Values values, bool root)
      : BuiltIn(class_name, config, options), function_(std::move(values)), root_(root) {
    total_ = add_variable("total", {});
    count_ = add_variable("count", {});
  }

  // (values, sample_weight) without a function, the weight in either place.
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) const override {
    if (!function_) return update_values(y_true, y_pred.defined() ? y_pred : sample_weight);
    if (!y_true.defined() || !y_pred.defined())
      throw ValueError(options.name + ": " + (y_true.defined() ? "y_pred" : "y_true") +
                       " is an undefined tensor (Tensor{}). Call update_state(y_true, y_pred).");
    // Keras's root of the mean square is the one that takes no mask.
    const Tensor mask = root_ ? Tensor() : mask_of(y_pred), values = function_(y_true, y_pred);
    if (!mask.defined()) return update_values(values, sample_weight);
    // Steps that are masked weigh nothing.
    const Tensor counts = cast(mask, dtype());
    if (!sample_weight.defined()) return update_values(values, counts);
    const auto [a, b] = squeeze_or_expand_to_same_rank(counts, cast(sample_weight, dtype()));
    update_values(values, a * b);
  }
  Tensor result() const override {
    const Tensor mean = safe_ratio(total_, count_);
    return root_ ? sqrt(mean) : mean;
  }

 private:
  void update_values(const Tensor& given, const Tensor& sample_weight) const {
    const auto [values, weights] = reduce_to_samples(options.name, given, sample_weight, true, dtype());
    total_.assign_add(reduce_sum(values));
    if (weights.defined())
      count_.assign_add(reduce_sum(weights));
    else if (values.rank() >= 1)
      count_.assign_add(cast(strata::shape(values)[0], dtype()));
    else
      count_.assign_add(1.0);
  }
  Values function_;
  bool root_;
  Variable total_, count_;
};

class SumMetric final : public BuiltIn {
 public:
  explicit SumMetric(const MetricOptions& options) : BuiltIn("Sum", {}, options) { total_ = add_variable("total", {}); }
  void update_state(const Tensor& values, const Tensor& second, const Tensor& third) const override {
    const Tensor& weights = second.defined() ? second : third;
    total_.assign_add(reduce_sum(reduce_to_samples(options.name, values, weights, false, dtype()).values));
  }
  Tensor result() const override { return total_; }

 private:
  Variable total_;
};

// Holds a function whose configuration nobody knows.
class CustomMean final : public Metric::Base {
 public:
  CustomMean(std::shared_ptr<const void> function, Tensor (*call)(const void*, const Tensor&, const Tensor&),
             const MetricOptions& options)
      : Base(options),
        function_(std::move(function)),
        call_(call),
        mean_(make_mean("MeanMetricWrapper", options, {}, [f = function_, call](const Tensor& t, const Tensor& p) {
          return call(f.get(), at_least_float32(t), at_least_float32(p));
        })) {}
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) const override {
    mean_->update_state(y_true, y_pred, sample_weight);
  }
  Tensor result() const override { return mean_->result(); }
  Variables variables() const override { return mean_->variables(); }
  std::string class_name() const override { return options.name; }
  std::shared_ptr<const Base> clone() const override { return std::make_shared<CustomMean>(function_, call_, options); }

 private:
  std::shared_ptr<const void> function_;
  Tensor (*call_)(const void*, const Tensor&, const Tensor&);
  std::shared_ptr<const Base> mean_;
};

}  // namespace

BuiltIn::BuiltIn(const char* class_name, const Config& config, const MetricOptions& options)
    : Base(options), class_name_(class_name), config_(config) {
  if (!options.dtype.empty() && !is_floating(dtype_from_string(options.dtype)))
    throw DTypeError(options.name + ": dtype is '" + options.dtype +
                     "', but a metric is computed in a floating type such as \"float32\".");
}

DType BuiltIn::dtype() const { return options.dtype.empty() ? float32 : dtype_from_string(options.dtype); }

Variable BuiltIn::add_variable(const char* name, const Shape& shape) const {
  variables_.push_back(detail::make_state(name, shape, dtype()));
  return variables_.back();
}

std::shared_ptr<const Metric::Base> make_mean(const char* class_name, const MetricOptions& options,
                                              const Config& config, Values values, bool root) {
  return std::make_shared<MeanMetric>(class_name, config, options, std::move(values), root);
}
std::shared_ptr<const Metric::Base> make_sum(const MetricOptions& options) {
  return std::make_shared<SumMetric>(options);
}

namespace detail {
std::shared_ptr<const Metric::Base> make_mean_of(std::shared_ptr<const void> function,
                                                 Tensor (*call)(const void*, const Tensor&, const Tensor&),
                                                 const MetricOptions& options) {
  return std::make_shared<CustomMean>(std::move(function), call, options);
}
}  // namespace detail

}  // namespace strata::metrics
