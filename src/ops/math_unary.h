// The pattern of element-wise ops of one operand: a row of names, functions and gradients.
#pragma once

#include <cmath>

#include "core/dispatch.h"
#include "graph/op.h"
#include "graph/registry.h"
#include "kernels/elementwise.h"

namespace strata {

// Def has: name, f(value) in the computing type, cost, and unless it is not differentiable grad(x, y, dy); perhaps
// `simd`, the same function of float32 arrays.
template <class Def>
struct UnaryOp final : OpBase<UnaryOp<Def>> {
  std::string_view name() const override { return Def::name; }
  Specs infer(const Specs& in) const override { return {in[0]}; }
  void run(RunContext& c) const override {
    if constexpr (requires { Def::simd; })
      if (c.in[0].dtype() == DType::float32)
        return kernels::map_float(Def::simd, c.src<float>(0), c.dst<float>(), c.in[0].size(), Def::cost);
    auto loop = [&]<class T>() {
      kernels::map_unary(c.src<T>(0), c.dst<T>(), c.in[0].size(), Def::cost,
                         [](T v) { return static_cast<T>(Def::f(static_cast<Compute<T>>(v))); });
    };
    if constexpr (Def::floating_only)
      dispatch_floating(Def::name, c.in[0].dtype(), loop);
    else
      dispatch_numeric(Def::name, c.in[0].dtype(), loop);
  }
  bool is_differentiable() const override { return Def::differentiable; }
  Tensors grad(const GradContext& c) const override {
    if constexpr (Def::differentiable)
      return {Def::grad(c.input(0), c.output(), c.grad())};
    else
      return {Tensor()};
  }
};

template <class Def>
Tensor unary(const Tensor& x) {
  static const OpPtr op = std::make_shared<UnaryOp<Def>>();
  return apply1(op, {x});
}

}  // namespace strata
