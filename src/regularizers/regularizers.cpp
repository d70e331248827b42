#include "strata/regularizers.h"

#include <cmath>

#include "core/named_objects.h"
#include "strata/array.h"
#include "strata/linalg.h"
#include "strata/math.h"
#include "strata/reduce.h"

namespace strata {

namespace regularizers {

namespace {

double checked(const char* where, const char* name, double factor) {
  if (!(factor >= 0) || std::isinf(factor))
    throw ValueError(std::string(where) + ": " + name + " is " + std::to_string(factor) +
                     ", expected a finite number of at least 0.");
  return factor;
}

}  // namespace

L1::L1(double l1) : l1_(checked("L1", "l1", l1)) {}
Tensor L1::operator()(const Tensor& x) const { return l1_ * reduce_sum(abs(x)); }
Config L1::get_config() const { return {{"l1", l1_}}; }

L2::L2(double l2) : l2_(checked("L2", "l2", l2)) {}
Tensor L2::operator()(const Tensor& x) const { return l2_ * reduce_sum(square(x)); }
Config L2::get_config() const { return {{"l2", l2_}}; }

L1L2::L1L2(double l1, double l2) : l1_(checked("L1L2", "l1", l1)), l2_(checked("L1L2", "l2", l2)) {}
Tensor L1L2::operator()(const Tensor& x) const {
  if (l1_ == 0 && l2_ == 0) return zeros({}, x.dtype());
  if (l2_ == 0) return l1_ * reduce_sum(abs(x));
  const Tensor squares = l2_ * reduce_sum(square(x));
  return l1_ == 0 ? squares : l1_ * reduce_sum(abs(x)) + squares;
}
Config L1L2::get_config() const { return {{"l1", l1_}, {"l2", l2_}}; }

OrthogonalRegularizer::OrthogonalRegularizer(double factor, const OrthogonalOptions& options)
    : factor_(checked("OrthogonalRegularizer", "factor", factor)), options_(options) {
  if (options.mode != "rows" && options.mode != "columns")
    throw ValueError("OrthogonalRegularizer: mode is '" + options.mode + "'. Use \"rows\" or \"columns\".");
}
Tensor OrthogonalRegularizer::operator()(const Tensor& x) const {
  if (x.rank() != 2)
    throw ShapeError("OrthogonalRegularizer: the weight has shape " + to_string(x.shape()) +
                     ", expected two dimensions.");
  const bool rows = options_.mode == "rows";
  const std::int64_t size = x.shape()[rows ? 0 : 1];
  if (size < 2) return zeros({}, x.dtype());
  const Tensor norms = sqrt(reduce_sum(square(x), rows ? 1 : 0, {.keepdims = true}));
  const Tensor unit = x / where(equal(norms, 0), ones_like(norms), norms);
  const Tensor cosines = rows ? matmul(unit, unit, {.transpose_b = true}) : matmul(unit, unit, {.transpose_a = true});
  const double pairs = static_cast<double>(size) * static_cast<double>(size - 1) / 2;
  return 0.5 * factor_ / pairs * reduce_sum(abs(cosines * (1 - cast(eye(size), x.dtype()))));
}
Config OrthogonalRegularizer::get_config() const { return {{"factor", factor_}, {"mode", options_.mode}}; }

}  // namespace regularizers

namespace {

using Base = Regularizer::Base;
using Made = std::shared_ptr<const Base>;
namespace re = regularizers;

Made l1(const Config& c) { return std::make_shared<re::L1>(c.get("l1", 0.01)); }
Made l2(const Config& c) { return std::make_shared<re::L2>(c.get("l2", 0.01)); }
Made l1_l2(const Config& c) {
  return std::make_shared<re::L1L2>(c.get("l1", 0.0), c.get("l2", 0.0));
}
Made orthogonal(const Config& c) {
  return std::make_shared<re::OrthogonalRegularizer>(c.get("factor", 0.01),
                                                     re::OrthogonalOptions{.mode = c.get("mode", std::string("rows"))});
}

const NamedClass<Base> kClasses[] = {
    {"L1", {"l1"}, &l1},
    {"L2", {"l2"}, &l2},
    {"L1L2", {"l1_l2", "l1l2"}, &l1_l2},
    {"OrthogonalRegularizer", {"orthogonal_regularizer"}, &orthogonal},
};

const Base& require(const Made& base) {
  if (base == nullptr) throw ValueError("this Regularizer is empty. Give it one, e.g. \"l2\".");
  return *base;
}

}  // namespace

Regularizer::Base::~Base() = default;
Regularizer::Regularizer(const char* name) : Regularizer(std::string(name)) {}
Regularizer::Regularizer(const std::string& name)
    : base_(name.empty() ? nullptr : make_named<Base>("regularizer", kClasses, name, Config())) {}

Tensor Regularizer::operator()(const Tensor& x) const { return require(base_)(x); }
std::string Regularizer::class_name() const { return require(base_).class_name(); }
Config Regularizer::get_config() const { return require(base_).get_config(); }

Config::Value Regularizer::to_config_value() const {
  if (base_ == nullptr) return {};
  return Config::Value::object(class_name(), get_config(), base_, "regularizer");
}
Regularizer Regularizer::from_config_value(const Config::Value& value) {
  return Regularizer(named_from_value<Base>("regularizer", kClasses, value));
}

}  // namespace strata
