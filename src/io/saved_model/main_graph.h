// The main graph of a SavedModel: variables, a call of the signature, saving and restoring; and the whole file.
#pragma once

#include <string>
#include <vector>

#include "io/saved_model/export.h"

namespace strata::saved_model {

struct CallShape {
  Names inputs;
  Specs input_specs;
  Names outputs;
  Specs output_specs;
  bool named = false;  // a signature: arguments and results go by name, in alphabetical order
};

// A function that calls `inner`.
ExportedFunction wrap_function(const std::string& name, const ExportedFunction& inner, const CallShape& shape);

struct MainGraph {
  struct Variable {
    std::string name, key;
    DType dtype;
    Shape shape;
  };
  std::vector<Variable> variables;
  CallShape inputs;
  std::string function;               // what serving_default calls
  std::vector<std::size_t> captured;  // its variables
  Names functions;                    // serialized FunctionDefs
  std::string objects;                // a SavedObjectGraph
};

// The bytes of saved_model.pb.
std::string saved_model_file(const MainGraph& main);

}  // namespace strata::saved_model
