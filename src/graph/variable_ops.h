// The ops through which programs read and change variables.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "graph/op.h"
#include "graph/variable.h"

namespace strata {

// Implemented by effect ops that change variables, so that later reads are new values.
class STRATA_API WritesVariables {
 public:
  virtual ~WritesVariables();
  virtual std::vector<const detail::VariableState*> written() const = 0;
};

// Implemented by updates of variables of which one op can make many at once. The first input is the gradient.
class STRATA_API UpdatesJointly : public WritesVariables {
 public:
  // Whether this update and another one are made by the same kernel with the same numbers.
  virtual bool goes_with(const Op& other) const = 0;
  // One op for updates that go with each other. Its inputs are those that they share, then the gradients.
  virtual OpPtr joined(std::vector<OpPtr> updates) const = 0;
};

// matmul of two matrices.
struct MatrixProduct {
  bool transpose_a = false, transpose_b = false;
};

// Implemented by updates that can make gradients which are products, and use them row by row as they are made.
class STRATA_API MakesGradients {
 public:
  virtual ~MakesGradients();
  // Inputs from this one on are gradients, one for each variable.
  virtual std::size_t first_gradient(std::size_t inputs) const = 0;
  // The same update with two inputs, the factors, instead of each gradient for which there is a product.
  virtual OpPtr with_products(std::vector<std::optional<MatrixProduct>> products) const = 0;
  // Floating point operations of the products, for profiles.
  virtual double product_flops(std::span<const Spec> in) const = 0;
};

class STRATA_API ReadVariable final : public Op {
 public:
  explicit ReadVariable(std::shared_ptr<detail::VariableState> variable) : variable(std::move(variable)) {}
  std::string_view name() const override { return "read_variable"; }
  Specs infer(const Specs& in) const override;
  void run(RunContext& c) const override;
  Config config() const override;
  bool is_dynamic() const override { return true; }
  bool has_effect() const override { return true; }

  std::shared_ptr<detail::VariableState> variable;
};

class STRATA_API AssignVariable final : public Op, public WritesVariables {
 public:
  enum class Kind { set, add, subtract };
  AssignVariable(std::shared_ptr<detail::VariableState> variable, Kind kind)
      : variable(std::move(variable)), kind(kind) {}
  std::string_view name() const override { return "assign_variable"; }
  Specs infer(const Specs& in) const override;
  void run(RunContext& c) const override;
  Config config() const override;
  bool has_effect() const override { return true; }
  std::vector<const detail::VariableState*> written() const override { return {variable.get()}; }

  std::shared_ptr<detail::VariableState> variable;
  Kind kind;
};

}  // namespace strata
