// The frame around each call of a layer.
#include "strata/call.h"

#include <algorithm>

#include "graph/graph.h"
#include "graph/symbolic.h"
#include "models/call_context.h"
#include "models/call_observer.h"
#include "models/layer_call.h"
#include "models/layer_state.h"
#include "models/masks.h"
#include "strata/array.h"
#include "strata/math.h"
#include "strata/tape.h"

namespace strata {

namespace {

struct CallStack {
  std::vector<std::shared_ptr<LayerState>> layers;
  std::optional<bool> training;
  std::vector<std::pair<std::shared_ptr<LayerState>, Tensor>> losses;
};
thread_local CallStack call_stack;
thread_local bool infers_shapes = false;

bool has_weights(const LayerState& state) { return !state.weights.empty(); }

// The penalty of an output, as a mean over the batch: its strength does not change with the size of the batch.
Tensor activity_loss(const Regularizer& regularizer, const Tensor& output) {
  const Tensor loss = regularizer(output);
  if (output.rank() == 0) return loss;
  return divide_no_nan(loss, cast(strata::shape(output)[0], loss.dtype()));
}

// Weights that nothing tracks would be lost to training and saving without a word.
void check_tracked(LayerState& state) {
  if (call_stack.layers.empty() || !has_weights(state)) return;
  for (const auto& above : call_stack.layers)
    if (above->tracks(&state)) return;
  LayerState& caller = *call_stack.layers.back();
  throw ValueError(
      state.describe() + " has weights, but neither " + caller.describe() +
      " that calls it nor a layer above tracks it, so its weights would not be trained or saved. Declare it in " +
      caller.class_name + " as: " + state.class_name + " layer = track(\"layer\", " + state.class_name + "(...));");
}

void clear_losses(LayerState& state) {
  state.call_losses.clear();
  for (auto& child : state.children) clear_losses(*child.layer.state());
}

Shape without_batch(Shape shape) {
  if (!shape.empty()) shape[0] = None;
  return shape;
}

}  // namespace

CallContext current_call_context() {
  return {call_stack.layers, call_stack.training, detail::current_autocast(), current_scope_name()};
}

struct CallContextScope::Data {
  CallStack outer;
  std::string outer_scope;
  detail::AutocastScope autocast;
};

CallContextScope::CallContextScope(const CallContext& context)
    : data_(new Data{call_stack, current_scope_name(), detail::AutocastScope(context.autocast)}) {
  call_stack = {context.layers, context.training, {}};
  set_scope_name(context.scope_name);
}

CallContextScope::~CallContextScope() {
  call_stack = std::move(data_->outer);
  set_scope_name(data_->outer_scope);
}

bool call_is_frozen() {
  return std::any_of(call_stack.layers.begin(), call_stack.layers.end(), [](const auto& s) { return !*s->trainable; });
}

ShapeInferenceScope::ShapeInferenceScope() : outer_(infers_shapes) { infers_shapes = true; }
ShapeInferenceScope::~ShapeInferenceScope() { infers_shapes = outer_; }
bool shapes_are_inferred() { return infers_shapes; }

Tensors CallArguments::all_tensors() const {
  if (is_flat) return flat;
  Tensors out;
  for (const Argument& a : arguments) out.insert(out.end(), a.tensors.begin(), a.tensors.end());
  return out;
}

CallArguments CallArguments::with_tensors(const Tensors& tensors) const {
  CallArguments out = *this;
  std::size_t next = 0;
  for (Tensor& t : out.flat) t = tensors[next++];
  for (Argument& a : out.arguments)
    for (Tensor& t : a.tensors) t = tensors[next++];
  return out;
}

void Layer::add_loss(const Tensor& loss) const {
  check_defined("add_loss", {&loss, 1});
  call_stack.losses.emplace_back(state_, loss);
}

struct CallFrame::Data {
  std::shared_ptr<LayerState> state;
  const Layer* layer;
  std::optional<bool> outer_training;
  std::optional<detail::AutocastScope> autocast;
  std::string outer_scope;
  Tensors inputs;
  bool pushed = false;
};

CallFrame::CallFrame(const Layer& layer, std::optional<bool> training) : data_(std::make_unique<Data>()) {
  data_->state = layer.state();
  data_->layer = &layer;
  data_->outer_training = call_stack.training;
  data_->outer_scope = current_scope_name();
  if (training) call_stack.training = training;
}

CallFrame::~CallFrame() {
  if (data_->pushed) {
    call_stack.layers.pop_back();
    set_scope_name(data_->outer_scope);
    if (call_stack.layers.empty()) call_stack.losses.clear();
  }
  call_stack.training = data_->outer_training;
}

bool CallFrame::training() const { return call_stack.training.value_or(false); }

Tensors CallFrame::enter(const Tensors& tensors) {
  LayerState& state = *data_->state;
  state.ensure_name();
  check_defined(state.name.c_str(), tensors);
  check_tracked(state);
  const bool is_root = call_stack.layers.empty();
  call_stack.layers.push_back(data_->state);
  data_->pushed = true;
  set_scope_name(state.path());
  if (is_root && (!state.call_losses.empty() || !state.children.empty())) clear_losses(state);

  if (!state.built) {
    std::lock_guard lock(state.mutex);
    if (!state.built) {
      std::vector<Shape> shapes;
      for (const Tensor& t : tensors) shapes.push_back(without_batch(t.shape()));
      TraceScope outside(nullptr);
      detail::RecordingPause pause;
      const detail::AutocastScope no_cast(std::nullopt);
      data_->layer->build_erased(shapes);
      state.input_shapes = shapes;
      for (const Tensor& t : tensors) state.input_dtypes.push_back(t.dtype());
      state.built = true;
    }
  }
  data_->inputs = tensors;
  if (CallObserver* observer = current_observer()) observer->on_enter(state, tensors);
  const DType compute = data_->layer->compute_dtype();
  data_->autocast.emplace(compute == data_->layer->variable_dtype() ? std::nullopt : std::optional<DType>(compute));
  Tensors out;
  for (const Tensor& t : tensors) {
    out.push_back(is_floating(t.dtype()) && t.dtype() != compute ? cast(t, compute) : t);
    if (const Tensor mask = mask_of(t); mask.defined()) set_mask(out.back(), mask);
  }
  if (CallObserver* observer = current_observer()) return observer->inputs_of(state, out);
  return out;
}

void CallFrame::leave(const Tensors& results) {
  LayerState& state = *data_->state;
  if (CallObserver* observer = current_observer()) observer->on_leave(state, results);
  if (infers_shapes) {
    state.output_specs.clear();
    for (const Tensor& t : results) state.output_specs.push_back({t.shape(), t.dtype()});
  }
  for (const Tensor& t : results) {
    const bool is_input = std::any_of(data_->inputs.begin(), data_->inputs.end(),
                                      [&](const Tensor& in) { return in.impl() == t.impl(); });
    if (t.defined() && !is_input && t.impl()->origin.expired()) t.impl()->origin = data_->state;
  }
  pass_masks(state.class_name, data_->inputs, results);
  if (state.activity_regularizer)
    for (const Tensor& t : results)
      if (t.defined()) call_stack.losses.emplace_back(data_->state, activity_loss(state.activity_regularizer, t));
  if (call_stack.layers.size() == 1) {
    for (auto& [owner, loss] : call_stack.losses) owner->call_losses.push_back(loss);
    call_stack.losses.clear();
    drop_old_masks();
  }
}

void CallFrame::rethrow() const {
  // The innermost layer names itself; those above let its text pass.
  const std::string mark = "in layer ";
  auto text = [&](const std::exception& e) {
    const std::string what = e.what();
    return what.starts_with(mark) || what.find(data_->state->describe()) != std::string::npos
               ? what
               : mark + data_->state->describe() + ": " + what;
  };
  try {
    throw;
  } catch (const ShapeError& e) {
    throw ShapeError(text(e));
  } catch (const DTypeError& e) {
    throw DTypeError(text(e));
  } catch (const IndexError& e) {
    throw IndexError(text(e));
  } catch (const FileError&) {
    throw;
  } catch (const ValueError& e) {
    throw ValueError(text(e));
  } catch (const SymbolicError& e) {
    throw SymbolicError(text(e));
  }
}

Tensors CallFrame::record(const Layer& layer, const CallArguments& arguments) {
  const auto& state = layer.state();
  state->ensure_name();
  for (const auto& a : arguments.arguments)
    if (a.kind == CallArguments::Argument::Kind::opaque)
      throw ValueError(state->describe() +
                       ": an argument of its call is neither tensor nor a value that a Config holds "
                       "(bool, integer, real, string, list, layer), so the call cannot be recorded "
                       "on a symbolic tensor. Pass such a value to the constructor instead.");
  const Layer kept = layer;
  auto node = new_symbolic_node(state->name, arguments.all_tensors(), infer_outputs(kept, arguments));
  node->call = std::make_shared<LayerCall>(kept, arguments);
  {
    std::lock_guard lock(state->mutex);
    std::erase_if(state->recorded, [](const auto& call) { return call.expired(); });
    state->recorded.push_back(node);
  }
  Tensors results = outputs_of(node);
  for (const Tensor& t : results) t.impl()->origin = state;
  return results;
}

namespace {
// Calls the layer on what `arguments_in(graph)` makes of symbolic inputs of a graph that is thrown away.
template <class F>
Specs infer_on_graph(const Layer& layer, F arguments_in) {
  auto graph = std::make_shared<Graph>("shapes");
  TraceScope scope(graph);
  const ShapeInferenceScope shapes;
  const detail::RecordingPause pause;
  Specs specs;
  for (const Tensor& t : layer.call_with(arguments_in(*graph))) specs.push_back({t.shape(), t.dtype()});
  return specs;
}
}  // namespace

Specs infer_outputs(const Layer& layer, const CallArguments& arguments) {
  return infer_on_graph(layer, [&](Graph& graph) {
    Tensors symbolic;
    for (const Tensor& t : arguments.all_tensors())
      symbolic.push_back(t.is_symbolic() ? graph.add_input({t.shape(), t.dtype()}) : t);
    return arguments.with_tensors(symbolic);
  });
}

Specs infer_outputs(const Layer& layer, const std::vector<Shape>& input_shapes) {
  return infer_on_graph(layer, [&](Graph& graph) {
    Tensors symbolic;
    for (const Shape& s : input_shapes) symbolic.push_back(graph.add_input({s, layer.compute_dtype()}));
    return CallArguments(symbolic);
  });
}

namespace detail {

bool any_recorded(const Tensors& tensors) { return std::any_of(tensors.begin(), tensors.end(), is_recorded); }

void throw_argument_count(const Layer& layer, std::size_t given, std::size_t most) {
  layer.state()->ensure_name();
  throw ValueError(layer.state()->describe() + ": called with " + std::to_string(given) +
                   (given == 1 ? " argument" : " arguments") + ", but its `call` takes " + std::to_string(most) +
                   " besides training. Give each of them.");
}

void throw_opaque_argument(std::size_t index) {
  throw ValueError(
      "argument " + std::to_string(index) +
      " of a recorded call is neither a tensor nor a value that a Config holds, so it cannot be given again.");
}

}  // namespace detail
}  // namespace strata
