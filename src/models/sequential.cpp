// Sequential: layers one after another. With an Input it is built while layers are added, else at the first call.
#include "core/tensor_data.h"
#include "models/layer_state.h"
#include "models/model_state.h"
#include "serialization/operations.h"
#include "strata/call.h"

namespace strata {

namespace {

class SequentialBody final : public Layer {
 public:
  SequentialBody() { set_class_name("Sequential"); }
  SequentialBody(const SequentialBody& other) : Layer(other, Share{}) {}

 protected:
  std::shared_ptr<const Layer> self() const override { return std::make_shared<SequentialBody>(*this); }

  Tensors call_erased(const CallArguments& arguments) const override {
    const Tensors given = arguments.all_tensors();
    if (detail::any_recorded(given)) return CallFrame::record(*this, arguments);
    if (given.size() != 1) detail::throw_argument_count(*this, given.size(), 1);
    CallFrame frame(*this, arguments.training);
    try {
      Tensors x = frame.enter(given);
      for (const auto& child : state()->children) x = child.layer.call_with(CallArguments(x));
      frame.leave(x);
      return x;
    } catch (const Error&) {
      frame.rethrow();
    }
  }

  Layer clone_erased() const override {
    Sequential copy;
    const auto& model = model_state(*this);
    if (!model.inputs.empty()) {
      const Shape& shape = model.inputs[0].shape();
      copy.add(Input(shape.sub(1), {.dtype = to_string(model.inputs[0].dtype())}));
    }
    for (const auto& child : state()->children) copy.add(child.layer.clone_layer());
    return copy;
  }
};

// Undefined for a layer that computes.
Tensor input_of(const Sequential::Item& item) {
  if (item.input.defined()) return item.input;
  return is_input_layer(item.layer) ? Tensor(item.layer.output()) : Tensor();
}

}  // namespace

Sequential::Sequential() {
  auto body = std::make_shared<SequentialBody>();
  model_state(*body).is_sequential = true;
  set_object(body);
}

Sequential::Sequential(std::initializer_list<Item> items, const ModelOptions& options) : Sequential() {
  set_name(options.name);
  for (const Item& item : items) add(item);
}

Sequential::Sequential(const std::vector<Layer>& layers, const ModelOptions& options) : Sequential() {
  set_name(options.name);
  for (const Layer& layer : layers) add(layer);
}

void Sequential::add(const Item& item) const {
  LayerState& own = *state();
  ModelState& model = model_state(*this);
  own.ensure_name();
  const Tensor input = input_of(item);
  if (input.defined()) {
    if (!detail::is_recorded(input) || !own.children.empty() || !model.inputs.empty())
      throw ValueError(own.describe() + ": add() takes the tensor of Input() once, before the layers.");
    model.inputs = model.outputs = {input};
    model.input_names = {input.impl()->node->name};
    return;
  }
  const std::string name = item.layer.name();
  for (const auto& child : own.children)
    if (child.name == name)
      throw ValueError(own.describe() + ": there is a layer named '" + name +
                       "' already. Give each a .name of its own.");
  own.children.push_back({name, item.layer});
  if (item.layer.state()->parent.expired()) item.layer.state()->parent = state();
  if (model.inputs.empty()) return;
  const Tensors next = item.layer.call_with(CallArguments(model.outputs));
  if (next.size() != 1)
    throw ValueError(own.describe() + ": layer '" + name + "' has " + std::to_string(next.size()) +
                     " outputs; the layers of a Sequential have one. Use a functional model.");
  set_functional_graph(model, own, model.inputs, next);
  own.built = true;
}

void Sequential::pop() const {
  LayerState& own = *state();
  ModelState& model = model_state(*this);
  if (own.children.empty()) throw ValueError(own.describe() + ": there is no layer to pop().");
  own.children.pop_back();
  if (model.inputs.empty()) return;
  const Tensors before = model.nodes.back()->inputs;
  set_functional_graph(model, own, model.inputs, {before[0]});
}

}  // namespace strata
