// A model as a graph of ops: what the writers of ONNX and SavedModel walk.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "strata/model.h"

namespace strata::exchange {

struct TracedModel {
  std::shared_ptr<Graph> graph;
  std::vector<std::string> input_names, output_names;  // one for each input and output of the graph
};

// The shapes and dtypes a model takes, None for the batch. Throws ValueError where the model is not built. `what` is
// the caller for messages: "onnx::save".
STRATA_API Specs input_specs(const Model& model, const char* what);

// Runs `call` of the model on symbolic inputs whose first dimension is not known.
STRATA_API TracedModel trace_model(const Model& model, bool training, const char* what);

// The path of a variable below the model, unique among those given: "conv_block/conv/kernel".
STRATA_API std::vector<std::string> variable_names(const Model& model, const std::vector<Variable>& variables);

// `path` without the name of the model in front.
STRATA_API std::string below(const Model& model, const std::string& path);

}  // namespace strata::exchange
