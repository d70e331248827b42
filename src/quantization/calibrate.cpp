#include <algorithm>
#include <cmath>

#include "quantization/calibration.h"
#include "strata/array.h"
#include "strata/indexing.h"
#include "strata/quantization.h"
#include "strata/reduce.h"

namespace strata::quantization {

namespace {

thread_local Calibration* active = nullptr;

struct Bounds {
  double low, high;
};

// Between which `percentile` percent of the values lie.
Bounds bounds_of(const Tensor& x, double percentile) {
  if (percentile == 100) return {reduce_min(x).item<double>(), reduce_max(x).item<double>()};
  std::vector<float> values = x.to_vector<float>();
  const double outside = (100 - percentile) / 200 * static_cast<double>(values.size() - 1);
  const auto cut = static_cast<std::ptrdiff_t>(outside);
  std::nth_element(values.begin(), values.begin() + cut, values.end());
  const double low = values[static_cast<std::size_t>(cut)];
  const auto top = static_cast<std::ptrdiff_t>(values.size()) - 1 - cut;
  std::nth_element(values.begin(), values.begin() + top, values.end());
  return {low, values[static_cast<std::size_t>(top)]};
}

}  // namespace

Calibration::Calibration(double percentile) : percentile_(percentile) { active = this; }
Calibration::~Calibration() { active = nullptr; }
Calibration* Calibration::current() { return active; }

void Calibration::see(const Variable& min, const Variable& max, const Tensor& x) {
  if (x.size() == 0) return;
  const Bounds b = bounds_of(cast(x, float32), percentile_);
  if (!std::isfinite(b.low) || !std::isfinite(b.high))
    throw ValueError("calibrate: a layer's input holds numbers that are not finite ('" + min.name() +
                     "'). Samples and weights must be finite.");
  auto found =
      std::find_if(seen_.begin(), seen_.end(), [&](const Seen& s) { return s.min_variable.state() == min.state(); });
  if (found == seen_.end()) found = seen_.insert(seen_.end(), {min, max});
  const bool extremes = percentile_ == 100;
  found->min = extremes ? std::min(found->min, b.low) : found->min + std::min(b.low, 0.0);
  found->max = extremes ? std::max(found->max, b.high) : found->max + std::max(b.high, 0.0);
  ++found->batches;
}

bool Calibration::finish() const {
  for (const Seen& s : seen_) {
    const double n = percentile_ == 100 ? 1 : s.batches;
    s.min_variable.assign(Tensor(static_cast<float>(s.min / n)));
    s.max_variable.assign(Tensor(static_cast<float>(s.max / n)));
  }
  return !seen_.empty();
}

void calibrate(const Model& quantized, const Inputs& x, const CalibrateOptions& options) {
  if (options.batch_size < 1)
    throw ValueError("calibrate: batch_size is " + std::to_string(options.batch_size) + ". Use a positive number.");
  if (!(options.percentile > 50 && options.percentile <= 100))
    throw ValueError("calibrate: percentile is " + std::to_string(options.percentile) +
                     ". Use a number above 50, and at most 100, which clips nothing.");
  const Tensors& all = x.tensors();
  const std::int64_t samples = all.empty() || !all[0].defined() || all[0].rank() == 0 ? 0 : all[0].shape()[0];
  if (samples == 0) throw ValueError("calibrate: there are no samples. Give some hundred of those that training saw.");
  for (const Tensor& t : all)
    if (!t.defined() || t.rank() == 0 || t.shape()[0] != samples)
      throw ShapeError("calibrate: the inputs do not have the same number of samples.");
  Calibration calibration(options.percentile);
  for (std::int64_t first = 0; first < samples; first += options.batch_size) {
    Tensors batch;
    for (const Tensor& t : all) batch.push_back(t[Slice(first, std::min(first + options.batch_size, samples))]);
    quantized(Inputs(batch), false);
  }
  if (!calibration.finish())
    throw ValueError("calibrate: the model '" + quantized.name() +
                     "' has no quantized layers. Make it by quantization::quantize_model().");
}

}  // namespace strata::quantization
