// Functional models: the recorded calls between symbolic inputs and outputs, run again on new tensors.
#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "core/tensor_data.h"
#include "models/layer_call.h"
#include "models/layer_state.h"
#include "models/model_state.h"
#include "serialization/operations.h"
#include "strata/class_name.h"

namespace strata {

namespace {

using NodePtr = std::shared_ptr<const SymbolicNode>;

// In Keras's order, in which files keep weights; in a chain of layers that is the order of creation.
std::vector<Layer> graph_layers(const ModelState& model) {
  std::vector<Layer> out;
  if (model.is_sequential) {
    for (const NodePtr& node : model.nodes)
      if (node->call) out.push_back(node->call->layer);
    return out;
  }
  for (const Operation& o : operations_in_order(model)) {
    if (o.kind == Operation::Kind::input) out.push_back(layers::InputLayer::of(model.inputs[o.input]));
    if (o.kind == Operation::Kind::layer) out.push_back(o.layer);
  }
  return out;
}

bool is_input(const SymbolicNode& node) { return !node.op && !node.call; }

void require_recorded(const Tensors& tensors, const char* what) {
  for (const Tensor& t : tensors)
    if (!detail::is_recorded(t))
      throw ValueError(std::string("Model: the ") + what +
                       " of a functional model must be symbolic tensors made by Input() " +
                       "and calls on it, but one is " +
                       (t.defined() ? "an ordinary tensor of shape " + to_string(t.shape()) : "undefined") +
                       ". Start from Tensor x = Input({...}).");
}

// The object behind a functional Model.
class FunctionalBody final : public Layer {
 public:
  FunctionalBody() { set_class_name("Model"); }

 protected:
  std::shared_ptr<const Layer> self() const override { return std::make_shared<FunctionalBody>(*this); }
  Tensors call_erased(const CallArguments& arguments) const override {
    const Tensors given = arguments.all_tensors();
    if (detail::any_recorded(given)) return CallFrame::record(*this, arguments);
    CallFrame frame(*this, arguments.training);
    try {
      const ModelState& model = model_state(*this);
      if (given.size() != model.inputs.size()) detail::throw_argument_count(*this, given.size(), model.inputs.size());
      check_shapes(model, given);
      const Tensors results = run_functional(model, frame.enter(given));
      frame.leave(results);
      return results;
    } catch (const Error&) {
      frame.rethrow();
    }
  }
  Layer clone_erased() const override;

 public:
  FunctionalBody(const FunctionalBody& other) : Layer(other, Share{}) {}

 private:
  void check_shapes(const ModelState& model, const Tensors& given) const {
    for (std::size_t i = 0; i < given.size(); ++i) {
      const Shape &want = model.inputs[i].shape(), &got = given[i].shape();
      bool fits = want.size() == got.size();
      for (std::size_t d = 0; fits && d < want.size(); ++d)
        fits = want[d] == None || got[d] == None || want[d] == got[d];
      if (!fits)
        throw ShapeError(state()->describe() + ": input '" + model.input_names[i] + "' has shape " + to_string(got) +
                         ", expected " + to_string(want) + ".");
    }
  }
};

// Each layer once, copied: a model of the same graph with weights of its own.
Layer clone_functional(const Layer& body) {
  const ModelState& old = model_state(body);
  std::unordered_map<const LayerState*, Layer> copies;
  std::map<std::pair<const SymbolicNode*, int>, Tensor> values;
  auto value_of = [&](const Tensor& t) {
    const auto it = values.find({t.impl()->node.get(), t.impl()->output});
    return detail::is_recorded(t) && it != values.end() ? it->second : t;
  };
  Tensors inputs;
  for (std::size_t i = 0; i < old.inputs.size(); ++i) {
    auto node = new_symbolic_node(old.input_names[i], {}, {{old.inputs[i].shape(), old.inputs[i].dtype()}});
    inputs.push_back(outputs_of(node)[0]);
    values[{old.inputs[i].impl()->node.get(), old.inputs[i].impl()->output}] = inputs.back();
  }
  for (const NodePtr& node : old.nodes) {
    Tensors in;
    for (const Tensor& t : node->inputs) in.push_back(value_of(t));
    Tensors out;
    if (node->op) {
      out = strata::apply(node->op, in);
    } else {
      auto [it, is_new] = copies.try_emplace(node->call->layer.state().get());
      if (is_new) it->second = node->call->layer.clone_layer();
      out = it->second.call_with(node->call->arguments.with_tensors(in));
    }
    for (std::size_t i = 0; i < out.size(); ++i) values[{node.get(), static_cast<int>(i)}] = out[i];
  }
  Tensors outputs;
  for (const Tensor& t : old.outputs) outputs.push_back(value_of(t));
  return Model(inputs, outputs);
}

Layer FunctionalBody::clone_erased() const { return clone_functional(*this); }

}  // namespace

ModelState& model_state(const Layer& model) {
  auto& state = *model.state();
  std::lock_guard lock(state.mutex);
  if (!state.model) state.model = std::make_shared<ModelState>();
  return *state.model;
}

std::vector<NodePtr> nodes_between(const Tensors& inputs, const Tensors& outputs) {
  std::unordered_set<const SymbolicNode*> stop, seen;
  for (const Tensor& t : inputs) stop.insert(t.impl()->node.get());
  std::vector<NodePtr> found, pending;
  for (const Tensor& t : outputs) pending.push_back(t.impl()->node);
  while (!pending.empty()) {
    const NodePtr node = pending.back();
    pending.pop_back();
    if (stop.contains(node.get()) || !seen.insert(node.get()).second) continue;
    if (is_input(*node))
      throw ValueError("Model: an output depends on the input '" + node->name +
                       "', which is not among the inputs of the model. Add it to them.");
    found.push_back(node);
    for (const Tensor& t : node->inputs)
      if (detail::is_recorded(t)) pending.push_back(t.impl()->node);
  }
  std::sort(found.begin(), found.end(), [](const NodePtr& a, const NodePtr& b) { return a->id < b->id; });
  return found;
}

void set_functional_graph(ModelState& model, LayerState& state, const Tensors& inputs, const Tensors& outputs) {
  require_recorded(inputs, "inputs");
  require_recorded(outputs, "outputs");
  model.inputs = inputs;
  model.outputs = outputs;
  model.nodes = nodes_between(inputs, outputs);
  model.input_names.clear();
  model.output_names.clear();
  for (const Tensor& t : inputs) model.input_names.push_back(t.impl()->node->name);
  for (const Tensor& t : outputs) model.output_names.push_back(t.impl()->node->name);
  state.input_shapes.clear();
  for (const Tensor& t : inputs) state.input_shapes.push_back(t.shape());
  state.children.clear();
  model.layers = graph_layers(model);
  for (const Layer& layer : model.layers) {
    if (is_input_layer(layer)) continue;
    for (const auto& other : state.children)
      if (other.name == layer.name())
        throw ValueError("Model: two layers are named '" + layer.name() + "'. Give each a .name of its own.");
    state.children.push_back({layer.name(), layer});
    if (layer.state()->parent.expired()) layer.state()->parent = state.shared_from_this();
  }
}

Tensors run_functional(const ModelState& model, const Tensors& inputs) {
  std::unordered_map<const SymbolicNode*, Tensors> values;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto& data = *model.inputs[i].impl();
    Tensors& of_node = values[data.node.get()];
    of_node.resize(data.node->outputs.size());
    of_node[static_cast<std::size_t>(data.output)] = inputs[i];
  }
  auto value_of = [&](const Tensor& t) {
    return detail::is_recorded(t) ? values.at(t.impl()->node.get())[static_cast<std::size_t>(t.impl()->output)] : t;
  };
  for (const NodePtr& node : model.nodes) {
    Tensors in;
    for (const Tensor& t : node->inputs) in.push_back(value_of(t));
    if (node->op) {
      values[node.get()] = strata::apply(node->op, in);
    } else {
      values[node.get()] = node->call->layer.call_with(node->call->arguments.with_tensors(in));
    }
  }
  Tensors out;
  for (const Tensor& t : model.outputs) out.push_back(value_of(t));
  return out;
}

