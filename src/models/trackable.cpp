#include "models/trackable.h"

#include "core/generator.h"
#include "data/order_state.h"
#include "models/layer_state.h"
#include "optimizers/loss_scale.h"
#include "strata/array.h"

namespace strata {

Trackable::Base::~Base() = default;

namespace {

class VariablesPart : public Trackable::Base {
 public:
  NamedTensors values() const override {
    NamedTensors out;
    for (const Variable& v : variables()) out.emplace_back(v.path(), v.read());
    return out;
  }
  void assign(const Tensors& values) const override {
    const Variables all = variables();
    for (std::size_t i = 0; i < values.size() && i < all.size(); ++i) all[i].assign(values[i]);
  }
  virtual Variables variables() const = 0;
};

class LayerPart final : public VariablesPart {
 public:
  explicit LayerPart(const Layer& layer) : layer_(layer) {}
  Variables variables() const override {
    const Variables all = layer_.weights();
    if (all.empty() && !layer_.built())
      throw ValueError(layer_.state()->describe() +
                       " is not built, so that a checkpoint has nothing to keep or restore. Call it on a tensor, or "
                       "build({None, ...}), first.");
    return all;
  }
  Variables trainable_weights() const override { return layer_.trainable_weights(); }

 private:
  Layer layer_;
};

class OptimizerPart final : public VariablesPart {
 public:
  explicit OptimizerPart(const optimizers::Optimizer& optimizer) : optimizer_(optimizer) {}
  Variables variables() const override {
    Variables all = optimizer_.variables();
    if (const auto scale = optimizers::loss_scale_of(*optimizer_.state()))
      for (const Variable& v : {scale->scale, scale->finite_steps, scale->skipped_steps}) all.push_back(v);
    return all;
  }
  void prepare(std::size_t count, const Variables& model_weights) const override {
    if (count > optimizer_.variables().size() && !optimizer_.built() && !model_weights.empty())
      optimizer_.build(model_weights);
    const auto& weights = updating().trained();
    if (count != variables().size() + 3 || weights.empty()) return;
    const auto scale = std::make_shared<detail::LossScale>();  // it was trained in float16, and this process has not
    for (const Variable& v : weights) v.state()->loss_scale = scale;
  }

 private:
  const optimizers::OptimizerState& updating() const {
    const auto inner = optimizer_.state()->inner();
    return inner ? *inner : *optimizer_.state();
  }
  optimizers::Optimizer optimizer_;
};

class MetricPart final : public VariablesPart {
 public:
  explicit MetricPart(const metrics::Metric& metric) : metric_(metric) {}
  Variables variables() const override { return metric_.variables(); }

 private:
  metrics::Metric metric_;
};

class ListPart final : public VariablesPart {
 public:
  explicit ListPart(const Variables& list) : list_(list) {}
  Variables variables() const override { return list_; }

 private:
  Variables list_;
};

// Numbers that are no variables, as one int64 tensor.
class NumbersPart : public Trackable::Base {
 public:
  NamedTensors values() const override {
    std::vector<std::int64_t> numbers = get();
    const auto n = static_cast<std::int64_t>(numbers.size());
    return {{"state", Tensor::adopt(std::move(numbers), {n})}};
  }
  void assign(const Tensors& values) const override { set(values.at(0).to_vector<std::int64_t>()); }
  bool is_flexible() const override { return true; }
  virtual std::vector<std::int64_t> get() const = 0;
  virtual void set(const std::vector<std::int64_t>& numbers) const = 0;
};

class OrdersPart final : public NumbersPart {
  std::vector<std::int64_t> get() const override { return data::detail::order_states(); }
  void set(const std::vector<std::int64_t>& numbers) const override { data::detail::set_order_states(numbers); }
};

class GeneratorPart final : public NumbersPart {
  std::vector<std::int64_t> get() const override {
    const GeneratorState state = generator_state();
    return {static_cast<std::int64_t>(state.key), static_cast<std::int64_t>(state.next)};
  }
  void set(const std::vector<std::int64_t>& numbers) const override {
    if (numbers.size() != 2) throw ValueError("Checkpoint: the random state of the file is not one of strata.");
    set_generator_state({static_cast<std::uint64_t>(numbers[0]), static_cast<std::uint64_t>(numbers[1])});
  }
};

}  // namespace

Trackable::Trackable(const Layer& layer) : impl_(std::make_shared<LayerPart>(layer)) {}
Trackable::Trackable(const optimizers::Optimizer& optimizer) : impl_(std::make_shared<OptimizerPart>(optimizer)) {}
Trackable::Trackable(const metrics::Metric& metric) : impl_(std::make_shared<MetricPart>(metric)) {}
Trackable::Trackable(const Variable& variable) : impl_(std::make_shared<ListPart>(Variables{variable})) {}
Trackable::Trackable(const Variables& variables) : impl_(std::make_shared<ListPart>(variables)) {}
Trackable::Trackable(data::Orders) : impl_(std::make_shared<OrdersPart>()) {}
Trackable::Trackable(random::GlobalGenerator) : impl_(std::make_shared<GeneratorPart>()) {}

}  // namespace strata
