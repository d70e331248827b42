// What a Model keeps beside its LayerState.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graph/symbolic.h"
#include "strata/model.h"

namespace strata {

class Trainer;

struct ModelState {
  // Of functional models and of Sequentials with an Input.
  Tensors inputs, outputs;                                 // symbolic
  std::vector<std::shared_ptr<const SymbolicNode>> nodes;  // in order of execution, inputs apart
  std::vector<std::string> input_names, output_names;
  std::vector<Layer> layers;  // in Keras's order; those of inputs, too, where it is no Sequential
  bool is_sequential = false;

  std::shared_ptr<Trainer> trainer;  // after compile()
};

// Of any handle on a model; made where there is none yet.
STRATA_API ModelState& model_state(const Layer& model);

// The nodes between the inputs and the outputs. Throws ValueError where an output needs another input.
std::vector<std::shared_ptr<const SymbolicNode>> nodes_between(const Tensors& inputs, const Tensors& outputs);
// Fills in inputs, outputs, nodes and names, and makes the layers children of `state`.
void set_functional_graph(ModelState& model, LayerState& state, const Tensors& inputs, const Tensors& outputs);
// Runs the recorded nodes on these tensors.
Tensors run_functional(const ModelState& model, const Tensors& inputs);
// `inputs` in the order of the model's inputs, where they come with names.
Tensors ordered_inputs(const Layer& model, const Inputs& inputs);

}  // namespace strata
