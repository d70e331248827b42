#include "strata/layers/features.h"

#include <algorithm>
#include <cmath>

#include "layers/augmentation_support.h"
#include "layers/layer_config.h"
#include "strata/data.h"
#include "strata/indexing.h"
#include "strata/math.h"
#include "strata/random.h"
#include "strata/reduce.h"

namespace strata {
template class Custom<layers::Normalization, Layer>;
template class Custom<layers::CategoryEncoding, Layer>;
template class Custom<layers::Discretization, Layer>;
template class Custom<layers::MixUp, Layer>;
template class Custom<layers::CutMix, Layer>;
}  // namespace strata

namespace strata::layers {

namespace {

constexpr float kEpsilon = 1e-7f;  // Keras's backend.epsilon()

Config::Value numbers(const std::optional<Tensor>& t) {
  if (!t) return {};
  return t->rank() == 0 ? Config::Value(t->item<double>()) : Config::Value(t->to_vector<double>());
}
std::optional<Tensor> tensor_of(const Config& c, const char* key) {
  const auto* v = c.find(key);
  if (v == nullptr || v->is_none()) return std::nullopt;
  if (v->kind() != Config::Value::Kind::list) return Tensor(v->as_double());
  const auto list = c.get<std::vector<double>>(key);
  return cast(Tensor::from(list, {static_cast<std::int64_t>(list.size())}), float32);
}

}  // namespace

Normalization::Normalization(const NormalizationOptions& options) : options_(options) {
  if (options.mean.has_value() != options.variance.has_value())
    throw ValueError("Normalization: only one of mean and variance is given. Give both, or none and call adapt().");
  set_name(options.name);
  set_dtype(options.dtype);
  if (options.mean) return;
  mean_ = state_weight("mean");
  variance_ = state_weight("variance");
  count_ = state_weight("count");
}

std::vector<std::int64_t> Normalization::reduced(std::size_t rank) const {
  std::vector<std::int64_t> out;
  const auto n = static_cast<std::int64_t>(rank);
  for (std::int64_t a : options_.axis)
    if (a < -n || a >= n)
      throw ValueError("Normalization '" + path() + "': axis " + std::to_string(a) + " is not one of the " +
                       std::to_string(n) + " of the input.");
  for (std::int64_t i = 0; i < n; ++i)
    if (std::none_of(options_.axis.begin(), options_.axis.end(), [&](std::int64_t a) { return a == i || a + n == i; }))
      out.push_back(i);
  return out;
}

Shape Normalization::kept(const Shape& input) const {
  const auto gone = reduced(input.size());
  Shape out;
  for (std::size_t i = 0; i < input.size(); ++i) {
    if (std::find(gone.begin(), gone.end(), static_cast<std::int64_t>(i)) != gone.end()) continue;
    if (input[i] == None)
      throw ShapeError("Normalization '" + path() + "': dimension " + std::to_string(i) + " of the input " +
                       to_string(input) + " is not known, but keeps its own mean. Give it to the Input.");
    out.push_back(input[i]);
  }
  return out;
}

void Normalization::build(const Shape& input) const {
  if (options_.mean) return;
  const Shape shape = kept(input);
  mean_.create(shape, {.initializer = "zeros"});
  variance_.create(shape, {.initializer = "ones"});
  count_.create({}, {.initializer = "zeros", .dtype = int32});
}

void Normalization::adapt(const Tensor& data) const {
  if (options_.mean)
    throw ValueError("Normalization '" + path() + "': mean and variance were given, so there is nothing to adapt.");
  Shape shape = data.shape();
  if (!shape.empty()) shape[0] = None;
  if (!mean_.created()) Layer::build(shape);
  const Tensor x = cast(data, float32);
  const auto axes = reduced(data.shape().size());
  mean_.assign(reduce_mean(x, axes));
  variance_.assign(reduce_variance(x, axes));
}

void Normalization::adapt(const data::AnyDataset& batches) const {
  const auto pass = batches.make_iterator();
  Tensors element;
  Tensor mean, variance;
  double total = 0;
  while (pass->next(element)) {
    const Tensor x = cast(element.at(0), float32);
    const auto axes = reduced(x.shape().size());
    const Tensor batch_mean = reduce_mean(x, axes), batch_variance = reduce_variance(x, axes);
    const double count =
        static_cast<double>(x.size()) / static_cast<double>(std::max<std::int64_t>(batch_mean.size(), 1));
    if (total == 0) {
      Shape shape = x.shape();
      shape[0] = None;
      if (!mean_.created()) Layer::build(shape);
      mean = batch_mean;
      variance = batch_variance;
    } else {
      const double weight = count / (total + count);
      const Tensor new_mean = mean * (1 - weight) + batch_mean * weight;
      variance = (variance + square(mean - new_mean)) * (1 - weight) +
                 (batch_variance + square(batch_mean - new_mean)) * weight;
      mean = new_mean;
    }
    total += count;
  }
  if (total == 0) throw ValueError("Normalization '" + path() + "': adapt() got no data.");
  mean_.assign(mean);
  variance_.assign(variance);
}

Tensor Normalization::call(const Tensor& x) const {
  const Tensor in = is_floating(x.dtype()) ? x : cast(x, compute_dtype());
  Shape shape;
  const auto gone = reduced(x.shape().size());
  for (std::size_t i = 0; i < x.shape().size(); ++i)
    shape.push_back(std::find(gone.begin(), gone.end(), static_cast<std::int64_t>(i)) != gone.end() ? 1 : x.shape()[i]);
  auto spread = [&](const Tensor& t) {
    const Tensor same = cast(t, in.dtype());
    return t.rank() == 0 ? same : reshape(same, shape);
  };
  const Tensor mean = spread(options_.mean ? *options_.mean : Tensor(mean_));
  const Tensor deviation = maximum(sqrt(spread(options_.variance ? *options_.variance : Tensor(variance_))), kEpsilon);
  return options_.invert ? in * deviation + mean : (in - mean) / deviation;
}

Config Normalization::get_config() const {
  Config config = {{"axis", options_.axis}, {"invert", options_.invert}};
  config.set("mean", numbers(options_.mean));
  config.set("variance", numbers(options_.variance));
  return config;
}
Normalization Normalization::from_config(const Config& c) {
  auto o = read_options<NormalizationOptions>(c, [](auto& options, auto&& v) { v("invert", options.invert); });
  if (const auto* axis = c.find("axis"); axis != nullptr) {
    if (axis->is_none())
      o.axis = {};
    else if (axis->kind() == Config::Value::Kind::integer)
      o.axis = {axis->as_integer()};
    else
      o.axis = c.get<std::vector<std::int64_t>>("axis");
  }
  o.mean = tensor_of(c, "mean");
  o.variance = tensor_of(c, "variance");
  return Normalization(o);
}

namespace {

void check_output_mode(const char* layer, const std::string& mode, bool with_int) {
  if (mode == "multi_hot" || mode == "one_hot" || mode == "count" || (with_int && mode == "int")) return;
  throw ValueError(std::string(layer) + ": output_mode is \"" + mode + "\". Use " + (with_int ? "\"int\", " : "") +
                   "\"multi_hot\", \"one_hot\" or \"count\".");
}
Tensor encoded(const Tensor& given, std::int64_t depth, const std::string& mode, DType dtype) {
  const Tensor ids = given.rank() == 0 ? expand_dims(given, 0) : given;
  const OneHotOptions as = {.dtype = dtype};
  if (mode == "one_hot") return one_hot(ids.rank() > 1 && ids.shape().back() == 1 ? squeeze(ids, -1) : ids, depth, as);
  const Tensor each = one_hot(ids, depth, as);
  return mode == "count" ? reduce_sum(each, -2) : reduce_max(each, -2);
}

}  // namespace

CategoryEncoding::CategoryEncoding(std::int64_t num_tokens, const CategoryEncodingOptions& options)
    : num_tokens_(num_tokens), options_(options) {
  if (num_tokens < 1)
    throw ValueError("CategoryEncoding: num_tokens is " + std::to_string(num_tokens) + "; it must be positive.");
  if (options_.output_mode == "binary") options_.output_mode = "multi_hot";
  check_output_mode("CategoryEncoding", options_.output_mode, false);
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor CategoryEncoding::call(const Tensor& x) const {
  return encoded(x.dtype() == DType::int64 ? x : cast(x, int32), num_tokens_, options_.output_mode, compute_dtype());
}
Config CategoryEncoding::get_config() const {
  return {{"num_tokens", num_tokens_}, {"output_mode", options_.output_mode}};
}
CategoryEncoding CategoryEncoding::from_config(const Config& c) {
  return CategoryEncoding(
      c.get<std::int64_t>("num_tokens"),
      read_options<CategoryEncodingOptions>(c, [](auto& o, auto&& v) { v("output_mode", o.output_mode); }));
}

Discretization::Discretization(const std::vector<double>& bin_boundaries, const DiscretizationOptions& options)
    : boundaries_(bin_boundaries), options_(options) {
  check_output_mode("Discretization", options.output_mode, true);
  if (!std::is_sorted(boundaries_.begin(), boundaries_.end()))
    throw ValueError("Discretization: bin_boundaries are not in ascending order. Sort them.");
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor Discretization::call(const Tensor& x) const {
  const Tensor in = is_floating(x.dtype()) ? x : cast(x, float32);
  const Tensor bounds = cast(Tensor::from(boundaries_, {static_cast<std::int64_t>(boundaries_.size())}), in.dtype());
  const Tensor ids = reduce_sum(cast(expand_dims(in, -1) >= bounds, int32), -1);
  if (options_.output_mode == "int") return ids;
  const auto depth = static_cast<std::int64_t>(boundaries_.size()) + 1;
  return encoded(ids, depth, options_.output_mode, compute_dtype());
}
Config Discretization::get_config() const {
  return {{"bin_boundaries", boundaries_}, {"output_mode", options_.output_mode}};
}
Discretization Discretization::from_config(const Config& c) {
  return Discretization(
      c.get<std::vector<double>>("bin_boundaries"),
      read_options<DiscretizationOptions>(c, [](auto& o, auto&& v) { v("output_mode", o.output_mode); }));
}

namespace {

Tensor partners(const Tensor& batch, std::optional<std::int64_t> seed) {
  return random::shuffle(range(strata::shape(batch)[0]), 0, {.seed = seed});
}
// weight * x + (1 - weight) * partner, for weights (batch).
Tensor mixed(const Tensor& x, const Tensor& order, const Tensor& weight) {
  Tensor w = cast(weight, x.dtype());
  while (w.rank() < x.rank()) w = expand_dims(w, -1);
  return w * x + (1.f - w) * gather(x, order, 0);
}
Outputs with_labels(const Tensor& images, const std::optional<Tensor>& labels, const Tensor& order,
                    const Tensor& weight) {
  if (!labels) return images;
  if (!is_floating(labels->dtype()) || labels->rank() < 2)
    throw ValueError("labels to be mixed are " + to_string(labels->dtype()) + " of shape " +
                     to_string(labels->shape()) + ". Give one-hot labels of floats: utils::to_categorical(y).");
  return Outputs(Tensors{images, mixed(*labels, order, weight)});
}
Outputs unchanged(const Tensor& images, const std::optional<Tensor>& labels) {
  return labels ? Outputs(Tensors{images, *labels}) : Outputs(images);
}

}  // namespace

MixUp::MixUp(const MixUpOptions& options) : options_(options), seeds_(options.seed) {
  if (!(options.alpha > 0))
    throw ValueError("MixUp: alpha is " + std::to_string(options.alpha) + "; it must be positive.");
  set_name(options.name);
  set_dtype(options.dtype);
}
Outputs MixUp::call(const Tensor& images, const std::optional<Tensor>& labels, bool training) const {
  const Tensor x = cast(images, compute_dtype());
  if (!training) return unchanged(x, labels);
  const Tensor order = partners(x, seeds_.next(x));
  const Tensor alpha = full_like(cast(order, float32), options_.alpha);
  const Tensor weight = random::beta(alpha.shape(), alpha, alpha, {.seed = seeds_.next(x)});
  return with_labels(mixed(x, order, weight), labels, order, weight);
}
Config MixUp::get_config() const {
  return {{"alpha", options_.alpha}, {"seed", options_.seed ? Config::Value(*options_.seed) : Config::Value()}};
}
MixUp MixUp::from_config(const Config& c) {
  return MixUp(read_options<MixUpOptions>(c, [](auto& o, auto&& v) {
    v("alpha", o.alpha);
    v("seed", o.seed);
  }));
}

CutMix::CutMix(const CutMixOptions& options) : options_(options), seeds_(options.seed) {
  set_name(options.name);
  set_dtype(options.dtype);
}
Outputs CutMix::call(const Tensor& images, const std::optional<Tensor>& labels, bool training) const {
  const Tensor x = cast(images, compute_dtype());
  if (!training || x.rank() == 3) return unchanged(x, labels);
  const Tensor order = partners(x, seeds_.next(x));
  const double low = options_.factor.is_single ? 0 : options_.factor.low, high = options_.factor.high;
  const Tensor alpha =
      full_like(cast(order, float32),
                random::uniform({}, {.minval = 0, .maxval = 1, .seed = seeds_.next(x)}) * (high - low) + low + 1e-6);
  const Tensor ratio = sqrt(1.f - random::beta(alpha.shape(), alpha, alpha, {.seed = seeds_.next(x)}));
  // Which rows or columns of each picture lie in its rectangle.
  auto side = [&](std::int64_t size) {
    const Tensor length = ratio * static_cast<float>(size);
    const Tensor start = random::uniform_like(ratio, {.seed = seeds_.next(x)}) * (static_cast<float>(size) - length);
    const Tensor at = cast(range(size), float32);
    const Tensor first = expand_dims(start, -1), last = expand_dims(start + length, -1);
    return std::pair(logical_and(at >= first, at < last), length);
  };
  const auto [columns, width] = side(x.shape()[2]);
  const auto [rows, height] = side(x.shape()[1]);
  const Tensor inside = expand_dims(logical_and(expand_dims(rows, -1), expand_dims(columns, -2)), -1);
  const Tensor weight = 1.f - width * height / static_cast<float>(x.shape()[1] * x.shape()[2]);
  return with_labels(where(inside, gather(x, order, 0), x), labels, order, weight);
}
Config CutMix::get_config() const {
  return {{"factor", options_.factor}, {"seed", options_.seed ? Config::Value(*options_.seed) : Config::Value()}};
}
CutMix CutMix::from_config(const Config& c) {
  auto o = read_options<CutMixOptions>(c, [](auto& options, auto&& v) { v("seed", options.seed); });
  if (const auto* f = c.find("factor"); f != nullptr && !f->is_none()) o.factor = Factor::from_config_value(*f);
  return CutMix(o);
}

}  // namespace strata::layers
