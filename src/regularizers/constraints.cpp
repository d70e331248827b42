#include "strata/constraints.h"

#include "core/named_objects.h"
#include "strata/array.h"
#include "strata/math.h"

namespace strata {

namespace constraints {

namespace {

constexpr double kEpsilon = 1e-7;  // Keras's

Tensor norms(const Tensor& w, const Axes& axis) { return sqrt(reduce_sum(square(w), axis, {.keepdims = true})); }

Config::Value axis_value(const Axes& axis) {
  if (axis.all) return {};
  return axis.values.size() == 1 ? Config::Value(axis.values[0]) : Config::Value(axis.values);
}

}  // namespace

MaxNorm::MaxNorm(double max_value, const NormOptions& options) : max_value_(max_value), options_(options) {
  if (!(max_value >= 0))
    throw ValueError("MaxNorm: max_value is " + std::to_string(max_value) + ", expected a number of at least 0.");
}
Tensor MaxNorm::operator()(const Tensor& w) const {
  const Tensor n = norms(w, options_.axis);
  return w * (minimum(n, max_value_) / (kEpsilon + n));
}
Config MaxNorm::get_config() const { return {{"max_value", max_value_}, {"axis", axis_value(options_.axis)}}; }

Tensor NonNeg::operator()(const Tensor& w) const { return maximum(w, 0); }

UnitNorm::UnitNorm(const NormOptions& options) : options_(options) {}
Tensor UnitNorm::operator()(const Tensor& w) const { return w / (kEpsilon + norms(w, options_.axis)); }
Config UnitNorm::get_config() const { return {{"axis", axis_value(options_.axis)}}; }

MinMaxNorm::MinMaxNorm(const MinMaxNormOptions& options) : options_(options) {
  if (!(options.min_value >= 0) || !(options.min_value <= options.max_value))
    throw ValueError("MinMaxNorm: the norm cannot lie between " + std::to_string(options.min_value) + " and " +
                     std::to_string(options.max_value) + ". Use 0 <= min_value <= max_value.");
}
Tensor MinMaxNorm::operator()(const Tensor& w) const {
  const Tensor n = norms(w, options_.axis);
  const Tensor bounded = minimum(maximum(n, options_.min_value), options_.max_value);
  return w * ((options_.rate * bounded + (1 - options_.rate) * n) / (kEpsilon + n));
}
Config MinMaxNorm::get_config() const {
  return {{"min_value", options_.min_value},
          {"max_value", options_.max_value},
          {"rate", options_.rate},
          {"axis", axis_value(options_.axis)}};
}

}  // namespace constraints

namespace {

using Base = Constraint::Base;
using Made = std::shared_ptr<const Base>;
namespace co = constraints;

Axes axis_of(const Config& c) {
  const Config::Value* v = c.find("axis");
  if (v == nullptr) return 0;
  if (v->is_none()) return {};
  if (v->kind() == Config::Value::Kind::integer) return v->as_integer();
  return c.get<std::vector<std::int64_t>>("axis");
}

Made max_norm(const Config& c) {
  return std::make_shared<co::MaxNorm>(c.get("max_value", 2.), co::NormOptions{.axis = axis_of(c)});
}
Made non_neg(const Config&) { return std::make_shared<co::NonNeg>(); }
Made unit_norm(const Config& c) { return std::make_shared<co::UnitNorm>(co::NormOptions{.axis = axis_of(c)}); }
Made min_max_norm(const Config& c) {
  return std::make_shared<co::MinMaxNorm>(co::MinMaxNormOptions{.min_value = c.get("min_value", 0.),
                                                                .max_value = c.get("max_value", 1.),
                                                                .rate = c.get("rate", 1.),
                                                                .axis = axis_of(c)});
}

const NamedClass<Base> kClasses[] = {
    {"MaxNorm", {"max_norm"}, &max_norm},
    {"NonNeg", {"non_neg"}, &non_neg},
    {"UnitNorm", {"unit_norm"}, &unit_norm},
    {"MinMaxNorm", {"min_max_norm"}, &min_max_norm},
};

const Base& require(const Made& base) {
  if (base == nullptr) throw ValueError("this Constraint is empty. Give it one, e.g. \"max_norm\".");
  return *base;
}

}  // namespace

Constraint::Base::~Base() = default;
Constraint::Constraint(const char* name) : Constraint(std::string(name)) {}
Constraint::Constraint(const std::string& name)
    : base_(name.empty() ? nullptr : make_named<Base>("constraint", kClasses, name, Config())) {}

Tensor Constraint::operator()(const Tensor& w) const { return require(base_)(w); }
std::string Constraint::class_name() const { return require(base_).class_name(); }
Config Constraint::get_config() const { return require(base_).get_config(); }

Config::Value Constraint::to_config_value() const {
  if (base_ == nullptr) return {};
  return Config::Value::object(class_name(), get_config(), base_, "constraint");
}
Constraint Constraint::from_config_value(const Config::Value& value) {
  return Constraint(named_from_value<Base>("constraint", kClasses, value));
}

}  // namespace strata
