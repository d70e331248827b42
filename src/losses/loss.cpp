#include "strata/loss.h"

#include <array>

#include "losses/reduction.h"
#include "losses/registry.h"
#include "losses/weights.h"
#include "serialization/lookup.h"
#include "strata/array.h"
#include "strata/masking.h"
#include "strata/math.h"
#include "strata/reduce.h"

namespace strata {

namespace {

constexpr std::array kReductions = {"sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none"};

Tensor count(const Tensor& x, DType dtype) { return cast(strata::size(x), dtype); }

// Weights that are 0 where the mask is false and, for means, total / valid elsewhere: then a mean over all values is
// one over those that count.
Tensor mask_weights(const Tensor& mask, const std::string& reduction, DType dtype) {
  const Tensor weights = cast(mask, dtype);
  if (reduction != "mean" && reduction != "sum_over_batch_size") return weights;
  return weights * safe_ratio(count(mask, dtype), reduce_sum(weights));
}

}  // namespace

void check_reduction(const std::string& where, const std::string& reduction) {
  for (const char* known : kReductions)
    if (reduction == known) return;
  throw ValueError(where + ": reduction is '" + reduction +
                   "'. Use \"sum_over_batch_size\", \"mean\", \"sum\", \"mean_with_sample_weight\" or \"none\".");
}

Tensor reduce_weighted_values(const std::string& where, const Tensor& values_, const Tensor& sample_weight,
                              const Tensor& mask, const std::string& reduction) {
  Tensor values = values_, weights;
  if (mask.defined()) weights = mask_weights(mask, reduction, values.dtype());
  if (sample_weight.defined()) {
    Tensor given = cast(sample_weight, values.dtype());
    if (weights.defined()) {
      const auto [a, b] = squeeze_or_expand_to_same_rank(weights, given);
      weights = a * b;
    } else {
      weights = given;
    }
  }
  if (weights.defined()) {
    const auto [v, w] = squeeze_or_expand_to_same_rank(values, weights);
    const Shape &a = v.shape(), &b = w.shape();
    const bool is_one = a.empty();  // of all samples, as that of dice: it takes the weights of all
    bool fits = is_one || a.size() >= b.size();
    for (std::size_t i = 1; fits && !is_one && i <= b.size(); ++i) {
      const std::int64_t p = a[a.size() - i], q = b[b.size() - i];
      fits = p == q || q == 1 || p == 1 || p == None || q == None;
    }
    if (!fits)
      throw ShapeError(where + (sample_weight.defined() ? ": sample_weight has shape " : ": the mask has shape ") +
                       to_string(sample_weight.defined() ? sample_weight.shape() : mask.shape()) +
                       ", but the values of the samples have shape " + to_string(values_.shape()) +
                       ". Give one weight for each sample, or weights that can be broadcast to that shape.");
    values = v * w;
    weights = w;
  }
  if (reduction == "none" || values.rank() == 0) return values;
  const Tensor sum = reduce_sum(values);
  if (reduction == "sum") return sum;
  if (reduction == "mean_with_sample_weight" && weights.defined()) return safe_ratio(sum, reduce_sum(weights));
  return safe_ratio(sum, count(values, values.dtype()));
}

namespace losses {

namespace detail {
Tensor cast_labels(const Tensor& y_true, const Tensor& y_pred) { return cast(y_true, y_pred.dtype()); }
}  // namespace detail

Loss::Base::~Base() = default;
Tensor Loss::Base::mask(const Tensor&, const Tensor&) const { return {}; }
Config Loss::Base::get_config() const { return {}; }

Loss::Loss() = default;
Loss::~Loss() = default;
Loss::Loss(const char* name) : Loss(std::string(name)) {}
Loss::Loss(const std::string& name) : base_(make_loss_by_name(name).base_) {}
Loss::Loss(std::shared_ptr<const Base> base) : base_(std::move(base)) {
  if (!base_) return;
  check_reduction(base_->options.name, base_->options.reduction);
  if (!base_->options.dtype.empty() && !is_floating(dtype_from_string(base_->options.dtype)))
    throw DTypeError(base_->options.name + ": dtype is '" + base_->options.dtype +
                     "', but a loss is computed in a floating type such as \"float32\".");
}

std::shared_ptr<const Loss::Base> Loss::require() const {
  auto base = self();
  if (!base) throw ValueError("this Loss is empty: it was default-constructed. Give it a loss, such as Loss(\"mse\").");
  return base;
}

Tensor Loss::operator()(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) const {
  const auto base = require();
  const std::string& name = base->options.name;
  if (!y_true.defined() || !y_pred.defined())
    throw ValueError(name + ": " + (y_true.defined() ? "y_pred" : "y_true") +
                     " is an undefined tensor (Tensor{}). Give it a value first.");
  const DType dtype = base->options.dtype.empty() ? float32 : dtype_from_string(base->options.dtype);
  const Tensor prediction = cast(y_pred, dtype);
  const Tensor values = cast(base->call(y_true, prediction), dtype);
  Tensor mask = base->mask(y_true, prediction);
  // Steps that a Masking or Embedding layer left out do not count.
  if (const Tensor steps = mask_of(y_pred); steps.defined()) mask = mask.defined() ? logical_and(mask, steps) : steps;
  return reduce_weighted_values(name, values, sample_weight, mask, base->options.reduction);
}

std::string Loss::name() const { return require()->options.name; }
std::string Loss::reduction() const { return require()->options.reduction; }
std::string Loss::class_name() const { return require()->class_name(); }
bool Loss::expects_probabilities() const { return require()->expects_probabilities(); }

Config Loss::get_config() const {
  const auto base = require();
  Config config = base->get_config();
  config.set("name", base->options.name);
  config.set("reduction", base->options.reduction);
  if (!base->options.dtype.empty()) config.set("dtype", base->options.dtype);
  return config;
}

Config::Value Loss::to_config_value() const {
  const auto base = self();
  if (!base) return {};
  return Config::Value::object(base->class_name(), get_config(), base, "loss");
}

Loss Loss::from_config_value(const Config::Value& value) {
  if (value.is_none()) return {};
  using Kind = Config::Value::Kind;
  if (value.kind() == Kind::object && value.role() == "loss" && value.handle())
    return Loss(std::static_pointer_cast<const Base>(value.handle()));
  if (auto custom = make_custom<Base>("loss", value)) return Loss(custom);
  if (value.kind() == Kind::string) return Loss(value.as_string());
  const NamedConfig named = named_config(value);
  return make_loss(named.class_name, named.config);
}

}  // namespace losses
}  // namespace strata
