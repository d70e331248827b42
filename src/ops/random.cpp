// Random numbers. An op without a seed takes its stream from the global generator when it runs; with one it is a
// constant.
#include "ops/random.h"

#include "core/generator.h"
#include "graph/op.h"
#include "graph/registry.h"
#include "kernels/random.h"
#include "strata/array.h"
#include "strata/indexing.h"
#include "strata/random.h"

namespace strata {
namespace {

// What all that draw have in common. An optional input gives its shape alone.
template <class Self>
struct Draw : OpBase<Self> {
  Shape shape;
  DType dtype = float32;
  bool seeded = false;
  std::int64_t seed = 0;

  void set_seed(std::optional<std::int64_t> s) {
    seeded = s.has_value();
    seed = s.value_or(0);
  }
  RandomStream stream() const { return seeded ? seeded_stream(seed) : next_stream(); }
  bool has_effect() const override { return !seeded; }
  // The numbers do not depend on the elements of the input.
  bool is_differentiable() const override { return true; }
  Specs infer(const Specs& in) const override { return {{in.empty() ? shape : in[0].shape, dtype}}; }

  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("shape", s.shape);
    v("dtype", s.dtype);
    v("seeded", s.seeded);
    v("seed", s.seed);
    Self::more_fields(s, v);
  }
};

struct RandomUniform final : Draw<RandomUniform> {
  double minval = 0, maxval = 1;
  template <class S, class V>
  static void more_fields(S& s, V& v) {
    v("minval", s.minval);
    v("maxval", s.maxval);
  }
  std::string_view name() const override { return "random_uniform"; }
  void run(RunContext& c) const override {
    kernels::random_uniform(stream(), dtype, c.out[0].size(), minval, maxval, c.dst<void>());
  }
};

struct RandomNormal final : Draw<RandomNormal> {
  double mean = 0, stddev = 1;
  bool truncated = false;
  template <class S, class V>
  static void more_fields(S& s, V& v) {
    v("mean", s.mean);
    v("stddev", s.stddev);
    v("truncated", s.truncated);
  }
  std::string_view name() const override { return "random_normal"; }
  void run(RunContext& c) const override {
    const auto fill = truncated ? kernels::random_truncated_normal : kernels::random_normal;
    fill(stream(), dtype, c.out[0].size(), mean, stddev, c.dst<void>());
  }
};

struct RandomIntegers final : Draw<RandomIntegers> {
  std::int64_t minval = 0, maxval = 1;
  template <class S, class V>
  static void more_fields(S& s, V& v) {
    v("minval", s.minval);
    v("maxval", s.maxval);
  }
  std::string_view name() const override { return "random_uniform_int"; }
  void run(RunContext& c) const override {
    kernels::random_integers(stream(), dtype, c.out[0].size(), minval, maxval, c.dst<void>());
  }
};

// A mask for the shape of its input, of which `shape` may fix dimensions.
struct RandomKeepMask final : Draw<RandomKeepMask> {
  double rate = 0;
  template <class S, class V>
  static void more_fields(S& s, V& v) {
    v("rate", s.rate);
  }
  std::string_view name() const override { return "random_keep_mask"; }
  Specs infer(const Specs& in) const override {
    Shape out = in[0].shape;
    if (shape.empty()) return {{out, boolean}};
    if (shape.size() != out.size())
      throw ShapeError("dropout: noise_shape " + to_string(shape) + " and the input's shape " + to_string(out) +
                       " differ in rank. Give one size for each dimension: 1, None or that of the input.");
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (shape[i] == None) continue;
      if (shape[i] != 1 && out[i] != None && shape[i] != out[i])
        throw ShapeError("dropout: noise_shape " + to_string(shape) + " does not broadcast to the input's shape " +
                         to_string(in[0].shape) + ". Give one size for each dimension: 1, None or that of the input.");
      out[i] = shape[i];
    }
    return {{out, boolean}};
  }
  void run(RunContext& c) const override { kernels::random_keep(stream(), c.out[0].size(), rate, c.dst<bool>()); }
};

// The positions along an axis of the input in a random order.
struct RandomPermutation final : Draw<RandomPermutation> {
  std::int64_t axis = 0;
  template <class S, class V>
  static void more_fields(S& s, V& v) {
    v("axis", s.axis);
  }
  std::string_view name() const override { return "random_permutation"; }
  Specs infer(const Specs& in) const override { return {{Shape{in[0].shape.at(axis)}, int64}}; }
  void run(RunContext& c) const override {
    kernels::random_permutation(stream(), c.out[0].size(), c.dst<std::int64_t>());
  }
};

struct Categorical final : Draw<Categorical> {
  std::int64_t num_samples = 1;
  template <class S, class V>
  static void more_fields(S& s, V& v) {
    v("num_samples", s.num_samples);
  }
  std::string_view name() const override { return "categorical"; }
  Specs infer(const Specs& in) const override {
    const Shape& logits = in[0].shape;
    if (logits.size() != 2 || logits[1] == 0)
      throw ShapeError("random::categorical: logits have shape " + to_string(logits) +
                       ", expected (batch, classes) with at least one class.");
    return {{Shape{logits[0], num_samples}, dtype}};
  }
  void run(RunContext& c) const override {
    kernels::random_categorical(stream(), c.in_shape(0)[0], c.in_shape(0)[1], c.src<float>(0), num_samples, dtype,
                                c.dst<void>());
  }
};

