// The one door through which every operation goes.
#include <cassert>

#include "graph/conditional.h"
#include "graph/graph.h"
#include "graph/observe.h"
#include "graph/registry.h"
#include "graph/repeat.h"
#include "graph/symbolic.h"
#include "graph/tape_impl.h"
#include "kernels/threads.h"

namespace strata {

using detail::is_recorded;
using detail::is_traced;

Op::~Op() = default;

Tensors Op::grad(const GradContext& c) const { return Tensors(c.num_inputs()); }

std::string describe(const Specs& specs) {
  std::string out;
  for (const Spec& s : specs) {
    if (!out.empty()) out += ", ";
    out += to_string(s.shape) + " " + to_string(s.dtype);
  }
  return out;
}

void check_defined(const char* op, std::span<const Tensor> inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (!inputs[i].defined())
      throw ValueError(std::string(op) + ": argument " + std::to_string(i) +
                       " is an undefined tensor (Tensor{}). Give it a value first.");
}

namespace {

Specs specs_of(std::span<const Tensor> tensors) {
  Specs specs;
  specs.reserve(tensors.size());
  for (const Tensor& t : tensors) specs.push_back({t.shape(), t.dtype()});
  return specs;
}

Tensors record_symbolic(const OpPtr& op, const Tensors& inputs) {
  for (const Tensor& t : inputs)
    if (is_traced(t))
      throw SymbolicError(std::string(op->name()) +
                          ": mixes a tensor of Input() with one that is being traced by function(). Call the model "
                          "inside the function instead.");
  auto node = new_symbolic_node(std::string(op->name()), inputs, op->infer(specs_of(inputs)));
  node->op = op;
  return outputs_of(node);
}

Tensors append_to_graph(Graph* graph, const OpPtr& op, const Tensors& inputs) {
  for (const Tensor& t : inputs)
    if (is_traced(t) && t.impl()->graph.get() != graph)
      throw SymbolicError(std::string(op->name()) +
                          ": a tensor of a trace that is over (or of another function) is used here. Return it from "
                          "the function, or compute it again where it is needed.");
  return graph->append(op, inputs);
}

thread_local detail::OpObserver* observer = nullptr;

}  // namespace

detail::OpObserver* detail::current_observer() { return observer; }
detail::ObserverScope::ObserverScope(OpObserver* next) : outer_(observer) { observer = next; }
detail::ObserverScope::~ObserverScope() { observer = outer_; }

Tensors run_eagerly(const Op& op, std::span<const Tensor> inputs) {
  kernels::adopt_num_threads();
  if (op.is_dynamic()) {
    Tensors outputs(op.infer(specs_of(inputs)).size());
    RunContext c{inputs, outputs};
    op.run(c);
    return outputs;
  }
  const Specs specs = op.infer(specs_of(inputs));
  if (op.is_view()) return {detail::view(inputs[0], specs[0].shape)};
  Tensors outputs;
  outputs.reserve(specs.size());
  for (const Spec& s : specs) outputs.push_back(detail::allocate(s.shape, s.dtype));
  RunContext c{inputs, outputs};
  op.run(c);
  return outputs;
}

Tensors apply(const OpPtr& op, const Tensors& inputs) {
  if (detail::repeats() && detail::is_change(*op)) return {};
  if (detail::effects_are_conditional() && op->has_effect() && op->name() != "conditional") {
    OpPtr conditional = op;
    Tensors with_condition = inputs;
    detail::make_conditional(conditional, with_condition);
    if (conditional != op) return strata::apply(conditional, with_condition);
  }
#ifndef NDEBUG
  if (registry().find(op->name()) == nullptr)
    throw Error("op '" + std::string(op->name()) + "' is not registered: add it to its family's register function");
#endif
  bool traced = false, recorded = false;
  for (const Tensor& t : inputs) {
    if (!t.defined()) check_defined(std::string(op->name()).c_str(), inputs);
    traced |= is_traced(t);
    recorded |= is_recorded(t);
  }
  if (recorded) return record_symbolic(op, inputs);
  Graph* graph = current_graph();
  const bool appends = traced || (graph != nullptr && op->has_effect());
  Tensors outputs = appends ? append_to_graph(graph, op, inputs) : run_eagerly(*op, inputs);
  if (observer != nullptr && !appends) observer->after(*op, inputs, outputs);
  if (detail::any_tape_records()) detail::record_on_tapes(op, inputs, outputs);
  return outputs;
}

Tensor apply1(const OpPtr& op, const Tensors& inputs) { return apply(op, inputs)[0]; }

}  // namespace strata
