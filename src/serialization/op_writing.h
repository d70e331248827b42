// How an op of strata is written as an operator between layers of Keras.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graph/symbolic.h"
#include "serialization/serialize.h"

namespace strata {

struct WrittenOp {
  std::string module;                              // of Keras 3, below keras.src.ops
  std::string keras3;                              // its class
  std::string keras2;                              // function of TensorFlow; empty where there is none
  Config options3, options2;                       // of the class; keywords of the function's call
  bool is_list = false;                            // takes its operands as one list
  bool is_slice = false;                           // x[...]
  std::vector<std::string> operands = {"x", "y"};  // the function's names of them
};

// Nothing for an op that Keras does not have, or not with these options.
std::optional<WrittenOp> written_op(const SymbolicNode& node);

}  // namespace strata
