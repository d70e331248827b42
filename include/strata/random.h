/// \file
/// Random numbers, as keras.random has them. With a seed a call gives the same numbers each time; without one it
/// continues the global generator, which `utils::set_random_seed` restarts. The numbers do not depend on the number of
/// threads. Inside function() a call without a seed draws anew at each run.
#pragma once

#include <cstdint>
#include <optional>

#include "strata/dims.h"
#include "strata/nn.h"
#include "strata/tensor.h"

namespace strata {

namespace utils {
/// Restarts the global generator: what draws random numbers afterwards (initializers, dropout, shuffling, ...) repeats.
STRATA_API void set_random_seed(std::int64_t seed);
}  // namespace utils

namespace random {

struct NormalOptions {
  double mean = 0;
  double stddev = 1;
  DType dtype = float32;
  std::optional<std::int64_t> seed = {};
};
struct UniformOptions {
  double minval = 0;
  double maxval = 1;
  DType dtype = float32;
  std::optional<std::int64_t> seed = {};
};
struct IntegerOptions {
  DType dtype = int32;
  std::optional<std::int64_t> seed = {};
};
struct FloatOptions {
  DType dtype = float32;
  std::optional<std::int64_t> seed = {};
};
struct SeedOptions {
  std::optional<std::int64_t> seed = {};
};

/// Normally distributed numbers. Throws ValueError where stddev is negative, DTypeError unless dtype is floating.
///
///     Tensor w = random::normal({3, 2}, {.stddev = 0.1, .seed = 1});
STRATA_API Tensor normal(const Shape& shape, const NormalOptions& options = {});
/// The same, but no number is more than two standard deviations away from the mean.
STRATA_API Tensor truncated_normal(const Shape& shape, const NormalOptions& options = {});
/// Numbers from [minval, maxval). For an integer dtype both bounds are integers, as in `randint`.
STRATA_API Tensor uniform(const Shape& shape, const UniformOptions& options = {});
/// Integers from [minval, maxval). Throws ValueError where that is empty or goes beyond the dtype.
STRATA_API Tensor randint(const Shape& shape, std::int64_t minval, std::int64_t maxval,
                          const IntegerOptions& options = {});

/// The same in the shape of `x`, which may be unknown while a program is traced. dtype: that of the options.
STRATA_API Tensor normal_like(const Tensor& x, const NormalOptions& options = {});
STRATA_API Tensor truncated_normal_like(const Tensor& x, const NormalOptions& options = {});
STRATA_API Tensor uniform_like(const Tensor& x, const UniformOptions& options = {});
/// The same with dimensions of other tensors, which may be known only later: `random::normal({shape(x)[0], 16})`, or
/// with a computed shape: `random::normal(shape(x))`.
STRATA_API Tensor normal(Dims shape, const NormalOptions& options = {});
STRATA_API Tensor truncated_normal(Dims shape, const NormalOptions& options = {});
STRATA_API Tensor uniform(Dims shape, const UniformOptions& options = {});
STRATA_API Tensor randint(Dims shape, std::int64_t minval, std::int64_t maxval, const IntegerOptions& options = {});
template <std::same_as<Tensor> T>
Tensor normal(const T& shape, const NormalOptions& options = {}) {
  return normal_like(detail::zeros_of(shape, float32), options);
}
template <std::same_as<Tensor> T>
Tensor truncated_normal(const T& shape, const NormalOptions& options = {}) {
  return truncated_normal_like(detail::zeros_of(shape, float32), options);
}
template <std::same_as<Tensor> T>
Tensor uniform(const T& shape, const UniformOptions& options = {}) {
  return uniform_like(detail::zeros_of(shape, float32), options);
}
/// With the bounds, or mean and deviation, in Keras's order: `random::uniform({4}, -1, 1)`.
inline Tensor uniform(Dims shape, double minval, double maxval, DType dtype = float32) {
  return uniform(shape, {.minval = minval, .maxval = maxval, .dtype = dtype});
}
inline Tensor normal(Dims shape, double mean, double stddev, DType dtype = float32) {
  return normal(shape, {.mean = mean, .stddev = stddev, .dtype = dtype});
}

/// `x` with its slices along `axis` in a random order.
STRATA_API Tensor shuffle(const Tensor& x, std::int64_t axis = 0, const SeedOptions& options = {});
/// (batch, classes) logits give (batch, num_samples) classes, drawn with the probabilities softmax(logits).
STRATA_API Tensor categorical(const Tensor& logits, std::int64_t num_samples, const IntegerOptions& options = {});
/// Gamma-distributed numbers of scale 1; `alpha` > 0 broadcasts to `shape`. They have no gradient.
STRATA_API Tensor gamma(const Shape& shape, const Tensor& alpha, const FloatOptions& options = {});
/// Beta-distributed numbers; `alpha` > 0 and `beta` > 0 broadcast to `shape`. They have no gradient.
STRATA_API Tensor beta(const Shape& shape, const Tensor& alpha, const Tensor& beta, const FloatOptions& options = {});
/// How many of `counts` trials succeed, each with probability `probabilities`; both broadcast to `shape`.
STRATA_API Tensor binomial(const Shape& shape, const Tensor& counts, const Tensor& probabilities,
                           const FloatOptions& options = {});
/// nn::dropout under Keras's name.
STRATA_API Tensor dropout(const Tensor& inputs, double rate, const DropoutOptions& options = {});

}  // namespace random
}  // namespace strata
