// What initializers fill weights with.
#include "strata/initializers.h"

#include <algorithm>
#include <cmath>

#include "core/generator.h"
#include "kernels/random.h"
#include "strata/array.h"
#include "strata/random.h"

namespace strata::initializers {

namespace {

Config::Value seed_value(const std::optional<std::int64_t>& seed) {
  return seed ? Config::Value(*seed) : Config::Value();
}

VarianceScalingOptions scaling(double scale, const char* mode, const char* distribution, const SeedOptions& options) {
  return {.scale = scale, .mode = mode, .distribution = distribution, .seed = options.seed};
}

// The units that one output sees, and those that see one input.
std::pair<double, double> fans(const Shape& shape, const std::vector<int>& input_axes,
                               const std::vector<int>& output_axes) {
  auto product = [&](const std::vector<int>& axes) {
    double out = 1;
    for (const int axis : axes) out *= static_cast<double>(shape.at(axis));
    return out;
  };
  if (!input_axes.empty() && !output_axes.empty()) return {product(input_axes), product(output_axes)};
  if (shape.empty()) return {1, 1};
  if (shape.size() == 1) return {static_cast<double>(shape[0]), static_cast<double>(shape[0])};
  double field = 1;
  for (std::size_t i = 0; i + 2 < shape.size(); ++i) field *= static_cast<double>(shape[i]);
  return {field * static_cast<double>(shape.at(-2)), field * static_cast<double>(shape.at(-1))};
}

// The columns of a (column after column) become orthonormal: Gram and Schmidt, twice against rounding. That is the Q
// of the decomposition whose R has a positive diagonal, so Q is spread evenly over all orthogonal matrices.
void orthonormalize(std::vector<double>& a, std::size_t rows, std::size_t columns) {
  auto dot = [rows](const double* x, const double* y) {
    double sum = 0;
    for (std::size_t i = 0; i < rows; ++i) sum += x[i] * y[i];
    return sum;
  };
  for (std::size_t c = 0; c < columns; ++c) {
    double* column = a.data() + c * rows;
    for (int pass = 0; pass < 2; ++pass)
      for (std::size_t k = 0; k < c; ++k) {
        const double* other = a.data() + k * rows;
        const double part = dot(column, other);
        for (std::size_t i = 0; i < rows; ++i) column[i] -= part * other[i];
      }
    const double norm = std::sqrt(dot(column, column));
    for (std::size_t i = 0; i < rows; ++i) column[i] /= norm;
  }
}

}  // namespace

Tensor Zeros::operator()(const Shape& shape, DType dtype) const { return zeros(shape, dtype); }
Tensor Ones::operator()(const Shape& shape, DType dtype) const { return ones(shape, dtype); }
Tensor Constant::operator()(const Shape& shape, DType dtype) const { return full(shape, value_, dtype); }
Config Constant::get_config() const { return {{"value", value_}}; }

Tensor RandomNormal::operator()(const Shape& shape, DType dtype) const {
  return random::normal(shape,
                        {.mean = options_.mean, .stddev = options_.stddev, .dtype = dtype, .seed = options_.seed});
}
Config RandomNormal::get_config() const {
  return {{"seed", seed_value(options_.seed)}, {"mean", options_.mean}, {"stddev", options_.stddev}};
}

Tensor TruncatedNormal::operator()(const Shape& shape, DType dtype) const {
  return random::truncated_normal(
      shape, {.mean = options_.mean, .stddev = options_.stddev, .dtype = dtype, .seed = options_.seed});
}
Config TruncatedNormal::get_config() const {
  return {{"seed", seed_value(options_.seed)}, {"mean", options_.mean}, {"stddev", options_.stddev}};
}

Tensor RandomUniform::operator()(const Shape& shape, DType dtype) const {
  return random::uniform(shape,
                         {.minval = options_.minval, .maxval = options_.maxval, .dtype = dtype, .seed = options_.seed});
}
Config RandomUniform::get_config() const {
  return {{"seed", seed_value(options_.seed)}, {"minval", options_.minval}, {"maxval", options_.maxval}};
}

VarianceScaling::VarianceScaling(const VarianceScalingOptions& options) : options_(options) {
  if (!(options.scale > 0))
    throw ValueError("VarianceScaling: scale is " + std::to_string(options.scale) + ", expected a positive number.");
  if (options.mode != "fan_in" && options.mode != "fan_out" && options.mode != "fan_avg")
    throw ValueError("VarianceScaling: mode is '" + options.mode + "'. Use \"fan_in\", \"fan_out\" or \"fan_avg\".");
  std::string& distribution = options_.distribution;
  std::transform(distribution.begin(), distribution.end(), distribution.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  if (distribution == "normal") distribution = "truncated_normal";
  if (distribution != "uniform" && distribution != "truncated_normal" && distribution != "untruncated_normal")
    throw ValueError("VarianceScaling: distribution is '" + options.distribution +
                     "'. Use \"truncated_normal\", \"untruncated_normal\" or \"uniform\".");
}

Tensor VarianceScaling::operator()(const Shape& shape, DType dtype) const {
  const auto [in, out] = fans(shape, options_.input_axes, options_.output_axes);
  const double fan = options_.mode == "fan_in" ? in : options_.mode == "fan_out" ? out : (in + out) / 2;
  const double variance = options_.scale / std::max(1., fan);
  if (options_.distribution == "uniform") {
    const double limit = std::sqrt(3 * variance);
    return random::uniform(shape, {.minval = -limit, .maxval = limit, .dtype = dtype, .seed = options_.seed});
  }
  if (options_.distribution == "untruncated_normal")
    return random::normal(shape, {.stddev = std::sqrt(variance), .dtype = dtype, .seed = options_.seed});
  // The standard deviation of a normal distribution that is cut at 2.
  constexpr double kTruncated = 0.87962566103423978;
  return random::truncated_normal(shape,
                                  {.stddev = std::sqrt(variance) / kTruncated, .dtype = dtype, .seed = options_.seed});
}

Config VarianceScaling::get_config() const {
  auto axes = [](const std::vector<int>& a) { return a.empty() ? Config::Value() : Config::Value(a); };
  return {{"seed", seed_value(options_.seed)},
          {"scale", options_.scale},
          {"mode", options_.mode},
          {"distribution", options_.distribution},
          {"input_axes", axes(options_.input_axes)},
          {"output_axes", axes(options_.output_axes)}};
}

GlorotUniform::GlorotUniform(const SeedOptions& o) : VarianceScaling(scaling(1, "fan_avg", "uniform", o)) {}
GlorotNormal::GlorotNormal(const SeedOptions& o) : VarianceScaling(scaling(1, "fan_avg", "truncated_normal", o)) {}
HeUniform::HeUniform(const SeedOptions& o) : VarianceScaling(scaling(2, "fan_in", "uniform", o)) {}
HeNormal::HeNormal(const SeedOptions& o) : VarianceScaling(scaling(2, "fan_in", "truncated_normal", o)) {}
LecunUniform::LecunUniform(const SeedOptions& o) : VarianceScaling(scaling(1, "fan_in", "uniform", o)) {}
LecunNormal::LecunNormal(const SeedOptions& o) : VarianceScaling(scaling(1, "fan_in", "truncated_normal", o)) {}
Config GlorotUniform::get_config() const { return {{"seed", seed_value(options_.seed)}}; }
Config GlorotNormal::get_config() const { return {{"seed", seed_value(options_.seed)}}; }
Config HeUniform::get_config() const { return {{"seed", seed_value(options_.seed)}}; }
Config HeNormal::get_config() const { return {{"seed", seed_value(options_.seed)}}; }
Config LecunUniform::get_config() const { return {{"seed", seed_value(options_.seed)}}; }
Config LecunNormal::get_config() const { return {{"seed", seed_value(options_.seed)}}; }

Tensor Orthogonal::operator()(const Shape& shape, DType dtype) const {
  if (shape.size() < 2)
    throw ShapeError("Orthogonal: the weight has shape " + to_string(shape) + ", expected at least two dimensions.");
  const auto last = static_cast<std::size_t>(shape.back());
  const auto others = static_cast<std::size_t>(shape.sub(0, shape.size() - 1).num_elements());
  const std::size_t rows = std::max(last, others), columns = std::min(last, others);
  std::vector<double> a(rows * columns), out(rows * columns);
  kernels::random_normal(stream_for(options_.seed), float64, static_cast<std::int64_t>(a.size()), 0, 1, a.data());
  orthonormalize(a, rows, columns);
  // a holds columns; the weight has `others` rows of `last`.
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c)
      out[others < last ? c * rows + r : r * columns + c] = options_.gain * a[c * rows + r];
  return cast(Tensor::adopt(std::move(out), shape), dtype);
}
Config Orthogonal::get_config() const { return {{"seed", seed_value(options_.seed)}, {"gain", options_.gain}}; }

Tensor Identity::operator()(const Shape& shape, DType dtype) const {
  if (shape.size() != 2)
    throw ShapeError("Identity: the weight has shape " + to_string(shape) + ", expected two dimensions.");
  const auto rows = static_cast<std::size_t>(shape[0]), columns = static_cast<std::size_t>(shape[1]);
  std::vector<double> out(rows * columns);
  for (std::size_t i = 0; i < std::min(rows, columns); ++i) out[i * columns + i] = options_.gain;
  return cast(Tensor::adopt(std::move(out), shape), dtype);
}
Config Identity::get_config() const { return {{"gain", options_.gain}}; }

}  // namespace strata::initializers
