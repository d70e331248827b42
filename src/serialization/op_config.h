// Operators used outside of layers, as the operation classes of Keras 3 and the TFOpLambda layers of Keras 2.
#pragma once

#include <string>

#include "graph/symbolic.h"
#include "serialization/serialize.h"
#include "strata/call.h"

namespace strata {

// {class_name, config} of the op of a node. An op that Keras does not have is kept under strata's own name.
Config serialize_op(const SymbolicNode& node, const std::string& name, KerasStyle style);
// Whether an entry of a functional model is an operator and no layer.
bool is_op_config(const Config& data);
// Runs the operator. Throws ValueError that names an unknown one.
Tensors call_op(const Config& data, const CallArguments& arguments);

}  // namespace strata
