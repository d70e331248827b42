#include "strata/recompute.h"

#include <optional>
#include <utility>

#include "graph/graph.h"
#include "graph/observe.h"
#include "graph/registry.h"
#include "graph/repeat.h"
#include "graph/tape_impl.h"
#include "graph/variable_ops.h"
#include "models/call_context.h"

namespace strata::detail {

namespace {

// Ops whose results differ from run to run; effects that give none are not made by the registry.
void check_draws(const Op& op) {
  if (!op.has_effect() || is_change(op) || dynamic_cast<const ReadVariable*>(&op) != nullptr) return;
  throw ValueError("recompute_grad: the block draws random numbers (op " + std::string(op.name()) +
                   ") without a seed of their own, so that its gradient would be computed with others. Give the layer "
                   "or the op a seed, or leave it out of the block.");
}

class DrawsWatch final : public OpObserver {
 public:
  DrawsWatch() : graph_(current_graph()), first_(graph_ != nullptr ? graph_->nodes.size() : 0) {}
  void after(const Op& op, std::span<const Tensor>, const Tensors&) override { check_draws(op); }
  // In a trace there is nothing to observe: the new nodes are looked at.
  void check_trace() const {
    if (graph_ == nullptr) return;
    for (std::size_t n = first_; n < graph_->nodes.size(); ++n) check_draws(*graph_->nodes[n].op);
  }

 private:
  Graph* graph_;
  std::size_t first_;
};

// Another handle on the same elements: the same tensor given twice has two gradients.
Tensor own_handle(const Tensor& t) { return Tensor(std::make_shared<TensorData>(data_of(t))); }

struct Recomputed {
  Tensors inputs;
  std::vector<Variable> variables;  // that the block read
  std::shared_ptr<const void> block;
  BlockCallback call;
  CallContext context;  // in which it ran: training or not, and inside of which layers

  Tensors gradient(const Tensors& grads) const {
    const CallContextScope as_before(context);
    const RepeatScope repeats;
    TapeImpl tape({});
    Tensors arguments;
    std::vector<Source> sources;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      arguments.push_back(own_handle(inputs[i]));
      if (!is_floating(inputs[i].dtype())) continue;
      tape.watch(arguments.back());
      sources.emplace_back(arguments.back());
      places.push_back(i);
    }
    for (std::size_t v = 0; v < variables.size(); ++v) {
      sources.emplace_back(variables[v]);
      places.push_back(inputs.size() + v);
    }
    const Tensors outputs = call(block.get(), arguments);
    Tensors targets, seeds;
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (is_floating(outputs[i].dtype())) {
        targets.push_back(outputs[i]);
        seeds.push_back(grads[i]);
      }
    tape.keep_loss_as_it_is();  // the gradients that come in are scaled already
    const Tensors found = tape.gradient(targets, sources, {.unconnected_gradients = "none", .output_gradients = seeds});
    Tensors all(inputs.size() + variables.size());
    for (std::size_t i = 0; i < places.size(); ++i) all[places[i]] = found[i];
    return all;
  }
  static Tensors callback(const void* self, const Tensors& grads) {
    return static_cast<const Recomputed*>(self)->gradient(grads);
  }
};

}  // namespace

Tensors run_recomputed(const Tensors& inputs, std::shared_ptr<const void> block, BlockCallback call) {
  if (!any_tape_records()) return call(block.get(), inputs);
  const auto recomputed = std::make_shared<Recomputed>(Recomputed{inputs, {}, block, call, current_call_context()});
  Tensors outputs;
  bool scales = false;
  {
    // A tape of its own tells which variables are read; the outer ones see nothing.
    const TapesAside aside;
    TapeImpl reads({});
    DrawsWatch watch;
    const ObserverScope observed(&watch);
    outputs = call(block.get(), inputs);
    watch.check_trace();
    recomputed->variables = reads.watched_variables();
    scales = reads.scales_loss();
  }
  if (scales) float16_on_tapes();
  Tensors all = inputs;
  for (const Variable& v : recomputed->variables) all.push_back(v.read());
  return record_custom_gradient(all, outputs, recomputed, &Recomputed::callback);
}

}  // namespace strata::detail
