#include "layers/recurrent_loop.h"

#include <map>

#include "graph/graph.h"
#include "models/layer_state.h"
#include "strata/array.h"
#include "strata/call.h"
#include "strata/indexing.h"
#include "strata/masking.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"
#include "strata/tape.h"

namespace strata::layers {

namespace {

thread_local int dropout_depth = 0;
thread_local std::map<std::pair<const void*, std::string>, Tensors> kept_masks;

Tensor step_of(const Tensor& x, std::int64_t step) { return x[{Slice(0, None), step}]; }

// A mask (batch) for where(): (batch, 1, ...) of the rank of y.
Tensor like_rank(Tensor mask, const Tensor& y) {
  while (mask.rank() < y.rank()) mask = expand_dims(mask, -1);
  return mask;
}

[[noreturn]] void unknown_steps(const RecurrentCall& c) {
  throw ShapeError(c.layer.class_name() + " '" + c.layer.path() + "': the number of steps of the input " +
                   to_string(c.x.shape()) +
                   " is not known, but the steps are run one by one. Give the Input its number of steps.");
}

struct Steps {
  Tensor output;  // of all steps where return_sequences, else of the last
  Tensors states;
};

Steps one_by_one(const RecurrentCall& c, Tensors states) {
  const std::int64_t steps = c.x.shape()[1];
  if (steps == None && !shapes_are_inferred()) unknown_steps(c);
  const DropoutScope scope;
  Tensors outputs;
  Tensor last;
  for (std::int64_t t = 0; t < (steps == None ? 1 : steps); ++t) {
    Tensors in = {step_of(c.x, t)};
    in.insert(in.end(), states.begin(), states.end());
    Tensors out = c.cell.call_with(CallArguments(in, c.training));
    if (out.size() != states.size() + 1)
      throw ValueError(c.cell.class_name() + " '" + c.cell.path() + "': a step gave " + std::to_string(out.size()) +
                       " tensors, expected the output and " + std::to_string(states.size()) + " states.");
    Tensor y = out[0];
    if (c.mask.defined()) {
      const Tensor on = c.mask[{Slice(0, None), t}];
      const bool from_zero = c.options.zero_output_for_mask || !last.defined();
      y = where(like_rank(on, y), y, from_zero ? zeros_like(y) : last);
      for (std::size_t i = 0; i < states.size(); ++i)
        out[i + 1] = where(like_rank(on, out[i + 1]), out[i + 1], states[i]);
    }
    last = y;
    states.assign(out.begin() + 1, out.end());
    if (c.options.return_sequences) outputs.push_back(y);
  }
  if (!c.options.return_sequences) return {last, states};
  return {steps == None ? spread_over_steps(last, c.x) : stack(outputs, 1), states};
}

Steps all_at_once(const RecurrentCall& c, const Fused& fused, const Tensors& start, bool has_start) {
  const Tensors all = fused(c.x, start, c.mask);
  auto last = [](const Tensor& t) { return t[{Slice(0, None), -1}]; };
  Steps out;
  for (const Tensor& t : all) out.states.push_back(last(t));
  out.output = c.options.return_sequences ? all[0] : out.states[0];
  if (!c.mask.defined()) return out;
  // The output of a masked step is that of the step before, and zero before the first that counts, whatever the start.
  Tensor on = c.mask;
  if (!c.options.zero_output_for_mask && has_start) on = cumsum(cast(c.mask, int32), 1) > 0;
  if (c.options.zero_output_for_mask || has_start)
    out.output = where(expand_dims(c.options.return_sequences ? on : last(on), -1), out.output, 0.f);
  return out;
}

// The variables of a stateful layer, made at the first call.
Tensors kept_states(const RecurrentCall& c) {
  const std::int64_t batch = c.x.shape()[0];
  auto& kept = c.kept->variables;
  if (kept.empty()) {
    if (batch == None)
      throw ShapeError(c.layer.class_name() + " '" + c.layer.path() +
                       "': a stateful layer needs a fixed batch size, but the input has shape " +
                       to_string(c.x.shape()) + ". Give it to the Input: Input({...}, {.batch_size = 32}).");
    const TraceScope outside(nullptr);
    const strata::detail::RecordingPause pause;
    for (const std::int64_t size : c.state_size)
      kept.emplace_back(zeros({batch, size}, c.x.dtype()), VariableOptions{.trainable = false, .name = "rnn_state"});
  }
  if (batch != None && kept[0].shape()[0] != batch)
    throw ShapeError(c.layer.class_name() + " '" + c.layer.path() + "': a stateful layer got a batch of " +
                     std::to_string(batch) + ", but its states are for " + std::to_string(kept[0].shape()[0]) +
                     ". Keep to one batch size, or call reset_state() of another layer.");
  Tensors out;
  for (const Variable& v : kept) out.push_back(v.value());
  return out;
}

}  // namespace

DropoutScope::DropoutScope() { ++dropout_depth; }
DropoutScope::~DropoutScope() {
  if (--dropout_depth == 0) kept_masks.clear();
}

Tensors dropout_masks(const Layer& cell, const std::string& kind, const Tensor& x, double rate, int count,
                      std::optional<std::int64_t> seed) {
  const auto key = std::pair<const void*, std::string>(cell.state().get(), kind);
  if (dropout_depth > 0)
    if (const auto found = kept_masks.find(key); found != kept_masks.end()) return found->second;
  Tensors out;
  for (int i = 0; i < count; ++i) {
    if (seed) *seed += 1;
    out.push_back(nn::dropout(ones_like(x), rate, {.seed = seed}));
  }
  if (dropout_depth > 0) kept_masks[key] = out;
  return out;
}

Tensors zero_states(const Tensor& x, const std::vector<std::int64_t>& sizes) {
  Tensor first = x;
  while (first.rank() > 2) first = step_of(first, 0);
  const Tensor column = zeros_like(first[{Slice(0, None), Slice(0, 1)}]);
  Tensors out;
  for (const std::int64_t size : sizes) out.push_back(repeat(column, static_cast<int>(size), 1));
  return out;
}

Tensor spread_over_steps(const Tensor& y, const Tensor& x) {
  Tensor steps = x;
  while (steps.rank() > 2) steps = reduce_sum(steps, -1);
  steps = zeros_like(cast(steps, y.dtype()));
  while (steps.rank() < y.rank() + 1) steps = expand_dims(steps, -1);
  return expand_dims(y, 1) + steps;
}

Tensors given_states(const Layer& layer, std::initializer_list<std::optional<Tensor>> states) {
  Tensors out;
  bool ended = false;
  for (const auto& s : states) {
    if (s && ended)
      throw ValueError(layer.class_name() + " '" + layer.path() +
                       "': an initial state is given, but not the one before it. Give all of them, or none.");
    if (s)
      out.push_back(*s);
    else
      ended = true;
  }
  return out;
}

const RecurrentCell& cell_of(const Layer& layer, const char* where) {
  const auto* cell = dynamic_cast<const RecurrentCell*>(&layer.object());
  if (cell == nullptr)
    throw ValueError(std::string(where) + ": " + layer.class_name() +
                     " is no cell. Use SimpleRNNCell, GRUCell, LSTMCell, StackedRNNCells, or a class of your own that "
                     "derives from CustomLayer and RecurrentCell.");
  return *cell;
}

void build_on_steps(const Layer& cell, const Shape& sequences, const std::vector<std::int64_t>& state_size) {
  if (cell.built()) return;
  if (sequences.size() < 3)
    throw ShapeError(cell.class_name() + " '" + cell.path() + "': the input has shape " + to_string(sequences) +
                     ". Expected sequences: (batch, steps, features).");
  Shape step = sequences;
  step.erase(1);
  std::vector<Shape> shapes = {step};
  for (const std::int64_t size : state_size) shapes.push_back({None, size});
  cell.build(shapes);
}

Layer unnamed(const Layer& layer) {
  LayerState& state = *layer.state();
  if (state.parent.expired()) {
    state.name.clear();
    state.is_name_given = false;
  }
  return layer;
}

void reset_kept(const KeptStates& kept) {
  for (const Variable& v : kept.variables) v.assign(zeros_like(v.read()));
}

Outputs run_recurrent(const RecurrentCall& call, const Fused& fused) {
  RecurrentCall c = call;
  if (!c.mask.defined()) c.mask = mask_of(c.x);
  const Tensor mask = c.mask;
  if (mask.defined() && mask.dtype() != boolean) c.mask = cast(mask, boolean);
  if (c.x.shape()[1] == 0)
    throw ShapeError(c.layer.class_name() + " '" + c.layer.path() + "': the input " + to_string(c.x.shape()) +
                     " has no steps.");
  if (!c.initial.empty() && c.initial.size() != c.state_size.size())
    throw ValueError(c.layer.class_name() + " '" + c.layer.path() + "': " + std::to_string(c.initial.size()) +
                     " initial states are given, expected " + std::to_string(c.state_size.size()) + ".");
  if (c.options.go_backwards) {
    c.x = flip(c.x, 1);
    if (c.mask.defined()) c.mask = flip(c.mask, 1);
  }
  const bool keeps = c.options.stateful && !shapes_are_inferred();
  const bool has_start = keeps || !c.initial.empty();
  Tensors start = !c.initial.empty() ? c.initial : keeps ? kept_states(c) : zero_states(c.x, c.state_size);
  for (Tensor& s : start)
    if (s.dtype() != c.x.dtype()) s = cast(s, c.x.dtype());
  const Steps steps = fused && !c.options.unroll ? all_at_once(c, fused, start, has_start) : one_by_one(c, start);
  if (keeps) {
    if (c.kept->variables.empty()) kept_states(c);
    for (std::size_t i = 0; i < steps.states.size(); ++i) c.kept->variables[i].assign(steps.states[i]);
  }
  if (mask.defined() && c.options.return_sequences) set_mask(steps.output, mask);
  Tensors out = {steps.output};
  if (c.options.return_state) out.insert(out.end(), steps.states.begin(), steps.states.end());
  return out;
}

}  // namespace strata::layers
