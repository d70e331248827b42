#include "tests/support/gradients.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "strata/array.h"
#include "strata/tape.h"

namespace strata::test {
namespace {

// Fixed numbers around 1, unlike each other.
double weight(std::size_t output, std::size_t element) {
  return 1 + 0.5 * std::sin(1.7 * static_cast<double>(element) + 0.9 * static_cast<double>(output));
}

double weighted_sum(const Tensors& outputs) {
  double sum = 0;
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    if (!is_floating(outputs[o].dtype())) continue;
    const std::vector<double> values = outputs[o].to_vector<double>();
    for (std::size_t i = 0; i < values.size(); ++i) sum += weight(o, i) * values[i];
  }
  return sum;
}

}  // namespace

Tensors in_float64(const Tensors& inputs) {
  Tensors out;
  for (const Tensor& t : inputs) out.push_back(is_floating(t.dtype()) ? cast(t, float64) : t);
  return out;
}

Tensors weighted_gradients(const TensorsFunction& f, const Tensors& inputs) {
  GradientTape tape({.persistent = true});
  for (const Tensor& t : inputs)
    if (is_floating(t.dtype())) tape.watch(t);
  Tensors targets, weights;
  const Tensors outputs = f(inputs);
  const auto pause = tape.stop_recording();
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    if (!is_floating(outputs[o].dtype())) continue;
    std::vector<double> values(static_cast<std::size_t>(outputs[o].size()));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = weight(o, i);
    targets.push_back(outputs[o]);
    weights.push_back(cast(Tensor::from<double>(values, outputs[o].shape()), outputs[o].dtype()));
  }
  Tensors gradients;
  for (const Tensor& t : inputs)
    gradients.push_back(
        is_floating(t.dtype())
            ? tape.gradient(targets, {t}, {.unconnected_gradients = "zero", .output_gradients = weights})[0]
            : Tensor());
  return gradients;
}

std::string compare_gradients(const TensorsFunction& f, const Tensors& inputs, double tolerance) {
  const Tensors gradients = weighted_gradients(f, inputs);
  std::ostringstream differences;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    if (!is_floating(inputs[k].dtype())) continue;
    if (gradients[k].shape() != inputs[k].shape() || gradients[k].dtype() != inputs[k].dtype()) {
      differences << "input " << k << ": gradient of shape " << gradients[k].shape() << " and dtype "
                  << gradients[k].dtype() << ", expected " << inputs[k].shape() << ' ' << inputs[k].dtype() << '\n';
      continue;
    }
    const std::vector<double> values = inputs[k].to_vector<double>(), found = gradients[k].to_vector<double>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double step = 1e-5 * std::max(1.0, std::abs(values[i]));
      double ends[2];
      for (int side = 0; side < 2; ++side) {
        std::vector<double> moved = values;
        moved[i] += side == 0 ? -step : step;
        Tensors arguments = inputs;
        arguments[k] = Tensor::from<double>(moved, inputs[k].shape());
        ends[side] = weighted_sum(f(arguments));
      }
      const double expected = (ends[1] - ends[0]) / (2 * step);
      if (!(std::abs(found[i] - expected) <= tolerance * (1 + std::abs(expected))))
        differences << "input " << k << ", element " << i << ": gradient " << found[i] << ", finite difference "
                    << expected << '\n';
    }
  }
  return differences.str();
}

}  // namespace strata::test
