#include "strata/layer.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <unordered_set>

#include "graph/graph.h"
#include "models/layer_state.h"
#include "models/model_state.h"
#include "models/policy.h"
#include "serialization/operations.h"
#include "serialization/serialize.h"
#include "strata/call.h"
#include "strata/class_name.h"
#include "strata/utils.h"

namespace strata {

namespace {

std::mutex names_mutex;
std::map<std::string, int>& name_counts() {
  static std::map<std::string, int> counts;
  return counts;
}

// Depth-first; a variable that several layers hold appears once.
void collect(LayerState& state, std::vector<Variable>& out, std::unordered_set<const void*>& seen, bool trainable_path,
             int wanted) {
  const bool on = trainable_path && *state.trainable;
  auto take = [&](bool trainable) {
    for (const Variable& v : state.weights) {
      if (!v.created() || v.trainable() != trainable) continue;
      const bool counts_as_trainable = trainable && on;
      const bool is_wanted = wanted == 0 || (wanted > 0) == counts_as_trainable;
      if (is_wanted && seen.insert(v.state().get()).second) out.push_back(v);
    }
  };
  take(true);
  take(false);
  for (const auto& child : state.children) collect(*child.layer.state(), out, seen, on, wanted);
}

std::vector<Variable> collect(LayerState& state, int wanted) {
  std::vector<Variable> out;
  std::unordered_set<const void*> seen;
  collect(state, out, seen, true, wanted);
  return out;
}

Outputs named_outputs(const Layer& layer, const Tensors& results) {
  const auto& model = layer.state()->model;
  return Outputs(results, model ? model->output_names : std::vector<std::string>());
}

void collect_losses(LayerState& state, Tensors& out) {
  out.insert(out.end(), state.call_losses.begin(), state.call_losses.end());
  for (const auto& child : state.children) collect_losses(*child.layer.state(), out);
}

}  // namespace

std::string unique_name(const std::string& base, bool first_has_number) {
  std::lock_guard lock(names_mutex);
  const int n = name_counts()[base]++;
  if (first_has_number) return base + "_" + std::to_string(n + 1);
  return n == 0 ? base : base + "_" + std::to_string(n);
}

void utils::clear_session() {
  std::lock_guard lock(names_mutex);
  name_counts().clear();
}

const std::string& LayerState::ensure_name() {
  if (name.empty()) {
    std::lock_guard lock(mutex);
    if (name.empty()) {
      name = unique_name(detail::to_snake_case(class_name));
    }
  }
  return name;
}

std::string LayerState::path() {
  const auto above = parent.lock();
  const std::string& own = name.empty() ? class_name : name;
  return above ? above->path() + "/" + own : own;
}

std::string LayerState::describe() { return class_name + " '" + path() + "'"; }

bool LayerState::tracks(const LayerState* other) const {
  return std::any_of(children.begin(), children.end(), [&](const Child& c) { return c.layer.state().get() == other; });
}

Layer::Layer() : state_(std::make_shared<LayerState>()) {
  state_->trainable = trainable.storage();
  state_->policy = mixed_precision::global_policy();
}
Layer::Layer(const Layer& other) : trainable(other.trainable), state_(other.state_), object_(other.self()) {}
Layer::Layer(const Layer& other, Share) : trainable(other.trainable), state_(other.state_), object_(other.object_) {}
Layer::~Layer() = default;

Layer& Layer::operator=(const Layer& other) {
  object_ = other.self();
  state_ = other.state_;
  trainable.rebind(other.trainable);
  return *this;
}

void Layer::share(const Layer& other) {
  state_ = other.state_;
  object_ = other.object_;
  trainable.rebind(other.trainable);
}

void Layer::set_object(std::shared_ptr<const Layer> object) {
  state_ = object->state_;
  trainable.rebind(object->trainable);
  object_ = std::move(object);
}

const Layer& Layer::target() const { return object_ ? *object_ : *this; }

Outputs Layer::operator()(const Inputs& inputs) const {
  return named_outputs(*this, target().call_erased(CallArguments(ordered_inputs(*this, inputs))));
}
Outputs Layer::operator()(const Inputs& inputs, Training training) const {
  return named_outputs(*this, target().call_erased(CallArguments(ordered_inputs(*this, inputs), training.value)));
}

Tensors Layer::call_erased(const CallArguments& arguments) const {
  if (object_) return object_->call_erased(arguments);
  throw ValueError(
      "this Layer is empty: it was default-constructed. Assign a layer to it first: Layer layer = Dense(10);");
}
void Layer::build_erased(const std::vector<Shape>& shapes) const {
  if (object_) object_->build_erased(shapes);
}
Config Layer::own_config() const { return object_ ? object_->own_config() : Config(); }
Layer Layer::clone_erased() const {
  if (object_) return object_->clone_erased();
  throw ValueError("this Layer is empty: there is nothing to clone.");
}

const std::string& Layer::name() const { return state_->ensure_name(); }
std::string Layer::path() const {
  state_->ensure_name();
  return state_->path();
}
std::string Layer::class_name() const { return state_->class_name; }
bool Layer::built() const { return state_->built; }

void Layer::build(const Shape& input_shape) const { build(std::vector<Shape>{input_shape}); }
void Layer::build(const std::vector<Shape>& input_shapes) const { infer_outputs(*this, input_shapes); }

Shape Layer::compute_output_shape(const Shape& input_shape) const {
  const std::vector<Shape> shapes = compute_output_shapes({input_shape});
  if (shapes.size() != 1)
    throw ValueError(state_->describe() + " has " + std::to_string(shapes.size()) +
                     " outputs. Use compute_output_shapes({shape}).");
  return shapes[0];
}
std::vector<Shape> Layer::compute_output_shapes(const std::vector<Shape>& input_shapes) const {
  std::vector<Shape> out;
  for (const Spec& s : infer_outputs(*this, input_shapes)) out.push_back(s.shape);
  return out;
}

std::vector<Variable> Layer::weights() const { return collect(*state_, 0); }
std::vector<Variable> Layer::trainable_weights() const { return collect(*state_, 1); }
std::vector<Variable> Layer::non_trainable_weights() const { return collect(*state_, -1); }

Tensors Layer::get_weights() const {
  Tensors out;
  for (const Variable& v : weights()) out.push_back(v.read());
  return out;
}

void Layer::set_weights(const Tensors& values) const {
  const std::vector<Variable> all = weights();
  state_->ensure_name();
  if (all.size() != values.size())
    throw ValueError(state_->describe() + ": set_weights got " + std::to_string(values.size()) +
                     " tensors, but there are " + std::to_string(all.size()) + " weights" +
                     (all.empty() ? ". Build it first: call it on a tensor, or build(shape)." : "."));
  for (std::size_t i = 0; i < all.size(); ++i)
    if (values[i].shape() != all[i].shape())
      throw ShapeError(state_->describe() + ": set_weights got shape " + to_string(values[i].shape()) + " for weight " +
                       std::to_string(i) + ", '" + all[i].path() + "', of shape " + to_string(all[i].shape()) + ".");
  for (std::size_t i = 0; i < all.size(); ++i) all[i].assign(values[i]);
}

std::int64_t Layer::count_params() const {
  std::int64_t total = 0;
  const std::vector<Variable> all = weights();
  state_->ensure_name();
  if (all.empty() && !state_->built)
    throw ValueError(state_->describe() +
                     " has no weights to count: it is not built. Call it on a tensor, or build({None, ...}) first.");
  for (const Variable& v : all) total += v.size();
  return total;
}

Tensors Layer::losses() const {
  Tensors out;
  collect_losses(*state_, out);
  for (const Variable& v : trainable_weights())
    if (v.regularizer()) out.push_back(v.regularizer()(v.read()));
  return out;
}

std::vector<Layer> Layer::layers() const {
  if (state_->model && !state_->model->layers.empty()) return state_->model->layers;
  std::vector<Layer> out;
  for (const auto& child : state_->children) out.push_back(child.layer);
  return out;
}

Layer Layer::get_layer(const std::string& name) const {
  std::string known;
  for (const Layer& layer : layers()) {
    if (layer.name() == name) return layer;
    known += (known.empty() ? "" : ", ") + layer.name();
  }
  throw ValueError(state_->describe() + " has no layer '" + name + "'. Its layers are: " + known + ".");
}

Layer Layer::get_layer(int index) const {
  const std::vector<Layer> all = layers();
  const int n = static_cast<int>(all.size()), i = index < 0 ? index + n : index;
  if (i < 0 || i >= n)
    throw IndexError(state_->describe() + ": layer " + std::to_string(index) + " is out of range; there are " +
                     std::to_string(n) + " layers.");
  return all[static_cast<std::size_t>(i)];
}

DType Layer::compute_dtype() const { return policy_of(state_->policy).compute_dtype; }
DType Layer::variable_dtype() const { return policy_of(state_->policy).variable_dtype; }

namespace {
// The layers whose own get_config() runs in this thread. Where one asks for its base's, as in Python, it gets the
// common values alone.
thread_local std::vector<const LayerState*> configured;

struct ConfiguredScope {
  explicit ConfiguredScope(const LayerState* state) { configured.push_back(state); }
  ~ConfiguredScope() { configured.pop_back(); }
  ConfiguredScope(const ConfiguredScope&) = delete;
  ConfiguredScope& operator=(const ConfiguredScope&) = delete;
};
}  // namespace

Config Layer::values() const {
  Config out = {
      {"name", name()}, {"trainable", static_cast<bool>(trainable)}, {"dtype", policy_of(state_->policy).name}};
  if (std::find(configured.begin(), configured.end(), state_.get()) != configured.end()) return out;
  const ConfiguredScope scope(state_.get());
  return out.update(target().own_config());
}

Config Layer::get_config() const {
  if (is_sequential(*this)) return sequential_config(*this, KerasStyle::keras3);
  return has_graph(*this) ? functional_config(*this, KerasStyle::keras3) : values();
}

Config::Value Layer::to_config_value() const {
  return Config::Value::object(class_name(), values(), std::make_shared<Layer>(*this), "layer");
}
Layer Layer::from_config_value(const Config::Value& value) {
  const bool is_object = value.kind() == Config::Value::Kind::object;
  if (is_object && value.role() == "layer" && value.handle()) return *static_cast<const Layer*>(value.handle().get());
  if (is_object || value.kind() != Config::Value::Kind::map || !value.as_map().contains("class_name"))
    throw ValueError("a layer was expected in the configuration, but the value is no layer.");
  return deserialize_layer(value);
}

void Layer::track_child(const std::string& name, const Layer& child) const {
  LayerState& c = *child.state_;
  if (c.is_name_given && c.name != name)
    throw ValueError(c.class_name + " is tracked as '" + name + "' by " + state_->class_name + " but has the name '" +
                     c.name + "'. Leave .name out, or make both the same.");
  for (const auto& other : state_->children)
    if (other.name == name)
      throw ValueError(state_->class_name + " tracks two layers as '" + name + "'. Give each a name of its own.");
  const bool is_first = c.parent.expired();
  if (c.name.empty() || (is_first && !c.is_name_given)) c.name = name;  // one made up before, as a Sequential's, goes
  if (is_first) c.parent = state_;
  state_->children.push_back({name, child});
}

Variable Layer::weight(const std::string& name) const {
  for (const Variable& w : state_->weights)
    if (w.name() == name)
      throw ValueError(state_->class_name + " declares two weights named '" + name + "'. Give each a name of its own.");
  auto v = std::make_shared<detail::VariableState>();
  v->name = name;
  v->owner = state_;
  v->dtype = variable_dtype();
  state_->weights.push_back(Variable(v));
  return Variable(v);
}

Variable Layer::state_weight(const std::string& name) const {
  Variable v = weight(name);
  v.set_trainable(false);
  return v;
}

namespace detail {
std::string layer_path_of(const std::weak_ptr<LayerState>& layer) {
  const auto state = layer.lock();
  return state ? state->path() : std::string();
}
}  // namespace detail

void Layer::set_class_name(const std::string& class_name) const { state_->class_name = class_name; }
void Layer::set_name(const std::string& name) const {
  if (name.empty()) return;
  state_->name = name;
  state_->is_name_given = true;
}
void Layer::set_dtype(const std::string& policy) const {
  if (policy.empty()) return;
  policy_of(policy);  // an unknown name is an error here
  state_->policy = policy;
  for (const Variable& w : state_->weights)
    if (!w.created()) w.state()->dtype = variable_dtype();
}
void Layer::set_activity_regularizer(const Regularizer& regularizer) const {
  state_->activity_regularizer = regularizer;
}

Inputs::Inputs(std::initializer_list<std::pair<const char*, Tensor>> named) {
  for (const auto& [name, tensor] : named) {
    names_.emplace_back(name);
    tensors_.push_back(tensor);
  }
}
Inputs::Inputs(const Variable& variable) : tensors_{variable.value()} {}
Inputs::Inputs(const Outputs& outputs) : tensors_(outputs.tensors()) {}

Outputs::operator Tensor() const {
  if (tensors_.size() != 1)
    throw ValueError(
        "this call gave " + std::to_string(tensors_.size()) +
        " outputs, where one tensor is expected. Take them apart: auto [a, b] = outputs.as<2>(); or by outputs[0].");
  return tensors_[0];
}
const Tensor& Outputs::only() const {
  if (tensors_.size() != 1)
    throw ValueError("this call gave " + std::to_string(tensors_.size()) +
                     " outputs, where one is expected. Take one of them: outputs[0], or by its name.");
  return tensors_[0];
}
Tensor Outputs::operator[](std::int64_t i) const {
  const auto n = static_cast<std::int64_t>(tensors_.size());
  if (n == 1) return tensors_[0][i];
  if (i < -n || i >= n)
    throw IndexError("output " + std::to_string(i) + " is out of range; there are " + std::to_string(n) + " outputs.");
  return tensors_[static_cast<std::size_t>(i < 0 ? i + n : i)];
}
Tensor Outputs::operator[](const char* name) const {
  std::string known;
  for (std::size_t i = 0; i < names_.size() && i < tensors_.size(); ++i) {
    if (names_[i] == name) return tensors_[i];
    known += (known.empty() ? "" : ", ") + names_[i];
  }
  throw ValueError("there is no output '" + std::string(name) +
                   "'. The outputs are: " + (known.empty() ? "without names" : known) + ".");
}
std::ostream& operator<<(std::ostream& out, const Outputs& outputs) {
  if (outputs.size() == 1) return out << outputs.tensors()[0];
  for (std::size_t i = 0; i < outputs.size(); ++i)
    out << (i > 0 ? "\n" : "") << (i < outputs.names().size() ? outputs.names()[i] : std::to_string(i)) << ": "
        << outputs.tensors()[i];
  return out;
}
void Outputs::require_size(std::size_t n) const {
  if (tensors_.size() != n)
    throw ValueError("this call gave " + std::to_string(tensors_.size()) + " outputs, but " + std::to_string(n) +
                     " are taken. Use as<" + std::to_string(tensors_.size()) + ">().");
}

}  // namespace strata
