#include "strata/variable.h"

#include <cstring>
#include <ostream>

#include "core/dispatch.h"
#include "graph/graph.h"
#include "graph/registry.h"
#include "graph/tape_impl.h"
#include "graph/variable_ops.h"
#include "strata/array.h"
#include "strata/math.h"

namespace strata {

namespace {

thread_local std::optional<DType> autocast_dtype;
thread_local detail::VariableReader* reader = nullptr;

// buffer += sign * delta, element by element.
void accumulate(Tensor& value, const Tensor& delta, double sign) {
  dispatch_numeric("assign_add", value.dtype(), [&]<class T>() {
    using C = Compute<T>;
    T* dst = detail::mutable_elements<T>(value);
    const T* src = detail::elements<T>(delta);
    const bool scalar = delta.size() == 1;
    for (std::int64_t i = 0, n = value.size(); i < n; ++i) {
      const C d = static_cast<C>(src[scalar ? 0 : i]);
      dst[i] = static_cast<T>(sign > 0 ? static_cast<C>(dst[i]) + d : static_cast<C>(dst[i]) - d);
    }
  });
}

}  // namespace

namespace detail {

Tensor& exclusive_value(VariableState& state) {
  const auto& data = state.value.impl();
  if (data.use_count() > 1 || data->buffer.use_count() > 1 || data->buffer->is_foreign())
    state.value = state.value.copy();
  return state.value;
}

AutocastScope::AutocastScope(std::optional<DType> dtype) : outer_(autocast_dtype) { autocast_dtype = dtype; }
AutocastScope::~AutocastScope() { autocast_dtype = outer_; }
std::optional<DType> current_autocast() { return autocast_dtype; }

VariableReader::~VariableReader() = default;
VariableReaderScope::VariableReaderScope(VariableReader& r) : outer_(std::exchange(reader, &r)) {}
VariableReaderScope::~VariableReaderScope() { reader = outer_; }

}  // namespace detail

WritesVariables::~WritesVariables() = default;
MakesGradients::~MakesGradients() = default;

Specs ReadVariable::infer(const Specs&) const { return {{variable->shape, variable->dtype}}; }
void ReadVariable::run(RunContext& c) const { c.out[0] = variable->value; }
Config ReadVariable::config() const { return {{"variable", Variable(variable).path()}}; }

Specs AssignVariable::infer(const Specs& in) const {
  const bool scalar = kind != Kind::set && in[0].shape.empty();
  bool fits = scalar || in[0].shape.size() == variable->shape.size();
  for (std::size_t i = 0; fits && !scalar && i < variable->shape.size(); ++i)
    fits = in[0].shape[i] == None || in[0].shape[i] == variable->shape[i];
  if (!fits)
    throw ShapeError("variable '" + Variable(variable).path() + "' has shape " + to_string(variable->shape) +
                     ", but a value of shape " + to_string(in[0].shape) + " is assigned. Reshape the value to it.");
  return {};
}

void AssignVariable::run(RunContext& c) const {
  const Tensor& value = c.in[0];
  if (value.shape() != variable->shape && !(kind != Kind::set && value.shape().empty()))
    infer({{value.shape(), value.dtype()}});
  if (kind == Kind::set) {
    // Into the variable's own memory where plans lend theirs, so that nothing is allocated.
    const auto& old = variable->value.impl();
    if (value.impl()->buffer->is_foreign() && old->shape == value.shape() && old->dtype == value.dtype() &&
        old.use_count() == 1 && old->buffer.use_count() == 1 && !old->buffer->is_foreign()) {
      std::memcpy(old->raw(), value.impl()->raw(), value.bytes());
      return;
    }
    variable->value = value.impl()->buffer->is_foreign() ? value.copy() : detail::view(value, value.shape());
    return;
  }
  accumulate(detail::exclusive_value(*variable), value, kind == Kind::add ? 1 : -1);
}

Config AssignVariable::config() const {
  const char* names[] = {"set", "add", "subtract"};
  return {{"variable", Variable(variable).path()}, {"kind", names[static_cast<int>(kind)]}};
}

void register_variable(Registry& r) {
  r.add_effect("read_variable");
  r.add_effect("assign_variable");
  r.add_effect("conditional");
  // Of component io, which core does not see.
  for (const char* name : {"summary_scalar", "summary_image", "summary_histogram", "summary_pr_curve"})
    r.add_effect(name);
}

Variable::Variable() = default;

Variable::Variable(const Tensor& initial, const VariableOptions& options) {
  check_defined("Variable", {&initial, 1});
  if (initial.is_symbolic())
    throw SymbolicError("Variable '" + options.name +
                        "': the initial value is a symbolic tensor. Create variables outside of the function.");
  state_ = std::make_shared<detail::VariableState>();
  if (!options.name.empty()) state_->name = options.name;
  state_->trainable = options.trainable;
  TraceScope outside(nullptr);
  const Tensor value = options.dtype ? cast(initial, *options.dtype) : initial;
  state_->dtype = value.dtype();
  state_->shape = value.shape();
  state_->value = value.copy();
  state_->created = true;
}

namespace {
detail::VariableState& require(const std::shared_ptr<detail::VariableState>& state) {
  if (!state)
    throw ValueError("this Variable is empty: it was default-constructed. Give it a value: Variable v(zeros({3})).");
  return *state;
}
detail::VariableState& require_value(const std::shared_ptr<detail::VariableState>& state) {
  auto& s = require(state);
  if (!s.created)
    throw ValueError("variable '" + Variable(state).path() +
                     "' has no value yet: its layer is not built. Call the layer on a tensor or build(shape) first.");
  return s;
}
}  // namespace

Tensor Variable::value() const {
  Tensor t = read();
  if (reader != nullptr) t = reader->value_of(*state_, t);
  if (!autocast_dtype || !is_floating(t.dtype()) || t.dtype() == *autocast_dtype) return t;
  if (*autocast_dtype == DType::float16) detail::float16_on_tapes();
  return cast(t, *autocast_dtype);
}

Tensor Variable::read() const {
  auto& s = require_value(state_);
  Graph* graph = current_graph();
  const Tensor t = graph != nullptr ? graph->read(state_) : s.value;
  if (detail::any_tape_records()) detail::read_on_tapes(state_, t);
  return t;
}

bool Variable::created() const { return state_ && state_->created; }

void Variable::create(const Shape& shape, const WeightOptions& options) const {
  auto& s = require(state_);
  if (s.created) {
    if (s.shape == shape) return;
    throw ShapeError("variable '" + path() + "' exists with shape " + to_string(s.shape) +
                     " and cannot be created with shape " + to_string(shape) +
                     ". A layer keeps the shape of its first input; make another layer, or clone().");
  }
  if (!shape.is_known())
    throw ShapeError("variable '" + path() + "' cannot be created with shape " + to_string(shape) +
                     ": a dimension is not known. Give the Input a full shape, the batch apart.");
  TraceScope outside(nullptr);
  detail::RecordingPause pause;
  s.regularizer = options.regularizer;
  s.constraint = options.constraint;
  if (options.trainable) s.trainable = *options.trainable;
  if (options.dtype) s.dtype = *options.dtype;
  s.shape = shape;
  const Initializer initializer = options.initializer ? options.initializer : Initializer("glorot_uniform");
  s.value = initializer(shape, s.dtype).copy();
  s.created = true;
}

void Variable::assign(const Tensor& value) const {
  auto& s = require_value(state_);
  apply(std::make_shared<AssignVariable>(state_, AssignVariable::Kind::set), {cast(value, s.dtype)});
}
void Variable::assign_add(const Tensor& delta) const {
  auto& s = require_value(state_);
  apply(std::make_shared<AssignVariable>(state_, AssignVariable::Kind::add), {cast(delta, s.dtype)});
}
void Variable::assign_sub(const Tensor& delta) const {
  auto& s = require_value(state_);
  apply(std::make_shared<AssignVariable>(state_, AssignVariable::Kind::subtract), {cast(delta, s.dtype)});
}

const Shape& Variable::shape() const { return require_value(state_).shape; }
DType Variable::dtype() const { return require(state_).dtype; }
std::int64_t Variable::size() const { return shape().num_elements(); }
const std::string& Variable::name() const { return require(state_).name; }
bool Variable::trainable() const { return require(state_).trainable; }
void Variable::set_trainable(bool trainable) const { require(state_).trainable = trainable; }
const Regularizer& Variable::regularizer() const { return require(state_).regularizer; }
const Constraint& Variable::constraint() const { return require(state_).constraint; }

std::string Variable::path() const {
  const auto& s = require(state_);
  const std::string layer = detail::layer_path_of(s.owner);
  return layer.empty() ? s.name : layer + "/" + s.name;
}

std::ostream& operator<<(std::ostream& out, const Variable& variable) {
  return out << "Variable(name=" << variable.path() << ", value=" << variable.read() << ")";
}

}  // namespace strata
