// Reductions: each a row of name, kernel and gradient.
#include "strata/reduce.h"

#include <algorithm>
#include <cmath>

#include "graph/registry.h"
#include "kernels/reduce.h"
#include "ops/array_util.h"
#include "ops/broadcast.h"
#include "ops/like.h"
#include "strata/array.h"
#include "strata/math.h"
#include "strata/tape.h"

namespace strata {

namespace {

using kernels::Reduction;

struct ReduceGrad {
  const Tensor &x, &y, &dy;
  const Shape& axes;  // those that were reduced
  bool keepdims;
  // y or dy with the reduced axes back, of size 1.
  Tensor with_axes(const Tensor& t) const;
  // The number of elements behind each element of y.
  Tensor count(DType dtype) const;
};

// Def has: name, kind, result (the dtype from that of the input), and grad.
template <class Def>
struct ReduceOp final : OpBase<ReduceOp<Def>> {
  ReduceOp() = default;
  ReduceOp(const Shape& axes, bool keepdims) : axis(axes), keepdims(keepdims) {}
  Shape axis;  // not negative, each once
  bool keepdims = false;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("axis", s.axis), v("keepdims", s.keepdims);
  }

  std::string_view name() const override { return Def::name; }
  Shape mask(const Shape& shape) const {
    Shape out;
    out.resize(shape.size(), 0);
    for (std::int64_t a : axis) out[static_cast<std::size_t>(array::normalize_axis(Def::name, a, shape))] = 1;
    return out;
  }
  Specs infer(const Specs& in) const override {
    const bool logic = Def::kind == Reduction::any || Def::kind == Reduction::all;
    if (logic != (in[0].dtype == DType::boolean))
      throw DTypeError(std::string(Def::name) + ": received " + to_string(in[0].dtype) + ", expected " +
                       (logic ? "bool. Compare first: x != 0." : "numbers. Use cast(x, int32)."));
    const Shape &shape = in[0].shape, reduced = mask(shape);
    Shape out;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (reduced[i] == 0) out.push_back(shape[i]);
      if (reduced[i] != 0 && keepdims) out.push_back(1);
    }
    return {{out, in[0].dtype}};
  }
  void run(RunContext& c) const override {
    kernels::reduce(Def::kind, c.in[0].dtype(), array::raw_in(c), c.in_shape(0), mask(c.in_shape(0)),
                    array::raw_out(c));
  }
  bool is_differentiable() const override { return Def::differentiable; }
  Tensors grad(const GradContext& c) const override {
    if constexpr (Def::differentiable)
      return {Def::grad(ReduceGrad{c.input(0), c.output(), c.grad(), axis, keepdims})};
    else
      return {Tensor()};
  }
};

Tensor ReduceGrad::with_axes(const Tensor& t) const {
  if (keepdims || axes.empty()) return t;
  if (x.shape().is_known()) {
    Shape kept = x.shape();
    for (std::int64_t a : axes) kept[static_cast<std::size_t>(a)] = 1;
    return reshape(t, kept);
  }
  Tensor out = t;
  Ints sorted(axes.begin(), axes.end());
  std::sort(sorted.begin(), sorted.end());
  for (std::int64_t a : sorted) out = expand_dims(out, a);
  return out;
}

Tensor ReduceGrad::count(DType dtype) const {
  double known = 1;
  for (std::int64_t a : axes) {
    const std::int64_t n = x.shape()[static_cast<std::size_t>(a)];
    // Divided in float64, so that both ways give the same bits.
    if (n == None) return cast(cast(size(x, int64), float64) / cast(size(y, int64), float64), dtype);
    known *= static_cast<double>(n);
  }
  return cast(Tensor(known), dtype);
}

struct SumDef {
  static constexpr const char* name = "reduce_sum";
  static constexpr Reduction kind = Reduction::sum;
  static constexpr bool differentiable = true;
  static Tensor grad(const ReduceGrad& g) { return broadcast_like(g.with_axes(g.dy), g.x); }
};
struct MeanDef {
  static constexpr const char* name = "reduce_mean";
  static constexpr Reduction kind = Reduction::mean;
  static constexpr bool differentiable = true;
  // A count may have no 16-bit value of its own.
  static Tensor grad(const ReduceGrad& g) {
    const DType dtype = g.dy.dtype(), wide = promote(dtype, DType::float32);
    return broadcast_like(g.with_axes(cast(cast(g.dy, wide) / g.count(wide), dtype)), g.x);
  }
};
// Equal extremes share the gradient.
Tensor extreme_grad(const ReduceGrad& g) {
  const Tensor hit = cast(equal(g.x, g.with_axes(g.y)), g.dy.dtype());
  const Tensor hits = reduce_sum(hit, g.axes.to_vector(), {.keepdims = true});
  return hit * (g.with_axes(g.dy) / hits);
}
struct MaxDef {
  static constexpr const char* name = "reduce_max";
  static constexpr Reduction kind = Reduction::max;
  static constexpr bool differentiable = true;
  static Tensor grad(const ReduceGrad& g) { return extreme_grad(g); }
};
struct MinDef {
  static constexpr const char* name = "reduce_min";
  static constexpr Reduction kind = Reduction::min;
  static constexpr bool differentiable = true;
  static Tensor grad(const ReduceGrad& g) { return extreme_grad(g); }
};
// The product of all other elements, without a division so that zeros do no harm. The public function reduces one
// axis at a time.
struct ProdDef {
  static constexpr const char* name = "reduce_prod";
  static constexpr Reduction kind = Reduction::prod;
  static constexpr bool differentiable = true;
  static Tensor grad(const ReduceGrad& g) {
    if (g.axes.empty()) return g.dy;
    const std::int64_t a = g.axes[0];
    const Tensor before = cumprod(g.x, a, {.exclusive = true});
    return g.with_axes(g.dy) * before * cumprod(g.x, a, {.exclusive = true, .reverse = true});
  }
};
struct AnyDef {
  static constexpr const char* name = "reduce_any";
  static constexpr Reduction kind = Reduction::any;
  static constexpr bool differentiable = false;
};
struct AllDef {
  static constexpr const char* name = "reduce_all";
  static constexpr Reduction kind = Reduction::all;
  static constexpr bool differentiable = false;
};