Tensors ordered_inputs(const Layer& layer, const Inputs& inputs) {
  if (inputs.names().empty()) return inputs.tensors();
  const auto& model = layer.state()->model;
  if (!model || model->input_names.empty()) return inputs.tensors();
  Tensors out;
  for (const std::string& name : model->input_names) {
    const auto it = std::find(inputs.names().begin(), inputs.names().end(), name);
    if (it == inputs.names().end()) {
      std::string given;
      for (const std::string& n : inputs.names()) given += (given.empty() ? "" : ", ") + n;
      throw ValueError(layer.state()->describe() + ": there is no input '" + name + "' among those given: " + given +
                       ".");
    }
    out.push_back(inputs.tensors()[static_cast<std::size_t>(it - inputs.names().begin())]);
  }
  return out;
}

Model::Model() { set_class_name("Model"); }

Model::Model(const Inputs& inputs, const Inputs& outputs, const ModelOptions& options) {
  auto body = std::make_shared<FunctionalBody>();
  ModelState& model = model_state(*body);
  set_functional_graph(model, *body->state(), inputs.tensors(), outputs.tensors());
  if (!inputs.names().empty()) model.input_names = inputs.names();
  if (!outputs.names().empty()) model.output_names = outputs.names();
  body->state()->built = true;
  set_object(body);
  set_name(options.name);
  name();
}

namespace {
// The first call that still belongs to something, as in Keras.
std::shared_ptr<const SymbolicNode> first_recorded_call(LayerState& state) {
  std::lock_guard lock(state.mutex);
  for (const auto& call : state.recorded)
    if (auto node = call.lock()) return node;
  throw ValueError(state.describe() +
                   " has no input and output, since it was not called on a tensor of Input(). Layers of functional "
                   "models and of a Sequential with an Input have them; in others, model.tap(\"" +
                   state.name + "\") gives what the layer makes of an input.");
}
}  // namespace

Outputs Layer::input() const {
  if (state_->model && !state_->model->inputs.empty()) return {state_->model->inputs, state_->model->input_names};
  const auto node = first_recorded_call(*state_);
  return is_input(*node) ? outputs_of(node) : node->inputs;
}
Outputs Layer::output() const {
  if (state_->model && !state_->model->outputs.empty()) return {state_->model->outputs, state_->model->output_names};
  return outputs_of(first_recorded_call(*state_));
}

Tensors Model::inputs() const { return model_state(*this).inputs; }
Tensors Model::outputs() const { return model_state(*this).outputs; }
std::vector<std::string> Model::input_names() const { return model_state(*this).input_names; }
std::vector<std::string> Model::output_names() const { return model_state(*this).output_names; }

Shape Model::input_shape() const {
  const auto& shapes = state()->input_shapes;
  if (shapes.size() != 1)
    throw ValueError(state()->describe() + " has " +
                     (shapes.empty() ? "no known input shape: build it first." : "several inputs."));
  return shapes[0];
}
Shape Model::output_shape() const {
  const Tensors outs = outputs();
  if (outs.size() == 1) return outs[0].shape();
  return compute_output_shape(input_shape());
}

}  // namespace strata
