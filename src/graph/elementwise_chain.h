// A chain of element-wise ops that runs block by block: what one op hands to the next stays in the cache.
#pragma once

#include <vector>

#include "graph/op.h"
#include "graph/prepare.h"

namespace strata {

// Made by passes alone, for graphs of known shapes; so it is not registered.
class STRATA_API ElementwiseChain final : public Op, public Preparable {
 public:
  struct Link {
    OpPtr op;
    std::vector<int> in;  // an input of the chain, or ~i for the result of link i
  };
  // The last link's result is that of the chain; results of the others have its shape.
  explicit ElementwiseChain(std::vector<Link> links) : links_(std::move(links)) {}

  // Whether an operand of this shape goes with results of the other one: whole, a vector over the last dimension, or a
  // single element.
  static bool takes(const Shape& operand, const Shape& result);

  std::string_view name() const override { return "elementwise"; }
  Config config() const override;
  Specs infer(const Specs& in) const override;
  void run(RunContext& c) const override;
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override;
  bool runs_in_place(std::size_t input) const override;

 private:
  std::vector<Link> links_;
};

}  // namespace strata
