// The pattern of element-wise ops of one operand: a row of names, functions and gradients.
#pragma once

#include <cmath>

#include "core/dispatch.h"
#include "graph/prepare.h"
#include "graph/registry.h"
#include "kernels/elementwise.h"

namespace strata {

// Def has: name, f(value) in the computing type, cost, and unless it is not differentiable grad(x, y, dy); perhaps
// `simd`, the same function of float32 arrays.
template <class Def>
struct UnaryOp final : OpBase<UnaryOp<Def>>, Preparable {
  std::string_view name() const override { return Def::name; }
  Specs infer(const Specs& in) const override { return {in[0]}; }
  void run(RunContext& c) const override { compute(c.in[0].dtype(), c.in[0].size(), c.src<void>(0), c.dst<void>()); }
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override {
    return prepared_call([dtype = c.in[0].dtype, size = c.in[0].shape.num_elements()](const StepMemory& m) {
      compute(dtype, size, m.in[0], m.out[0]);
    });
  }
  bool is_elementwise() const override { return true; }
  bool is_differentiable() const override { return Def::differentiable; }
  Tensors grad(const GradContext& c) const override {
    if constexpr (Def::differentiable)
      return {Def::grad(c.input(0), c.output(), c.grad())};
    else
      return {Tensor()};
  }

 private:
  static void compute(DType dtype, std::int64_t size, const void* src, void* dst) {
    if constexpr (requires { Def::simd; })
      if (dtype == DType::float32)
        return kernels::map_float(Def::simd, static_cast<const float*>(src), static_cast<float*>(dst), size, Def::cost);
    auto loop = [&]<class T>() {
      kernels::map_unary(static_cast<const T*>(src), static_cast<T*>(dst), size, Def::cost,
                         [](T v) { return static_cast<T>(Def::f(static_cast<Compute<T>>(v))); });
    };
    if constexpr (Def::floating_only)
      dispatch_floating(Def::name, dtype, loop);
    else
      dispatch_numeric(Def::name, dtype, loop);
  }
};

template <class Def>
Tensor unary(const Tensor& x) {
  static const OpPtr op = std::make_shared<UnaryOp<Def>>();
  return apply1(op, {x});
}

}  // namespace strata
