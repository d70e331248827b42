// A model as a graph of the calls of its layers: what drawings, conceptual graphs and cost tables are made of. It is
// found by running the model on symbolic tensors, so models of every kind have one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "models/layer_state.h"
#include "strata/model.h"

namespace strata {

// A call of a layer, in the order in which they began. Graph nodes from `first` up to `last` belong to it.
struct TracedCall {
  std::shared_ptr<LayerState> layer;
  int parent = -1;  // the call around it
  bool has_children = false;
  Specs inputs, outputs;
  std::vector<int> in, out;  // values of the graph
  std::size_t first = 0, last = 0;
};

struct TracedModel {
  std::shared_ptr<Graph> graph;
  std::vector<std::string> input_names;
  std::vector<TracedCall> calls;  // the model's own is the first
};

// Runs the model on symbolic inputs. Batches of `batch` samples; None leaves it open. Shapes of inputs come from the
// model, which must be built. Throws ValueError where it is not.
STRATA_API TracedModel trace_model(const Model& model, std::int64_t batch = None);

// What a drawing shows: inputs, calls of layers, and ops outside of them.
struct ModelNode {
  enum class Kind { input, layer, op } kind = Kind::layer;
  std::string name, class_name;
  std::shared_ptr<LayerState> layer;
  int cluster = -1;  // in ModelGraph::clusters
  Specs inputs, outputs;
  std::vector<int> from;  // the nodes that it takes from
};
// A layer around others.
struct ModelCluster {
  std::string name, class_name;
  int parent = -1;
};
struct ModelGraph {
  std::string name;
  std::vector<ModelNode> nodes;  // in order of execution
  std::vector<ModelCluster> clusters;
  std::vector<int> outputs;
};
// With `expand_nested` the layers inside of layers are nodes, and those around them clusters; names are paths then.
STRATA_API ModelGraph model_graph(const Model& model, bool expand_nested);

}  // namespace strata
