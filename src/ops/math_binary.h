// The pattern of element-wise ops of two operands.
#pragma once

#include <cmath>

#include "core/dispatch.h"
#include "graph/prepare.h"
#include "graph/registry.h"
#include "kernels/elementwise.h"
#include "kernels/rows.h"
#include "ops/broadcast.h"
#include "ops/like.h"

namespace strata {

// The sum of two arrays of one shape, any of which may be a slice of wider rows.
class PreparedSum final : public PreparedOp {
 public:
  explicit PreparedSum(const PrepareContext& c) : dtype_(c.out[0].dtype) {
    const Shape& shape = c.out[0].shape;
    size_ = {shape.sub(0, shape.size() - 1).num_elements(), shape.back()};
    auto or_dense = [&](std::int64_t stride) { return stride > 0 ? stride : size_.channels; };
    a_ = or_dense(c.in_stride(0)), b_ = or_dense(c.in_stride(1)), dst_ = or_dense(c.out_stride(0));
  }
  static bool fits(const PrepareContext& c) {
    return is_floating(c.out[0].dtype) && !c.out[0].shape.empty() && c.in[0] == c.out[0] && c.in[1] == c.out[0];
  }
  void run(const StepMemory& m) const override {
    kernels::add_slices(size_, dtype_, m.in[0], a_, m.in[1], b_, m.out[0], dst_);
  }

 private:
  DType dtype_;
  kernels::Rows size_;
  std::int64_t a_, b_, dst_;
};

// Def has: name, cost, f(a, b) in the computing type; grad(a, b, y, dy, c) gives both gradients, before broadcasting is
// undone; and is_sum where f is a + b.
template <class Def>
struct BinaryOp final : OpBase<BinaryOp<Def>>, Preparable {
  std::string_view name() const override { return Def::name; }
  Specs infer(const Specs& in) const override {
    if (in[0].dtype != in[1].dtype)
      throw DTypeError(std::string(Def::name) + ": operands have dtypes " + to_string(in[0].dtype) + " and " +
                       to_string(in[1].dtype) + ". Cast one of them.");
    return {{detail::broadcast_shapes(Def::name, in[0].shape, in[1].shape), in[0].dtype}};
  }
  void run(RunContext& c) const override {
    const auto layout = kernels::binary_layout(c.out_shape(), c.in_shape(0), c.in_shape(1));
    compute(c.in[0].dtype(), layout, c.src<void>(0), c.src<void>(1), c.dst<void>());
  }
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override {
    if (adds_slices(c)) return std::make_unique<PreparedSum>(c);
    const auto layout = kernels::binary_layout(c.out[0].shape, c.in[0].shape, c.in[1].shape);
    return prepared_call(
        [dtype = c.in[0].dtype, layout](const StepMemory& m) { compute(dtype, layout, m.in[0], m.in[1], m.out[0]); });
  }
  bool is_elementwise() const override { return true; }
  bool runs_in_place(std::size_t) const override { return true; }
  bool reads_slice(const PrepareContext& c, std::size_t) const override { return adds_slices(c); }
  bool writes_slice(const PrepareContext& c, std::size_t) const override { return adds_slices(c); }
  static bool adds_slices(const PrepareContext& c) {
    if constexpr (requires { Def::is_sum; })
      return PreparedSum::fits(c);
    else
      return false;
  }
  bool is_differentiable() const override { return Def::differentiable; }
  Tensors grad(const GradContext& c) const override {
    if constexpr (Def::differentiable) {
      auto [da, db] = Def::grad(c.input(0), c.input(1), c.output(), c.grad(), c);
      return {c.needed(0) ? sum_to_like(da, c.input(0)) : Tensor(),
              c.needed(1) ? sum_to_like(db, c.input(1)) : Tensor()};
    } else {
      return Tensors(2);
    }
  }

 private:
  template <class T>
  struct Function {
    static constexpr bool has_squares = requires { Def::has_squares; };
    T operator()(T x, T y) const {
      return static_cast<T>(Def::f(static_cast<Compute<T>>(x), static_cast<Compute<T>>(y)));
    }
  };
  static void compute(DType dtype, const kernels::BinaryLayout& layout, const void* a, const void* b, void* dst) {
    auto loop = [&]<class T>() {
      kernels::map_binary(layout, static_cast<const T*>(a), static_cast<const T*>(b), static_cast<T*>(dst), Def::cost,
                          Function<T>{});
    };
    if constexpr (Def::floating_only)
      dispatch_floating(Def::name, dtype, loop);
    else
      dispatch_numeric(Def::name, dtype, loop);
  }
};

template <class Def>
Tensor binary(const std::pair<Tensor, Tensor>& operands) {
  static const OpPtr op = std::make_shared<BinaryOp<Def>>();
  return apply1(op, {operands.first, operands.second});
}

}  // namespace strata
