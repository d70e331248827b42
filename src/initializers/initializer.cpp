// The handle, and the initializers by name.
#include "core/named_objects.h"
#include "strata/initializers.h"

namespace strata {

namespace {

using Base = Initializer::Base;
using Made = std::shared_ptr<const Base>;
namespace in = initializers;

std::optional<std::int64_t> seed_of(const Config& c) {
  const Config::Value* v = c.find("seed");
  // Keras may keep a seed generator there; its state is not ours.
  return v != nullptr && v->kind() == Config::Value::Kind::integer ? std::optional(v->as_integer()) : std::nullopt;
}

template <class T>
Made plain(const Config&) {
  return std::make_shared<T>();
}
template <class T>
Made seeded(const Config& c) {
  return std::make_shared<T>(in::SeedOptions{.seed = seed_of(c)});
}
template <class T>
Made normal(const Config& c) {
  const in::RandomNormalOptions d;
  return std::make_shared<T>(
      in::RandomNormalOptions{.mean = c.get("mean", d.mean), .stddev = c.get("stddev", d.stddev), .seed = seed_of(c)});
}
Made uniform(const Config& c) {
  const in::RandomUniformOptions d;
  return std::make_shared<in::RandomUniform>(in::RandomUniformOptions{
      .minval = c.get("minval", d.minval), .maxval = c.get("maxval", d.maxval), .seed = seed_of(c)});
}
Made constant_of(const Config& c) { return std::make_shared<in::Constant>(c.get("value", 0.)); }
Made identity_of(const Config& c) {
  return std::make_shared<in::Identity>(in::IdentityOptions{.gain = c.get("gain", 1.)});
}
Made orthogonal(const Config& c) {
  return std::make_shared<in::Orthogonal>(in::OrthogonalOptions{.gain = c.get("gain", 1.), .seed = seed_of(c)});
}
Made variance_scaling(const Config& c) {
  const in::VarianceScalingOptions d;
  return std::make_shared<in::VarianceScaling>(
      in::VarianceScalingOptions{.scale = c.get("scale", d.scale),
                                 .mode = c.get("mode", d.mode),
                                 .distribution = c.get("distribution", d.distribution),
                                 .seed = seed_of(c),
                                 .input_axes = c.get("input_axes", d.input_axes),
                                 .output_axes = c.get("output_axes", d.output_axes)});
}

const NamedClass<Base> kClasses[] = {
    {"Zeros", {"zeros", "zero"}, &plain<in::Zeros>},
    {"Ones", {"ones", "one"}, &plain<in::Ones>},
    {"Constant", {"constant"}, &constant_of},
    {"RandomNormal", {"random_normal", "normal"}, &normal<in::RandomNormal>},
    {"RandomUniform", {"random_uniform", "uniform"}, &uniform},
    {"TruncatedNormal", {"truncated_normal"}, &normal<in::TruncatedNormal>},
    {"VarianceScaling", {"variance_scaling"}, &variance_scaling},
    {"GlorotUniform", {"glorot_uniform"}, &seeded<in::GlorotUniform>},
    {"GlorotNormal", {"glorot_normal"}, &seeded<in::GlorotNormal>},
    {"HeUniform", {"he_uniform"}, &seeded<in::HeUniform>},
    {"HeNormal", {"he_normal"}, &seeded<in::HeNormal>},
    {"LecunUniform", {"lecun_uniform"}, &seeded<in::LecunUniform>},
    {"LecunNormal", {"lecun_normal"}, &seeded<in::LecunNormal>},
    {"Orthogonal", {"orthogonal", "OrthogonalInitializer"}, &orthogonal},
    {"Identity", {"identity", "IdentityInitializer"}, &identity_of},
};

const Base& require(const Made& base) {
  if (base == nullptr) throw ValueError("this Initializer is empty. Give it one, e.g. \"glorot_uniform\".");
  return *base;
}

}  // namespace

Initializer::Base::~Base() = default;
Initializer::Initializer(const char* name) : Initializer(std::string(name)) {}
Initializer::Initializer(const std::string& name)
    : base_(name.empty() ? nullptr : make_named<Base>("initializer", kClasses, name, Config())) {}

Tensor Initializer::operator()(const Shape& shape, DType dtype) const { return require(base_)(shape, dtype); }
std::string Initializer::class_name() const { return require(base_).class_name(); }
Config Initializer::get_config() const { return require(base_).get_config(); }

Config::Value Initializer::to_config_value() const {
  if (base_ == nullptr) return {};
  return Config::Value::object(class_name(), get_config(), base_, "initializer");
}
Initializer Initializer::from_config_value(const Config::Value& value) {
  return Initializer(named_from_value<Base>("initializer", kClasses, value));
}

}  // namespace strata
