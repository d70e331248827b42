// Inputs on which the walk over the registry tries each op.
#pragma once

#include <vector>

#include "graph/op.h"

namespace strata::test {

struct OpSample {
  OpPtr op;
  Tensors inputs;
  bool check_gradient = true;  // false where finite differences mean nothing: random results, points of no derivative
  bool check_traced = true;    // false where two runs of the op differ: it draws random numbers
};

// One function a family, in tests/ops/samples_<family>.cpp. Ops are private: make them by make_registered_op().
void samples_math(std::vector<OpSample>& out);
void samples_reduce(std::vector<OpSample>& out);
void samples_array(std::vector<OpSample>& out);
void samples_index(std::vector<OpSample>& out);
void samples_linalg(std::vector<OpSample>& out);
void samples_conv(std::vector<OpSample>& out);
void samples_pool(std::vector<OpSample>& out);
void samples_norm(std::vector<OpSample>& out);
void samples_activation(std::vector<OpSample>& out);
void samples_recurrent(std::vector<OpSample>& out);
void samples_random(std::vector<OpSample>& out);
void samples_optimizer(std::vector<OpSample>& out);

// The op of this name with this configuration. Throws ValueError where there is none, or where it cannot be made.
OpPtr make_registered_op(const char* name, const Config& config = {});

// Floats of this shape between low and high, spread evenly in a mixed order: no two are equal.
Tensor spread(const Shape& shape, double low = -1, double high = 1);

using Numbers = std::vector<double>;
inline Numbers numbers(const Tensor& t) { return t.to_vector<double>(); }

}  // namespace strata::test