// The distributions with parameters for each element: float64 inputs of the output's shape.
struct RandomWithParameters final : Draw<RandomWithParameters> {
  std::string family = "gamma";
  template <class S, class V>
  static void more_fields(S& s, V& v) {
    v("family", s.family);
  }
  std::string_view name() const override { return "random_with_parameters"; }
  void run(RunContext& c) const override {
    const std::int64_t n = c.out[0].size();
    if (family == "gamma")
      kernels::random_gamma(stream(), dtype, n, c.src<double>(0), c.dst<void>());
    else if (family == "beta")
      kernels::random_beta(stream(), dtype, n, c.src<double>(0), c.src<double>(1), c.dst<void>());
    else
      kernels::random_binomial(stream(), dtype, n, c.src<double>(0), c.src<double>(1), c.dst<void>());
  }
};

void check_known(const char* what, const Shape& shape) {
  if (!shape.is_known())
    throw ShapeError(
        std::string(what) + ": shape " + to_string(shape) +
        " has a dimension that is not known. Write it as shape(x)[0] of a tensor that has it, or draw in the shape "
        "of a tensor with random::normal_like or random::uniform_like.");
  (void)shape.num_elements();
}

void check_floating(const char* what, DType dtype) {
  if (!is_floating(dtype))
    throw DTypeError(std::string(what) + ": got dtype " + to_string(dtype) +
                     ", expected float16, bfloat16, float32 or float64. For integers use random::randint.");
}

RandomNormal normal_op(const char* what, const random::NormalOptions& options, bool truncated) {
  check_floating(what, options.dtype);
  if (!(options.stddev >= 0))
    throw ValueError(std::string(what) + ": stddev is " + std::to_string(options.stddev) +
                     ", expected a number of at least 0.");
  RandomNormal op;
  op.dtype = options.dtype;
  op.mean = options.mean;
  op.stddev = options.stddev;
  op.truncated = truncated;
  op.set_seed(options.seed);
  return op;
}

RandomUniform uniform_op(const char* what, const random::UniformOptions& options) {
  check_floating(what, options.dtype);
  if (!(options.minval <= options.maxval))
    throw ValueError(std::string(what) + ": minval " + std::to_string(options.minval) + " is above maxval " +
                     std::to_string(options.maxval) + ".");
  RandomUniform op;
  op.dtype = options.dtype;
  op.minval = options.minval;
  op.maxval = options.maxval;
  op.set_seed(options.seed);
  return op;
}

template <class T>
Tensor draw(T op, const Shape& shape, const char* what) {
  check_known(what, shape);
  op.shape = shape;
  return apply1(make_op<T>(op), {});
}
template <class T>
Tensor draw(const T& op, Dims shape, const char* what) {
  if (detail::is_known(shape)) return draw(op, detail::known_shape(shape), what);
  return apply1(make_op<T>(op), {detail::zeros_of(shape, uint8)});
}

Tensor with_parameters(const char* what, const char* family, const Shape& shape, const Tensors& parameters,
                       const random::FloatOptions& options) {
  check_known(what, shape);
  check_floating(what, options.dtype);
  check_defined(what, parameters);
  RandomWithParameters op;
  op.family = family;
  op.dtype = options.dtype;
  op.set_seed(options.seed);
  Tensors inputs;
  for (const Tensor& p : parameters) inputs.push_back(broadcast_to(cast(p, float64), shape));
  return apply1(make_op<RandomWithParameters>(op), inputs);
}

std::pair<std::int64_t, std::int64_t> range_of(DType dtype) {
  if (dtype == uint8) return {0, 255};
  if (dtype == int32) return {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()};
  return {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
}

RandomIntegers integer_op(const char* what, std::int64_t minval, std::int64_t maxval,
                          const random::IntegerOptions& options) {
  if (options.dtype == boolean)
    throw DTypeError(std::string(what) + ": has no bool version. Use dtype int32 and compare.");
  if (minval >= maxval)
    throw ValueError(std::string(what) + ": [" + std::to_string(minval) + ", " + std::to_string(maxval) +
                     ") is empty. maxval is exclusive and has to be above minval.");
  const auto [least, largest] = range_of(options.dtype);
  if (minval < least || maxval - 1 > largest)
    throw ValueError(std::string(what) + ": [" + std::to_string(minval) + ", " + std::to_string(maxval) +
                     ") goes beyond what " + to_string(options.dtype) + " holds. Use another dtype.");
  RandomIntegers op;
  op.dtype = options.dtype;
  op.minval = minval;
  op.maxval = maxval;
  op.set_seed(options.seed);
  return op;
}

RandomIntegers integer_op(const char* what, const random::UniformOptions& options) {
  const auto low = static_cast<std::int64_t>(options.minval), high = static_cast<std::int64_t>(options.maxval);
  if (static_cast<double>(low) != options.minval || static_cast<double>(high) != options.maxval)
    throw ValueError(std::string(what) + ": the bounds " + std::to_string(options.minval) + " and " +
                     std::to_string(options.maxval) + " of " + to_string(options.dtype) + " numbers are not integers.");
  return integer_op(what, low, high, {.dtype = options.dtype, .seed = options.seed});
}

}  // namespace

