// Keras computes schedules in float32 from the step; so does strata, with ops, in the same order.
#include "strata/schedules.h"

#include <numbers>

#include "serialization/lookup.h"
#include "strata/array.h"
#include "strata/math.h"

namespace strata::optimizers::schedules {

namespace {

void check_steps(const std::string& where, const char* option, std::int64_t steps) {
  if (steps <= 0)
    throw ValueError(where + ": " + option + " is " + std::to_string(steps) + ". Use a number of steps above 0.");
}

Tensor real(double v) { return constant(v, float32); }

// What the classes share: a name, and the name in the configuration.
class Named : public Schedule::Base {
 public:
  Named(const char* class_name, const std::string& name, const char* default_name)
      : class_name_(class_name), name_(name.empty() ? default_name : name) {}
  std::string class_name() const override { return class_name_; }

 protected:
  const char* class_name_;
  std::string name_;
};

// ExponentialDecay and InverseTimeDecay.
class Decay final : public Named {
 public:
  Decay(bool exponential, double initial, std::int64_t steps, const DecayOptions& o)
      : Named(exponential ? "ExponentialDecay" : "InverseTimeDecay", o.name,
              exponential ? "ExponentialDecay" : "InverseTimeDecay"),
        exponential_(exponential),
        initial_(initial),
        steps_(steps),
        rate_(o.decay_rate),
        staircase_(o.staircase) {
    check_steps(class_name_, "decay_steps", steps);
  }
  Tensor operator()(const Tensor& step) const override {
    Tensor p = cast(step, float32) / real(static_cast<double>(steps_));
    if (staircase_) p = floor(p);
    if (exponential_) return real(initial_) * pow(real(rate_), p);
    return real(initial_) / (1.0 + real(rate_) * p);
  }
  Config get_config() const override {
    return {{"initial_learning_rate", initial_},
            {"decay_steps", steps_},
            {"decay_rate", rate_},
            {"staircase", staircase_},
            {"name", name_}};
  }

 private:
  bool exponential_;
  double initial_;
  std::int64_t steps_;
  double rate_;
  bool staircase_;
};

class Piecewise final : public Named {
 public:
  Piecewise(const std::vector<std::int64_t>& boundaries, const std::vector<double>& values, const std::string& name)
      : Named("PiecewiseConstantDecay", name, "PiecewiseConstant"), boundaries_(boundaries), values_(values) {
    if (values.size() != boundaries.size() + 1)
      throw ValueError("PiecewiseConstantDecay: " + std::to_string(boundaries.size()) + " boundaries and " +
                       std::to_string(values.size()) + " values. Give one value more than boundaries.");
  }
  Tensor operator()(const Tensor& step) const override {
    Tensor rate = real(values_.back());
    for (std::size_t i = boundaries_.size(); i-- > 0;)
      rate = where(less_equal(step, constant(boundaries_[i], step.dtype())), real(values_[i]), rate);
    return rate;
  }
  Config get_config() const override { return {{"boundaries", boundaries_}, {"values", values_}, {"name", name_}}; }

 private:
  std::vector<std::int64_t> boundaries_;
  std::vector<double> values_;
};

class Polynomial final : public Named {
 public:
  Polynomial(double initial, std::int64_t steps, const PolynomialDecayOptions& o)
      : Named("PolynomialDecay", o.name, "PolynomialDecay"), initial_(initial), steps_(steps), o_(o) {
    check_steps(class_name_, "decay_steps", steps);
  }
  Tensor operator()(const Tensor& step) const override {
    Tensor now = cast(step, float32), all = real(static_cast<double>(steps_));
    if (o_.cycle)
      all = all * where(equal(now, 0.0), real(1), ceil(now / all));
    else
      now = minimum(now, all);
    const Tensor end = real(o_.end_learning_rate);
    return (real(initial_) - end) * pow(1.0 - now / all, real(o_.power)) + end;
  }
  Config get_config() const override {
    return {{"initial_learning_rate", initial_},
            {"decay_steps", steps_},
            {"end_learning_rate", o_.end_learning_rate},
            {"power", o_.power},
            {"cycle", o_.cycle},
            {"name", name_}};
  }

