// Gradients checked against finite differences.
#pragma once

#include <functional>
#include <string>

#include "strata/tensor.h"

namespace strata::test {

using TensorsFunction = std::function<Tensors(const Tensors&)>;

// Floating inputs as float64, the others as they are.
Tensors in_float64(const Tensors& inputs);

// The gradients of the inputs of f, of all its floating outputs weighted by fixed numbers; undefined for inputs that
// are not floating, zeros for those without influence.
Tensors weighted_gradients(const TensorsFunction& f, const Tensors& inputs);

// Compares the tape's gradients at `inputs` (float64) with central differences. Empty where they agree, else what does
// not.
std::string compare_gradients(const TensorsFunction& f, const Tensors& inputs, double tolerance = 1e-6);

}  // namespace strata::test