Shape axes_of(const char* op, const Tensor& x, const Axes& axis) {
  check_defined(op, {&x, 1});
  if (!axis.all) return array::normalize_axes(op, axis.values, x.shape());
  Shape out;
  for (std::int64_t i = 0; i < x.rank(); ++i) out.push_back(i);
  return out;
}

template <class Def>
Tensor reduce(const Tensor& x, const Axes& axis, const ReduceOptions& options) {
  return apply1(make_op<ReduceOp<Def>>(axes_of(Def::name, x, axis), options.keepdims), {x});
}

// bool counts as 0 and 1.
Tensor numbers(const Tensor& x, DType dtype) { return x.defined() && x.dtype() == DType::boolean ? cast(x, dtype) : x; }
Tensor truth(const Tensor& x) { return x.defined() && x.dtype() != DType::boolean ? cast(x, DType::boolean) : x; }

}  // namespace

Tensor reduce_sum(const Tensor& x, const Axes& axis, const ReduceOptions& options) {
  return reduce<SumDef>(numbers(x, DType::int32), axis, options);
}
Tensor reduce_mean(const Tensor& x, const Axes& axis, const ReduceOptions& options) {
  return reduce<MeanDef>(numbers(x, DType::float32), axis, options);
}
Tensor reduce_max(const Tensor& x, const Axes& axis, const ReduceOptions& options) {
  return reduce<MaxDef>(x, axis, options);
}
Tensor reduce_min(const Tensor& x, const Axes& axis, const ReduceOptions& options) {
  return reduce<MinDef>(x, axis, options);
}
Tensor reduce_prod(const Tensor& x, const Axes& axis, const ReduceOptions& options) {
  const Tensor in = numbers(x, DType::int32);
  const Shape axes = axes_of("reduce_prod", in, axis);
  if (axes.size() <= 1) return reduce<ProdDef>(in, axes.to_vector(), options);
  Tensor out = in;
  for (std::int64_t a : axes) out = reduce<ProdDef>(out, a, {.keepdims = true});
  return options.keepdims ? out : squeeze(out, axes.to_vector());
}
Tensor reduce_any(const Tensor& x, const Axes& axis, const ReduceOptions& options) {
  return reduce<AnyDef>(truth(x), axis, options);
}
Tensor reduce_all(const Tensor& x, const Axes& axis, const ReduceOptions& options) {
  return reduce<AllDef>(truth(x), axis, options);
}

Tensor reduce_logsumexp(const Tensor& x, const Axes& axis, const ReduceOptions& options) {
  const Tensor in = detail::as_floating(x);
  const Ints axes = axes_of("reduce_logsumexp", in, axis).to_vector();
  const Tensor high = reduce_max(in, axes, {.keepdims = true});
  // Where the largest is infinite, nothing is subtracted: infinity minus infinity has no value.
  const Tensor shift = stop_gradient(where(isfinite(high), high, zeros_like(high)));
  const Tensor out = log(reduce_sum(exp(in - shift), axes, {.keepdims = true})) + shift;
  return options.keepdims || axes.empty() ? out : squeeze(out, axes);
}

Tensor reduce_variance(const Tensor& x, const Axes& axis, const ReduceOptions& options) {
  const Tensor in = detail::as_floating(x);
  return reduce_mean(square(in - reduce_mean(in, axis, {.keepdims = true})), axis, options);
}

Tensor reduce_std(const Tensor& x, const Axes& axis, const ReduceOptions& options) {
  return sqrt(reduce_variance(x, axis, options));
}

Tensor count_nonzero(const Tensor& x, const Axes& axis, const ReduceOptions& options) {
  return reduce_sum(cast(truth(x), DType::int64), axis, options);
}

Tensor norm(const Tensor& x, const Axes& axis, const NormOptions& options) {
  const Tensor in = detail::as_floating(x);
  const ReduceOptions keep{.keepdims = options.keepdims};
  if (options.ord == 2) return sqrt(reduce_sum(square(in), axis, keep));
  if (options.ord == 1) return reduce_sum(abs(in), axis, keep);
  if (std::isinf(options.ord) && options.ord > 0) return reduce_max(abs(in), axis, keep);
  if (!(options.ord > 0))
    throw ValueError("norm: ord is " + std::to_string(options.ord) +
                     ", expected a positive number; 2 gives the Euclidean norm, infinity the largest element.");
  return pow(reduce_sum(pow(abs(in), options.ord), axis, keep), 1 / options.ord);
}

void register_reduce(Registry& r) {
  r.add<ReduceOp<SumDef>>();
  r.add<ReduceOp<MeanDef>>();
  r.add<ReduceOp<MaxDef>>();
  r.add<ReduceOp<MinDef>>();
  r.add<ReduceOp<ProdDef>>();
  r.add<ReduceOp<AnyDef>>();
  r.add<ReduceOp<AllDef>>();
}

}  // namespace strata