 private:
  double initial_;
  std::int64_t steps_;
  PolynomialDecayOptions o_;
};

class Cosine final : public Named {
 public:
  Cosine(double initial, std::int64_t steps, const CosineDecayOptions& o)
      : Named("CosineDecay", o.name, "CosineDecay"), initial_(initial), steps_(steps), o_(o) {
    check_steps(class_name_, "decay_steps", steps);
    if (o.warmup_target && o.warmup_steps < 0)
      throw ValueError("CosineDecay: warmup_steps is " + std::to_string(o.warmup_steps) + ". Use 0 or more.");
  }
  Tensor operator()(const Tensor& step) const override {
    const Tensor all = real(static_cast<double>(steps_)), now = cast(step, float32);
    if (!o_.warmup_target) return decayed(minimum(now, all), real(initial_));
    const Tensor warmup = real(static_cast<double>(o_.warmup_steps)), target = real(*o_.warmup_target);
    const Tensor clamped = minimum(now, all + warmup);
    const Tensor rising = (target - real(initial_)) * (clamped / warmup) + real(initial_);
    if (o_.warmup_steps == 0) return decayed(clamped, target);
    return where(less(clamped, warmup), rising, decayed(clamped - warmup, target));
  }
  Config get_config() const override {
    return {{"initial_learning_rate", initial_},
            {"decay_steps", steps_},
            {"alpha", o_.alpha},
            {"name", name_},
            {"warmup_target", o_.warmup_target ? Config::Value(*o_.warmup_target) : Config::Value()},
            {"warmup_steps", o_.warmup_steps}};
  }

 private:
  Tensor decayed(const Tensor& step, const Tensor& from) const {
    const Tensor done = step / real(static_cast<double>(steps_));
    const Tensor cosine = 0.5 * (1.0 + cos(real(std::numbers::pi) * done));
    return from * ((1 - o_.alpha) * cosine + o_.alpha);
  }
  double initial_;
  std::int64_t steps_;
  CosineDecayOptions o_;
};

class Restarts final : public Named {
 public:
  Restarts(double initial, std::int64_t steps, const CosineDecayRestartsOptions& o)
      : Named("CosineDecayRestarts", o.name, "SGDRDecay"), initial_(initial), steps_(steps), o_(o) {
    check_steps(class_name_, "first_decay_steps", steps);
  }
  Tensor operator()(const Tensor& step) const override {
    Tensor done = cast(step, float32) / real(static_cast<double>(steps_)), restart;
    if (o_.t_mul == 1) {
      restart = floor(done);
      done = done - restart;
    } else {
      const Tensor t = real(o_.t_mul);
      restart = floor(log(1.0 - done * (1.0 - t)) / log(t));
      done = (done - (1.0 - pow(t, restart)) / (1.0 - t)) / pow(t, restart);
    }
    const Tensor height = pow(real(o_.m_mul), restart);
    const Tensor cosine = 0.5 * height * (1.0 + cos(real(std::numbers::pi) * done));
    return real(initial_) * ((1.0 - real(o_.alpha)) * cosine + real(o_.alpha));
  }
  Config get_config() const override {
    return {{"initial_learning_rate", initial_},
            {"first_decay_steps", steps_},
            {"t_mul", o_.t_mul},
            {"m_mul", o_.m_mul},
            {"alpha", o_.alpha},
            {"name", name_}};
  }

