#include "strata/layers/wrappers.h"

#include <algorithm>

#include "layers/layer_config.h"
#include "layers/recurrent_call.h"
#include "layers/recurrent_loop.h"
#include "layers/registry.h"
#include "models/layer_state.h"
#include "strata/array.h"
#include "strata/call.h"
#include "strata/masking.h"
#include "strata/math.h"

namespace strata {
template class Custom<layers::Bidirectional, Layer>;
template class Custom<layers::TimeDistributed, Layer>;
}  // namespace strata

namespace strata::layers {

namespace {

// A copy of the pattern for one direction.
Layer directed(const Layer& pattern, bool is_backward_copy, const char* name, bool zero_output) {
  Config config = pattern.get_config();
  if (is_backward_copy) config.set("go_backwards", !config.get<bool>("go_backwards", false));
  config.set("name", name);
  config.set("zero_output_for_mask", zero_output);
  return make_recurrent(pattern.class_name(), config);
}

bool flag(const Layer& layer, const char* name) { return layer.get_config().get<bool>(name, false); }

}  // namespace

Bidirectional::Bidirectional(const Layer& layer, const BidirectionalOptions& options)
    : pattern_(layer), merge_mode_(options.merge_mode) {
  if (merge_mode_ && *merge_mode_ != "concat" && *merge_mode_ != "sum" && *merge_mode_ != "mul" &&
      *merge_mode_ != "ave")
    throw ValueError("Bidirectional: merge_mode is \"" + *merge_mode_ +
                     "\". Use \"concat\", \"sum\", \"mul\", \"ave\" or std::nullopt.");
  set_name(options.name);
  set_dtype(options.dtype);
  return_sequences_ = flag(layer, "return_sequences");
  return_state_ = flag(layer, "return_state");
  own_backward_ = options.backward_layer.class_name() != "Layer";
  const Layer& backward = own_backward_ ? options.backward_layer : layer;
  for (const char* name : {"return_sequences", "return_state", "stateful"})
    if (flag(layer, name) != flag(backward, name))
      throw ValueError(std::string("Bidirectional: ") + name +
                       " differs between the layer and backward_layer. Make it the same for both.");
  if (own_backward_ && flag(layer, "go_backwards") == flag(backward, "go_backwards"))
    throw ValueError(
        "Bidirectional: the layer and backward_layer go in the same direction. Make one with "
        "go_backwards = true.");
  forward_ = track("forward_layer", directed(layer, false, "forward_layer", return_sequences_));
  backward_ = track("backward_layer", directed(backward, !own_backward_, "backward_layer", return_sequences_));
}

Outputs Bidirectional::call(const Tensor& x, const std::optional<Tensor>& state_0, const std::optional<Tensor>& state_1,
                            const std::optional<Tensor>& state_2, const std::optional<Tensor>& state_3,
                            const std::optional<Tensor>& mask, bool training) const {
  if (mask) set_mask(x, *mask);
  const Tensors states = given_states(*this, {state_0, state_1, state_2, state_3});
  if (states.size() % 2 != 0)
    throw ValueError("Bidirectional '" + path() + "': " + std::to_string(states.size()) +
                     " initial states are given, expected those of both directions.");
  const auto half = static_cast<std::ptrdiff_t>(states.size() / 2);
  Tensors forward_in = {x}, backward_in = {x};
  forward_in.insert(forward_in.end(), states.begin(), states.begin() + half);
  backward_in.insert(backward_in.end(), states.begin() + half, states.end());
  const Tensors a = forward_.call_with(CallArguments(forward_in, training));
  const Tensors b = backward_.call_with(CallArguments(backward_in, training));
  const Tensor y = a[0], back = return_sequences_ ? flip(b[0], 1) : b[0];
  Tensors out;
  if (!merge_mode_)
    out = {y, back};
  else if (*merge_mode_ == "concat")
    out = {concat({y, back}, -1)};
  else if (*merge_mode_ == "sum")
    out = {y + back};
  else if (*merge_mode_ == "mul")
    out = {y * back};
  else
    out = {(y + back) / 2.f};
  if (const Tensor steps = mask_of(x); steps.defined() && return_sequences_)
    for (const Tensor& t : out) set_mask(t, steps);
  if (return_state_) {
    out.insert(out.end(), a.begin() + 1, a.end());
    out.insert(out.end(), b.begin() + 1, b.end());
  }
  return out;
}

Outputs Bidirectional::operator()(const Tensor& x, const RecurrentArguments& arguments) const {
  return call_by_name<4>(*this, x, arguments);
}
Config Bidirectional::get_config() const {
  Config config = {{"merge_mode", merge_mode_ ? Config::Value(*merge_mode_) : Config::Value()},
                   {"layer", pattern_.to_config_value()}};
  if (own_backward_) config.set("backward_layer", backward_.to_config_value());
  return config;
}
Bidirectional Bidirectional::from_config(const Config& c) {
  auto options = read_options<BidirectionalOptions>(c, [](auto& o, auto&& v) { v("merge_mode", o.merge_mode); });
  if (const auto* backward = c.find("backward_layer"); backward != nullptr && !backward->is_none())
    options.backward_layer = Layer::from_config_value(*backward);
  return Bidirectional(c.get<Layer>("layer"), options);
}

TimeDistributed::TimeDistributed(const Layer& layer, const TimeDistributedOptions& options) {
  set_name(options.name);
  set_dtype(options.dtype);
  layer_ = track("layer", unnamed(layer));
}

namespace {

// Whether a call in training changes what the layer keeps, so that the steps must go through it one after the other.
bool learns_from_each_call(const Layer& layer) {
  const auto& state = *layer.state();
  if (!layer.trainable) return false;
  const bool is_own = layers::find_layer_class(state.class_name) == nullptr;
  if (state.class_name == "BatchNormalization" ||
      (is_own && std::any_of(state.weights.begin(), state.weights.end(), [](auto& w) { return !w.trainable(); })))
    return true;
  return std::any_of(state.children.begin(), state.children.end(),
                     [](const auto& child) { return learns_from_each_call(child.layer); });
}

}  // namespace

Tensor TimeDistributed::call(const Tensor& x, const std::optional<Tensor>& mask, bool training) const {
  if (x.rank() < 3)
    throw ShapeError("TimeDistributed '" + path() + "': the input has shape " + to_string(x.shape()) +
                     ". Expected (batch, steps, ...) with at least three dimensions.");
  if (mask &&
      (mask->rank() < 2 || (mask->shape()[1] != None && x.shape()[1] != None && mask->shape()[1] != x.shape()[1])))
    throw ShapeError("TimeDistributed '" + path() + "': the mask has shape " + to_string(mask->shape()) +
                     ", the input " + to_string(x.shape()) + ". Their first two dimensions must be the same.");
  const Tensor counts = mask ? *mask : mask_of(x);
  const bool is_stepwise = training && learns_from_each_call(layer_);
  // `part` gives what counts of the input; whole steps that do not count say something to statistics alone.
  auto run = [&](const Tensor& in, auto part) {
    if (counts.defined() && (counts.rank() > 2 || is_stepwise)) set_mask(in, part(counts));
    const Tensors out = layer_.call_with(CallArguments({in}, training));
    if (out.size() != 1)
      throw ValueError("TimeDistributed '" + path() + "': the layer gives " + std::to_string(out.size()) +
                       " tensors, expected one.");
    return out[0];
  };
  auto step = [](std::int64_t i) { return [i](const Tensor& m) { return m[{Slice(), i}]; }; };
  const std::int64_t steps = x.shape()[1];
  if (steps == None) {
    if (!shapes_are_inferred())
      throw ShapeError("TimeDistributed '" + path() + "': the number of steps of the input " + to_string(x.shape()) +
                       " is not known. Give the Input its number of steps.");
    return spread_over_steps(run(x[{Slice(0, None), 0}], step(0)), x);
  }
  if (is_stepwise) {
    Tensors out;
    for (std::int64_t i = 0; i < steps; ++i) out.push_back(run(x[{Slice(), i}], step(i)));
    return stack(out, 1);
  }
  Shape flat = x.shape().sub(2), out = {-1, steps};
  flat.insert(0, -1);
  const Tensor y = run(reshape(x, flat), [](const Tensor& m) {
    Shape rows = m.shape().sub(2);
    rows.insert(0, -1);
    return reshape(m, rows);
  });
  for (std::size_t i = 1; i < y.shape().size(); ++i) out.insert(static_cast<std::int64_t>(i) + 1, y.shape()[i]);
  return reshape(y, out);
}

Config TimeDistributed::get_config() const { return {{"layer", layer_.to_config_value()}}; }
TimeDistributed TimeDistributed::from_config(const Config& c) {
  return TimeDistributed(c.get<Layer>("layer"), read_options<TimeDistributedOptions>(c, no_fields));
}

}  // namespace strata::layers
