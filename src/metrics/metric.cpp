#include "strata/metric.h"

#include "graph/graph.h"
#include "graph/variable.h"
#include "metrics/state.h"
#include "serialization/lookup.h"
#include "strata/array.h"
#include "strata/tape.h"

namespace strata::metrics {

namespace detail {

Variable make_state(const std::string& name, const Shape& shape, DType dtype) {
  TraceScope outside(nullptr);
  strata::detail::RecordingPause pause;
  return Variable(zeros(shape, dtype), {.trainable = false, .name = name});
}

void throw_not_cloneable(const std::string& class_name) {
  throw ValueError("metric " + class_name + " cannot be cloned: its constructor takes arguments. Give it " +
                   "`Config get_config() const` and `static " + class_name + " from_config(const Config&)`.");
}

}  // namespace detail

Metric::Base::~Base() = default;
Config Metric::Base::get_config() const { return {}; }
void Metric::Base::reset_state() const {
  for (const Variable& v : variables()) {
    Tensor nothing;
    {
      TraceScope outside(nullptr);
      nothing = zeros(v.shape(), v.dtype());
    }
    v.assign(nothing);
  }
}

Metric::Metric() = default;
Metric::~Metric() = default;
Metric::Metric(const char* name) : Metric(std::string(name)) {}
Metric::Metric(const std::string& name) : base_(make_metric_by_name(name).base_) {}
Metric::Metric(std::shared_ptr<const Base> base) : base_(std::move(base)) {}

std::shared_ptr<const Metric::Base> Metric::require() const {
  auto base = self();
  if (!base)
    throw ValueError(
        "this Metric is empty: it was default-constructed. Give it a metric, such as Metric(\"accuracy\").");
  return base;
}

void Metric::update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) const {
  // What a metric sees needs no gradient.
  strata::detail::RecordingPause pause;
  require()->update_state(y_true, y_pred, sample_weight);
}
Tensor Metric::result() const {
  strata::detail::RecordingPause pause;
  return require()->result();
}
void Metric::reset_state() const { require()->reset_state(); }
Tensor Metric::operator()(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) const {
  update_state(y_true, y_pred, sample_weight);
  return result();
}

std::string Metric::name() const { return require()->options.name; }
std::string Metric::class_name() const { return require()->class_name(); }
Variables Metric::variables() const { return require()->variables(); }
Metric Metric::clone() const { return Metric(require()->clone()); }

Config Metric::get_config() const {
  const auto base = require();
  Config config = base->get_config();
  config.set("name", base->options.name);
  if (!config.contains("dtype")) config.set("dtype", base->options.dtype.empty() ? "float32" : base->options.dtype);
  return config;
}

Config::Value Metric::to_config_value() const {
  const auto base = self();
  if (!base) return {};
  // "accuracy" chooses by the shapes, which no class of Keras does: it is kept as the word.
  if (base->class_name() == "accuracy") return base->options.name;
  return Config::Value::object(base->class_name(), get_config(), base, "metric");
}

Metric Metric::from_config_value(const Config::Value& value) {
  if (value.is_none()) return {};
  using Kind = Config::Value::Kind;
  if (value.kind() == Kind::object && value.role() == "metric" && value.handle())
    return Metric(std::static_pointer_cast<const Base>(value.handle()));
  if (auto custom = make_custom<Base>("metric", value)) return Metric(custom);
  if (value.kind() == Kind::string) return Metric(value.as_string());
  const NamedConfig named = named_config(value);
  return make_metric(named.class_name, named.config);
}

}  // namespace strata::metrics