 private:
  double initial_;
  std::int64_t steps_;
  CosineDecayRestartsOptions o_;
};

DecayOptions with_decay_rate(DecayOptions options, double decay_rate) {
  options.decay_rate = decay_rate;
  return options;
}

Schedule make_schedule(const std::string& class_name, const Config& c) {
  const auto name = c.get<std::string>("name", "");
  if (class_name == "PiecewiseConstantDecay")
    return PiecewiseConstantDecay(c.get<std::vector<std::int64_t>>("boundaries"), c.get<std::vector<double>>("values"),
                                  {.name = name});
  const auto initial = c.get<double>("initial_learning_rate", 0.0);
  const auto steps = c.get<std::int64_t>("decay_steps", 1);
  const DecayOptions decay{c.get<double>("decay_rate", 0.96), c.get<bool>("staircase", false), name};
  if (class_name == "ExponentialDecay") return ExponentialDecay(initial, steps, decay);
  if (class_name == "InverseTimeDecay") return InverseTimeDecay(initial, steps, decay);
  if (class_name == "PolynomialDecay")
    return PolynomialDecay(initial, steps,
                           {.end_learning_rate = c.get<double>("end_learning_rate", 0.0001),
                            .power = c.get<double>("power", 1.0),
                            .cycle = c.get<bool>("cycle", false),
                            .name = name});
  if (class_name == "CosineDecay") {
    CosineDecayOptions o{.alpha = c.get<double>("alpha", 0.0),
                         .warmup_target = {},
                         .warmup_steps = c.get<std::int64_t>("warmup_steps", 0),
                         .name = name};
    if (const auto* target = c.find("warmup_target"); target != nullptr && !target->is_none())
      o.warmup_target = target->as_double();
    return CosineDecay(initial, steps, o);
  }
  if (class_name == "CosineDecayRestarts")
    return CosineDecayRestarts(initial, c.get<std::int64_t>("first_decay_steps", 1),
                               {.t_mul = c.get<double>("t_mul", 2.0),
                                .m_mul = c.get<double>("m_mul", 1.0),
                                .alpha = c.get<double>("alpha", 0.0),
                                .name = name});
  throw ValueError("unknown learning-rate schedule '" + class_name + "'. Name the class in custom_objects.");
}

}  // namespace

Schedule::Base::~Base() = default;

Tensor Schedule::operator()(const Tensor& step) const {
  return base_ ? (*base_)(step) : strata::constant(constant_, float32);
}
std::string Schedule::class_name() const { return base_ ? base_->class_name() : "constant"; }
Config Schedule::get_config() const { return base_ ? base_->get_config() : Config{{"learning_rate", constant_}}; }

Config::Value Schedule::to_config_value() const {
  if (!base_) return constant_;
  return Config::Value::object(base_->class_name(), base_->get_config(), base_, "schedule");
}

Schedule Schedule::from_config_value(const Config::Value& value) {
  using Kind = Config::Value::Kind;
  if (value.kind() == Kind::real || value.kind() == Kind::integer) return value.as_double();
  if (value.kind() == Kind::object && value.role() == "schedule" && value.handle())
    return std::static_pointer_cast<const Base>(value.handle());
  const NamedConfig named = named_config(value);
  if (auto custom = make_custom<Base>("schedule", named)) return custom;
  return make_schedule(named.class_name, named.config);
}

ExponentialDecay::ExponentialDecay(double initial, std::int64_t steps, const DecayOptions& options)
    : Schedule(std::make_shared<Decay>(true, initial, steps, options)) {}
ExponentialDecay::ExponentialDecay(double initial, std::int64_t steps, double rate, const DecayOptions& options)
    : ExponentialDecay(initial, steps, with_decay_rate(options, rate)) {}
InverseTimeDecay::InverseTimeDecay(double initial, std::int64_t steps, const DecayOptions& options)
    : Schedule(std::make_shared<Decay>(false, initial, steps, options)) {}
InverseTimeDecay::InverseTimeDecay(double initial, std::int64_t steps, double rate, const DecayOptions& options)
    : InverseTimeDecay(initial, steps, with_decay_rate(options, rate)) {}
PiecewiseConstantDecay::PiecewiseConstantDecay(const std::vector<std::int64_t>& boundaries,
                                               const std::vector<double>& values,
                                               const PiecewiseConstantDecayOptions& options)
    : Schedule(std::make_shared<Piecewise>(boundaries, values, options.name)) {}
PolynomialDecay::PolynomialDecay(double initial, std::int64_t steps, const PolynomialDecayOptions& options)
    : Schedule(std::make_shared<Polynomial>(initial, steps, options)) {}
CosineDecay::CosineDecay(double initial, std::int64_t steps, const CosineDecayOptions& options)
    : Schedule(std::make_shared<Cosine>(initial, steps, options)) {}
CosineDecayRestarts::CosineDecayRestarts(double initial, std::int64_t steps, const CosineDecayRestartsOptions& options)
    : Schedule(std::make_shared<Restarts>(initial, steps, options)) {}

}  // namespace strata::optimizers::schedules
