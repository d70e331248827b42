// Dropout.
#include "graph/op.h"
#include "graph/registry.h"
#include "kernels/activation.h"
#include "ops/nn_families.h"
#include "strata/array.h"
#include "strata/nn.h"

namespace strata {
namespace {

// DropoutGrad(dy, mask): dy where the mask is true, scaled as the elements that were kept. Both have one shape.
struct DropoutGrad final : OpBase<DropoutGrad> {
  DropoutGrad() = default;
  explicit DropoutGrad(double rate) : rate(rate) {}
  double rate = 0;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("rate", s.rate);
  }
  std::string_view name() const override { return "dropout_grad"; }
  Specs infer(const Specs& in) const override { return {in[0]}; }
  void run(RunContext& c) const override {
    kernels::apply_mask(c.in[0].dtype(), c.in[0].size(), c.src<void>(0), c.src<bool>(1), 1 / (1 - rate), c.dst<void>());
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    return {apply1(make_op<DropoutGrad>(rate), {c.grad(), c.input(1)}), Tensor()};
  }
};

}  // namespace

void register_dropout(Registry& r) { r.add<DropoutGrad>(); }

}  // namespace strata
