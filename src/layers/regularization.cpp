#include "strata/layers/regularization.h"

#include <cmath>

#include "layers/layer_config.h"
#include "strata/array.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/random.h"
#include "strata/reduce.h"

namespace strata::layers {

namespace {

const auto dropout_fields = [](auto& o, auto&& v) {
  v("noise_shape", o.noise_shape);
  v("seed", o.seed);
};
const auto noise_fields = [](auto& o, auto&& v) { v("seed", o.seed); };
const auto activity_fields = [](auto& o, auto&& v) {
  v("l1", o.l1);
  v("l2", o.l2);
};

void check_rate(const std::string& layer, double rate, bool with_one = false) {
  if (rate < 0 || rate > 1 || (rate == 1 && !with_one))
    throw ValueError(layer + ": rate is " + std::to_string(rate) + "; it must be in [0, 1" + (with_one ? "]." : ")."));
}

Config with_rate(const char* name, double value, const NoiseOptions& options) {
  Config config = {{name, value}};
  config.update(write_options(options, noise_fields));
  return config;
}

}  // namespace

Dropout::Dropout(double rate, const DropoutLayerOptions& options) : rate_(rate), options_(options) {
  check_rate("Dropout", rate, true);
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor Dropout::call(const Tensor& x, bool training) const {
  if (!training || rate_ == 0) return x;
  if (rate_ == 1) return zeros_like(x);
  return nn::dropout(x, rate_, {.seed = options_.seed, .noise_shape = options_.noise_shape});
}
namespace {
Config config_of(double rate, const DropoutLayerOptions& options) {
  Config config = {{"rate", rate}, {"noise_shape", Config::Value()}, {"seed", Config::Value()}};
  if (!options.noise_shape.empty()) config.set("noise_shape", options.noise_shape);
  if (options.seed) config.set("seed", *options.seed);
  return config;
}
DropoutLayerOptions options_of(Config c) {
  if (const auto* shape = c.find("noise_shape"); shape != nullptr && shape->is_none()) c.erase("noise_shape");
  return read_options<DropoutLayerOptions>(c, dropout_fields);
}
}  // namespace
Config Dropout::get_config() const { return config_of(rate_, options_); }
Dropout Dropout::from_config(const Config& c) { return Dropout(c.get<double>("rate"), options_of(c)); }

template <class Self, int kSpatial>
SpatialDropout<Self, kSpatial>::SpatialDropout(double rate, const NoiseOptions& options)
    : rate_(rate), options_(options) {
  check_rate(this->class_name(), rate);
  this->set_name(options.name);
  this->set_dtype(options.dtype);
}
template <class Self, int kSpatial>
Tensor SpatialDropout<Self, kSpatial>::call(const Tensor& x, bool training) const {
  if (x.rank() != kSpatial + 2)
    throw ShapeError(this->class_name() + " '" + this->path() + "': the input has shape " + to_string(x.shape()) +
                     ", expected " + std::to_string(kSpatial + 2) + " dimensions.");
  if (!training || rate_ == 0) return x;
  Shape noise = x.shape();
  for (std::size_t i = 1; i <= kSpatial; ++i) noise[i] = 1;
  return nn::dropout(x, rate_, {.seed = options_.seed, .noise_shape = noise});
}
template <class Self, int kSpatial>
Config SpatialDropout<Self, kSpatial>::get_config() const {
  return with_rate("rate", rate_, options_);
}
template <class Self, int kSpatial>
Self SpatialDropout<Self, kSpatial>::from_config(const Config& c) {
  return Self(c.get<double>("rate"), read_options<NoiseOptions>(c, noise_fields));
}

GaussianDropout::GaussianDropout(double rate, const NoiseOptions& options) : rate_(rate), options_(options) {
  check_rate("GaussianDropout", rate);
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor GaussianDropout::call(const Tensor& x, bool training) const {
  if (!training || rate_ == 0) return x;
  const double deviation = std::sqrt(rate_ / (1 - rate_));
  return x * (random::normal_like(x, {.seed = options_.seed}) * deviation + 1.0);
}
Config GaussianDropout::get_config() const { return with_rate("rate", rate_, options_); }
GaussianDropout GaussianDropout::from_config(const Config& c) {
  return GaussianDropout(c.get<double>("rate"), read_options<NoiseOptions>(c, noise_fields));
}

GaussianNoise::GaussianNoise(double stddev, const NoiseOptions& options) : stddev_(stddev), options_(options) {
  if (stddev < 0) throw ValueError("GaussianNoise: stddev is " + std::to_string(stddev) + "; it must not be negative.");
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor GaussianNoise::call(const Tensor& x, bool training) const {
  if (!training || stddev_ == 0) return x;
  return x + random::normal_like(x, {.seed = options_.seed}) * stddev_;
}
Config GaussianNoise::get_config() const { return with_rate("stddev", stddev_, options_); }
GaussianNoise GaussianNoise::from_config(const Config& c) {
  return GaussianNoise(c.get<double>("stddev"), read_options<NoiseOptions>(c, noise_fields));
}

AlphaDropout::AlphaDropout(double rate, const DropoutLayerOptions& options) : rate_(rate), options_(options) {
  check_rate("AlphaDropout", rate);
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor AlphaDropout::call(const Tensor& x, bool training) const {
  if (!training || rate_ == 0) return x;
  // What is dropped takes SELU's limit at minus infinity; then an affine map restores mean and variance.
  const double limit = -1.6732632423543772 * 1.0507009873554805;
  const double a = 1 / std::sqrt((1 - rate_) * (1 + rate_ * limit * limit)), b = -a * limit * rate_;
  const auto& noise_shape = options_.noise_shape;
  const Tensor kept =
      noise_shape.empty()
          ? greater_equal(random::uniform_like(x, {.seed = options_.seed}), rate_)
          : greater(nn::dropout(ones_like(x), rate_, {.seed = options_.seed, .noise_shape = noise_shape}), 0.0);
  return where(kept, x, limit) * a + b;
}
Config AlphaDropout::get_config() const { return config_of(rate_, options_); }
AlphaDropout AlphaDropout::from_config(const Config& c) { return AlphaDropout(c.get<double>("rate"), options_of(c)); }

ActivityRegularization::ActivityRegularization(const ActivityRegularizationOptions& options) : options_(options) {
  set_name(options.name);
  set_dtype(options.dtype);
  set_activity_regularizer(regularizers::L1L2(options.l1, options.l2));
}
Tensor ActivityRegularization::call(const Tensor& x) const { return x; }
Config ActivityRegularization::get_config() const { return write_options(options_, activity_fields); }
ActivityRegularization ActivityRegularization::from_config(const Config& c) {
  return ActivityRegularization(read_options<ActivityRegularizationOptions>(c, activity_fields));
}

template class SpatialDropout<SpatialDropout1D, 1>;
template class SpatialDropout<SpatialDropout2D, 2>;
template class SpatialDropout<SpatialDropout3D, 3>;

SpatialDropout1D::SpatialDropout1D(double rate, const NoiseOptions& options) : SpatialDropout(rate, options) {}
SpatialDropout2D::SpatialDropout2D(double rate, const NoiseOptions& options) : SpatialDropout(rate, options) {}
SpatialDropout3D::SpatialDropout3D(double rate, const NoiseOptions& options) : SpatialDropout(rate, options) {}

}  // namespace strata::layers

namespace strata {
template class Custom<layers::Dropout, Layer>;
template class Custom<layers::SpatialDropout1D, Layer>;
template class Custom<layers::SpatialDropout2D, Layer>;
template class Custom<layers::SpatialDropout3D, Layer>;
template class Custom<layers::GaussianDropout, Layer>;
template class Custom<layers::GaussianNoise, Layer>;
template class Custom<layers::AlphaDropout, Layer>;
template class Custom<layers::ActivityRegularization, Layer>;
}  // namespace strata
