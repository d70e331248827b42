// Any model with quantized kernels and inputs: an observer of its layers' calls puts other tensors in their place.
#include <algorithm>
#include <map>
#include <optional>

#include "graph/variable.h"
#include "models/call_observer.h"
#include "models/layer_state.h"
#include "ops/fake_quant.h"
#include "quantization/calibration.h"
#include "strata/array.h"
#include "strata/math.h"
#include "strata/quantization.h"
#include "strata/reduce.h"
#include "strata/tape.h"

namespace strata::quantization {

namespace {

// How the kernels of a class are quantized.
enum class Grid { none, each_channel, whole };

Grid grid_of(const std::string& class_name) {
  for (const char* name : {"Dense", "Conv1D", "Conv2D", "Conv3D"})
    if (class_name == name) return Grid::each_channel;
  for (const char* name : {"EinsumDense", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "DepthwiseConv1D",
                           "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"})
    if (class_name == name) return Grid::whole;
  return Grid::none;
}

struct Target {
  std::string path;
  Grid grid;
  Variable min, max;  // of the layer's inputs
};
using Targets = std::map<const LayerState*, Target>;

// A kernel on the grid of its own values.
Tensor quantized_kernel(const Tensor& kernel, Grid grid, int num_bits) {
  const FakeQuantOptions options{.num_bits = num_bits, .narrow_range = true};
  std::vector<std::int64_t> axes;
  for (std::int64_t i = 0; i + (grid == Grid::each_channel ? 1 : 0) < kernel.rank(); ++i) axes.push_back(i);
  const Tensor high = stop_gradient(reduce_max(abs(kernel), axes));
  return grid == Grid::each_channel ? fake_quant_with_min_max_vars_per_channel(kernel, -high, high, options)
                                    : fake_quant_with_min_max_vars(kernel, -high, high, options);
}

// While the model runs: the layers that are entered, and what they read.
class Quantizer final : public CallObserver, public detail::VariableReader {
 public:
  Quantizer(const Targets& targets, const QuantizeOptions& options, bool training)
      : targets_(targets), options_(options), training_(training), outer_(current_observer()) {}

  void on_enter(LayerState& layer, const Tensors& inputs) override {
    if (outer_ != nullptr) outer_->on_enter(layer, inputs);
    const auto found = targets_.find(&layer);
    entered_.push_back(found == targets_.end() ? nullptr : &found->second);
  }
  void on_leave(LayerState& layer, const Tensors& results) override {
    entered_.pop_back();
    if (outer_ != nullptr) outer_->on_leave(layer, results);
  }
  Tensors inputs_of(LayerState&, const Tensors& inputs) override {
    if (entered_.back() == nullptr) return inputs;
    Tensors out = inputs;
    for (Tensor& x : out)
      if (is_floating(x.dtype())) x = quantized_input(x, *entered_.back());
    return out;
  }
  Tensor value_of(const detail::VariableState& variable, const Tensor& value) override {
    if (entered_.empty() || entered_.back() == nullptr || Calibration::current() != nullptr ||
        variable.name.find("kernel") == std::string::npos)
      return value;
    const Grid grid = options_.per_channel ? entered_.back()->grid : Grid::whole;
    return quantized_kernel(value, grid, options_.num_bits);
  }

 private:
  Tensor quantized_input(const Tensor& x, const Target& target) const {
    if (Calibration* c = Calibration::current()) {
      c->see(target.min, target.max, x);
      return x;
    }
    if (training_) {
      const Tensor values = stop_gradient(cast(x, float32));
      average(target.min, minimum(reduce_min(values), Tensor(0.f)));
      average(target.max, maximum(reduce_max(values), Tensor(0.f)));
    }
    const Tensor rounded =
        quantize::fake_quant({.bits = options_.num_bits}, true, cast(x, float32), target.min.read(), target.max.read());
    return cast(rounded, x.dtype());
  }
  // The first value as it is, then moving averages.
  void average(const Variable& v, const Tensor& seen) const {
    const Tensor old = v.read(), keep = Tensor(static_cast<float>(options_.momentum));
    v.assign(where(equal(old, Tensor(0.f)), seen, old * keep + seen * (1.f - keep)));
  }

  const Targets& targets_;
  const QuantizeOptions& options_;
  bool training_;
  CallObserver* outer_;
  std::vector<const Target*> entered_;
};

bool is_named(const std::vector<std::string>& names, const std::string& path) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return path == name || path.ends_with("/" + name); });
}

class QuantizedModel final : public CustomModel<QuantizedModel> {
 public:
  QuantizedModel(const Model& model, const QuantizeOptions& options)
      : options_(options), model_(track("model", model)), targets_(std::make_shared<Targets>()) {
    std::vector<std::string> paths;
    collect(model_, "", paths);
    for (const std::string& name : options.exclude)
      if (std::none_of(paths.begin(), paths.end(), [&](const auto& path) { return is_named({name}, path); }))
        throw ValueError("quantize_model: exclude names '" + name + "', which is no layer of the model.");
    if (targets_->empty())
      throw ValueError("quantize_model: the model has no dense or convolutional layer that could be quantized.");
  }

  void build(const Shape&) const {
    for (const auto& [layer, target] : *targets_)
      for (const Variable& v : {target.min, target.max})
        v.create({}, {.initializer = "zeros", .trainable = false, .dtype = float32});
  }
  Outputs call(const Tensors& inputs, bool training) const {
    Quantizer quantizer(*targets_, options_, training);
    const ObserverScope calls(quantizer);
    const detail::VariableReaderScope reads(quantizer);
    return Outputs(model_.call_with(CallArguments(inputs, training)));
  }

 private:
  void collect(const Layer& layer, const std::string& prefix, std::vector<std::string>& paths) const {
    for (const Layer& child : layer.layers()) {
      const std::string path = prefix + child.name();
      paths.push_back(path);
      const Grid grid = grid_of(child.class_name());
      if (grid != Grid::none && !is_named(options_.exclude, path) && !targets_->contains(child.state().get()))
        targets_->emplace(child.state().get(),
                          Target{path, grid, state_weight(path + "_min"), state_weight(path + "_max")});
      collect(child, path + "/", paths);
    }
  }

  QuantizeOptions options_;
  Model model_;
  std::shared_ptr<Targets> targets_;
};

}  // namespace

Model quantize_model(const Model& model, const QuantizeOptions& options) {
  if (options.num_bits < 2 || options.num_bits > 16)
    throw ValueError("quantize_model: num_bits is " + std::to_string(options.num_bits) +
                     ". Use a number from 2 to 16.");
  if (!(options.momentum >= 0 && options.momentum < 1))
    throw ValueError("quantize_model: momentum is " + std::to_string(options.momentum) +
                     ". Use a number from 0 to below 1.");
  return QuantizedModel(model, options);
}

}  // namespace strata::quantization