Tensor random_keep_mask(const Tensor& x, double rate, std::optional<std::int64_t> seed, const Shape& noise_shape) {
  RandomKeepMask op;
  op.shape = noise_shape;
  op.dtype = boolean;
  op.rate = rate;
  op.set_seed(seed);
  return apply1(make_op<RandomKeepMask>(op), {x});
}

namespace random {

Tensor normal(const Shape& shape, const NormalOptions& options) {
  return draw(normal_op("random::normal", options, false), shape, "random::normal");
}
Tensor truncated_normal(const Shape& shape, const NormalOptions& options) {
  return draw(normal_op("random::truncated_normal", options, true), shape, "random::truncated_normal");
}
Tensor uniform(const Shape& shape, const UniformOptions& options) {
  if (is_integer(options.dtype)) return draw(integer_op("random::uniform", options), shape, "random::uniform");
  return draw(uniform_op("random::uniform", options), shape, "random::uniform");
}

Tensor randint(const Shape& shape, std::int64_t minval, std::int64_t maxval, const IntegerOptions& options) {
  return draw(integer_op("random::randint", minval, maxval, options), shape, "random::randint");
}

Tensor normal(Dims shape, const NormalOptions& options) {
  return draw(normal_op("random::normal", options, false), shape, "random::normal");
}
Tensor truncated_normal(Dims shape, const NormalOptions& options) {
  return draw(normal_op("random::truncated_normal", options, true), shape, "random::truncated_normal");
}
Tensor uniform(Dims shape, const UniformOptions& options) {
  if (is_integer(options.dtype)) return draw(integer_op("random::uniform", options), shape, "random::uniform");
  return draw(uniform_op("random::uniform", options), shape, "random::uniform");
}
Tensor randint(Dims shape, std::int64_t minval, std::int64_t maxval, const IntegerOptions& options) {
  return draw(integer_op("random::randint", minval, maxval, options), shape, "random::randint");
}

Tensor normal_like(const Tensor& x, const NormalOptions& options) {
  return apply1(make_op<RandomNormal>(normal_op("random::normal_like", options, false)), {x});
}
Tensor truncated_normal_like(const Tensor& x, const NormalOptions& options) {
  return apply1(make_op<RandomNormal>(normal_op("random::truncated_normal_like", options, true)), {x});
}
Tensor uniform_like(const Tensor& x, const UniformOptions& options) {
  return apply1(make_op<RandomUniform>(uniform_op("random::uniform_like", options)), {x});
}

Tensor shuffle(const Tensor& x, std::int64_t axis, const SeedOptions& options) {
  RandomPermutation op;
  op.axis = axis;
  op.dtype = int64;
  op.set_seed(options.seed);
  const std::int64_t rank = x.rank();
  if (axis < -rank || axis >= rank)
    throw IndexError("random::shuffle: axis " + std::to_string(axis) + " is outside shape " + to_string(x.shape()) +
                     ".");
  return gather(x, apply1(make_op<RandomPermutation>(op), {x}), axis);
}

Tensor categorical(const Tensor& logits, std::int64_t num_samples, const IntegerOptions& options) {
  if (num_samples < 0)
    throw ValueError("random::categorical: num_samples is " + std::to_string(num_samples) + ", expected at least 0.");
  if (!is_integer(options.dtype))
    throw DTypeError("random::categorical: got dtype " + to_string(options.dtype) +
                     ", expected uint8, int32 or int64.");
  Categorical op;
  op.dtype = options.dtype;
  op.num_samples = num_samples;
  op.set_seed(options.seed);
  return apply1(make_op<Categorical>(op), {cast(logits, float32)});
}

Tensor gamma(const Shape& shape, const Tensor& alpha, const FloatOptions& options) {
  return with_parameters("random::gamma", "gamma", shape, {alpha}, options);
}
Tensor beta(const Shape& shape, const Tensor& alpha, const Tensor& beta, const FloatOptions& options) {
  return with_parameters("random::beta", "beta", shape, {alpha, beta}, options);
}
Tensor binomial(const Shape& shape, const Tensor& counts, const Tensor& probabilities, const FloatOptions& options) {
  return with_parameters("random::binomial", "binomial", shape, {counts, probabilities}, options);
}
Tensor dropout(const Tensor& inputs, double rate, const DropoutOptions& options) {
  return nn::dropout(inputs, rate, options);
}

}  // namespace random

void register_random(Registry& r) {
  r.add<RandomUniform>();
  r.add<RandomNormal>();
  r.add<RandomIntegers>();
  r.add<RandomKeepMask>();
  r.add<RandomPermutation>();
  r.add<Categorical>();
  r.add<RandomWithParameters>();
}

}  // namespace strata
